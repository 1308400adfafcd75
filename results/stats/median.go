package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Median returns the middle of x, or the mean of the two middle values. NaN
// for no data.
func Median(x []float64) float64 {
	return medianOfSorted(slices.Sorted(slices.Values(x)))
}

func medianOfSorted(s []float64) float64 {
	n := len(s)
	if n == 0 {
		return math.NaN()
	}
	if n%2 == 1 {
		return s[n/2]
	}
	return s[n/2-1]/2 + s[n/2]/2 // halves first: the sum may overflow
}

// MedianDepth returns the distribution-free confidence interval for a median
// of n values as order statistics: the interval from the (k+1)th smallest to
// the (k+1)th largest, with its exact coverage, the shortest that covers at
// least level, or the whole range when that is not attainable.
func MedianDepth(n int, level float64) (k int, coverage float64) {
	if n < 2 {
		return 0, 0
	}
	b := distuv.Binomial{N: float64(n), P: 0.5}
	for k+1 < (n+1)/2 && 1-2*b.CDF(float64(k+1)) >= level {
		k++
	}
	return k, 1 - 2*b.CDF(float64(k))
}

// MedianInterval returns the distribution-free interval for the median of x.
func MedianInterval(x []float64, level float64) Interval {
	k, coverage := MedianDepth(len(x), level)
	if coverage == 0 {
		return NoInterval()
	}
	s := slices.Sorted(slices.Values(x))
	return Interval{Lo: s[k], Hi: s[len(s)-1-k], Coverage: coverage}
}
