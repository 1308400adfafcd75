package stats

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// Slope returns the slope of y on x by ordinary least squares, in units of y
// for each one of x. NaN unless x has two different values.
func Slope(x, y []float64) float64 {
	for _, v := range x {
		if v != x[0] {
			_, slope := stat.LinearRegression(x, y, nil, false)
			return slope
		}
	}
	return math.NaN()
}

// SD returns the standard deviation of a sample (n - 1). NaN below two values.
func SD(x []float64) float64 {
	if len(x) < 2 {
		return math.NaN()
	}
	return stat.StdDev(x, nil)
}
