package results

import (
	"fmt"
	"math"
)

// The publication rule: a quantile is published with so many expected
// exceedances, drawn open with fewer, and null below the second bound.
const (
	publishedExceedances = 100
	openExceedances      = 30
)

// Derive computes Metrics, Missing, Censored, Open, Verdict and Reasons of a
// record from its raw parts, by fixed rules: the same parts give the same
// result on every system. Every metric column has a value, a bound (Censored)
// or a reason (Missing). A failed trial has no metrics at all, as what it
// measured until it failed is no measurement of its cell.
func Derive(r *Record) {
	d := derivation{r}
	r.Metrics, r.Missing, r.Censored, r.Open = map[string]float64{}, map[string]string{}, map[string]float64{}, nil
	r.Notes = nil
	why := "this trial measured none"
	if r.Failure != nil {
		why = fmt.Sprintf("the trial failed (%s): %s", r.Failure.Stage, r.Failure.Reason)
	} else {
		d.server()
		d.memory()
		d.limit()
		d.load()
		d.slow()
		d.fault()
	}
	for _, c := range registry {
		if c.Kind != Metric {
			continue
		}
		_, has := r.Metrics[c.Name]
		_, bounded := r.Censored[c.Name]
		if !has && !bounded && r.Missing[c.Name] == "" {
			r.Missing[c.Name] = why
		}
	}
	r.Verdict, r.Reasons = TrialVerdict(r)
}

type derivation struct{ r *Record }

// put stores a value. Only finite numbers are values: JSON has no others.
func (d derivation) put(column string, v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		d.miss("it is not a finite number", column)
		return
	}
	d.r.Metrics[column] = v
}

func (d derivation) miss(why string, columns ...string) {
	for _, c := range columns {
		d.r.Missing[c] = why
	}
}

// delta is what a server did between two snapshots.
type delta struct {
	seconds                  float64
	cpuNs                    float64
	requests, waits, events  float64
	calls                    float64
	callsKnown               bool
	accepted, acceptFailures float64
	switches, collections    float64
	backwards                string // a counter that ran backwards
}

// between subtracts snapshots. Counters only grow; one that did not is named.
func between(a, b *Snapshot) delta {
	d := delta{
		seconds:        float64(b.AtNs-a.AtNs) / 1e9,
		cpuNs:          float64(b.CPUNs - a.CPUNs),
		requests:       float64(b.Requests) - float64(a.Requests),
		waits:          float64(b.Waits) - float64(a.Waits),
		events:         float64(b.Events) - float64(a.Events),
		accepted:       float64(b.Accepted) - float64(a.Accepted),
		acceptFailures: float64(b.AcceptFailures) - float64(a.AcceptFailures),
		switches:       float64(b.VoluntarySwitches-a.VoluntarySwitches) + float64(b.InvoluntarySwitches-a.InvoluntarySwitches),
		collections:    float64(b.GCCycles) - float64(a.GCCycles),
	}
	for kind, n := range b.Calls {
		d.calls += float64(n) - float64(a.Calls[kind])
		d.callsKnown = true
	}
	for _, c := range []struct {
		name string
		v    float64
	}{
		{"time", d.seconds}, {"CPU time", d.cpuNs}, {"requests", d.requests}, {"waits", d.waits}, {"events", d.events},
		{"system calls", d.calls}, {"accepted connections", d.accepted}, {"accept failures", d.acceptFailures},
		{"context switches", d.switches}, {"garbage collections", d.collections},
	} {
		if c.v < 0 {
			d.backwards = c.name
			break
		}
	}
	return d
}

// window returns what the server did in the window, or why that is unknown.
func (r *Record) window() (delta, string) {
	if r.Server == nil {
		return delta{}, "the server said nothing"
	}
	if r.Server.Before == nil || r.Server.After == nil {
		return delta{}, "the server's snapshots around the window are missing"
	}
	d := between(r.Server.Before, r.Server.After)
	if d.backwards != "" {
		return delta{}, "the server's counter of " + d.backwards + " ran backwards in the window"
	}
	return d, ""
}

// serverCPUs is how many CPUs the server had.
func (r *Record) serverCPUs() float64 {
	if n, ok := r.Value("server_cpus"); ok && n >= 1 {
		return n
	}
	return 1
}

// server derives what the server's counters over the window say. Each figure
// per request divides counters of the same two snapshots, so it does not
// matter that these do not fall on the window's edges to the microsecond.
func (d derivation) server() {
	perRequest := []string{"server_cpu_us_per_request", "total_cpu_us_per_request", "syscalls_per_request", "waits_per_request", "switches_per_request"}
	w, why := d.r.window()
	if why != "" {
		d.miss(why, append(perRequest, "server_busy_share", "events_per_wait", "accept_failures_per_s", "opened_per_s", "gc_cycles")...)
		return
	}
	if d.r.countedByLoad() {
		d.peer(w)
		return
	}
	d.put("gc_cycles", w.collections)
	if w.seconds > 0 {
		d.put("accept_failures_per_s", w.acceptFailures/w.seconds)
		d.put("opened_per_s", w.accepted/w.seconds)
	} else {
		d.miss("no time passed between the server's snapshots", "accept_failures_per_s", "opened_per_s")
	}
	if w.waits > 0 {
		d.put("events_per_wait", w.events/w.waits)
	} else {
		d.miss("the engine "+d.r.Server.Engine+" counted no wait in the window", "events_per_wait")
	}
	d.cpu(w)
	if w.requests == 0 {
		d.miss("the server counted no request in the window", perRequest[2:]...)
		return
	}
	d.put("switches_per_request", w.switches/w.requests)
	if w.waits > 0 {
		d.put("waits_per_request", w.waits/w.requests)
	} else {
		d.miss("the engine "+d.r.Server.Engine+" counted no wait in the window", "waits_per_request")
	}
	if w.callsKnown && w.calls > 0 {
		d.put("syscalls_per_request", w.calls/w.requests)
	} else {
		d.miss("the engine "+d.r.Server.Engine+" counts no system calls", "syscalls_per_request")
	}
}

// cpu derives CPU time. The generator's share is over the requests that it
// counted itself; what it spent spinning is waiting, not work.
func (d derivation) cpu(w delta) {
	if d.r.Server.Settled != nil {
		d.miss("this trial settled the server's memory before the window, and would bill the requests for what that leaves behind",
			"server_busy_share", "server_cpu_us_per_request", "total_cpu_us_per_request")
		return
	}
	if w.seconds > 0 {
		d.put("server_busy_share", w.cpuNs/1e9/w.seconds/d.r.serverCPUs())
	}
	if w.requests == 0 {
		d.miss("the server counted no request in the window", "server_cpu_us_per_request", "total_cpu_us_per_request")
		return
	}
	server := w.cpuNs / 1000 / w.requests
	d.put("server_cpu_us_per_request", server)
	switch l := d.r.Load; {
	case l == nil:
		d.miss("the generator reported nothing", "total_cpu_us_per_request")
	case l.Requests == 0:
		d.miss("no request of the window was answered well", "total_cpu_us_per_request")
	default:
		d.put("total_cpu_us_per_request", server+float64(max(l.CPUNs-l.SpunNs, 0))/1000/float64(l.Requests))
	}
}
