package stats

import "math"

// Difference returns the interval of b - a, two estimates that are independent
// of each other, each inside its own interval, by the method of variance
// estimates recovery (Zou and Donner, Statistics in Medicine 27, 2008): each
// side's distance from its estimate to its limit stands for its spread there,
// so intervals may be lopsided. It covers about as often as the two do, the
// less often covering counts. NoInterval where either has none.
func Difference(a float64, aIn Interval, b float64, bIn Interval) Interval {
	if aIn.Coverage <= 0 || bIn.Coverage <= 0 {
		return NoInterval()
	}
	d := b - a
	return Interval{
		Lo:       d - math.Hypot(b-bIn.Lo, aIn.Hi-a),
		Hi:       d + math.Hypot(bIn.Hi-b, a-aIn.Lo),
		Coverage: min(aIn.Coverage, bIn.Coverage),
	}
}
