package loadgen

import (
	"fmt"
	"time"
)

// The verdicts that a generator can reach by itself.
const (
	Valid         = "valid"
	Saturated     = "saturated"
	ClientLimited = "client-limited"
)

const (
	// lagFloor and lagShare: a published quantile of lag over both 50 us and
	// a tenth of the response's is the generator's doing.
	lagFloor = 50 * time.Microsecond
	lagShare = 0.10
	// busyMost is the share of a CPU over which an open loop is not trusted
	// to have kept its time.
	busyMost = 0.70
	// sentLeast is the share of the schedule that must have been sent, those
	// left out for which no connection was free.
	sentLeast = 0.999
	// doneLeast is the share of what was sent that must have been answered
	// well: under it the server is saturated.
	doneLeast = 0.99
	// growth of the queue over the window, as a share of the requests
	// scheduled and at least in requests, that makes it saturated.
	growthShare = 0.01
	growthLeast = 10
)

// verdict judges a report. waiting is the mean number of requests waiting for
// a connection in each fifth of the window; odd are contradictions that the
// generator found in its own account. A generator at its limit says nothing
// about the server, so that verdict comes first; the reasons are all given.
func verdict(r *Report, waiting [5]float64, odd []string) (string, []string) {
	client := append(clientLimits(r), odd...)
	server := saturation(r, waiting)
	reasons := append(client, server...)
	switch {
	case len(client) > 0:
		return ClientLimited, reasons
	case len(server) > 0:
		return Saturated, reasons
	}
	return Valid, nil
}

func clientLimits(r *Report) (reasons []string) {
	if r.Mode != "open" {
		return nil
	}
	for _, q := range quantiles {
		lag := *r.Lag.quantile(q.name)
		if lag == nil || r.Lag.isOpen(q.name) || r.Response.isOpen(q.name) {
			continue
		}
		var response int64
		if p := *r.Response.quantile(q.name); p != nil {
			response = *p
		} else if limit, ok := r.Response.Censored[q.name]; ok {
			response = limit
		} else {
			continue
		}
		if limit := max(int64(lagFloor), int64(lagShare*float64(response))); *lag > limit {
			reasons = append(reasons, fmt.Sprintf("%s of the generator's lag is %v, over %v (the larger of %v and %.0f %% of the response's %v)",
				q.name, time.Duration(*lag), time.Duration(limit), lagFloor, 100*lagShare, time.Duration(response)))
		}
	}
	if r.BusyShare > busyMost {
		reasons = append(reasons, fmt.Sprintf("the generator was busy for %.0f %% of the window, over %.0f %%", 100*r.BusyShare, 100*busyMost))
	}
	if float64(r.SentLate) > (1-sentLeast)*float64(r.Scheduled) {
		reasons = append(reasons, fmt.Sprintf("%d of %d requests were not sent in time although a connection was free", r.SentLate, r.Scheduled))
	}
	return reasons
}

func saturation(r *Report, waiting [5]float64) (reasons []string) {
	due := r.Scheduled - r.SentLate
	if float64(r.Requests) < doneLeast*float64(due) {
		reasons = append(reasons, fmt.Sprintf("%d of %d requests were answered well, under %.0f %%", r.Requests, due, 100*doneLeast))
	}
	growth := waiting[4] - waiting[0]
	if growth > max(growthShare*float64(r.Scheduled), growthLeast) && waiting[0] < waiting[2] && waiting[2] < waiting[4] {
		reasons = append(reasons, fmt.Sprintf("the queue grew: %.0f requests waited for a connection in the window's first fifth, %.0f in its last", waiting[0], waiting[4]))
	}
	return reasons
}

// isOpen says that a quantile has only 30 to 99 expected exceedances.
func (d *Dist) isOpen(name string) bool {
	for _, o := range d.Open {
		if o == name {
			return true
		}
	}
	return false
}
