package stats

import "math"

// Step returns by how much y is higher above a threshold of x than the line
// through what is below it would have it, when both sides share one slope: b of
// the least squares fit y = a + slope x + b [x > at], in units of y. NaN unless
// each side has two points or more, one of them at another x than the rest.
func Step(x, y []float64, at float64) float64 {
	var below, above side
	for i := range x {
		if x[i] > at {
			above.add(x[i], y[i])
		} else {
			below.add(x[i], y[i])
		}
	}
	if below.n < 2 || above.n < 2 {
		return math.NaN()
	}
	// The slope is that of both sides about their own means (Frisch, Waugh and
	// Lovell: the indicator and the constant are partialled out).
	var sxx, sxy float64
	for i := range x {
		s := &below
		if x[i] > at {
			s = &above
		}
		dx := x[i] - s.x/s.n
		sxx += dx * dx
		sxy += dx * (y[i] - s.y/s.n)
	}
	if sxx == 0 {
		return math.NaN()
	}
	return above.y/above.n - below.y/below.n - sxy/sxx*(above.x/above.n-below.x/below.n)
}

// side sums the points of one side.
type side struct{ n, x, y float64 }

func (s *side) add(x, y float64) { s.n, s.x, s.y = s.n+1, s.x+x, s.y+y }
