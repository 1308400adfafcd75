package results

import (
	"fmt"
	"math"
)

// countedByLoad says that the trial's server is another program, which counts
// no requests.
func (r *Record) countedByLoad() bool { return r.Server != nil && r.Server.RequestsBy == ByLoad }

// ServedByLoad is how many requests a server answered between its snapshots
// around the window, by the generator's account, and by how many that may be
// wrong; why is empty when it is known.
//
// The snapshots come a little after the window's edges. What the generator
// sent in the window was answered after the first edge, but for what was in
// flight there; as much as that was in flight at the second edge and is
// answered after it. Between the first edge and the first snapshot requests
// were answered that the generator counted by when they came (at the rate of
// the window, where it did not): they are taken off. After the second edge
// nothing more is sent: at most what was in flight is added. So what is not
// known is at most what was in flight, and what came about when the first
// snapshot was taken; and, where there is no common clock with the edges, what
// the rate makes of the time by which the snapshots are further apart, or less
// far, than the window is long.
func (r *Record) ServedByLoad() (n, bound float64, why string) {
	l := r.Load
	switch {
	case l == nil:
		return 0, 0, "the generator reported nothing"
	case l.Requests == 0:
		return 0, 0, "no request of the window was answered well"
	}
	n, bound = float64(l.Requests), l.MeanInFlight
	if l.DurationNs <= 0 {
		return 0, 0, "the generator's window has no length"
	}
	rate := n / float64(l.DurationNs)
	timed := len(r.EdgesNs) == 2 && r.EdgesNs[1] > r.EdgesNs[0]
	if l.Peer != nil {
		return r.servedByPeer(rate, timed)
	}
	if !timed {
		// The snapshots are on one clock, whichever that is.
		length := float64(r.Server.After.AtNs - r.Server.Before.AtNs)
		bound += rate * math.Abs(length-float64(l.DurationNs))
		return n, bound, tooUncertain(n, bound)
	}
	late := max(float64(r.Server.Before.AtNs-r.EdgesNs[0]), 0)
	after := max(float64(r.Server.After.AtNs-r.EdgesNs[1]), 0)
	missed, about, counted := l.Onset.within(late)
	if !counted {
		// Whether it was faster or slower just then is not known.
		missed, about = rate*late, rate*late
	}
	n += min(l.MeanInFlight, rate*after) - missed
	bound += about
	if n <= 0 {
		return 0, 0, "the snapshots of the server lie outside of the window"
	}
	return n, bound, tooUncertain(n, bound)
}

// uncertainMost is by which share the requests that a figure is over may be
// wrong: the margin within which two servers count as the same.
const uncertainMost = 0.05

// tooUncertain is why n requests, of which bound may not have been answered
// between the snapshots, are not known well enough; "" where they are.
func tooUncertain(n, bound float64) string {
	if bound <= uncertainMost*n {
		return ""
	}
	return fmt.Sprintf("of the %.0f requests that the generator saw answered, %.0f may lie outside of the server's snapshots: over %.0f %%", n, bound, 100*uncertainMost)
}

// connecting is the share of what another program is thought to have asked
// before the first snapshot that is not known: it connects first, and begins
// slowly.
const connecting = 0.1

// servedByPeer is ServedByLoad for a generator of another program. It counts
// its whole run, which begins before the window does: what it asked until the
// server's first snapshot is taken off, at the rate of its run. It begins and
// ends as it likes, so each connection may have a request on its way that it
// does not count.
func (r *Record) servedByPeer(rate float64, timed bool) (n, bound float64, why string) {
	l, s := r.Load, r.Server
	n, bound = float64(l.Requests), float64(l.Active)
	before := float64(l.LeadNs)
	if timed {
		before = max(before+float64(s.Before.AtNs-r.EdgesNs[0]), 0)
	} else {
		length := float64(s.After.AtNs - s.Before.AtNs)
		bound += rate * math.Abs(length-(float64(l.DurationNs)-before))
	}
	outside := before * rate
	if outside >= n {
		return 0, 0, "the snapshots of the server lie outside of the generator's run"
	}
	n, bound = n-outside, bound+connecting*outside
	return n, bound, tooUncertain(n, bound)
}

// uncounted are columns that need counters of the server's own.
var uncounted = []string{"syscalls_per_request", "waits_per_request", "events_per_wait", "accept_failures_per_s", "opened_per_s", "gc_cycles"}

// peer derives what is known of a server of another program: CPU time and
// context switches of its processes, over the requests that the generator saw
// answered.
func (d derivation) peer(w delta) {
	d.miss(d.r.Server.Backend+" is another program, which does not tell its calls, waits and connections", uncounted...)
	n, bound, why := d.r.ServedByLoad()
	if why != "" {
		d.miss(why, "server_cpu_us_per_request", "total_cpu_us_per_request", "switches_per_request")
		if w.seconds > 0 {
			d.put("server_busy_share", w.cpuNs/1e9/w.seconds/d.r.serverCPUs())
		}
		return
	}
	w.requests = n
	d.cpu(w)
	d.put("switches_per_request", w.switches/w.requests)
	d.r.Notes = append(d.r.Notes, fmt.Sprintf(
		"%s is another program and counts no requests: figures for each request are over the %.0f that the generator saw answered, of which %.0f (%.2g %%) may lie outside of the server's snapshots; that both ends agree is not checked",
		d.r.Server.Backend, n, bound, 100*bound/n))
}
