package stats

import "math"

// Outcome is what a comparison may say. There is no fourth.
type Outcome string

// The outcomes of a comparison of a level with its baseline. Faster is the
// good side of the metric, whichever that is.
const (
	Faster      Outcome = "faster"       // the interval excludes 1, on the good side
	Slower      Outcome = "slower"       // the interval excludes 1, on the bad side
	Same        Outcome = "same"         // the 90 % interval lies inside 1 +- margin
	NotResolved Outcome = "not resolved" // none of these
)

// Decide turns the intervals of a log ratio (level over baseline) into an
// outcome: i95 decides faster or slower, i90 decides same. A difference that
// is certain but smaller than the margin is faster or slower; ask Within for
// the rest of the truth. Intervals of no coverage decide nothing.
func Decide(i95, i90 Interval, margin float64, lowerIsBetter bool) Outcome {
	if i95.Coverage > 0 && (i95.Lo > 0 || i95.Hi < 0) {
		if (i95.Hi < 0) == lowerIsBetter {
			return Faster
		}
		return Slower
	}
	if Within(i90, margin) {
		return Same
	}
	return NotResolved
}

// Within reports whether an interval of a log ratio lies inside 1 +- margin:
// two one-sided tests at 5 % each when the interval covers 90 %. The margin is
// relative, in (0, 1).
func Within(i Interval, margin float64) bool {
	return i.Coverage > 0 && i.Lo > math.Log1p(-margin) && i.Hi < math.Log1p(margin)
}
