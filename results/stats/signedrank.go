package stats

import (
	"cmp"
	"math"
	"slices"
)

// Interval is a confidence interval with the coverage that it really has,
// which for few pairs differs from the one asked for.
type Interval struct {
	Lo, Hi   float64
	Coverage float64 // in (0, 1); 0 means that there is no interval
}

// NoInterval is the interval of no data.
func NoInterval() Interval { return Interval{Lo: math.NaN(), Hi: math.NaN()} }

// HodgesLehmann returns the median of the Walsh averages of d: the estimate of
// the centre of symmetry that belongs to the signed-rank test. Infinite values
// of one sign are allowed. NaN for no data.
func HodgesLehmann(d []float64) float64 { return medianOfSorted(walsh(d)) }

// SignedRankInterval returns the exact signed-rank confidence interval for the
// centre of d: the shortest whose coverage is at least level, or, when so few
// values cannot reach the level, the longest there is. Coverage is exact for
// a continuous symmetric distribution and at least that with ties. Infinite
// values of one sign are allowed.
func SignedRankInterval(d []float64, level float64) Interval {
	if len(d) == 0 {
		return NoInterval()
	}
	return depthOf(len(d), level).interval(d)
}

// depth is how many Walsh averages an interval cuts off at each end, and what it
// then covers. It depends on the number of values only.
type depth struct {
	k        int
	coverage float64
}

func depthOf(n int, level float64) depth {
	k, coverage := signedRankDepth(n, level)
	return depth{k, coverage}
}

func (at depth) interval(d []float64) Interval {
	w := walsh(d)
	return Interval{Lo: w[at.k], Hi: w[len(w)-1-at.k], Coverage: at.coverage}
}

// CensoredInterval is SignedRankInterval for values of which only bounds are
// known, lower[i] <= value[i] <= upper[i] (infinite where there is none): it
// holds every interval that the values could give, so it covers at least as
// often.
func CensoredInterval(lower, upper []float64, level float64) Interval {
	lo, hi := SignedRankInterval(lower, level), SignedRankInterval(upper, level)
	return Interval{Lo: lo.Lo, Hi: hi.Hi, Coverage: lo.Coverage}
}

// signedRankDepth returns how many Walsh averages are cut off at each end for
// n values, and the exact coverage of what remains: 1 - 2 P(T <= k).
func signedRankDepth(n int, level float64) (k int, coverage float64) {
	ranks := make([]int, n)
	for i := range ranks {
		ranks[i] = i + 1
	}
	tail := 0.0
	for k, p := range subsetSums(ranks) {
		c := 1 - 2*(tail+p)
		if k > 0 && c < level {
			return k - 1, coverage
		}
		tail, coverage = tail+p, c
		if coverage <= 0 { // n = 1: the only value covers nothing
			return k, 0
		}
	}
	return k, coverage
}

// SignedRankP returns the exact two-sided p of the Wilcoxon signed-rank test
// that d is symmetric about 0. Zeros are dropped, as Wilcoxon did; ties have
// midranks, and the distribution is that of the midranks. 1 when nothing is
// left.
func SignedRankP(d []float64) float64 {
	var nonzero []float64
	for _, v := range d {
		if v != 0 {
			nonzero = append(nonzero, v)
		}
	}
	if len(nonzero) == 0 {
		return 1
	}
	sizes := make([]float64, len(nonzero))
	for i, v := range nonzero {
		sizes[i] = math.Abs(v)
	}
	ranks := doubledMidranks(sizes)
	plus, total := 0, 0
	for i, r := range ranks {
		total += r
		if nonzero[i] > 0 {
			plus += r
		}
	}
	smaller := min(plus, total-plus)
	tail := 0.0
	for s, p := range subsetSums(ranks) {
		if s > smaller {
			break
		}
		tail += p
	}
	return min(1, 2*tail)
}

// doubledMidranks returns twice the midrank of each value, which is an integer.
func doubledMidranks(x []float64) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	ranks := make([]int, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for _, at := range order[i:j] {
			ranks[at] = i + 1 + j // ranks i+1 to j: twice their mean
		}
		i = j
	}
	return ranks
}

// subsetSums returns the distribution of the sum of a random subset of ranks,
// each taken with probability 1/2: index is the sum.
func subsetSums(ranks []int) []float64 {
	total := 0
	for _, r := range ranks {
		total += r
	}
	p := make([]float64, total+1)
	p[0] = 1
	reached := 0
	for _, r := range ranks {
		reached += r
		for s := reached; s >= 0; s-- {
			with := 0.0
			if s >= r {
				with = p[s-r]
			}
			p[s] = (p[s] + with) / 2
		}
	}
	return p
}

// walsh returns the sorted averages of all pairs i <= j.
func walsh(d []float64) []float64 {
	w := make([]float64, 0, len(d)*(len(d)+1)/2)
	for i := range d {
		for j := i; j < len(d); j++ {
			w = append(w, (d[i]+d[j])/2)
		}
	}
	slices.Sort(w)
	return w
}
