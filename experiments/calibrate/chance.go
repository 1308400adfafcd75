package calibrate

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// binomialBelow is the chance of fewer than k successes in n trials with
// probability p each.
func binomialBelow(n int, p, k float64) float64 {
	switch {
	case n <= 0 || k <= 0:
		return 0
	case p <= 0:
		return 1
	case p >= 1:
		return map[bool]float64{true: 1}[k > float64(n)]
	}
	return distuv.Binomial{N: float64(n), P: p}.CDF(math.Ceil(k) - 1)
}

// binomialAtLeast is the chance of k successes or more.
func binomialAtLeast(n int, p, k float64) float64 { return 1 - binomialBelow(n, p, k) }

// binomialOver is the chance of more than k successes.
func binomialOver(n int, p, k float64) float64 { return binomialAtLeast(n, p, math.Floor(k)+1) }

// medianOf3 is the chance that at least two of three fail that fail with
// probability p each: that the median does.
func medianOf3(p float64) float64 { return 3*p*p*(1-p) + p*p*p }

// kolmogorov is the chance that the largest distance between a continuous
// distribution and a sample of n from it is over d (the limit for large n:
// Kolmogorov 1933).
func kolmogorov(n int, d float64) float64 {
	x := math.Sqrt(float64(n)) * d
	if x < .3 {
		return 1
	}
	sum := 0.0
	for k := 1.0; k < 100; k++ {
		term := 2 * math.Exp(-2*k*k*x*x)
		if math.Mod(k, 2) == 0 {
			term = -term
		}
		sum += term
	}
	return min(max(sum, 0), 1)
}

// normalBeyond is the chance of a standard normal variable outside -z to z.
func normalBeyond(z float64) float64 { return math.Erfc(z / math.Sqrt2) }
