package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// noise makes the log times of one pair of trials of equal things, in order of
// execution.
type noise func(r *rand.Rand) func() (first, second float64)

var noises = map[string]noise{
	"log-normal": func(r *rand.Rand) func() (float64, float64) {
		return func() (float64, float64) { return 0.05 * r.NormFloat64(), 0.05 * r.NormFloat64() }
	},
	"bimodal": func(r *rand.Rand) func() (float64, float64) {
		one := func() float64 {
			v := 0.01 * r.NormFloat64()
			if r.IntN(4) == 0 {
				v += math.Log(1.2)
			}
			return v
		}
		return func() (float64, float64) { return one(), one() }
	},
	"AR(1)": func(r *rand.Rand) func() (float64, float64) {
		state := 0.0
		next := func() float64 {
			state = 0.9*state + 0.05*r.NormFloat64()
			return state + 0.02*r.NormFloat64()
		}
		return func() (float64, float64) { return next(), next() }
	},
	// The machine's speed flips by 43 %, seldom inside a pair.
	"two states": func(r *rand.Rand) func() (float64, float64) {
		slow := false
		next := func() float64 {
			if r.IntN(20) == 0 {
				slow = !slow
			}
			v := 0.03 * r.NormFloat64()
			if slow {
				v += math.Log(1.43)
			}
			return v
		}
		return func() (float64, float64) { return next(), next() }
	},
}

// logRatios draws n pairs with a true log ratio; the order inside a pair
// alternates at random, as a balanced design does.
func logRatios(r *rand.Rand, pair func() (float64, float64), n int, truth float64) []float64 {
	d := make([]float64, n)
	for i := range d {
		a, b := pair()
		if r.IntN(2) == 0 {
			a, b = b, a
		}
		d[i] = a - b + truth
	}
	return d
}

func TestIntervalsCover(t *testing.T) {
	t.Parallel()
	const runs, truth = 5000, 0.3
	for name, make := range noises {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{6, 10, 20} {
				r := rand.New(rand.NewPCG(7, uint64(n)))
				pair := make(r)
				covered := 0
				for range runs {
					if i := SignedRankInterval(logRatios(r, pair, n, truth), 0.95); i.Lo <= truth && truth <= i.Hi {
						covered++
					}
				}
				if covered < 0.94*runs {
					t.Errorf("n %d: %d of %d intervals cover", n, covered, runs)
				}
			}
		})
	}
}

// TestPairsAcrossABlockDoNotWork is the reason for mini-blocks: the same
// machine, pairs formed across a change of state at every other block, finds
// differences that are not there or loses those that are.
func TestPairsAcrossABlockDoNotWork(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 8))
	inside, across := 0, 0
	const runs = 1000
	for range runs {
		near, far := make([]float64, 10), make([]float64, 10)
		for i := range near {
			near[i] = 0.05 + 0.03*r.NormFloat64()
			far[i] = near[i]
			if r.IntN(2) == 0 {
				far[i] += math.Log(1.43) * float64(2*r.IntN(2)-1)
			}
		}
		if SignedRankInterval(near, 0.95).Lo > 0 {
			inside++
		}
		if SignedRankInterval(far, 0.95).Lo > 0 {
			across++
		}
	}
	if inside < 900 || across > 300 {
		t.Errorf("5 %% is found in %d of %d runs inside mini-blocks, %d across", inside, runs, across)
	}
}

func TestEqualThingsAreCalledDifferentAsOftenAsSaid(t *testing.T) {
	t.Parallel()
	for name, make := range noises {
		r := rand.New(rand.NewPCG(9, 10))
		pair := make(r)
		byInterval, byFlip := 0, 0
		for i := range 1000 {
			d := logRatios(r, pair, 10, 0)
			if Decide(SignedRankInterval(d, 0.95), NoInterval(), 0.05, true) != NotResolved {
				byInterval++
			}
			if SignFlipP(d, uint64(i)) <= 0.05 {
				byFlip++
			}
		}
		if byInterval < 30 || byInterval > 73 || byFlip < 30 || byFlip > 73 {
			t.Errorf("%s: called different %d times by the interval and %d by the sign flip, want 30 to 73 of 1,000", name, byInterval, byFlip)
		}
	}
}

func TestPower(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n              int
		sd, effect     float64
		atLeast, below int // of 1,000
	}{
		{20, 0.05, 0.05, 950, 1001},
		{20, 0.07, 0.05, 780, 1001},
		{12, 0.05, SmallestEffect(12, 0.05), 740, 830},
		{6, 0.05, SmallestEffect(6, 0.05), 570, 670},
	} {
		r := rand.New(rand.NewPCG(10, uint64(c.n)))
		found := 0
		for range 1000 {
			d := make([]float64, c.n)
			for i := range d {
				d[i] = math.Log1p(c.effect) + c.sd*r.NormFloat64()
			}
			if SignedRankInterval(d, 0.95).Lo > 0 {
				found++
			}
		}
		if found < c.atLeast || found >= c.below {
			t.Errorf("+%.1f %% at sd %v with %d pairs: found %d times of 1,000, want %d to %d", 100*c.effect, c.sd, c.n, found, c.atLeast, c.below)
		}
	}
}

// TestSameIsSeldomCalledWrongly: a thing that is just outside the margin is
// called the same in at most 5 % of runs.
func TestSameIsSeldomCalledWrongly(t *testing.T) {
	t.Parallel()
	for _, n := range []int{6, 10, 20} {
		r := rand.New(rand.NewPCG(11, uint64(n)))
		same := 0
		for range 2000 {
			d := make([]float64, n)
			for i := range d {
				d[i] = math.Log(1.05) + 0.02*r.NormFloat64()
			}
			if Within(SignedRankInterval(d, 0.90), 0.05) {
				same++
			}
		}
		if same > 130 { // 100 expected, sd 9.7
			t.Errorf("n %d: 5 %% is called the same in %d of 2,000 runs", n, same)
		}
	}
}
