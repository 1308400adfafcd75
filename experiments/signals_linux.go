package experiments

import (
	"os"
	"runtime"
	"slices"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// procSignals reads /proc (proc(5)).
type procSignals struct {
	fs procfs.FS
	ok bool
}

func machineSignals() signals {
	fs, err := procfs.NewDefaultFS()
	return procSignals{fs, err == nil}
}

func (s procSignals) Window(pids []int) windowReading {
	r := windowReading{WallNs: clock(unix.CLOCK_MONOTONIC), CPUs: runtime.NumCPU()}
	r.OursNs = processTime(pids)
	if !s.ok {
		return r
	}
	if st, err := s.fs.Stat(); err == nil {
		r.CPUs = max(len(st.CPU), 1)
		// Idle time is counted by the kernel in nanoseconds where ticks stop
		// on idle CPUs, busy time by sampling: so what is busy is computed
		// from what is idle.
		idle := int64((st.CPUTotal.Idle + st.CPUTotal.Iowait) * 1e9)
		steal := int64(st.CPUTotal.Steal * 1e9)
		r.IdleNs, r.Steal = &idle, &steal
		r.Forks = &st.ProcessCreated
	}
	r.Others = s.others(pids)
	if psi, err := s.fs.PSIStatsForResource("cpu"); err == nil && psi.Some != nil {
		ns := int64(psi.Some.Total) * 1000
		r.PSI = &ns
	}
	return r
}

// others reads the CPU time of all processes but pids and this one.
func (s procSignals) others(pids []int) map[int]int64 {
	all, err := s.fs.AllProcs()
	if err != nil {
		return nil
	}
	times := make(map[int]int64, len(all))
	for _, p := range all {
		if p.PID == os.Getpid() || slices.Contains(pids, p.PID) {
			continue
		}
		if t, ok := processClock(p.PID); ok {
			times[p.PID] = t
		}
	}
	return times
}

// processTime sums the CPU time of the processes and of this one. nil when one
// of them cannot be read.
func processTime(pids []int) *int64 {
	sum := clock(unix.CLOCK_PROCESS_CPUTIME_ID)
	if len(pids) == 0 {
		return nil
	}
	for _, pid := range pids {
		t, ok := processClock(pid)
		if !ok {
			return nil
		}
		sum += t
	}
	return &sum
}

// processClock is the CPU time of a process, in nanoseconds, by its process
// clock (clock_getcpuclockid(3): ^pid << 3 | CPUCLOCK_SCHED).
func processClock(pid int) (ns int64, ok bool) {
	var t unix.Timespec
	if pid <= 0 || unix.ClockGettime(int32(^pid<<3|2), &t) != nil {
		return 0, false
	}
	return t.Nano(), true
}

func clock(id int32) int64 {
	var t unix.Timespec
	if unix.ClockGettime(id, &t) != nil {
		return 0
	}
	return t.Nano()
}

func (s procSignals) Trial() trialReading {
	var r trialReading
	if !s.ok {
		return r
	}
	if st, err := s.fs.NetSockstat(); err == nil {
		for _, p := range st.Protocols {
			if p.Protocol == "TCP" {
				n := p.InUse
				r.Sockets = &n
			}
		}
	}
	if p, err := s.fs.Proc(os.Getpid()); err == nil {
		if n, err := p.Netstat(); err == nil {
			r.Overflows = count(n.TcpExt.ListenOverflows)
			r.Drops = count(n.TcpExt.ListenDrops)
			r.Retrans = count(n.TcpExt.TCPSynRetrans)
		}
	}
	return r
}

func count(v *float64) *uint64 {
	if v == nil {
		return nil
	}
	n := uint64(*v)
	return &n
}
