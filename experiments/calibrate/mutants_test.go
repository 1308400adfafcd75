package calibrate

import (
	"slices"
	"testing"
	"time"

	"medusa/experiments/truthd"
	"medusa/loadgen"
	"medusa/poller/loop"
	"medusa/results"
)

// changed is a window as a generator would have left it that does something
// wrong with each request; keep is false for one that it leaves out.
func changed(w *Window, f func(q *loadgen.Logged) (keep bool)) *Window {
	m := *w
	m.Load = nil
	for _, q := range w.Load {
		if f(&q) {
			m.Load = append(m.Load, q)
		}
	}
	m.Report = reportOf(w, m.Load)
	return &m
}

// reportOf is what an honest recorder would report of a log.
func reportOf(w *Window, log []loadgen.Logged) *loadgen.Report {
	r := *w.Report
	r.Scheduled, r.Requests, r.Errors = 0, 0, map[string]uint64{}
	var response, service []int64
	failed := 0
	for _, q := range log {
		if !q.InWindow {
			continue
		}
		r.Scheduled++
		if q.Kind != loadgen.OK {
			r.Errors[q.Kind.String()]++
			failed++
			continue
		}
		r.Requests++
		response = append(response, int64(q.End-q.Intended))
		service = append(service, int64(q.End-q.Sent))
	}
	r.Service = distOf(service)
	r.Response = distOf(response)
	if n := len(response) + failed; float64(failed) > .01*float64(n) {
		r.Response.P99 = nil
		r.Response.Censored = map[string]int64{"p99": int64(w.Timeout)}
	}
	return &r
}

func distOf(values []int64) loadgen.Dist {
	slices.Sort(values)
	at := func(q float64) *int64 { v := rank(values, q); return &v }
	return loadgen.Dist{Count: uint64(len(values)), P50: at(.5), P90: at(.9), P99: at(.99)}
}

func quantise(t *loop.Time) { *t -= *t % loop.Time(time.Millisecond) }

// TestMutants: a generator that measures wrongly, in ways that real ones have,
// fails. The same windows pass with a faithful one.
func TestMutants(t *testing.T) {
	t.Parallel()
	delay := simDelay(t, truthd.Exponential)
	windows := map[string]struct {
		w     []*Window
		check func([]*Window) results.Truth
	}{
		"delay":    {[]*Window{delay}, func(w []*Window) results.Truth { return CheckDelays(w[0], floor) }},
		"rank":     {[]*Window{delay}, func(w []*Window) results.Truth { return CheckRank(w[0], floor) }},
		"lindley":  {[]*Window{simSerial(t)}, func(w []*Window) results.Truth { return CheckLindley(w[0], floor) }},
		"stall":    {[]*Window{simStall(t)}, func(w []*Window) results.Truth { return CheckStall(w[0]) }},
		"losses":   {[]*Window{simLosses(t)}, func(w []*Window) results.Truth { return CheckLosses(w[0]) }},
		"lag":      {simNulls(t), CheckLag},
		"schedule": {simNulls(t), CheckSchedule},
	}
	faithful := func(q *loadgen.Logged) bool { return true }
	n := 0
	for name, mutant := range map[string]struct {
		f     func(q *loadgen.Logged) bool
		fails []string // the checks that must notice
	}{
		"is faithful": {faithful, nil},
		"stamps at write": {func(q *loadgen.Logged) bool {
			if q.Sent != loadgen.Never {
				q.Intended, q.Free = q.Sent, q.Sent
			}
			return true
		}, []string{"stall"}},
		"stamps the start when the reply begins": {func(q *loadgen.Logged) bool { q.Sent = q.First; return true }, []string{"delay", "rank"}},
		"quantises to 1 ms": {func(q *loadgen.Logged) bool {
			for _, at := range []*loop.Time{&q.Intended, &q.Free, &q.Sent, &q.First, &q.End} {
				if *at != loadgen.Never {
					quantise(at)
				}
			}
			return true
		}, []string{"delay", "rank", "lindley", "schedule"}},
		"quantises its timers to 1 ms": {func(q *loadgen.Logged) bool {
			if q.Sent != loadgen.Never {
				at := q.Sent
				quantise(&at)
				q.Sent = at + loop.Time(time.Millisecond) // a timer is late, never early
			}
			return true
		}, []string{"lag", "schedule"}},
		"drops errors": {func(q *loadgen.Logged) bool { return q.Kind == loadgen.OK }, []string{"losses"}},
		"takes errors for replies": {func(q *loadgen.Logged) bool {
			q.Kind = loadgen.OK
			return true
		}, []string{"losses"}},
		"forgets the connection's queue": {func(q *loadgen.Logged) bool {
			if q.Free != loadgen.Never {
				q.Intended = max(q.Intended, q.Free)
			}
			return true
		}, []string{"stall"}},
		"charges the queue to the server": {func(q *loadgen.Logged) bool {
			if q.Sent != loadgen.Never {
				q.Sent = q.Intended
			}
			return true
		}, []string{"stall"}},
		"leaves out while it waits": {func(q *loadgen.Logged) bool { return q.Free <= q.Intended }, []string{"stall"}},
		"is early by 100 us":        {func(q *loadgen.Logged) bool { q.End -= 100_000; return true }, []string{"delay", "lindley"}},
		"is late by 500 us":         {func(q *loadgen.Logged) bool { q.End += 500_000; return true }, []string{"delay", "rank", "lindley"}},
		"forgets one in a hundred": {func(q *loadgen.Logged) bool {
			n++
			return n%100 != 0
		}, []string{"delay", "lindley", "losses"}},
	} {
		for id, c := range windows {
			var m []*Window
			for _, w := range c.w {
				m = append(m, changed(w, mutant.f))
			}
			truth := c.check(m)
			switch must := slices.Contains(mutant.fails, id); {
			case must && truth.Pass:
				t.Errorf("a generator that %s passes %s", name, id)
			case mutant.fails == nil && !truth.Pass:
				t.Errorf("a generator that %s fails %s: %v", name, id, failed(truth))
			}
		}
	}
}

