package calibrate

import (
	"slices"
	"time"

	"medusa/experiments/truthd"
	"medusa/loadgen"
	"medusa/poller/loop"
	"medusa/results"
)

// Window is what one load on a truth server left behind.
type Window struct {
	Truth    truthd.Spec
	Rate     float64 // requests a second
	Duration time.Duration
	Timeout  time.Duration

	Server []truthd.Entry   // the server's log, in the order of arrival
	Load   []loadgen.Logged // the generator's log, on the same clock
	Report *loadgen.Report

	// What is not compared: how the machine was meanwhile.
	Away     truthd.Away // the server's thread, in the window
	Bare     truthd.Away // a bare loop on the generator's CPU, before and after
	Machine  *results.MachinePart
	RunDelay *float64 // of the server's process, as a share of the time
}

// pair is one request as both ends saw it.
type pair struct {
	q *loadgen.Logged
	e *truthd.Entry
}

// truth is how long the server had the request, from its last byte's arrival
// to just before the reply was written, in nanoseconds.
func (p pair) truth() int64 { return p.e.Reply - p.e.Arrival }

func (p pair) service() int64  { return int64(p.q.End - p.q.Sent) }
func (p pair) response() int64 { return int64(p.q.End - p.q.Intended) }

// pairs matches both logs by the connection's port and the place on it. It
// returns the pairs of the window's requests, in the order of their intended
// times, and how many requests only one end knows of, in the window or not.
func (w *Window) pairs() (all []pair, strangers int) {
	type key struct {
		port    uint16
		ordinal int64
	}
	server := make(map[key]*truthd.Entry, len(w.Server))
	for i := range w.Server {
		e := &w.Server[i]
		k := key{e.Port, e.Ordinal}
		if server[k] != nil {
			strangers++ // a port that was used twice could not be told apart
		}
		server[k] = e
	}
	for i := range w.Load {
		q := &w.Load[i]
		if q.Sent == loadgen.Never {
			continue
		}
		k := key{q.Port, q.Ordinal}
		e := server[k]
		if e == nil {
			strangers++
			continue
		}
		delete(server, k)
		if q.InWindow {
			all = append(all, pair{q, e})
		}
	}
	slices.SortStableFunc(all, func(a, b pair) int { return int(a.q.Intended - b.q.Intended) })
	// The first request of a connection that the fill opened is no load, so the
	// generator's log does not have it.
	fill := 0
	for k := range server {
		if k.ordinal == 0 {
			fill++
		}
	}
	return all, strangers + len(server) - min(fill, w.Report.Admitted)
}

// answered are the pairs that both ends call answered.
func answered(all []pair) []pair {
	var out []pair
	for _, p := range all {
		if p.q.Kind == loadgen.OK && p.e.Fate == truthd.Answered {
			out = append(out, p)
		}
	}
	return out
}

// inWindow calls f for each request of the window.
func (w *Window) inWindow(f func(q *loadgen.Logged)) {
	for i := range w.Load {
		if w.Load[i].InWindow {
			f(&w.Load[i])
		}
	}
}

// scheduled is how many requests the window has.
func (w *Window) scheduled() int {
	n := 0
	w.inWindow(func(*loadgen.Logged) { n++ })
	return n
}

// lags are what the generator added to each request that was sent, in
// nanoseconds, ascending.
func (w *Window) lags() []int64 {
	var out []int64
	w.inWindow(func(q *loadgen.Logged) {
		if q.Sent != loadgen.Never {
			out = append(out, int64(q.Sent-max(q.Intended, q.Free)))
		}
	})
	slices.Sort(out)
	return out
}

// sent are the times at which the window's requests were sent, in their order,
// in nanoseconds from the first intended one.
func (w *Window) sent() []int64 {
	var out []int64
	first := loop.Time(1 << 62)
	w.inWindow(func(q *loadgen.Logged) {
		if q.Sent != loadgen.Never {
			out = append(out, int64(q.Sent))
			first = min(first, q.Intended)
		}
	})
	slices.Sort(out)
	for i := range out {
		out[i] -= int64(first)
	}
	return out
}

// rank returns the value of rank ceil(q*n) of a sorted list; 0 of an empty one.
func rank(sorted []int64, q float64) int64 {
	n := len(sorted)
	if n == 0 {
		return 0
	}
	// The small part keeps 0.99*100 from becoming 100 by rounding.
	k := int(q*float64(n) + 1 - 1e-9)
	return sorted[min(max(k, 1), n)-1]
}
