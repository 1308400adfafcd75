package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestIntervalsCover(t *testing.T) {
	t.Parallel()
	for _, noise := range Noises() {
		t.Run(string(noise), func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{6, 10, 20} {
				const runs = 5000
				if covered := SimulateCoverage(7, noise, n, runs); covered < 0.94*runs {
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
	for _, noise := range Noises() {
		if n := SimulateAA(9, noise, 10, 1000); n < 30 || n > 73 {
			t.Errorf("%s: called different %d times by the interval, want 30 to 73 of 1,000", noise, n)
		}
		s, byFlip := simulate(9, noise, 10, 0), 0
		for i := range 1000 {
			if SignFlipP(s.pairs(10), uint64(i)) <= 0.05 {
				byFlip++
			}
		}
		if byFlip < 30 || byFlip > 73 {
			t.Errorf("%s: called different %d times by the sign flip, want 30 to 73 of 1,000", noise, byFlip)
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
		{12, 0.05, SmallestEffectAt(12, 0.05, 0.05), 740, 830},
		{6, 0.05, SmallestEffectAt(6, 0.05, 0.05), 570, 670},
	} {
		if found := SimulatePower(10, c.n, c.sd, c.effect, 1000); found < c.atLeast || found >= c.below {
			t.Errorf("+%.1f %% at sd %v with %d pairs: found %d times of 1,000, want %d to %d", 100*c.effect, c.sd, c.n, found, c.atLeast, c.below)
		}
	}
}

// TestUntilKeepsItsErrorRate: whatever a run that looks five times ends by, its
// interval misses the truth in at most 5 % of runs; uncorrected the looks add
// up to more than that.
func TestUntilKeepsItsErrorRate(t *testing.T) {
	t.Parallel()
	for _, noise := range Noises() {
		t.Run(string(noise), func(t *testing.T) {
			t.Parallel()
			const runs = 2000
			s := SimulateUntil(12, noise, 0.05, true, runs)
			if s.Missed > 0.05*runs || s.EverMissed > 0.05*runs {
				t.Errorf("of %d runs %d ended with an interval that misses the truth, and %d had one at some look: more than 5 %%", runs, s.Missed, s.EverMissed)
			}
			if plain := SimulateUntil(12, noise, 0.05, false, runs); plain.EverMissed < 0.08*runs {
				t.Errorf("uncorrected, only %d of %d runs had an interval that misses: the simulation does not see what looking costs", plain.EverMissed, runs)
			}
		})
	}
}

// TestUntilStopsEarlyWhereItCan: where pairs scatter little the first look is
// the last; a goal out of reach takes every block.
func TestUntilStopsEarlyWhereItCan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		goal        float64
		reached     int // at least, of 500
		least, most float64
	}{{0.2, 500, 10, 10}, {0.05, 450, 12, 32}, {0.01, 0, 40, 40}} {
		s := SimulateUntil(13, LogNormal, c.goal, true, 500)
		if s.Reached < c.reached || s.MeanBlocks < c.least || s.MeanBlocks > c.most {
			t.Errorf("goal %v: %d of 500 reached it, after %.1f blocks; want %d and %v to %v", c.goal, s.Reached, s.MeanBlocks, c.reached, c.least, c.most)
		}
	}
}

// TestBestIsComparedOnOtherBlocks: of eight equal things the best of all blocks
// is called different from the next one on the same blocks too often; on the
// blocks that did not choose it as often as said.
func TestBestIsComparedOnOtherBlocks(t *testing.T) {
	t.Parallel()
	const things, blocks, runs = 8, 20, 1500
	r := rand.New(rand.NewPCG(14, 14))
	honest, lucky := 0, 0
	for range runs {
		values := make([][]float64, things)
		for k := range values {
			values[k] = make([]float64, blocks)
			for i := range values[k] {
				values[k][i] = math.Exp(0.05 * r.NormFloat64())
			}
		}
		best := Best(values, true)
		var even, odd []float64
		for i := range blocks {
			d := math.Log(values[(best+1)%things][i] / values[best][i])
			if Chooses(i + 1) {
				odd = append(odd, d)
			} else {
				even = append(even, d)
			}
		}
		if SignedRankInterval(even, 0.95).Lo > 0 {
			honest++
		}
		if SignedRankInterval(odd, 0.95).Lo > 0 {
			lucky++
		}
	}
	if honest > 0.04*runs || lucky < 0.08*runs { // 2.5 % on the side that looks
		t.Errorf("of %d runs another thing is called worse in %d on the other blocks and in %d on those that chose", runs, honest, lucky)
	}
}

// TestSlopesCover: the slope inside each block, then Hodges-Lehmann over blocks,
// has an interval that covers, although the machine's state is another in
// every block.
func TestSlopesCover(t *testing.T) {
	t.Parallel()
	const runs, truth = 3000, 0.002
	x := []float64{0, 1000, 8000}
	for _, n := range []int{6, 12} {
		r := rand.New(rand.NewPCG(15, uint64(n)))
		covered := 0
		for range runs {
			slopes := make([]float64, n)
			for i := range slopes {
				y := make([]float64, len(x))
				state := math.Exp(0.2 * r.NormFloat64())
				for j := range y {
					y[j] = 8*state + truth*x[j] + 0.3*r.NormFloat64()
				}
				slopes[i] = Slope(x, y)
			}
			if i := SignedRankInterval(slopes, 0.95); i.Lo <= truth && truth <= i.Hi {
				covered++
			}
		}
		if covered < 0.94*runs {
			t.Errorf("%d blocks: %d of %d intervals cover", n, covered, runs)
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
