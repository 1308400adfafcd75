package loadgen

import "medusa/poller/loop"

// flow keeps account of the requests in flight, from intended start to end,
// over the window [from, to), in two ways that know nothing of each other: it
// integrates their number over time, and it sums what each request spends in
// the window. Little's law says that both are equal; they differ when a
// request is lost or ends twice.
type flow struct {
	from, to loop.Time
	last     loop.Time // the number is integrated up to here
	n        int64     // in flight
	area     int64     // request nanoseconds in the window, by integration
	sum      int64     // the same by adding up requests
	// waited is the request nanoseconds spent waiting for a connection in
	// each fifth of the window.
	waited [5]int64
}

func (f *flow) clip(t loop.Time) loop.Time { return min(max(t, f.from), f.to) }

// step adds d to the number in flight as of t. A change may become known
// late: the loop was busy at the intended time, or a timeout is found after it
// has passed. What was integrated since is then put right.
func (f *flow) step(t loop.Time, d int64) {
	if t >= f.last {
		f.area += f.n * int64(f.clip(t)-f.clip(f.last))
		f.last = t
	} else {
		f.area += d * int64(f.clip(f.last)-f.clip(t))
	}
	f.n += d
}

// begin counts a request in from its intended time.
func (f *flow) begin(intended loop.Time) { f.step(intended, 1) }

// end counts it out.
func (f *flow) end(intended, end loop.Time) {
	f.step(end, -1)
	f.sum += int64(f.clip(end) - f.clip(intended))
}

// waitedFor adds a wait for a connection.
func (f *flow) waitedFor(from, to loop.Time) {
	for i := range f.waited {
		a := f.from + (f.to-f.from)*loop.Time(i)/5
		b := f.from + (f.to-f.from)*loop.Time(i+1)/5
		if lo, hi := max(from, a), min(to, b); hi > lo {
			f.waited[i] += int64(hi - lo)
		}
	}
}

// waiting is the mean number of requests waiting in each fifth.
func (f *flow) waiting() (mean [5]float64) {
	for i, ns := range f.waited {
		mean[i] = float64(ns) * 5 / float64(f.to-f.from)
	}
	return mean
}

// meanInFlight is the number in flight averaged over the window, once all
// requests have ended.
func (f *flow) meanInFlight() float64 { return float64(f.area) / float64(f.to-f.from) }
