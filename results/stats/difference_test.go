package stats

import (
	"fmt"
	"math"
	"testing"
)

func TestDifference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a      float64
		aIn    Interval
		b      float64
		bIn    Interval
		lo, hi float64
	}{
		{1, Interval{0, 2, 0.97}, 4, Interval{4, 4, 0.95}, 2, 4}, // one that is known exactly
		{0, Interval{-3, 3, 0.95}, 0, Interval{-4, 4, 0.95}, -5, 5},
		{0, Interval{-1, 3, 0.95}, 10, Interval{6, 11, 0.95}, 10 - 5, 10 + math.Sqrt2}, // lopsided
		{0, Interval{math.Inf(-1), 1, 0.95}, 0, Interval{-1, 1, 0.95}, -math.Sqrt2, math.Inf(1)},
	} {
		got := Difference(c.a, c.aIn, c.b, c.bIn)
		if math.Abs(got.Lo-c.lo) > 1e-12 || got.Hi != c.hi && math.Abs(got.Hi-c.hi) > 1e-12 || got.Coverage != 0.95 {
			t.Errorf("%v to %v: %+v, want %v to %v", c.a, c.b, got, c.lo, c.hi)
		}
	}
	if got := Difference(1, NoInterval(), 2, Interval{1, 3, 0.95}); got.Coverage != 0 || !math.IsNaN(got.Lo) {
		t.Errorf("without an interval: %+v", got)
	}
}

// TestDifferenceCovers: two runs of the same truth, each its own estimate and
// exact interval over its pairs, in the noises that pairs have; the one may
// scatter more than the other and have more blocks.
func TestDifferenceCovers(t *testing.T) {
	t.Parallel()
	const runs = 2000
	for _, noise := range Noises() {
		for _, n := range [][2]int{{6, 6}, {6, 12}, {12, 12}} {
			for _, wider := range []float64{1, 3} {
				t.Run(fmt.Sprint(noise, n, wider), func(t *testing.T) {
					t.Parallel()
					s := simulate(2008, noise, n[0]*n[1], 0.3)
					covered, differ := 0, 0
					for range runs {
						a, b := s.pairs(n[0]), s.pairs(n[1])
						for i := range b {
							b[i] = 0.3 + wider*(b[i]-0.3)
						}
						i := Difference(HodgesLehmann(a), SignedRankInterval(a, 0.95), HodgesLehmann(b), SignedRankInterval(b, 0.95))
						if i.Lo <= 0 && 0 <= i.Hi {
							covered++
						}
						if i.Lo <= 0.5 && 0.5 <= i.Hi {
							differ++
						}
					}
					if covered < runs*94/100 {
						t.Errorf("%d of %d intervals of the difference hold 0", covered, runs)
					}
					if noise == LogNormal && wider == 1 && differ > runs/20 {
						t.Errorf("%d of %d hold a difference that is not there: the intervals are too wide to say anything", differ, runs)
					}
				})
			}
		}
	}
}
