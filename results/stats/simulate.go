package stats

import (
	"math"
	"math/rand/v2"
)

// Noise is how the log times of trials scatter about the truth.
type Noise string

// The kinds of noise under which the statistics are proved. A pair is two
// trials back to back.
const (
	// LogNormal: independent, of sd 5 %.
	LogNormal Noise = "log-normal"
	// Bimodal: of sd 1 %, and every fourth trial takes 20 % longer.
	Bimodal Noise = "bimodal"
	// Drift: a first-order autoregression of coefficient 0.9 from trial to
	// trial, of sd 5 %, and 2 % of each trial's own.
	Drift Noise = "AR(1)"
	// TwoStates: the machine's speed flips by 43 %, at one trial in 20, so
	// mostly between pairs; 3 % of each trial's own.
	TwoStates Noise = "two states"
)

// Noises are all of them.
func Noises() []Noise { return []Noise{LogNormal, Bimodal, Drift, TwoStates} }

// trials returns a source of log times of equal things, in order of execution.
func (n Noise) trials(r *rand.Rand) func() float64 {
	switch n {
	case Bimodal:
		return func() float64 {
			v := 0.01 * r.NormFloat64()
			if r.IntN(4) == 0 {
				v += math.Log(1.2)
			}
			return v
		}
	case Drift:
		state := 0.0
		return func() float64 {
			state = 0.9*state + 0.05*r.NormFloat64()
			return state + 0.02*r.NormFloat64()
		}
	case TwoStates:
		slow := false
		return func() float64 {
			if r.IntN(20) == 0 {
				slow = !slow
			}
			v := 0.03 * r.NormFloat64()
			if slow {
				v += math.Log(1.43)
			}
			return v
		}
	}
	return func() float64 { return 0.05 * r.NormFloat64() }
}

// simulation draws the log ratios of pairs whose true log ratio is known. The
// order inside a pair alternates at random, as a balanced design does.
type simulation struct {
	r     *rand.Rand
	next  func() float64
	truth float64
}

func simulate(seed uint64, noise Noise, n int, truth float64) simulation {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	return simulation{r, noise.trials(r), truth}
}

func (s simulation) pairs(n int) []float64 {
	d := make([]float64, n)
	for i := range d {
		a, b := s.next(), s.next()
		if s.r.IntN(2) == 0 {
			a, b = b, a
		}
		d[i] = a - b + s.truth
	}
	return d
}

// simulatedTruth is the log ratio that intervals have to cover.
const simulatedTruth = 0.3

// SimulateAA compares a thing with itself in so many runs of n pairs and
// returns in how many it was called different by its 95 % interval. The same
// seed gives the same runs on every system; the level is 5 %, so of 1,000 runs
// 30 to 73 are called different in 99.9 % of all seeds.
func SimulateAA(seed uint64, noise Noise, n, runs int) int {
	s, at, different := simulate(seed, noise, n, 0), depthOf(n, 0.95), 0
	for range runs {
		if Decide(at.interval(s.pairs(n)), NoInterval(), 0.05, true) != NotResolved {
			different++
		}
	}
	return different
}

// SimulatePower compares two things that differ by a relative effect, such as
// 0.05, in so many runs of n pairs whose log ratios scatter normally with
// standard deviation pairSD, and returns in how many the 95 % interval said so.
func SimulatePower(seed uint64, n int, pairSD, effect float64, runs int) int {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	found, at := 0, depthOf(n, 0.95)
	d := make([]float64, n)
	for range runs {
		for i := range d {
			d[i] = math.Log1p(effect) + pairSD*r.NormFloat64()
		}
		if at.interval(d).Lo > 0 {
			found++
		}
	}
	return found
}

// SimulateCoverage returns how many of so many 95 % intervals over n pairs
// cover the truth.
func SimulateCoverage(seed uint64, noise Noise, n, runs int) int {
	s, at, covered := simulate(seed, noise, n, simulatedTruth), depthOf(n, 0.95), 0
	for range runs {
		if i := at.interval(s.pairs(n)); i.Lo <= s.truth && s.truth <= i.Hi {
			covered++
		}
	}
	return covered
}

// Sequence is what became of simulated runs that went on until their interval
// was narrow enough.
type Sequence struct {
	Runs    int
	Reached int // runs that reached the goal
	Missed  int // final intervals that miss the truth
	// EverMissed counts runs of which the interval at any look missed the
	// truth, had the run gone on to its end: what the worst rule could pick.
	EverMissed int
	MeanBlocks float64
}

// SimulateUntil lets so many runs go on until the relative half-width of their
// interval is at most goal, such as 0.05, at the looks of a run of 40 blocks.
// corrected says whether the intervals are corrected for being looked at.
func SimulateUntil(seed uint64, noise Noise, goal float64, corrected bool, runs int) Sequence {
	looks := Looks(MostBlocks())
	level := 0.95
	if corrected {
		level = 1 - PerLook(0.05, len(looks))
	}
	s, out := simulate(seed, noise, MostBlocks(), simulatedTruth), Sequence{Runs: runs}
	blocks := 0
	depths := make([]depth, len(looks))
	for k, n := range looks {
		depths[k] = depthOf(n, level)
	}
	for range runs {
		d := s.pairs(MostBlocks())
		ended, ever := false, false
		for k, n := range looks {
			i := depths[k].interval(d[:n])
			missed := s.truth < i.Lo || i.Hi < s.truth
			ever = ever || missed
			reached := i.HalfWidth() <= goal
			if ended || !reached && n < MostBlocks() {
				continue
			}
			ended = true
			blocks += n
			if missed {
				out.Missed++
			}
			if reached {
				out.Reached++
			}
		}
		if ever {
			out.EverMissed++
		}
	}
	out.MeanBlocks = float64(blocks) / float64(runs)
	return out
}
