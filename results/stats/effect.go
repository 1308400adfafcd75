package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// SmallestShift is SmallestEffectAt for two independent samples of n and m values
// whose standard deviations are sdN and sdM: that of a t test with n + m - 2
// degrees of freedom, at the level alpha. NaN when one has fewer than two
// values.
func SmallestShift(n int, sdN float64, m int, sdM, alpha float64) float64 {
	if n < 2 || m < 2 || math.IsNaN(sdN) || math.IsNaN(sdM) {
		return math.NaN()
	}
	t := distuv.StudentsT{Sigma: 1, Nu: float64(n + m - 2)}
	return math.Expm1((t.Quantile(1-alpha/2) + t.Quantile(0.80)) * math.Hypot(sdN/math.Sqrt(float64(n)), sdM/math.Sqrt(float64(m))))
}

// SmallestEffectAt returns the smallest relative difference that n pairs whose
// log ratios have standard deviation sd can find: the one that a paired t test
// at the level alpha, two-sided, finds with a power of 80 %,
//
//	exp((t(1-alpha/2, n-1) + t(0.80, n-1)) * sd / sqrt(n)) - 1.
//
// Where a run is looked at several times alpha is PerLook's. At 5 % and sd 0.05 it is 7.4 % with 6 pairs and 4.5 % with 12. The signed-rank
// interval finds that effect in 78 % of runs with 12 pairs of normal noise,
// but in 62 % with 6, where all six must agree. NaN when n < 2 or sd is not a
// number.
func SmallestEffectAt(n int, sd, alpha float64) float64 {
	if n < 2 || math.IsNaN(sd) {
		return math.NaN()
	}
	t := distuv.StudentsT{Sigma: 1, Nu: float64(n - 1)}
	return math.Expm1((t.Quantile(1-alpha/2) + t.Quantile(0.80)) * sd / math.Sqrt(float64(n)))
}
