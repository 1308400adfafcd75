package stats

import (
	"math"
	"math/rand/v2"
)

// changeSearch is the number of windows from which a change is looked for
// anywhere; a shorter series is only compared by halves. changeEdge is the
// share at each end that is too short to be a state of its own. Draws end early
// once so many permutations stood out as much: most series are steady, and p
// then needs no second digit (Besag and Clifford, Biometrika 78 (1991)).
const (
	changeSearch  = 50
	changeEdge    = 0.1
	unsteadyDraws = 4999
	unsteadyHits  = 20
)

// Unsteady asks whether a series of windows has the same level throughout. It
// returns the p of a permutation test on ranks and the relative size of the
// shift: |median after - median before| / median of all, at the split that was
// tested. From 50 windows on, the split is the one that stands out most
// (Pettitt's statistic, standardised, not within a tenth of the ends) and the
// permutations are searched alike, so p counts the search; below, it is the
// middle. Draws come from the seed; the smallest p is 0.0002. A series under 4
// windows or of median 0 returns 1, 0.
func Unsteady(series []float64, seed uint64) (p, shift float64) {
	all := Median(series)
	if len(series) < 4 || all == 0 || math.IsNaN(all) {
		return 1, 0
	}
	ranks := centredMidranks(series)
	observed, split := largestChange(ranks)
	shift = math.Abs(Median(series[split:])-Median(series[:split])) / math.Abs(all)

	r := rand.New(rand.NewPCG(seed, uint64(len(series))))
	hits := 0
	for draw := 1; draw <= unsteadyDraws; draw++ {
		r.Shuffle(len(ranks), func(i, j int) { ranks[i], ranks[j] = ranks[j], ranks[i] })
		if change, _ := largestChange(ranks); change >= observed-1e-9 {
			hits++
		}
		if hits == unsteadyHits {
			return float64(hits) / float64(draw), shift
		}
	}
	return float64(1+hits) / float64(1+unsteadyDraws), shift
}

// largestChange returns the largest standardised partial sum of centred ranks
// over the splits that are looked at, and its split.
func largestChange(ranks []float64) (change float64, split int) {
	n := len(ranks)
	from, to := n/2, n/2
	if n >= changeSearch {
		from = int(math.Ceil(changeEdge * float64(n)))
		to = n - from
	}
	change, split = -1, from
	sum := 0.0
	for k := 1; k <= to; k++ {
		sum += ranks[k-1]
		if k < from {
			continue
		}
		// The variance of the sum of k of n ranks grows as k (n - k).
		if c := math.Abs(sum) / math.Sqrt(float64(k)*float64(n-k)); c > change {
			change, split = c, k
		}
	}
	return change, split
}

// centredMidranks returns midranks minus their mean.
func centredMidranks(x []float64) []float64 {
	ranks := make([]float64, len(x))
	for i, r := range doubledMidranks(x) {
		ranks[i] = float64(r-len(x)-1) / 2
	}
	return ranks
}
