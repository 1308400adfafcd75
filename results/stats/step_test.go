package stats

import (
	"math"
	"testing"
)

func TestStep(t *testing.T) {
	x := []float64{8, 16, 24, 32, 48, 64}
	for _, tt := range []struct {
		name  string
		y     func(x float64) float64
		wants float64
	}{
		{"a line has none", func(x float64) float64 { return 3 + 2*x }, 0},
		{"a step on a line", func(x float64) float64 {
			if x > 30 {
				return 3 + 2*x + 5
			}
			return 3 + 2*x
		}, 5},
		{"a step down", func(x float64) float64 {
			if x > 30 {
				return 1
			}
			return 4
		}, -3},
	} {
		y := make([]float64, len(x))
		for i := range x {
			y[i] = tt.y(x[i])
		}
		if got := Step(x, y, 30); math.Abs(got-tt.wants) > 1e-9 {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.wants)
		}
	}
	// Worked by hand: means 1.5 and 4.5, own slopes 2 and 0, so a common one of 1
	// and a step of (4 - 1) - 1 (4.5 - 1.5) = 0.
	if got := Step([]float64{1, 2, 4, 5}, []float64{0, 2, 4, 4}, 3); math.Abs(got) > 1e-9 {
		t.Errorf("two slopes: %v, want 0", got)
	}
	for _, few := range [][]float64{{1, 2, 40}, {1, 40, 50}, {1, 1, 40, 40}} {
		if got := Step(few, make([]float64, len(few)), 30); !math.IsNaN(got) {
			t.Errorf("x = %v: %v, want NaN", few, got)
		}
	}
}
