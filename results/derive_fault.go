package results

import "fmt"

// recoveredWithin: a part of the window is back to what it was before the fault
// when its median is at most so many times as long, and this much.
const (
	recoveredTimes = 2
	recoveredPlus  = 1e6 // ns
)

// fault derives what others saw of a fault and what it left. Of a trial without
// the setting there is nothing; with fault: none the parts of the window are told
// all the same, to compare with.
func (d derivation) fault() {
	f, l, s := d.r.Fault, d.r.Load, d.r.Server
	if f == nil {
		return
	}
	d.leaks(f, s)
	if f.disturbs() && f.EndedNs > 0 {
		d.put("fault_lasted_ms", float64(f.EndedNs-f.BeganNs)/1e6)
		if ms := float64(f.WatchedNs) / 1e6; f.Recovered {
			d.put("server_recovery_ms", ms)
		} else {
			d.r.Censored["server_recovery_ms"] = ms
		}
		if f.Did != nil {
			d.put("fault_opened", float64(f.Did["opened"]))
		} else {
			d.miss("this fault has no clients that count", "fault_opened")
		}
	} else {
		d.miss("nothing was done to the server", "fault_lasted_ms", "fault_opened", "fault_recovery_ms", "server_recovery_ms")
	}
	if l == nil || len(l.Spans) != 3 {
		d.miss("the generator told no parts of its window", "before_p99_ms", "fault_p50_ms", "fault_p99_ms", "after_p99_ms", "fault_ok_share", "after_ok_share", "fault_recovery_ms")
		return
	}
	for i, name := range []string{"before", "fault", "after"} {
		d.quantiles(name, &l.Spans[i].Response, l.TimeoutNs)
		column := name + "_ok_share"
		if _, ok := find(column, registry); !ok {
			continue
		}
		if n := l.Spans[i].Count; n > 0 {
			d.put(column, float64(n-l.Spans[i].Failed)/float64(n))
		} else {
			d.miss("no request belongs to this part of the window", column)
		}
	}
	if f.disturbs() {
		d.recovery(f, l)
	}
}

// recovery derives how long the others felt the fault after its end.
func (d derivation) recovery(f *FaultPart, l *LoadReport) {
	const column = "fault_recovery_ms"
	before := l.Spans[0].Response.P50
	switch {
	case len(d.r.EdgesNs) != 2 || f.EndedNs <= 0:
		d.miss("when the fault ended is not known", column)
		return
	case before == nil:
		d.miss("the median before the fault is not known", column)
		return
	}
	most := recoveredTimes*float64(*before) + recoveredPlus
	ended := f.EndedNs - d.r.EdgesNs[0]
	back := ended // the beginning of the first part from which on all is well
	parts := 0
	for i, p := range l.Series {
		if p.StartNs < ended {
			continue
		}
		parts++
		if p.Failed == 0 && float64(p.P50) <= most {
			continue
		}
		if i == len(l.Series)-1 {
			d.r.Censored[column] = float64(l.DurationNs-ended) / 1e6
			return
		}
		back = l.Series[i+1].StartNs
	}
	if parts < 2 {
		d.miss(fmt.Sprintf("the window went on for %d parts after the fault", parts), column)
		return
	}
	d.put(column, float64(back-ended)/1e6)
}

// leaks derives what the server has more at the end than at its start.
func (d derivation) leaks(f *FaultPart, s *ServerPart) {
	if s == nil || s.Start == nil || s.End == nil {
		d.miss("the server's first or last snapshot is missing", "leaked_connections", "leaked_fds")
	} else {
		d.put("leaked_connections", float64(s.End.Connections-s.Start.Connections))
		if s.Start.Full == nil || s.End.Full == nil || s.Start.Full.OpenFDs < 0 || s.End.Full.OpenFDs < 0 {
			d.miss("this system does not tell it", "leaked_fds")
		} else {
			d.put("leaked_fds", float64(s.End.Full.OpenFDs-s.Start.Full.OpenFDs))
		}
	}
	a, b := f.SettledBefore, f.SettledAfter
	switch {
	case a == nil || b == nil || a.Full == nil || b.Full == nil:
		d.miss("the server's settled memory before or after is missing", "leaked_bytes")
	case a.Full.AnonBytes < 0 || b.Full.AnonBytes < 0:
		d.miss("this system does not tell it", "leaked_bytes")
	default:
		d.put("leaked_bytes", float64(b.Full.AnonBytes-a.Full.AnonBytes))
	}
}
