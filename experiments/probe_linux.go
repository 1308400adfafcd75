package experiments

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The fixed piece of work of a speed probe, done probePieces times, 20 ms in
// all. A piece takes about 1 ms where a system call takes 1 us and a step of
// the arithmetic 2 ns: half system calls (what a server mostly does; they feel
// the kernel's mitigations), half arithmetic (it feels the clock frequency and
// a sibling thread).
const (
	probePieces = 20
	probeCalls  = 500
	probeSteps  = 250_000
)

// speed measures the machine: for each CPU the nanoseconds that the fixed piece
// of work takes, on all of them at once, as a trial uses them. The lower
// quartile of the pieces is taken: interrupts and what the last trial left to
// the kernel only ever add, while a slow state of the machine is in all of
// them. In 25 probes on a quiet machine it scattered (sd) by 1.2 and 1.7 % on
// two CPUs; the median of five long pieces by 8.5 % on both, or 1.9 and 2.8 %
// without the one probe that a disturbance of some milliseconds hit.
// nil when it cannot be pinned.
func speed(cpus []int) []float64 {
	out := make([]float64, len(cpus))
	var done sync.WaitGroup
	for i, cpu := range cpus {
		done.Add(1)
		go func() {
			defer done.Done()
			// Never unlocked: the thread with the narrow mask ends with
			// the goroutine.
			runtime.LockOSThread()
			var set unix.CPUSet
			set.Set(cpu)
			if unix.SchedSetaffinity(0, &set) != nil {
				return
			}
			out[i] = pieces()
		}()
	}
	done.Wait()
	if slices.Contains(out, 0) || len(out) == 0 {
		return nil
	}
	return out
}

func pieces() float64 {
	var times [probePieces]float64
	x := uint64(0x9E3779B97F4A7C15)
	for i := range times {
		start := time.Now()
		for range probeCalls {
			// Raw: a wrapped call would measure Go's monitor thread, too.
			unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
		}
		for range probeSteps {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		times[i] = float64(time.Since(start).Nanoseconds())
	}
	runtime.KeepAlive(x) // or the compiler would drop the arithmetic
	slices.Sort(times[:])
	return times[probePieces/4]
}
