package experiments

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// procSignals reads /proc (proc(5)), and the clocks of processes.
type procSignals struct {
	root  string // where /proc is
	self  int    // the runner's own process
	clock clockReader
}

// clockReader is clock_gettime(2); false where there is no such clock.
type clockReader func(id int32) (ns int64, ok bool)

func machineSignals() signals {
	return procSignals{root: procfs.DefaultMountPoint, self: os.Getpid(), clock: kernelClock}
}

func kernelClock(id int32) (ns int64, ok bool) {
	var t unix.Timespec
	if unix.ClockGettime(id, &t) != nil {
		return 0, false
	}
	return t.Nano(), true
}

// processClock is the clock of a process's CPU time (clock_getcpuclockid(3):
// ^pid << 3 | CPUCLOCK_SCHED).
func processClock(pid int) int32 { return int32(^pid<<3 | 2) }

func (s procSignals) Window(pids []int) windowReading {
	r := windowReading{CPUs: runtime.NumCPU(), Name: s.name}
	r.WallNs, _ = s.clock(unix.CLOCK_MONOTONIC)
	r.OursNs = s.processTime(pids)
	fs, err := procfs.NewFS(s.root)
	if err != nil {
		return r
	}
	r.RunDelay = s.serverDelay(fs, pids)
	if st, err := fs.Stat(); err == nil {
		r.CPUs = max(len(st.CPU), 1)
		// Idle time is counted by the kernel in nanoseconds where ticks stop
		// on idle CPUs, busy time by sampling: so what is busy is computed
		// from what is idle.
		idle := int64((st.CPUTotal.Idle + st.CPUTotal.Iowait) * 1e9)
		steal := int64(st.CPUTotal.Steal * 1e9)
		r.IdleNs, r.Steal = &idle, &steal
		r.Forks = &st.ProcessCreated
	}
	s.processes(fs, pids, &r)
	if psi, err := fs.PSIStatsForResource("cpu"); err == nil && psi.Some != nil {
		ns := int64(psi.Some.Total) * 1000
		r.PSI = &ns
	}
	return r
}

// name is what a process is called, or "a process" when it has ended.
func (s procSignals) name(pid int) string {
	if name := firstLine(filepath.Join(s.root, strconv.Itoa(pid), "comm")); name != "" {
		return name
	}
	return "a process"
}

// serverDelay sums the run delay of the server's processes: the first of pids, and
// what of the others it has started, or those have.
func (s procSignals) serverDelay(fs procfs.FS, pids []int) *int64 {
	var server []int
	var sum int64
	for i, pid := range pids {
		if i > 0 {
			p, err := fs.Proc(pid)
			if err != nil {
				continue // it has ended
			}
			if st, err := p.Stat(); err != nil || !slices.Contains(server, st.PPID) {
				continue
			}
		}
		server = append(server, pid)
		delay := s.runDelay(pid)
		if delay == nil {
			return nil
		}
		sum += *delay
	}
	if server == nil {
		return nil
	}
	return &sum
}

// runDelay sums, over the threads of a process, the time spent ready and
// waiting for a CPU (sched-stats.rst, /proc/PID/schedstat). The process's own
// schedstat is that of its first thread only, and the loop may run on any.
// nil when the process has ended, or the kernel does not tell.
func (s procSignals) runDelay(pid int) *int64 {
	files, err := filepath.Glob(filepath.Join(s.root, strconv.Itoa(pid), "task", "*", "schedstat"))
	if err != nil || len(files) == 0 {
		return nil
	}
	var sum int64
	for _, name := range files {
		fields := strings.Fields(firstLine(name))
		if len(fields) == 0 {
			continue // the thread has ended
		}
		if len(fields) < 2 {
			return nil
		}
		n, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return nil
		}
		sum += n
	}
	return &sum
}

// kthreadd is the parent of every thread of the kernel (kthread.c), in the
// namespace in which they are seen.
const kthreadd = 2

// processes reads the CPU time of all processes but pids and this one, which of
// them are the kernel's, and how many threads each process has.
func (s procSignals) processes(fs procfs.FS, pids []int, r *windowReading) {
	all, err := fs.AllProcs()
	if err != nil {
		return
	}
	r.Others, r.Threads, r.Deferred = make(map[int]int64, len(all)), make(map[int]int, len(all)), map[int]bool{}
	for _, p := range all {
		if st, err := p.Stat(); err == nil { // else it has ended
			r.Threads[p.PID] = st.NumThreads
			if st.PPID == kthreadd && defers(st.Comm) {
				r.Deferred[p.PID] = true
			}
		}
		if p.PID == s.self || slices.Contains(pids, p.PID) {
			continue
		}
		if t, ok := s.clock(processClock(p.PID)); ok {
			r.Others[p.PID] = t
		}
	}
}

// processTime sums the CPU time of the processes and of this one. nil when one
// of them cannot be read.
func (s procSignals) processTime(pids []int) *int64 {
	sum, ok := s.clock(unix.CLOCK_PROCESS_CPUTIME_ID)
	if len(pids) == 0 || !ok {
		return nil
	}
	for _, pid := range pids {
		t, ok := s.clock(processClock(pid))
		if !ok || pid <= 0 {
			return nil
		}
		sum += t
	}
	return &sum
}

func (s procSignals) Used(pid int) *int64 {
	if ns, ok := s.clock(processClock(pid)); ok {
		return &ns
	}
	return nil
}

func (s procSignals) Trial() trialReading {
	var r trialReading
	fs, err := procfs.NewFS(s.root)
	if err != nil {
		return r
	}
	if st, err := fs.NetSockstat(); err == nil {
		for _, p := range st.Protocols {
			if p.Protocol == "TCP" {
				n := p.InUse
				r.Sockets = &n
			}
		}
	}
	if p, err := fs.Proc(s.self); err == nil {
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