// TestAveragedPercentiles: a report whose quantiles are the mean of each
// second's fails, although its log is right.
func TestAveragedPercentiles(t *testing.T) {
	t.Parallel()
	averaged := func(w *Window) *Window {
		seconds := map[int64][]loadgen.Logged{}
		first := w.Load[0].Intended
		for _, q := range w.Load {
			first = min(first, q.Intended)
		}
		for _, q := range w.Load {
			seconds[int64(q.Intended-first)/1e9] = append(seconds[int64(q.Intended-first)/1e9], q)
		}
		m, r := *w, *w.Report
		for i, q := range quantiles {
			var sums [2]int64
			for _, log := range seconds {
				part := reportOf(w, log)
				sums[0] += *q.of(&part.Response)
				sums[1] += *q.of(&part.Service)
			}
			for k, d := range []*loadgen.Dist{&r.Response, &r.Service} {
				v := sums[k] / int64(len(seconds))
				*[]**int64{&d.P50, &d.P90, &d.P99}[i] = &v
			}
		}
		m.Report = &r
		return &m
	}
	if truth := CheckStall(averaged(simStall(t))); truth.Pass {
		t.Error("passes the stall")
	}
	if truth := CheckRank(averaged(simDelay(t, truthd.Exponential)), floor); truth.Pass {
		t.Error("passes the rank")
	}
	w := simStall(t)
	w.Report.Verdict = loadgen.ClientLimited
	if truth := CheckStall(w); truth.Pass {
		t.Error("a generator that takes a stall for its own limit passes")
	}
}

// TestCensoring: a report that gives the survivors' p99 for that of all fails.
func TestCensoring(t *testing.T) {
	t.Parallel()
	w := simLosses(t)
	r := *w.Report
	r.Response.P99 = r.ResponseOK.P50
	w.Report = &r
	if truth := CheckLosses(w); truth.Pass {
		t.Error("passes")
	}
}

// TestNothing: no check passes when nothing was measured.
func TestNothing(t *testing.T) {
	t.Parallel()
	empty := func() *Window {
		return &Window{Truth: truthd.Spec{Kind: truthd.Stalling, Mean: 1e6, Stall: time.Second}, Rate: 1000, Duration: 10 * time.Second, Report: &loadgen.Report{}}
	}
	for _, truth := range []results.Truth{
		CheckDelays(empty(), floor), CheckRank(empty(), floor), CheckLindley(empty(), floor), CheckStall(empty()), CheckLosses(empty()),
		CheckLag([]*Window{empty()}), CheckSchedule([]*Window{empty()}),
	} {
		if truth.Pass {
			t.Errorf("%s passes", truth.ID)
		}
	}
	if points := ExcessOf(empty()); len(points) != 0 {
		t.Errorf("%d points", len(points))
	}
}
