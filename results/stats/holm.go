package stats

import (
	"cmp"
	"math"
	"slices"
)

// Holm returns the p values corrected for being tested together, in the order
// given: a contrast is significant at alpha, with the chance of any false
// positive among all of them at most alpha, when its corrected p is <= alpha.
// A NaN (a contrast that could not be tested) counts as a test and stays NaN.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	value := func(i int) float64 {
		if math.IsNaN(p[i]) {
			return 1
		}
		return p[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(value(a), value(b)) })
	corrected := make([]float64, len(p))
	highest := 0.0
	for rank, i := range order {
		highest = max(highest, min(1, float64(len(p)-rank)*value(i)))
		corrected[i] = highest
		if math.IsNaN(p[i]) {
			corrected[i] = math.NaN()
		}
	}
	return corrected
}

// LeastPairs returns the smallest number of pairs with which the exact
// sign-flip test could find one contrast among k significant at alpha:
// the smallest n with k * 2 / 2^n <= alpha.
func LeastPairs(k int, alpha float64) int {
	n := 1
	for float64(max(k, 1))*math.Pow(2, float64(1-n)) > alpha {
		n++
	}
	return n
}
