package stats

import "math"

// Best chooses the best of several things on odd blocks and leaves the even
// ones to compare the others with it: a thing that is best by luck was lucky
// on the blocks that chose it, and would be compared with its luck there.
//
// values[k][i] is what thing k cost in block i+1, NaN where it has no value.
// Best returns the thing whose median over the odd blocks is the lowest (the
// highest when lowerIsBetter is false); the first of equals; -1 when none has a
// value there.
func Best(values [][]float64, lowerIsBetter bool) int {
	best, at := math.Inf(1), -1
	for k, blocks := range values {
		var odd []float64
		for i, v := range blocks {
			if Chooses(i+1) && !math.IsNaN(v) {
				odd = append(odd, v)
			}
		}
		m := Median(odd)
		if !lowerIsBetter {
			m = -m
		}
		if len(odd) > 0 && (at < 0 || m < best) {
			best, at = m, k
		}
	}
	return at
}

// Chooses reports whether a block, from 1, is one of those on which the best
// is chosen; the others compare.
func Chooses(block int) bool { return block%2 == 1 }
