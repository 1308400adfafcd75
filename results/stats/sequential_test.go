package stats

import (
	"math"
	"slices"
	"testing"
)

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
