package calibrate

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"medusa/results"
)

func near(a, b, relative float64) bool { return math.Abs(a-b) <= relative*math.Abs(b)+1e-15 }

func TestChances(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][2]float64{
		// Ten tosses of a coin: 1, 10, 45, ... of 1024.
		"below 2 of 10":    {binomialBelow(10, .5, 2), 11. / 1024},
		"below 0":          {binomialBelow(10, .5, 0), 0},
		"8 or more of 10":  {binomialAtLeast(10, .5, 8), 56. / 1024},
		"over 9 of 10":     {binomialOver(10, .5, 9.5), 1. / 1024},
		"over 1 % of none": {binomialOver(0, .5, 0), 1},
		"never":            {binomialOver(1000, 0, 0), 0},
		"always":           {binomialOver(1000, 1, 999), 1},
		"below, always":    {binomialBelow(1000, 1, 1000), 0},
		"median":           {medianOf3(.5), .5},
		// Smirnov's table: 5 % at 1.3581, 1 % at 1.6276.
		"Kolmogorov 5 %":  {kolmogorov(10_000, .013581), .05},
		"Kolmogorov 1 %":  {kolmogorov(10_000, .016276), .01},
		"Kolmogorov near": {kolmogorov(100, .001), 1},
		"three sigma":     {normalBeyond(3), .0026998},
	} {
		if !near(c[0], c[1], .01) {
			t.Errorf("%s: %v, want %v", name, c[0], c[1])
		}
	}
}

func TestRank(t *testing.T) {
	t.Parallel()
	var hundred []int64
	for i := range int64(100) {
		hundred = append(hundred, i+1)
	}
	for q, want := range map[float64]int64{.99: 99, .5: 50, .505: 51, 0: 1, 1: 100, .999: 100} {
		if got := rank(hundred, q); got != want {
			t.Errorf("quantile %v of 1 to 100: %d, want %d", q, got, want)
		}
	}
	if rank(nil, .5) != 0 || middle([]int64{9, 1, 5}) != 5 {
		t.Error("of nothing, or of three")
	}
}

// TestBounds: a part passes inside its bounds, and what is no number never.
func TestBounds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		v    float64
		in   bound
		pass bool
	}{
		"inside": {2, between(1, 3), true}, "at the end": {3, between(1, 3), true}, "under": {.9, between(1, 3), false}, "over": {3.1, atMost(3), false},
		"least": {3.1, atLeast(3), true}, "exact": {3, exactly(3), true}, "not exact": {4, exactly(3), false}, "shown": {-1e9, shown(), true},
		"no number": {math.NaN(), shown(), false}, "endless": {math.Inf(1), atLeast(0), false},
	} {
		b := newTruth("x", "x")
		b.part("p", "us", c.v, c.in)
		if b.Pass != c.pass || b.Parts[0].Pass != c.pass {
			t.Errorf("%s: %v", name, b.Pass)
		}
		if math.IsNaN(b.Parts[0].Measured) || math.IsInf(b.Parts[0].Measured, 0) {
			t.Errorf("%s: JSON has no such number", name)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	b := newTruth("stall", "a stall")
	b.part("response", "ms", 512.34, between(490, 540).of(500))
	b.part("lag", "us", 71, atMost(50))
	b.chance(.0013, "counted")
	b.Note = "a note"
	psi := .012
	c := &results.Certificate{DurationNs: 61e9, Truths: []results.Truth{b.Truth}, Quiet: results.Quiet{PSISomeShare: &psi},
		Floor: results.WakeFloor{Block: results.Floor{Count: 10_000, P50: 80_123}}}
	var out bytes.Buffer
	if err := WriteTable(&out, c); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"blocking    80.12 us", "CPU pressure 1.2 %, server's run delay unknown", "FAIL  a stall (stall); a correct generator fails this: 0.13 %",
		"response  512.3 ms  490 ms to 540 ms (true: 500 ms, error +2.5 %)  pass", "lag       71 us     at most 50 us                                  FAIL", "stall: a note", "0 of 1 truths, 1 FAILED (stall), in 1m1s",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	for p, want := range map[float64]string{0: "never", 1e-9: "under 0.0001 %", .0027: "0.27 %", .034: "3 %", 1: "100 %"} {
		if got := rate(p); got != want {
			t.Errorf("%v: %s, want %s", p, got, want)
		}
	}
}
