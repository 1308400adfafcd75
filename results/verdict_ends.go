package results

import (
	"fmt"
	"math"
)

// The tolerances of agreement between both ends of a trial.
const (
	// littleTolerance is METHOD's: the time average of requests in flight
	// and the sum of their times are measured apart and must agree.
	littleTolerance = 0.01
	// descriptorSlack are the descriptors that a process may keep: the two
	// (epoll and eventfd) that Go's own poller opens at its first use.
	descriptorSlack = 2
)

// cutting are the kinds of failures, and the fates of connections, after which
// one end may know of requests and bytes that the other never saw.
var cutting = []string{"refused", "reset", "timeout", "unserved", "short", "wrong_bytes", "local", "closed", "shed"}

// inconsistent finds disagreement between what both ends counted. Counts are
// over the whole life of both processes: only there do they have no edges.
//
// A request that was answered was counted by the server, and a request that
// the server counted was sent; so answered <= served <= sent always holds, and
// where every request was answered all three are equal. What is between them
// is exactly the requests that were cut off: by a timeout, a reset, a server
// out of descriptors, or the end of the trial.
// Likewise no end receives bytes that the other did not hand over; equality is
// asked for only where nothing was cut, as bytes of a cut connection may lie
// unread in the kernel.
// In the window each request of the generator has one end.
//
// Sockets are looked for where they belong to someone: the server must have as
// many connections and descriptors at the end as at the start; another program
// may open what it likes, only its connections count. Sockets of the
// whole system, counted when both processes are gone, are others': see noisy.
func inconsistent(r *Record) []finding {
	var out []finding
	fire := func(format string, args ...any) { out = append(out, found(VerdictInconsistent, format, args...)) }
	if _, why := r.window(); why != "" {
		fire("%s", why)
	}
	l := r.Load
	if start, end := r.Server.Start, r.Server.End; start == nil || end == nil {
		fire("the server's first or last snapshot is missing: the two ends cannot be compared")
	} else {
		if !r.countedByLoad() && l.Peer == nil {
			for _, reason := range miscounted(start, end, l, r.Fault) {
				fire("%s", reason)
			}
		}
		if end.Connections > start.Connections {
			fire("the server still had %d connections when the generator had gone", end.Connections-start.Connections)
		}
		if !r.countedByLoad() && start.Full != nil && end.Full != nil && end.Full.OpenFDs > start.Full.OpenFDs+descriptorSlack {
			fire("the server had %d descriptors open when the generator had gone, %d at the start", end.Full.OpenFDs, start.Full.OpenFDs)
		}
	}
	for _, reason := range append(missingIdle(r), missingSlow(l.Slow)...) {
		fire("%s", reason)
	}
	flight := l.MeanInFlight * float64(l.DurationNs)
	if greater := max(flight, l.SumInWindowNs); greater > 0 && math.Abs(flight-l.SumInWindowNs) > littleTolerance*greater {
		fire("Little's law is off by %.1f %%: %.4g requests in flight on average, but their times make %.4g",
			100*math.Abs(flight-l.SumInWindowNs)/greater, l.MeanInFlight, l.SumInWindowNs/float64(l.DurationNs))
	}
	if l.Requests > l.Sent || l.Sent > l.Scheduled || l.Requests+l.failed() != l.Scheduled {
		fire("of the window's %d requests %d were sent, %d answered well and %d failed", l.Scheduled, l.Sent, l.Requests, l.failed())
	}
	return out
}

// miscounted says where the counts of both ends differ. A server of another
// program counts nothing.
func miscounted(start, end *Snapshot, l *LoadReport, fault *FaultPart) (out []string) {
	differ := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	served := end.Requests - start.Requests
	requests, bytes, known := fault.asked()
	switch {
	case served < l.TotalAnswered:
		differ("the server counted %d requests, the generator saw %d answered", served, l.TotalAnswered)
	case known && served > l.TotalSent+requests:
		differ("the server counted %d requests, the generator sent %d", served, l.TotalSent+requests)
	}
	in, sent := end.BytesIn-start.BytesIn, end.BytesOut-start.BytesOut
	whole := l.whole() && !fault.disturbs()
	switch {
	case known && in > l.TotalBytesOut+bytes:
		differ("the server received %d bytes, the generator sent %d", in, l.TotalBytesOut+bytes)
	case whole && in < l.TotalBytesOut:
		differ("the server received %d bytes, the generator sent %d and nothing was cut off", in, l.TotalBytesOut)
	}
	switch {
	case sent < l.TotalBytesIn:
		differ("the server sent %d bytes, the generator received %d", sent, l.TotalBytesIn)
	case whole && sent > l.TotalBytesIn:
		differ("the server sent %d bytes, the generator received %d and nothing was cut off", sent, l.TotalBytesIn)
	}
	return out
}

// missingIdle says which idle connections were not there in the window: a cell
// of 10,000 that had 9,000 is another cell. Where more connections were
// offered than the server can have (offered_share), who is left out is the
// result.
func missingIdle(r *Record) (out []string) {
	l := r.Load
	if _, offered := r.Settings["offered_share"]; offered || l.IdleOpen == nil {
		return nil
	}
	if n := *l.IdleOpen; n < l.Idle {
		out = append(out, fmt.Sprintf("of %d idle connections %d were open and answered at the end", l.Idle, n))
	}
	if r.countedByLoad() {
		return out
	}
	// One that has never asked may be in the server's backlog only.
	for _, edge := range []struct {
		s    *Snapshot
		when string
	}{{r.Server.Before, "when the window began"}, {r.Server.After, "when it ended"}} {
		if edge.s != nil && edge.s.Connections < l.Idle {
			out = append(out, fmt.Sprintf("the server had %d connections open %s, and %d idle ones were asked for", edge.s.Connections, edge.when, l.Idle))
		}
	}
	return out
}

// whole reports whether no request and no connection was cut off, in the
// window or outside of it.
func (l *LoadReport) whole() bool {
	if l.TotalSent != l.TotalAnswered {
		return false
	}
	if l.Slow != nil && len(l.Slow.Errors) > 0 {
		return false
	}
	for _, kind := range cutting {
		if l.Errors[kind] > 0 || l.Fate[kind] > 0 {
			return false
		}
	}
	return true
}
