package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestDepthAgreesWithPublishedCriticalValues compares with the table of
// critical values of the signed-rank statistic found in every textbook
// (two-sided; Wilcoxon and Wilcox 1964): the depth of the interval is the
// largest T that rejects.
func TestDepthAgreesWithPublishedCriticalValues(t *testing.T) {
	t.Parallel()
	tables := map[float64]map[int]int{
		0.95: {6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 11: 10, 12: 13, 13: 17, 14: 21, 15: 25, 16: 29, 17: 34, 18: 40, 19: 46, 20: 52, 25: 89, 30: 137},
		0.90: {5: 0, 6: 2, 7: 3, 8: 5, 9: 8, 10: 10, 11: 13, 12: 17, 13: 21, 14: 25, 15: 30, 16: 35, 17: 41, 18: 47, 19: 53, 20: 60},
		0.99: {8: 0, 9: 1, 10: 3, 11: 5, 12: 7, 13: 9, 14: 12, 15: 15, 16: 19, 17: 23, 18: 27, 19: 32, 20: 37},
	}
	for level, table := range tables {
		for n, want := range table {
			if got, coverage := signedRankDepth(n, level); got != want || coverage < level {
				t.Errorf("n %d at %v: depth %d covers %v, published %d", n, level, got, coverage, want)
			}
		}
	}
}

func TestCoverageIsReported(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n    int
		want float64
	}{
		{1, 0}, {2, 0.5}, {4, 0.875}, {5, 0.9375}, // 95 % is out of reach: the longest
		{6, 0.96875}, {10, 1 - 50.0/1024}, {12, 1 - 174.0/4096},
	} {
		d := make([]float64, c.n)
		for i := range d {
			d[i] = float64(i)
		}
		if got := SignedRankInterval(d, 0.95).Coverage; math.Abs(got-c.want) > 1e-12 {
			t.Errorf("n %d: coverage %v, want %v", c.n, got, c.want)
		}
	}
	if got := SignedRankInterval(nil, 0.95); got.Coverage != 0 || !math.IsNaN(got.Lo) {
		t.Errorf("no data: %+v", got)
	}
}

// TestHamiltonDepression is example 3.1 of Hollander and Wolfe: T+ = 5,
// p = 0.039 two-sided, estimate -0.46, 96 % interval -0.786 to -0.010.
func TestHamiltonDepression(t *testing.T) {
	t.Parallel()
	before := []float64{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30}
	after := []float64{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}
	d := make([]float64, len(before))
	for i := range d {
		d[i] = after[i] - before[i]
	}
	if got := HodgesLehmann(d); math.Abs(got+0.46) > 1e-9 {
		t.Errorf("estimate %v, published -0.46", got)
	}
	if got := SignedRankP(d); math.Abs(got-0.0390625) > 1e-12 {
		t.Errorf("p %v, published 0.039", got)
	}
	i := SignedRankInterval(d, 0.95)
	if math.Abs(i.Lo+0.786) > 1e-9 || math.Abs(i.Hi+0.010) > 1e-9 || math.Abs(i.Coverage-0.9609375) > 1e-12 {
		t.Errorf("interval %+v, published -0.786 to -0.010 at 96 %%", i)
	}
}

func TestHodgesLehmannByHand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		d    []float64
		want float64
	}{
		{[]float64{3}, 3},
		{[]float64{1, 2}, 1.5},        // 1, 1.5, 2
		{[]float64{0, 0, 9}, 2.25},    // 0 0 0 4.5 4.5 9
		{[]float64{1, 2, 4}, 2.25},    // 1 1.5 2 2.5 3 4: between 2 and 2.5
		{[]float64{-5, 0, 1, 6}, 0.5}, // -5 -2.5 -2 0 .5 .5 1 3 3.5 6
	} {
		if got := HodgesLehmann(c.d); got != c.want {
			t.Errorf("HodgesLehmann(%v) = %v, want %v", c.d, got, c.want)
		}
	}
	if !math.IsNaN(HodgesLehmann(nil)) {
		t.Error("no data has an estimate")
	}
}

// TestIntervalInvertsTheTest: a centre lies inside the interval exactly when
// the signed-rank test does not reject it.
func TestIntervalInvertsTheTest(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		d := make([]float64, 6+r.IntN(10))
		for i := range d {
			d[i] = r.NormFloat64() + 0.3
		}
		i := SignedRankInterval(d, 0.95)
		for range 20 {
			centre := r.NormFloat64()
			moved := make([]float64, len(d))
			for j := range d {
				moved[j] = d[j] - centre
			}
			inside := centre >= i.Lo && centre <= i.Hi
			if rejected := SignedRankP(moved) <= 1-i.Coverage+1e-12; rejected == inside {
				t.Fatalf("centre %v of %v: inside %v, rejected %v", centre, i, inside, rejected)
			}
		}
	}
}

// TestSignedRankPAgainstEnumeration counts all sign patterns, with ties.
func TestSignedRankPAgainstEnumeration(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 2))
	for range 300 {
		d := make([]float64, 1+r.IntN(10))
		for i := range d {
			d[i] = float64(r.IntN(13) - 6) // ties and zeros are common
		}
		if got, want := SignedRankP(d), bruteSignedRankP(d); math.Abs(got-want) > 1e-12 {
			t.Fatalf("%v: p %v, enumerated %v", d, got, want)
		}
	}
}

func bruteSignedRankP(d []float64) float64 {
	var abs, kept []float64
	for _, v := range d {
		if v != 0 {
			abs, kept = append(abs, math.Abs(v)), append(kept, v)
		}
	}
	if len(abs) == 0 {
		return 1
	}
	rank := make([]float64, len(abs))
	for i := range abs {
		for j := range abs {
			if abs[j] < abs[i] {
				rank[i]++
			} else if abs[j] == abs[i] {
				rank[i] += 0.5
			}
		}
		rank[i] += 0.5
	}
	statistic := func(positive func(i int) bool) float64 {
		plus, minus := 0.0, 0.0
		for i := range rank {
			if positive(i) {
				plus += rank[i]
			} else {
				minus += rank[i]
			}
		}
		return min(plus, minus)
	}
	observed := statistic(func(i int) bool { return kept[i] > 0 })
	hits, all := 0, 1<<len(rank)
	for pattern := range all {
		if statistic(func(i int) bool { return pattern>>i&1 == 1 }) <= observed {
			hits++
		}
	}
	return float64(hits) / float64(all)
}

func TestCensoredIntervalHoldsEveryPossibleInterval(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	for range 100 {
		n := 6 + r.IntN(8)
		lower, upper, truth := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range n {
			truth[i] = r.NormFloat64()
			lower[i], upper[i] = truth[i], truth[i]
			switch r.IntN(4) {
			case 0:
				lower[i], upper[i] = truth[i]-r.Float64(), math.Inf(1)
			case 1:
				lower[i], upper[i] = math.Inf(-1), truth[i]+r.Float64()
			}
		}
		got, want := CensoredInterval(lower, upper, 0.95), SignedRankInterval(truth, 0.95)
		if !(got.Lo <= want.Lo && got.Hi >= want.Hi) || got.Coverage != want.Coverage {
			t.Fatalf("%+v does not hold %+v", got, want)
		}
	}
	finite := []float64{1, 2, 3, 4, 5, 6}
	open := []float64{1, 2, 3, 4, 5, math.Inf(1)}
	if got := CensoredInterval(finite, open, 0.95); got.Lo != 1 || !math.IsInf(got.Hi, 1) {
		t.Errorf("one open value of six: %+v, want 1 to infinity", got)
	}
}
