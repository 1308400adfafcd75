package results

import (
	"math"
	"strings"
	"testing"
)

// Requests by the generator's account: what was answered before the first
// snapshot is taken off, what was in flight at the end is added as far as there
// was time for it.
func TestServedByLoad(t *testing.T) {
	t.Parallel()
	const second = int64(1e9)
	for _, c := range []struct {
		name          string
		edges         []int64
		before, after int64 // snapshots, ns after the edges
		requests      uint64
		flight        float64
		n, bound      float64
		why           string
	}{
		{name: "on the edges", edges: []int64{5, 5 + second}, requests: 10_000, flight: 32, n: 10_000, bound: 32},
		{name: "first one late", edges: []int64{5, 5 + second}, before: second / 100, requests: 10_000, flight: 32, n: 9_900, bound: 32},
		{name: "second one late", edges: []int64{5, 5 + second}, after: second / 100, requests: 10_000, flight: 32, n: 10_032, bound: 32},
		{name: "second one soon", edges: []int64{5, 5 + second}, after: second / 1000, requests: 10_000, flight: 32, n: 10_010, bound: 32},
		{name: "several machines", before: second / 10, requests: 10_000, flight: 32, n: 10_000, bound: 32},
		{name: "too late", edges: []int64{5, 5 + second}, before: 2 * second, requests: 10_000, why: "lie outside of the window"},
		{name: "nothing answered", edges: []int64{5, 5 + second}, why: "no request of the window"},
	} {
		r := &Record{
			EdgesNs: c.edges,
			Server:  &ServerPart{RequestsBy: ByLoad, Before: &Snapshot{AtNs: 5 + c.before}, After: &Snapshot{AtNs: 5 + second + c.after}},
			Load:    &LoadReport{Requests: c.requests, DurationNs: second, MeanInFlight: c.flight},
		}
		n, bound, why := r.servedByLoad()
		if math.Abs(n-c.n) > 1e-6 || bound != c.bound && c.why == "" || !strings.Contains(why, c.why) || (why == "") != (c.why == "") {
			t.Errorf("%s: %v of %v, %q; want %+v", c.name, n, bound, why, c)
		}
	}
}
