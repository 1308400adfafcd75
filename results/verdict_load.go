package results

import (
	"math"
	"slices"
	"strings"

	"medusa/results/stats"
)

// The bounds of the generator.
const (
	lagFloorNs    = 50_000 // a lag up to this is never held against the generator
	lagShare      = 0.10   // of the response at the same quantile
	busyMost      = 0.70   // of the window, in an open loop
	unsentFree    = 0.001  // of the scheduled requests, unsent while a connection was free
	completeLeast = 0.99   // of the requests: below it the server is saturated
	// queueGrowthShare and queueGrowthSigmas say when the queue has grown:
	// by more than that share of the requests (what the rule of 99 %
	// completed would find without a drain), and by more than so many square
	// roots of their number, by which Poisson arrivals alone differ from
	// their mean.
	queueGrowthShare  = 0.01
	queueGrowthSigmas = 3
)

// clientLimited finds a generator that was late.
func clientLimited(l *LoadReport) []finding {
	if out := late(l); len(out) > 0 {
		return out
	}
	return ownAccount(l, VerdictClientLimited)
}

// ownAccount is the generator's own verdict. It saw every request and can know
// more than its report shows: a clock that went backwards, a queue that grew
// from one fifth of the window to the next.
func ownAccount(l *LoadReport, verdict string) []finding {
	if l.Verdict != verdict {
		return nil
	}
	if len(l.Reasons) == 0 {
		return []finding{{verdict, "by the generator's own account"}}
	}
	return []finding{{verdict, "by the generator's own account: " + strings.Join(l.Reasons, "; ")}}
}

// late applies the rules to what the report shows. A closed loop has no
// schedule to be late for: its generator is as busy as the server lets it be.
func late(l *LoadReport) []finding {
	if l.Mode == modeClosed {
		return nil
	}
	var out []finding
	for _, q := range quantileLevels {
		response := l.Response.read(q.name, q.above, l.TimeoutNs)
		lag := l.Lag.at(q.name)
		if response.missing != "" || response.open || lag == nil {
			continue // only a published quantile can be spoiled
		}
		if allowed := max(lagFloorNs, lagShare*float64(response.ns)); float64(*lag) > allowed {
			out = append(out, found(VerdictClientLimited, "the generator's lag %s is %.0f us; %.0f us are allowed (50 us, or 10 %% of the response)", q.name, float64(*lag)/1e3, allowed/1e3))
		}
	}
	if l.BusyShare > busyMost {
		out = append(out, found(VerdictClientLimited, "the generator was busy for %.0f %% of the window; 70 %% are allowed", 100*l.BusyShare))
	}
	if float64(l.SentLate) > unsentFree*float64(l.Scheduled) {
		out = append(out, found(VerdictClientLimited, "%d of %d scheduled requests were not sent although a connection was free; 0.1 %% are allowed", l.SentLate, l.Scheduled))
	}
	return out
}

// saturated finds a server that could not keep up with an open loop. A closed
// loop saturates by design.
//
// Completed is counted against what was sent, and against what would have been
// sent had a connection been free: a request that timed out waiting for a
// connection was never sent, and is the server's doing all the same.
func saturated(l *LoadReport) []finding {
	if l.Mode == modeClosed {
		return nil
	}
	var out []finding
	due := max(l.Sent, l.Scheduled-min(l.SentLate, l.Scheduled))
	if float64(l.Requests) < completeLeast*float64(due) {
		out = append(out, found(VerdictSaturated, "%d of %d requests were answered well, %.1f %%: under 99 %%", l.Requests, due, 100*float64(l.Requests)/float64(due)))
	}
	grown := float64(l.QueueEnd - l.QueueStart)
	if n := float64(l.Scheduled); grown > max(queueGrowthShare*n, queueGrowthSigmas*math.Sqrt(n)) {
		out = append(out, found(VerdictSaturated, "the queue grew from %d to %d requests over the window", l.QueueStart, l.QueueEnd))
	}
	if len(out) == 0 {
		out = ownAccount(l, VerdictSaturated)
	}
	return out
}

// The bounds of steadiness.
const (
	pointRequests = 20    // that a point of the series needs, on average
	unsteadyP     = 0.002 // of the permutation test
	unsteadyShift = 0.10  // of the median
)

// unsteady finds a window whose response changed its level. With 50 points or
// more a change is looked for anywhere, with fewer only between halves.
func unsteady(r *Record) []finding {
	if r.Fault.disturbs() {
		return nil // that it moves is what the trial is for
	}
	series := levels(r.Load.Series)
	// No two parts of the series can be further apart than its extremes:
	// mostly that settles it without 5,000 permutations.
	if len(series) == 0 || slices.Max(series)-slices.Min(series) <= unsteadyShift*stats.Median(series) {
		return nil
	}
	p, shift := stats.Unsteady(series, r.ScheduleSeed)
	if p <= unsteadyP && shift > unsteadyShift {
		return []finding{found(VerdictUnsteady, "the median response moved by %.0f %% inside the window (p = %.4f)", 100*shift, p)}
	}
	return nil
}

// levels returns the medians of a series whose points have 20 requests on
// average, and nothing of a thinner one: the generator cuts a window with few
// requests into few points. A point without a request has no median.
func levels(points []SeriesPoint) []float64 {
	var out []float64
	var requests uint64
	for _, p := range points {
		if p.Count > 0 && p.P50 > 0 {
			out = append(out, float64(p.P50))
			requests += p.Count
		}
	}
	if requests < pointRequests*uint64(len(out)) {
		return nil
	}
	return out
}
