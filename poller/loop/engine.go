package loop

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"medusa/poller"
)

// engine moves bytes between descriptors and connections. Engines call
// connections back through Conn's deliver, hangup, fail, sent and opened;
// connections call engines through update, and never from inside a call that
// an engine makes of a Handler.
type engine interface {
	// pin prepares the calling goroutine, which will call turn, and returns
	// what undoes that.
	pin() func()
	now() Time
	wall() time.Time
	// listen begins to accept for n, whose options are set; it sets n.addr.
	listen(n *Listener) error
	// unlisten ends it; pause and resume stop and continue accepting.
	unlisten(n *Listener)
	pause(n *Listener)
	resume(n *Listener)
	// rebound: Config.MaxConnections has changed.
	rebound(n *Listener)
	// pending says whether somebody waits to be accepted.
	pending(n *Listener) bool
	// shed refuses one client who waits, although there is no descriptor, and
	// says what follows from that.
	shed(n *Listener) failure
	// dial begins to connect c. An error is the connection's, not the loop's.
	dial(c *Conn, o DialOptions) error
	// update brings the engine up to date with what c wants: it sends queued
	// output, and reads or not.
	update(c *Conn)
	// halfClose sends FIN; all output has been sent.
	halfClose(c *Conn)
	// release ends every operation of c, resets the connection if reset, and
	// calls done when nothing more can happen to it.
	release(c *Conn, reset bool, done func())
	// socket calls f with the descriptor of c, if it has one.
	socket(c *Conn, f func(fd int))
	// addresses tell both ends of c.
	addresses(c *Conn) (local, remote addrPort)
	// turn waits up to until, then dispatches what has happened. A time in
	// the past polls.
	turn(until Time) error
	// wake makes a turn return. Any goroutine may call it.
	wake()
	// hurry: a timer became due at t, earlier than the others. Only an engine
	// whose callbacks run while turn waits has something to do.
	hurry(t Time)
	// counts adds what the engine itself counts.
	counts(c *Counts)
	close() error
}

// errQuiet ends Run without an error: nothing can happen any more.
var errQuiet = errors.New("loop: nothing left to happen")

// BackendInfo describes a name that Config.Backend takes.
type BackendInfo struct {
	Name   string `json:"name"`
	Engine string `json:"engine"` // "readiness", "completion", "goroutines", "sim"
	Mode   string `json:"mode"`   // "level", "edge", or "" where readiness is not asked for
	Scans  bool   `json:"scans"`  // a wait costs more with more descriptors held
	// MaxFD is the first descriptor number that it cannot watch; 0 where any
	// will do.
	MaxFD int    `json:"max_fd,omitempty"`
	Note  string `json:"note"` // a sentence for people
	// Missing says why this system does not have it or forbids it, "" if it
	// has it. A failure of the moment, such as too few descriptors or too
	// little memory, is none: that is New's error.
	Missing string `json:"missing"`
	// Granted is what the kernel granted to a backend that asks before it
	// works, as a phrase for people: of io_uring the ring's size and features.
	// "" where there is nothing to ask for, and where Missing is set.
	Granted string `json:"granted,omitempty"`

	engine func(*Loop) engine
}

// elsewhere has the names that people look for and that only other systems
// have: on those that are not listed here a backend enters itself.
var elsewhere = []struct {
	name, systems string
	goos          []string
}{
	{"kqueue", "macOS and the BSDs", []string{"darwin", "dragonfly", "freebsd", "netbsd", "openbsd"}},
}

// absent are the names of elsewhere that a system does not have and that are
// not listed already.
func absent(goos string, listed []BackendInfo) []BackendInfo {
	var all []BackendInfo
	for _, e := range elsewhere {
		known := slices.ContainsFunc(listed, func(b BackendInfo) bool { return b.Name == e.name })
		if !known && !slices.Contains(e.goos, goos) {
			all = append(all, BackendInfo{Name: e.name, Missing: "only on " + e.systems + "; this is " + goos})
		}
	}
	return all
}

// Backends lists every backend that drives real sockets, those that this
// system does not have included.
func Backends() []BackendInfo {
	var all []BackendInfo
	for _, b := range poller.Backends() {
		info := BackendInfo{Name: b.Name, Engine: "readiness", Mode: b.Traits.Mode.String(), Scans: b.Traits.ScansAll, MaxFD: b.Traits.MaxFD, Note: b.Traits.Note, Granted: b.Traits.Granted}
		if err := b.Available(); err != nil {
			info.Missing = err.Error()
		}
		info.engine = func(l *Loop) engine { return newReadiness(l, b) }
		all = append(all, info)
	}
	all = append(all, absent(runtime.GOOS, all)...)
	ring := BackendInfo{
		Name: "io_uring", Engine: "completion",
		Note: "Linux; the program says what shall happen and is told what has: many requests, few system calls. Buffers are the kernel's to choose until they are filled.",
	}
	describeCompletion(&ring)
	all = append(all, ring, BackendInfo{
		Name: "goroutines", Engine: "goroutines",
		Note:   "a goroutine for each connection over Go's own network poller; the baseline that event loops are compared with. Callbacks take turns under one lock, so it measures the I/O model, not parallel handlers.",
		engine: func(l *Loop) engine { return newGoroutines(l) },
	})
	return all
}

// simInfo is apart from Backends: it drives no sockets.
func simInfo() BackendInfo {
	return BackendInfo{Name: "sim", Engine: "sim", engine: func(l *Loop) engine { return newSim(l) }}
}

// lookup finds a backend by name among some.
func lookup(name string, among []BackendInfo) (BackendInfo, error) {
	var names []string
	for _, b := range among {
		if b.Name == name {
			return b, nil
		}
		names = append(names, b.Name)
	}
	return BackendInfo{}, fmt.Errorf("unknown backend %q: give one of %s", name, strings.Join(names, ", "))
}
