package control

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"golang.org/x/sys/unix"
)

// Take fills in what a process knows of itself: its times, context switches
// and collections, and with full its memory and descriptors. Everything else
// is zero. Without full it costs a few system calls; with it some milliseconds.
func Take(full bool) Snapshot {
	var s Snapshot
	if full {
		// First, so that what it costs does not fall after the CPU time is
		// read, into what is measured next.
		s.Full = takeFull()
	}
	s.TCPMemoryBytes = tcpMemory()
	collections := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(collections)
	s.GCCycles = uint32(collections[0].Value.Uint64())
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err == nil {
		s.VoluntarySwitches = int64(usage.Nvcsw)
		s.InvoluntarySwitches = int64(usage.Nivcsw)
	}
	s.CPUNs = CPUTime()
	s.AtNs = Monotonic()
	return s
}

// Settle collects garbage and gives the memory that this frees back to the
// system, so that a snapshot taken next shows what is live: how much garbage
// there is depends on when the collector happened to run last. It stops the
// process for some milliseconds and leaves it with cold caches.
func Settle() {
	runtime.GC() // what lies in a sync.Pool survives one collection
	debug.FreeOSMemory()
}

// Monotonic reads CLOCK_MONOTONIC, in nanoseconds.
func Monotonic() int64 { return clock(clockMonotonic) }

// CPUTime reads CLOCK_PROCESS_CPUTIME_ID: the CPU time of all threads of the
// process, in nanoseconds.
func CPUTime() int64 { return clock(clockProcess) }

func takeFull() *Full {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	f := &Full{OpenFDs: OpenFDs(), AnonBytes: -1, RunDelayNs: -1, Sockets: -1, SlabBytes: -1, HeapBytes: heap[0].Value.Uint64()}
	f.system()
	return f
}
