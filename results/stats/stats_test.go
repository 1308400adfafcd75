package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"golang.org/x/perf/benchmath"
)

func TestSmallestEffect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n        int
		sd, want float64
	}{{6, 0.05, 0.074}, {12, 0.05, 0.045}} {
		if got := SmallestEffectAt(c.n, c.sd, 0.05); math.Abs(got-c.want) > 0.0005 {
			t.Errorf("%d pairs of sd %v: %.4f, want %.3f", c.n, c.sd, got, c.want)
		}
	}
	for _, got := range []float64{SmallestEffectAt(1, 0.05, 0.05), SmallestEffectAt(6, math.NaN(), 0.05)} {
		if !math.IsNaN(got) {
			t.Errorf("an effect of nothing: %v", got)
		}
	}
	if got := SmallestEffectAt(6, 0, 0.05); got != 0 {
		t.Errorf("without scatter every effect is found, not %v", got)
	}
}

func TestSmallestShift(t *testing.T) {
	t.Parallel()
	// Two samples of 12 at sd 0.05: (t(0.975, 22) + t(0.80, 22)) sqrt(2/12) 0.05.
	if got, want := SmallestShift(12, 0.05, 12, 0.05, 0.05), math.Expm1((2.0739+0.8583)*0.05*math.Sqrt(2.0/12)); math.Abs(got-want) > 1e-4 {
		t.Errorf("%.5f, want %.5f", got, want)
	}
	if a, b := SmallestEffectAt(12, 0.05, 0.01), SmallestEffectAt(12, 0.05, 0.05); !(a > b) {
		t.Errorf("at 1 %% an effect of %v is found, at 5 %% one of %v", a, b)
	}
	if got := SmallestShift(1, 0.05, 12, 0.05, 0.05); !math.IsNaN(got) {
		t.Errorf("an effect of nothing: %v", got)
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	ci := func(lo, hi float64) Interval {
		return Interval{Lo: math.Log(lo), Hi: math.Log(hi), Coverage: 0.95}
	}
	for _, c := range []struct {
		name     string
		i95, i90 Interval
		lower    bool
		want     Outcome
		within   bool
	}{
		{"dearer", ci(2.8, 3.0), ci(2.85, 2.95), true, Slower, false},
		{"cheaper", ci(0.8, 0.9), ci(0.82, 0.88), true, Faster, false},
		{"more capacity", ci(1.1, 1.2), ci(1.12, 1.18), false, Faster, false},
		{"less capacity", ci(0.8, 0.9), ci(0.82, 0.88), false, Slower, false},
		{"same", ci(0.94, 1.06), ci(0.96, 1.04), true, Same, true},
		{"the 90 % interval touches the margin", ci(0.94, 1.06), ci(0.95, 1.04), true, NotResolved, false},
		{"wide", ci(0.5, 2), ci(0.6, 1.9), true, NotResolved, false},
		{"certain and small", ci(1.01, 1.03), ci(1.015, 1.025), true, Slower, true},
		{"no interval", NoInterval(), NoInterval(), true, NotResolved, false},
	} {
		if got := Decide(c.i95, c.i90, 0.05, c.lower); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if got := Within(c.i90, 0.05); got != c.within {
			t.Errorf("%s: within %v, want %v", c.name, got, c.within)
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		x    []float64
		want float64
	}{{[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 2, 3}, 2.5}, {[]float64{7}, 7}} {
		if got := Median(c.x); got != c.want {
			t.Errorf("Median(%v) = %v, want %v", c.x, got, c.want)
		}
	}
	if !math.IsNaN(Median(nil)) {
		t.Error("no data has a median")
	}
}

// TestMedianDepth checks against the usual table of the sign test (two-sided
// 5 %), and the interval against benchstat's.
func TestMedianDepth(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{6: 0, 8: 0, 9: 1, 11: 1, 12: 2, 15: 3, 20: 5, 25: 7, 40: 13} {
		if got, coverage := MedianDepth(n, 0.95); got != want || coverage < 0.95 {
			t.Errorf("n %d: depth %d covers %v, published %d", n, got, coverage, want)
		}
	}
	if k, coverage := MedianDepth(5, 0.95); k != 0 || coverage != 0.9375 {
		t.Errorf("n 5: depth %d, coverage %v: want the whole range, 0.9375", k, coverage)
	}
	if got := MedianInterval([]float64{1}, 0.95); got.Coverage != 0 {
		t.Errorf("one value has the interval %+v", got)
	}
	// benchstat's interval may be one order statistic shorter at one end; for
	// n = 6 to 8 both are the whole range.
	for n := 6; n <= 8; n++ {
		x := make([]float64, n)
		for i := range x {
			x[i] = float64(i * i)
		}
		want := benchmath.AssumeNothing.Summary(benchmath.NewSample(x, &benchmath.DefaultThresholds), 0.95)
		got := MedianInterval(x, 0.95)
		if n == 6 && (got.Lo != want.Lo || got.Hi != want.Hi || math.Abs(got.Coverage-want.Confidence) > 1e-9) {
			t.Errorf("n %d: %+v, benchstat %+v", n, got, want)
		}
		if got.Lo > want.Lo || got.Hi < want.Hi {
			t.Errorf("n %d: %+v does not hold benchstat's %+v", n, got, want)
		}
	}
}

func TestSlope(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		x, y []float64
		want float64
	}{
		{[]float64{0, 2000, 8000}, []float64{8, 12, 24}, 0.002},
		{[]float64{1, 2, 3}, []float64{1, 3, 2}, 0.5},
		{[]float64{0, 1}, []float64{5, 5}, 0},
	} {
		if got := Slope(c.x, c.y); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("Slope(%v, %v) = %v, want %v", c.x, c.y, got, c.want)
		}
	}
	if !math.IsNaN(Slope([]float64{4, 4}, []float64{1, 2})) || !math.IsNaN(Slope(nil, nil)) {
		t.Error("one x has a slope")
	}
}

