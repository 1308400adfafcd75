package stats

import "math"

// lookAt are the numbers of blocks at which a run that goes on until its
// intervals are narrow enough looks at them: each about 1.4 times the one
// before, so that a look is taken when the intervals have narrowed by a sixth.
var lookAt = []int{10, 14, 20, 28, 40}

// MostBlocks is how many blocks such a run has at most, unless told otherwise.
func MostBlocks() int { return lookAt[len(lookAt)-1] }

// Looks returns the numbers of blocks at which a run of at most so many blocks
// is looked at: 10, 14, 20, 28 and 40 as far as they are below, and its last.
func Looks(most int) []int {
	var out []int
	for _, n := range lookAt {
		if n < most {
			out = append(out, n)
		}
	}
	return append(out, most)
}

// PerLook returns the error rate that each of several looks may have, such that
// all together have at most alpha: alpha / looks (Bonferroni). It holds
// whatever the rule is by which a look ends the run, and whatever the looks
// have in common; a boundary that counts on the looks' correlation (Pocock's)
// would make intervals 6 % narrower, for a normal approximation that 10 pairs
// do not have. Without looks, or with one, it is alpha.
func PerLook(alpha float64, looks int) float64 { return alpha / float64(max(looks, 1)) }

// HalfWidth returns the relative half-width of an interval of a log ratio:
// exp((Hi - Lo) / 2) - 1, so that 0.05 says that the ratio is known to within a
// factor of 1.05 about the interval's (geometric) middle. +Inf where there is
// no interval.
func (i Interval) HalfWidth() float64 {
	if i.Coverage <= 0 || math.IsNaN(i.Lo) || math.IsNaN(i.Hi) {
		return math.Inf(1)
	}
	return math.Expm1((i.Hi - i.Lo) / 2)
}
