package loadgen

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Summary is the report for people.
func (r *Report) Summary() string {
	var b strings.Builder
	say := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	say("%s", r.URL)
	window := time.Duration(r.DurationNs)
	on := r.Backend
	if n := len(r.Processes); n > 0 {
		on += fmt.Sprintf(" in %d processes", n)
	}
	connections := fmt.Sprintf("%d connections", r.Active)
	if r.Depth > 1 {
		connections += fmt.Sprintf(" with %d requests each", r.Depth)
	}
	if r.Idle > 0 {
		connections += fmt.Sprintf(" and %d idle", r.Idle)
	}
	if r.PerConnection > 0 {
		connections += fmt.Sprintf(" opened anew after %d", r.PerConnection)
	}
	if r.ReadRate > 0 {
		connections += fmt.Sprintf(" read at %d bytes/s each", r.ReadRate)
	}
	if s := r.Slow; s != nil {
		connections += fmt.Sprintf(" beside %d slow ones", s.Connections)
	}
	if r.Mode == "open" {
		say("open loop, %s arrivals at %s/s, %s, %v, on %s (%s)", r.Arrivals, number(r.IntendedRate), connections, window, on, r.Pacing)
	} else {
		say("closed loop, %s, %v, on %s (%s): each waits for its reply, so latencies are service times", connections, window, on, r.Pacing)
	}
	say("  answered   %d of %d requests, %s/s", r.Requests, r.Scheduled, number(r.AchievedRate))
	if len(r.Errors) > 0 {
		say("  failed     %s", counted(r.Errors))
	}
	say("  %-10s %10s %10s %10s %10s %10s", "", "p50", "p90", "p99", "p99.9", "max")
	for _, row := range []struct {
		name string
		d    *Dist
	}{
		{"response", &r.Response}, {"  survivors", &r.ResponseOK}, {"service", &r.Service}, {"first byte", &r.FirstByte},
		{"connect", &r.Connect}, {"admission", &r.Admission}, {"queue", &r.Queue}, {"lag", &r.Lag},
	} {
		if row.d.Count == 0 || (row.d == &r.ResponseOK && r.Response.Failed == 0) {
			continue
		}
		say("  %-10s %10s %10s %10s %10s %10s", row.name, row.d.show("p50"), row.d.show("p90"), row.d.show("p99"), row.d.show("p999"), row.d.show("max"))
	}
	for i := range r.Spans {
		p := &r.Spans[i]
		say("  %v to %v: response p50 %s, p99 %s, %d of %d failed", time.Duration(p.FromNs), time.Duration(p.ToNs), p.Response.show("p50"), p.Response.show("p99"), p.Failed, p.Count)
	}
	if len(r.Response.Missing)+len(r.Response.Open) > 0 {
		say("  -: too few requests for that quantile; ~: few (30 to 99 beyond it)")
	}
	if lost := r.Idle - r.IdleOpen; lost > 0 {
		say("  idle       %d of %d connections were not open and answered at the end", lost, r.Idle)
	}
	if s := r.Stored; s != nil {
		say("  stored     read back: %d as they were sent, %d otherwise, %d not read", s.Verified, s.Differed, s.Unread)
	}
	if s := r.Slow; s != nil {
		say("  slow       %d of %d open at the end, read %s bytes/s: %.3g of what their lines carry (%d bytes/s each), %d replies", s.OpenAtEnd, s.Connections, number(s.Rate), s.AchievedShare, s.ReadRate, s.Replies)
		if len(s.Errors) > 0 {
			say("  slow       failed: %s", counted(s.Errors))
		}
	}
	switch v := r.Recovery; {
	case v == nil:
	case v.Missing != "":
		say("  recovery   %s", v.text())
	default:
		say("  recovery   %s: %d left, %d of %d that waited were then served", v.text(), v.Left, v.Served, v.Waiting)
	}
	if len(r.Processes) > 0 {
		say("  generator  its busiest process was busy %.0f %% of the window; they began it within %v of each other", 100*r.BusyShare, time.Duration(r.WindowSpreadNs))
	} else {
		say("  generator  busy %.0f %% of the window", 100*r.BusyShare)
	}
	say("%s", r.Verdict)
	for _, reason := range r.Reasons {
		say("  %s", reason)
	}
	return b.String()
}

// show writes a quantile or the maximum: "> 1s" when it is only known to be
// more, "-" when it is not given.
func (d *Dist) show(name string) string {
	v := d.Max
	if name != "max" {
		v = *d.quantile(name)
	}
	switch limit, ok := d.Censored[name]; {
	case ok:
		return "> " + brief(limit)
	case v == nil:
		return "-"
	case d.isOpen(name):
		return "~" + brief(*v)
	}
	return brief(*v)
}

// brief writes nanoseconds with three significant digits.
func brief(ns int64) string {
	d := time.Duration(ns)
	for unit := time.Duration(1); unit <= d; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit).String()
		}
	}
	return d.String()
}

// number writes a rate.
func number(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.3g", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// counted lists counts by name: "3 refused, 1 timeout".
func counted(counts map[string]uint64) string {
	var list []string
	for name, n := range counts {
		list = append(list, fmt.Sprintf("%d %s", n, name))
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