func TestWilliamsIsBalanced(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 9; n++ {
		rows := Williams(n)
		want := n
		if n%2 == 1 && n > 1 {
			want = 2 * n
		}
		if len(rows) != want {
			t.Fatalf("n %d: %d rows, want %d", n, len(rows), want)
		}
		position := map[[2]int]int{}
		follows := map[[2]int]int{}
		for _, row := range rows {
			seen := map[int]bool{}
			for i, v := range row {
				seen[v] = true
				position[[2]int{i, v}]++
				if i > 0 {
					follows[[2]int{row[i-1], v}]++
				}
			}
			if len(row) != n || len(seen) != n {
				t.Fatalf("n %d: %v is no permutation", n, row)
			}
		}
		for i := range n {
			for v := range n {
				if position[[2]int{i, v}] != want/n {
					t.Errorf("n %d: %d stands %d times at %d", n, v, position[[2]int{i, v}], i)
				}
				if i != v && follows[[2]int{i, v}] != want/n {
					t.Errorf("n %d: %d follows %d %d times", n, v, i, follows[[2]int{i, v}])
				}
			}
		}
	}
	if Williams(0) != nil {
		t.Error("no treatments have an order")
	}
}

func TestUnsteady(t *testing.T) {
	t.Parallel()
	series := func(n int, level func(i int) float64) []float64 {
		r := rand.New(rand.NewPCG(5, uint64(n)))
		x := make([]float64, n)
		for i := range x {
			x[i] = 100 * level(i) * (1 + 0.05*r.NormFloat64())
		}
		return x
	}
	step := func(at int, size float64) func(int) float64 {
		return func(i int) float64 {
			if i < at {
				return 1
			}
			return size
		}
	}
	for _, c := range []struct {
		name     string
		x        []float64
		unsteady bool
		shift    float64 // of the median, +- 0.04; only where unsteady
	}{
		{"flat", series(100, step(0, 1)), false, 0},
		{"a step in the middle", series(100, step(50, 1.4)), true, 0.34},
		{"a step near the end", series(100, step(80, 1.4)), true, 0.40},
		{"a step down", series(100, step(50, 0.7)), true, 0.35},
		{"a certain but small step", series(400, step(200, 1.06)), false, 0},
		{"growing", series(100, func(i int) float64 { return 1 + float64(i)/100 }), true, 0.34},
		{"halves of a short series", series(20, step(10, 1.4)), true, 0.34},
		{"too short to tell", []float64{1, 1, 2, 2}, false, 0},
		{"one outlier", append(series(60, step(0, 1)), 10000), false, 0},
		{"constant", make([]float64, 60), false, 0},
	} {
		p, shift := Unsteady(c.x, 1)
		if got := p <= 0.002 && shift > 0.10; got != c.unsteady {
			t.Errorf("%s: p %v, shift %v: unsteady %v, want %v", c.name, p, shift, got, c.unsteady)
		}
		if c.unsteady && math.Abs(shift-c.shift) > 0.04 {
			t.Errorf("%s: shift %v, want %v", c.name, shift, c.shift)
		}
		if again, _ := Unsteady(c.x, 1); again != p {
			t.Errorf("%s: the same seed gave p %v and %v", c.name, p, again)
		}
	}
}

// TestUnsteadyCountsItsSearch: among flat series, few have a small p although
// the best of many splits is taken.
func TestUnsteadyCountsItsSearch(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(6, 6))
	small := 0
	const runs = 1000
	for i := range runs {
		x := make([]float64, 60)
		for j := range x {
			x[j] = math.Exp(r.NormFloat64())
		}
		if p, _ := Unsteady(x, uint64(i)); p <= 0.05 {
			small++
		}
	}
	if small < 30 || small > 73 { // 50 expected, sd 6.9
		t.Errorf("%d of %d flat series have p <= 0.05", small, runs)
	}
}
