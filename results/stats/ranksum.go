package stats

import "slices"

// Shift returns the median of all differences x - y: the Hodges-Lehmann
// estimate of how far x lies above y, for independent samples. NaN when one is
// empty.
func Shift(x, y []float64) float64 { return medianOfSorted(differences(x, y)) }

// RankSumInterval returns the exact interval of the shift of x over y that
// belongs to the rank-sum test (Moses; Hollander, Wolfe, Chicken, section 4.3):
// the shortest whose coverage is at least level, or, when so few values cannot
// reach the level, the longest there is. The samples are independent, such as
// blocks of two runs: their values are not paired. Coverage is exact for
// continuous distributions of one shape and at least that with ties.
func RankSumInterval(x, y []float64, level float64) Interval {
	if len(x) == 0 || len(y) == 0 {
		return NoInterval()
	}
	// Without ties U, the number of differences above the truth, has the
	// distribution of a rank sum less its least value.
	ranks := make([]int, len(x)+len(y))
	for i := range ranks {
		ranks[i] = i + 1
	}
	p := sumsOfSize(ranks, len(x))
	least := len(x) * (len(x) + 1) / 2
	k, coverage, tail := 0, 0.0, 0.0
	d := differences(x, y)
	for u := 0; 2*u < len(d); u++ {
		tail += p[least+u]
		c := 1 - 2*tail
		if c <= 0 || u > 0 && c < level {
			break
		}
		k, coverage = u, c
	}
	if coverage == 0 {
		return NoInterval()
	}
	return Interval{Lo: d[k], Hi: d[len(d)-1-k], Coverage: coverage}
}

// RankSumP returns the exact two-sided p of the Wilcoxon rank-sum test (Mann
// and Whitney) that x and y come from one distribution. Ties have midranks,
// and the distribution is that of the midranks. 1 when a sample is empty.
func RankSumP(x, y []float64) float64 {
	if len(x) == 0 || len(y) == 0 {
		return 1
	}
	ranks := doubledMidranks(slices.Concat(x, y))
	sum := 0
	for _, r := range ranks[:len(x)] {
		sum += r
	}
	// Doubled ranks of n values sum to n (n + 1); those of x are expected to
	// have their share of it. The distribution is symmetric about that.
	expected := len(x) * (len(x) + len(y) + 1)
	p, apart := 0.0, abs(sum-expected)
	for s, chance := range sumsOfSize(ranks, len(x)) {
		if abs(s-expected) >= apart {
			p += chance
		}
	}
	return min(1, p)
}

// sumsOfSize returns the distribution of the sum of a random subset of ranks
// that has a given size: index is the sum.
func sumsOfSize(ranks []int, size int) []float64 {
	total := 0
	for _, r := range ranks {
		total += r
	}
	ways := make([][]float64, size+1) // by size of subset, then sum
	for k := range ways {
		ways[k] = make([]float64, total+1)
	}
	ways[0][0] = 1
	for taken, r := range ranks {
		for k := min(taken+1, size); k >= 1; k-- {
			for s := total; s >= r; s-- {
				ways[k][s] += ways[k-1][s-r]
			}
		}
	}
	all := 0.0
	for _, w := range ways[size] {
		all += w
	}
	p := ways[size]
	for s := range p {
		p[s] /= all
	}
	return p
}

// differences returns the sorted differences of every value of x with every
// value of y.
func differences(x, y []float64) []float64 {
	d := make([]float64, 0, len(x)*len(y))
	for _, a := range x {
		for _, b := range y {
			d = append(d, a-b)
		}
	}
	slices.Sort(d)
	return d
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
