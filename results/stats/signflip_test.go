package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestDarwinsMaize is the example of Fisher's Design of Experiments, section
// 21: of 32,768 sign patterns of Darwin's 15 differences (eighths of an inch),
// 863 have a sum of at least 314, so the two-sided p is 1,726 / 32,768.
func TestDarwinsMaize(t *testing.T) {
	t.Parallel()
	d := []float64{49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48}
	want := 1726.0 / 32768
	if got := SignFlipP(d, 0); math.Abs(got-want) > 1e-15 {
		t.Errorf("p %v, published %v", got, want)
	}
	tenths := make([]float64, len(d)) // sums of tenths round: equal patterns must stay equal
	for i, v := range d {
		tenths[i] = v / 10
	}
	if got := SignFlipP(tenths, 0); math.Abs(got-want) > 1e-15 {
		t.Errorf("p of tenths %v, want %v", got, want)
	}
}

func TestSignFlipPBounds(t *testing.T) {
	t.Parallel()
	same := func(n int, v float64) []float64 {
		d := make([]float64, n)
		for i := range d {
			d[i] = v
		}
		return d
	}
	for _, c := range []struct {
		name string
		d    []float64
		want float64
	}{
		{"none", nil, 1},
		{"one", []float64{3}, 1},
		{"zeros", same(7, 0), 1},
		{"six that agree", same(6, 0.1), 2.0 / 64},
		{"six that agree, downwards", same(6, -0.1), 2.0 / 64},
		{"balanced", []float64{1, -1}, 1},
		{"twelve that agree", same(12, 1), 2.0 / 4096},
	} {
		if got := SignFlipP(c.d, 1); got != c.want {
			t.Errorf("%s: p %v, want %v", c.name, got, c.want)
		}
	}
}

// TestSignFlipDrawnAgreesWithEnumerated: 21 values are drawn; one of them is
// 0, so the truth is the enumeration of the other 20.
func TestSignFlipDrawnAgreesWithEnumerated(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 4))
	d := make([]float64, 20)
	for i := range d {
		d[i] = r.NormFloat64() + 0.5
	}
	exact := SignFlipP(d, 0)
	drawn := SignFlipP(append(d, 0), 7)
	if sd := math.Sqrt(exact * (1 - exact) / signFlipDraws); math.Abs(drawn-exact) > 5*sd+1e-5 {
		t.Errorf("drawn %v, exact %v", drawn, exact)
	}
	if again := SignFlipP(append(d, 0), 7); again != drawn {
		t.Errorf("the same seed gave %v and %v", drawn, again)
	}
}

func TestHolm(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for _, c := range []struct {
		name    string
		p, want []float64
	}{
		{"as p.adjust of R", []float64{0.01, 0.04, 0.03, 0.005}, []float64{0.03, 0.06, 0.06, 0.02}},
		{"capped", []float64{0.6, 0.7}, []float64{1, 1}},
		{"an untested contrast counts", []float64{0.02, nan, 0.04}, []float64{0.06, nan, 0.08}},
		{"none", nil, []float64{}},
	} {
		got := Holm(c.p)
		if len(got) != len(c.want) {
			t.Fatalf("%s: %v", c.name, got)
		}
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 1e-12 || math.IsNaN(got[i]) != math.IsNaN(c.want[i]) {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	}
}

func TestLeastPairs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ k, want int }{{0, 6}, {1, 6}, {2, 7}, {12, 9}, {49, 11}} {
		if got := LeastPairs(c.k, 0.05); got != c.want {
			t.Errorf("%d contrasts need %d pairs, want %d", c.k, got, c.want)
		}
	}
}
