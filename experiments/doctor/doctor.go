// Package doctor says what on a machine will spoil a measurement or stop a
// suite, and what to do about it. It judges facts that were gathered before:
// the same facts give the same findings on any system.
//
// The bounds are chosen so that what is a warning here would show in trials as
// a verdict, a skipped cell or a failure.
package doctor

import (
	"time"

	"medusa/results"
)

// Facts are what is known of a machine. A pointer that is nil, an empty text
// and an empty list mean: not known on this system.
type Facts struct {
	Machine results.Machine // what a run records anyway

	CPUs     []int         // that processes may run on
	Pinnable bool          // a process can be tied to a CPU
	Quota    *float64      // CPUs' worth of time that the control group may use; +Inf: no bound
	Siblings map[int][]int // by CPU: those of its core, itself included
	Turbo    *Turbo
	Clocks   []string // clock sources to choose from

	MemLock         *Limit
	Privileged      bool // effective user 0: RLIMIT_MEMLOCK does not bind it
	FilesOpen       *uint64
	MemoryAvailable *uint64 // bytes that programs can have, under the control group's bound
	HugePages       string  // transparent_hugepage/enabled, the chosen word

	Sockets   *int // TCP sockets in use, TIME_WAIT not counted
	TimeWait  *int // sockets in TIME_WAIT
	Conntrack *Conntrack

	Load1       *float64  // load average of the last minute
	Others      []Process // other medusa processes
	Container   string    // what hints at one; "" for none
	Loopback    bool      // all of 127/8 is this machine, so that ports are had from many addresses
	Disk        Disk
	Certificate *results.Certificate // nil: see CertificateErr
	// CertificateErr says why there is no certificate; it wraps
	// os.ErrNotExist where the machine was never calibrated.
	CertificateErr error

	Now    time.Time
	Sample *results.MachineSample // nil: nothing was sampled
}

// Limit is a resource limit (getrlimit(2)).
type Limit struct{ Soft, Hard uint64 }

// Turbo is whether CPUs may run faster than their rated clock, and how that is
// changed.
type Turbo struct {
	On     bool
	Remedy string
}

// Conntrack is how many connections the firewall remembers.
type Conntrack struct{ Count, Max uint64 }

// Process is one that runs.
type Process struct {
	PID     int
	Command string // its arguments
}

// Disk is where a run folder will be.
type Disk struct {
	Folder string // that was asked about
	Exists string // the nearest folder above it, or itself, that exists
	Free   uint64 // bytes, for this user
	Err    error  // why nothing can be written there, or nothing is known
	Fixed  bool   // the run is there already: no other can be chosen
}

// Needs are what a suite asks of a machine.
type Needs struct {
	Suite       string
	Connections int    // at once, of the largest cell
	Descriptors uint64 // of one process, for that
	LostCells   int    // that cannot be run here
	LostWhy     string // of one of them
	ServerCPUs  int
	Backends    []string // that it names, or all where it takes those that are here
	Memory      uint64   // bytes, reckoned
	Disk        uint64   // bytes, reckoned
	Churn       bool     // some cell opens a connection for each request
	Body        int64    // bytes of its largest response
	// SystemCongestion says that some cell leaves the congestion control to
	// the system.
	SystemCongestion bool
	Settles          bool  // some cell measures memory
	Stop             error // why nothing of it can be run
}

// answer is what a check says. The zero value: not known on this system.
type answer struct {
	level, found, why, remedy string
	noise                     bool
	omit                      bool // nothing to say
}

func fine(found string) answer { return answer{level: results.CheckupOK, found: found} }

func note(found, why, remedy string) answer {
	return answer{level: results.CheckupNote, found: found, why: why, remedy: remedy}
}

func warning(found, why, remedy string) answer {
	return answer{level: results.CheckupWarning, found: found, why: why, remedy: remedy}
}

func stop(found, why, remedy string) answer {
	return answer{level: results.CheckupStop, found: found, why: why, remedy: remedy}
}

// byNoise marks an answer as other programs' doing.
func (a answer) byNoise() answer {
	a.noise = true
	return a
}

var checks = []struct {
	id    string
	check func(f *Facts, needs []Needs) answer
}{
	{"suite", suites},
	{"descriptors", descriptors},
	{"open files", openFiles},
	{"ports", ports},
	{"TIME_WAIT", timeWait},
	{"accept queue", acceptQueue},
	{"SYN queue", synQueue},
	{"CPUs", cpus},
	{"CPU quota", quota},
	{"CPU siblings", siblings},
	{"governor", governor},
	{"turbo", turbo},
	{"mitigations", mitigations},
	{"clock", clock},
	{"congestion", congestion},
	{"backends", backends},
	{"io_uring", ioUring},
	{"locked memory", lockedMemory},
	{"memory", memory},
	{"huge pages", hugePages},
	{"disk", disk},
	{"virtual machine", virtual},
	{"container", container},
	{"conntrack", conntrack},
	{"certificate", certificate},
	{"load average", loadAverage},
	{"other medusas", medusas},
	{"other programs", otherPrograms},
	{"steal", steal},
	{"pressure", pressure},
}

// Check judges a machine for some suites.
func Check(f *Facts, needs []Needs) *results.Checkup {
	c := &results.Checkup{SchemaVersion: results.SchemaVersion, UnixNs: f.Now.UnixNano(), System: f.Machine.OS}
	for _, n := range needs {
		c.Suites = append(c.Suites, n.Suite)
	}
	for _, k := range checks {
		a := k.check(f, needs)
		switch {
		case a.omit:
		case a.level == "":
			c.Unknown = append(c.Unknown, k.id)
		default:
			c.Add(results.CheckupItem{ID: k.id, Level: a.level, Found: a.found, Why: a.why, Remedy: a.remedy, Noise: a.noise})
		}
	}
	return c
}

// most is the largest need of any suite.
func most[N int | int64 | uint64](needs []Needs, of func(Needs) N) N {
	var top N
	for _, n := range needs {
		top = max(top, of(n))
	}
	return top
}

// some says whether any suite needs something.
func some(needs []Needs, of func(Needs) bool) bool {
	for _, n := range needs {
		if of(n) {
			return true
		}
	}
	return false
}

func connections(n Needs) int { return n.Connections }
