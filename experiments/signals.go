package experiments

import "medusa/results"

// signals reads what a machine does around and during a window. What a system
// cannot supply stays nil and is named in MachinePart.Unknown.
type signals interface {
	// Window reads counters at an edge of the window; pids are the trial's
	// processes on this machine, the server's first.
	Window(pids []int) windowReading
	// Trial reads counters at the start or the end of a trial.
	Trial() trialReading
	// Used is the CPU time of a process on this machine; nil where it cannot be
	// read.
	Used(pid int) *int64
}

// windowReading holds counters that only grow; nanoseconds.
type windowReading struct {
	WallNs int64
	CPUs   int
	IdleNs *int64 // of all CPUs, waiting for disks included
	Steal  *int64 // taken by the hypervisor
	OursNs *int64 // CPU time of the trial's processes and the runner
	// Others is the CPU time of every other process, kernel threads included;
	// nil where that is not known. Forks counts processes and threads begun.
	Others map[int]int64
	// Deferred are the others that are threads of the kernel which do what
	// programs left to it, the trial's own foremost; see defers.
	Deferred map[int]bool
	// Threads is how many threads each process has, of those for which that is
	// known: a thread that a process begins is counted in Forks, and its CPU time
	// is the process's.
	Threads map[int]int
	// Own are processes that the trial's own began meanwhile: others by their
	// number, not by what they use.
	Own   []int
	Forks *uint64
	PSI   *int64 // time in which some task waited for a CPU
	// RunDelay is how long the threads of the server's processes were ready and
	// waited for a CPU, summed; nil where that is not known.
	RunDelay *int64
	// Name says how another process is called, for as long as it lives.
	Name func(pid int) string
}

// claim makes processes that were taken for others the trial's own, and returns
// those that it had: only now it is known that they do its work.
func (r *windowReading) claim(own []int) (had []int) {
	for _, pid := range own {
		if used, ok := r.Others[pid]; ok {
			delete(r.Others, pid)
			if r.OursNs != nil {
				ours := *r.OursNs + used
				r.OursNs = &ours
			}
			had = append(had, pid)
		}
	}
	return had
}

type trialReading struct {
	Sockets   *int // TCP sockets in use
	Overflows *uint64
	Drops     *uint64
	Retrans   *uint64
}

// machinePart compares readings. The speed probes, and what the machine does when
// it is quiet, are added by the caller.
func machinePart(before, after windowReading, start, end trialReading) *results.MachinePart {
	m := &results.MachinePart{CPUs: after.CPUs, SocketsBefore: start.Sockets, SocketsAfter: end.Sockets}
	wall := after.WallNs - before.WallNs
	total := float64(wall) * float64(after.CPUs)
	unknown := func(what string) { m.Unknown = append(m.Unknown, what) }
	share := func(v float64) *float64 { v = min(max(v, 0), 1); return &v }

	if d, ok := grown(before.Steal, after.Steal); ok && total > 0 {
		m.StealShare = share(d / total)
	} else {
		unknown("steal")
	}
	idle, okIdle := grown(before.IdleNs, after.IdleNs)
	ours, okOurs := grown(before.OursNs, after.OursNs)
	deferred := deferredGrown(before, after)
	if after.Others != nil && total > 0 {
		m.DeferredShare = share(deferred / total)
	}
	if others, ok := othersGrown(before, after); ok && total > 0 {
		m.ForeignShare = share(others / total)
	} else if okIdle && okOurs && total > 0 {
		steal, _ := grown(before.Steal, after.Steal)
		m.ForeignShare = share((total - idle - steal - ours - deferred) / total)
	} else {
		unknown("foreign CPU")
	}
	m.ForeignMost = mostForeign(before, after)
	if d, ok := grown(before.PSI, after.PSI); ok && wall > 0 {
		m.PSISomeShare = share(d / float64(wall))
	} else {
		unknown("CPU pressure")
	}
	if d, ok := grown(before.RunDelay, after.RunDelay); ok && wall > 0 && d >= 0 {
		m.RunDelayShare = share(d / float64(wall))
	} else {
		unknown("run delay")
	}
	if m.SocketsBefore == nil || m.SocketsAfter == nil {
		unknown("sockets in use")
	}
	counter := func(a, b *uint64, what string) *uint64 {
		if a == nil || b == nil || *b < *a {
			unknown(what)
			return nil
		}
		d := *b - *a
		return &d
	}
	m.ListenOverflows = counter(start.Overflows, end.Overflows, "listen overflows")
	m.ListenDrops = counter(start.Drops, end.Drops, "listen drops")
	m.SynRetrans = counter(start.Retrans, end.Retrans, "SYN retransmissions")
	return m
}

func grown(a, b *int64) (float64, bool) {
	if a == nil || b == nil {
		return 0, false
	}
	return float64(*b - *a), true
}
