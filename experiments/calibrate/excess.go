package calibrate

import (
	"cmp"
	"slices"

	"medusa/results"
)

// excessRanks is how many points a series of the figure has.
const excessRanks = 50

// ExcessOf makes the figure's series of a window: the requests in the order of
// their true time, in fifty equal parts, and of each part the median of what
// was measured over the truth. A true time of several requests has no order; of
// a constant delay the order is that of arrival.
func ExcessOf(w *Window) []results.Excess {
	all, _ := w.pairs()
	all = answered(all)
	slices.SortStableFunc(all, func(a, b pair) int { return cmp.Compare(a.truth(), b.truth()) })
	var out []results.Excess
	for i := range excessRanks {
		part := all[i*len(all)/excessRanks : (i+1)*len(all)/excessRanks]
		if len(part) == 0 {
			continue
		}
		excess := make([]int64, len(part))
		for k, p := range part {
			excess[k] = p.service() - p.truth()
		}
		slices.Sort(excess)
		out = append(out, results.Excess{Series: w.Truth.Kind, Rank: (float64(i) + .5) / excessRanks, Us: us(rank(excess, .5))})
	}
	return out
}
