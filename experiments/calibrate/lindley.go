package calibrate

import (
	"fmt"
	"math"
	"slices"

	"medusa/results"
)

// CheckLindley holds a serial server's responses against Lindley's recursion on
// the server's own log: a request is done at D = max(arrival, D of the one
// before) + work. A response is at least D - arrival, for nobody's clock can
// have it earlier; and in the median no more than the wake floor above.
// (Lindley, Proceedings of the Cambridge Philosophical Society 48, 1952.)
func CheckLindley(w *Window, floor results.WakeFloor) results.Truth {
	b := newTruth("lindley", fmt.Sprintf("serial server, Exp(%v), Poisson %.0f/s: against Lindley's recursion on its own log", w.Truth.Mean, w.Rate))
	all, strangers := w.pairs()
	all = answered(all)
	done := make(map[*int64]int64, len(w.Server)) // by the entry's arrival
	var last int64
	for i := range w.Server {
		e := &w.Server[i]
		if e.Ordinal == 0 { // answered at once
			done[&e.Arrival] = e.Arrival
			continue
		}
		last = max(last, e.Arrival) + e.Work
		done[&e.Arrival] = last
	}
	under := 0
	var sum float64
	excess := make([]int64, len(all))
	for i, p := range all {
		excess[i] = p.response() - (done[&p.e.Arrival] - p.e.Arrival)
		if excess[i] < 0 {
			under++
		}
		sum += float64(p.response())
	}
	slices.Sort(excess)
	b.part("requests compared", "", float64(len(all)), atLeast(math.Max(withinLeast*float64(w.scheduled()), 100)))
	b.part("requests known to one end only", "", float64(strangers), exactly(0))
	b.part("responses under the recursion", "share", share(under, len(all)), exactly(0))
	b.part("excess p50", "us", us(rank(excess, .5)), between(0, us(floor.Block.P50)))
	b.part("excess p99", "us", us(rank(excess, .99)), shown())
	b.part("mean response", "us", us(sum/float64(len(all))), shown())
	late := w.Bare.LateShare(floor.Block.P50) + w.Away.LateShare(floor.Block.P50)
	b.chance(binomialOver(len(all), late, .5*float64(len(all))),
		"the recursion is on the server's own log, so sampling has no part in it; the median fails if the machine makes half of the requests later than the floor")
	b.Note = "the mean in theory is twice the work at half load; in a window of this length it is not a check"
	return b.Truth
}
