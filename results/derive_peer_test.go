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
		onset         *Onset
		n, bound      float64
		why           string
	}{
		{name: "on the edges", edges: []int64{5, 5 + second}, requests: 10_000, flight: 32, n: 10_000, bound: 32},
		{name: "first one late", edges: []int64{5, 5 + second}, before: second / 100, requests: 10_000, flight: 32, n: 9_900, bound: 132},
		{name: "first one late, counted", edges: []int64{5, 5 + second}, before: 1_500_000, onset: &Onset{SlotNs: 500_000, Fine: 2, Answered: []uint32{3, 40, 20, 9}}, requests: 10_000, flight: 32, n: 9_947, bound: 52},
		{name: "on a slot's edge", edges: []int64{5, 5 + second}, before: 1_000_000, onset: &Onset{SlotNs: 500_000, Fine: 2, Answered: []uint32{3, 40, 20, 9}}, requests: 10_000, flight: 32, n: 9_957, bound: 52},
		{name: "later than was counted", edges: []int64{5, 5 + second}, before: 4_000_000, onset: &Onset{SlotNs: 500_000, Fine: 2, Answered: []uint32{3, 40, 20, 9}}, requests: 10_000, flight: 32, n: 9_960, bound: 72},
		{name: "second one late", edges: []int64{5, 5 + second}, after: second / 100, requests: 10_000, flight: 32, n: 10_032, bound: 32},
		{name: "second one soon", edges: []int64{5, 5 + second}, after: second / 1000, requests: 10_000, flight: 32, n: 10_010, bound: 32},
		{name: "several machines", after: second / 100, requests: 10_000, flight: 32, n: 10_000, bound: 132},
		{name: "several machines, far apart", after: second, requests: 10_000, flight: 32, why: "over 5 %"},
		{name: "much later than was counted", edges: []int64{5, 5 + second}, before: second / 10, requests: 10_000, flight: 32, why: "1032 may lie outside"},
		{name: "more in flight than is known of", edges: []int64{5, 5 + second}, requests: 10_000, flight: 501, why: "over 5 %"},
		{name: "too late", edges: []int64{5, 5 + second}, before: 2 * second, requests: 10_000, why: "lie outside of the window"},
		{name: "nothing answered", edges: []int64{5, 5 + second}, why: "no request of the window"},
	} {
		r := &Record{
			EdgesNs: c.edges,
			Server:  &ServerPart{RequestsBy: ByLoad, Before: &Snapshot{AtNs: 5 + c.before}, After: &Snapshot{AtNs: 5 + second + c.after}},
			Load:    &LoadReport{Requests: c.requests, DurationNs: second, MeanInFlight: c.flight, Onset: c.onset},
		}
		n, bound, why := r.ServedByLoad()
		if math.Abs(n-c.n) > 1e-6 && c.why == "" || bound != c.bound && c.why == "" || !strings.Contains(why, c.why) || (why == "") != (c.why == "") {
			t.Errorf("%s: %v of %v, %q; want %+v", c.name, n, bound, why, c)
		}
	}
}

// A generator of another program counts its whole run, also what it asked
// before the server's first snapshot: CPU time and requests are of the same
// time within what is said.
func TestServedByPeer(t *testing.T) {
	t.Parallel()
	const ms = int64(1e6)
	for _, c := range []struct {
		name  string
		edges []int64
		most  float64 // of bound, as a share
	}{
		{name: "on one clock", edges: []int64{1050 * ms, 3050 * ms}, most: .01},
		{name: "several machines", most: .03},
	} {
		r := &Record{
			EdgesNs: c.edges,
			Server:  &ServerPart{RequestsBy: ByLoad, Before: &Snapshot{AtNs: 1055 * ms}, After: &Snapshot{AtNs: 3050 * ms}},
			Load:    &LoadReport{Requests: 200_000, DurationNs: 2000 * ms, LeadNs: 50 * ms, Active: 32, Peer: &Peer{}},
		}
		n, bound, why := r.ServedByLoad()
		// 1.945 s of the run at 10 us each lie between the snapshots.
		if math.Abs(n-194_500) > bound || bound > c.most*n || why != "" {
			t.Errorf("%s: %v of %v, %q; want 194,500 within it", c.name, n, bound, why)
		}
	}
	late := &Record{
		EdgesNs: []int64{0, 2000 * ms},
		Server:  &ServerPart{RequestsBy: ByLoad, Before: &Snapshot{AtNs: 2100 * ms}, After: &Snapshot{AtNs: 2200 * ms}},
		Load:    &LoadReport{Requests: 200_000, DurationNs: 2000 * ms, LeadNs: 50 * ms, Active: 32, Peer: &Peer{}},
	}
	if _, _, why := late.ServedByLoad(); why == "" {
		t.Error("snapshots after the run are taken for its own")
	}
}
