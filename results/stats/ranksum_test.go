package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/perf/benchmath"
)

// TestRankSumPAgreesWithBenchmath: without ties, against the exact test that
// benchstat uses.
func TestRankSumPAgreesWithBenchmath(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(16, 1))
	for range 100 {
		x, y := normals(r, 3+r.IntN(10)), normals(r, 3+r.IntN(10))
		want := benchmath.AssumeNothing.Compare(benchmath.NewSample(slices.Clone(x), &benchmath.DefaultThresholds), benchmath.NewSample(slices.Clone(y), &benchmath.DefaultThresholds))
		if got := RankSumP(x, y); math.Abs(got-want.P) > 1e-9 {
			t.Errorf("%v and %v: p %v, benchmath %v", x, y, got, want.P)
		}
	}
	if got := RankSumP(nil, []float64{1}); got != 1 {
		t.Errorf("p of nothing: %v", got)
	}
	if got := RankSumP([]float64{2, 2}, []float64{2, 2}); got != 1 {
		t.Errorf("p of equals: %v", got)
	}
}

// TestRankSumPWithTies: against every way to choose 3 of 7 midranks.
func TestRankSumPWithTies(t *testing.T) {
	t.Parallel()
	x, y := []float64{1, 1, 2}, []float64{1, 2, 2, 3}
	doubled := []int{4, 4, 10, 4, 10, 10, 14} // 1 2 3 | 4 5 6 | 7
	observed, extreme, all := 4+4+10, 0, 0
	for bits := range 1 << 7 {
		n, sum := 0, 0
		for i, r := range doubled {
			if bits>>i&1 == 1 {
				n, sum = n+1, sum+r
			}
		}
		if n == 3 {
			all++
			if abs(sum-24) >= abs(observed-24) {
				extreme++
			}
		}
	}
	if got, want := RankSumP(x, y), float64(extreme)/float64(all); math.Abs(got-want) > 1e-12 {
		t.Errorf("p %v, by counting %v", got, want)
	}
}

func normals(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

// TestRankSumInterval: 4 against 5 values that do not overlap. U <= 0 has the
// chance 1/126 at each side, U <= 1 2/126.
func TestRankSumInterval(t *testing.T) {
	t.Parallel()
	x, y := []float64{10, 11, 13, 16}, []float64{1, 2, 4, 7, 9}
	d := differences(x, y)
	for _, c := range []struct {
		level    float64
		lo, hi   float64
		coverage float64
	}{
		{0.98, d[0], d[19], 1 - 2.0/126},
		{0.96, d[1], d[18], 1 - 4.0/126},
		{0.9999, d[0], d[19], 1 - 2.0/126}, // cannot be reached: the longest
	} {
		got := RankSumInterval(x, y, c.level)
		if got.Lo != c.lo || got.Hi != c.hi || math.Abs(got.Coverage-c.coverage) > 1e-12 {
			t.Errorf("level %v: %+v, want %+v", c.level, got, c)
		}
	}
	if got := Shift(x, y); got != (d[9]+d[10])/2 {
		t.Errorf("shift %v", got)
	}
	for _, i := range []Interval{RankSumInterval(nil, y, 0.95), RankSumInterval([]float64{1}, []float64{2}, 0.95)} {
		if i.Coverage != 0 {
			t.Errorf("an interval of nothing: %+v", i)
		}
	}
}

// TestRankSumIntervalsCover: two runs of one thing, of 6 and 12 blocks, the one
// with noise of two kinds: at least 94 % of intervals cover.
func TestRankSumIntervalsCover(t *testing.T) {
	t.Parallel()
	const runs, truth = 4000, 0.2
	for _, noise := range []Noise{LogNormal, Bimodal} {
		covered, different := 0, 0
		s := simulate(17, noise, 12, 0)
		for range runs {
			x, y := s.pairs(6), s.pairs(12)
			for i := range x {
				x[i] += truth
			}
			i := RankSumInterval(x, y, 0.95)
			if i.Lo <= truth && truth <= i.Hi {
				covered++
			}
			for j := range x {
				x[j] -= truth
			}
			if RankSumP(x, y) <= 0.05 {
				different++
			}
		}
		if covered < 0.94*runs || different > 0.06*runs {
			t.Errorf("%s: %d of %d intervals cover, %d equal ones are called different", noise, covered, runs, different)
		}
	}
}

func TestLooks(t *testing.T) {
	t.Parallel()
	for most, want := range map[int][]int{40: {10, 14, 20, 28, 40}, 17: {10, 14, 17}, 10: {10}, 6: {6}, 60: {10, 14, 20, 28, 40, 60}} {
		if got := Looks(most); !slices.Equal(got, want) {
			t.Errorf("most %d: looks at %v, want %v", most, got, want)
		}
	}
	if PerLook(0.05, 5) != 0.01 || PerLook(0.05, 0) != 0.05 {
		t.Error("the error rate is not shared out")
	}
}

func TestHalfWidth(t *testing.T) {
	t.Parallel()
	if got := (Interval{Lo: math.Log(1.9), Hi: math.Log(2.1), Coverage: 0.95}).HalfWidth(); math.Abs(got-(math.Sqrt(2.1/1.9)-1)) > 1e-12 {
		t.Errorf("half-width %v", got)
	}
	if got := NoInterval().HalfWidth(); !math.IsInf(got, 1) {
		t.Errorf("half-width of nothing: %v", got)
	}
}

func TestBest(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for _, c := range []struct {
		name   string
		values [][]float64
		lower  bool
		want   int
	}{
		{"odd blocks decide", [][]float64{{3, 1, 3, 1}, {2, 9, 2, 9}}, true, 1},
		{"higher is better", [][]float64{{3, 1, 3, 1}, {2, 9, 2, 9}}, false, 0},
		{"without a value in odd blocks", [][]float64{{nan, 1, nan, 1}, {2, 9, nan, 9}}, true, 1},
		{"none", [][]float64{{nan, 1}}, true, -1},
		{"the first of equals", [][]float64{{2, 1}, {2, 1}}, true, 0},
	} {
		if got := Best(c.values, c.lower); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
