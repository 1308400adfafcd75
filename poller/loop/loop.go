// Package loop turns "which descriptor is ready?" into connections: it owns
// listeners, connections, timers, buffers and output queues, and calls
// Handlers. How bytes move between descriptors and connections is an engine's
// business (readiness over any poller.Poller, goroutines, an in-memory
// simulation); what a Handler sees is the same on all of them.
//
// A Loop is one thread of control: all callbacks, timers and posted functions
// are mutually exclusive, on every engine. Except for Post and Stop, its
// methods and those of its connections may be called only from these, or
// before Run.
package loop

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// Time is nanoseconds on a loop's own monotonic clock, which starts near 0.
type Time int64

// Add returns t+d, or the last Time there is if that lies beyond it.
func (t Time) Add(d time.Duration) Time {
	if sum := t + Time(d); d < 0 || sum >= t {
		return sum
	}
	return never
}

// Sub returns t-u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

const (
	// never is later than every time that occurs.
	never = Time(1<<63 - 1)
	// DefaultBuffer is the size of the user-space buffers, in bytes, where a
	// Config names none.
	DefaultBuffer = 16 << 10
	// MinBuffer and MaxBuffer bound the buffer sizes, in bytes.
	MinBuffer = 512
	MaxBuffer = 1 << 20
	// lingerTime is how long a connection that was closed after its output
	// waits for the peer's FIN, and lingerBytes how much input it discards
	// meanwhile (RFC 9112 section 9.6).
	lingerTime  = 2 * time.Second
	lingerBytes = 1 << 20
	// acceptRetry is how long a listener that met a descriptor limit waits
	// when no connection closes meanwhile; where connections are reaped it is
	// the most, see reapRetry.
	acceptRetry = 100 * time.Millisecond
)

// Config says how a Loop runs.
type Config struct {
	// Backend is a name of Backends: "epoll", "goroutines", "sim", ...
	Backend string
	// In, Out, Receive, Send, Owned and Auto are the buffers of connections, see
	// Buffers, but of those with peers in one of Networks, which have others.
	In, Out       int
	Receive, Send int
	Owned, Auto   bool
	Networks      []NetworkBuffers
	// AutoBudget bounds the output buffers of Buffers.Auto together, in bytes;
	// 0 means DefaultAutoBudget.
	AutoBudget int64
	// CopyFiles: what SendFile queues is read and sent as a producer's bytes are,
	// an output buffer at a time. Without, sendfile(2) does both.
	CopyFiles bool
	// ColdFiles says who waits for the disk where a file that is to be sent is not
	// in the page cache.
	ColdFiles ColdFiles
	// Spin is how long before a timer is due the loop stops sleeping and
	// polls instead, because a sleeping thread wakes late.
	Spin time.Duration
	// Busy never sleeps: it polls with a zero timeout.
	Busy bool
	// Stamp keeps the time that Conn.Handed returns, at one clock read for
	// each send.
	Stamp bool
	// MaxConnections bounds the accepted connections that are open at once;
	// beyond it OnFull counts. 0 means no bound of the loop's own.
	MaxConnections int
	// OnFull says what becomes of who comes when there is no place.
	OnFull OnFull
	// RingWithout leaves features of the backend "io_uring" out; on any other it
	// must be 0.
	RingWithout RingFeature
	// Burn slows the loop down by a known share of its work.
	Burn Burn
	// Sim configures the backend "sim"; nil means its defaults.
	Sim *SimConfig
}

// Check says what is wrong with a Config that a user gave, in one line. Its
// backend must be one of Backends, as "sim" is of no use to a user.
func (c Config) Check() error {
	if err := c.complete(); err != nil {
		return err
	}
	info, err := lookup(c.Backend, Backends())
	if err != nil {
		return err
	}
	return info.check(c)
}

// complete fills in defaults and refuses what cannot be run.
func (c *Config) complete() error {
	classes, err := c.classes()
	if err != nil {
		return err
	}
	c.In, c.Out = classes[0].In, classes[0].Out
	switch {
	case c.AutoBudget == 0:
		c.AutoBudget = DefaultAutoBudget
	case c.AutoBudget < 0:
		return fmt.Errorf("%d bytes for buffers that adjust themselves: give 0 (%d) or more", c.AutoBudget, DefaultAutoBudget)
	}
	if c.Spin < 0 {
		return fmt.Errorf("spin of %v: give a duration of 0 or more", c.Spin)
	}
	if c.OnFull > Reap {
		return fmt.Errorf("%v: there is no such policy", c.OnFull)
	}
	if c.MaxConnections < 0 {
		return fmt.Errorf("at most %d connections: give 0 (no bound) or more", c.MaxConnections)
	}
	return nil
}

// Loop is one event loop. See the package comment for who may call it when.
type Loop struct {
	cfg  Config
	info BackendInfo
	eng  engine

	// mu is the loop's one lock. Only engines whose I/O happens on other
	// goroutines contend for it; it is held during every callback.
	mu sync.Mutex

	post struct {
		sync.Mutex
		funcs   []func()
		running []func()
	}
	stopping bool // ask Run to end; under mu
	started  bool
	fatal    error // an engine failure that ends Run

	table     table
	listeners []*Listener
	accepted  int     // accepted connections not yet closed
	stalled   int     // listeners paused by a limit
	order     *order  // nil unless somebody may be reaped
	leaving   []*Conn // reaped, and not yet closed: the first for longest
	spare     int     // a descriptor to refuse clients with; -1 without
	drain     []byte  // where the input of clients goes that are refused
	// acceptError is for tests: an error of accept, or 0.
	acceptError func() syscall.Errno
	lone        *Conn // all that this turn is about; nil where there are more
	dirty       []*Conn
	settling    []*Conn
	timers      timers
	wheel       wheel
	buffers     buffers
	buffersOf   []Buffers // by class: Config.classes
	inherited   bool      // connections have their kernel buffers from the listener
	work        work
	disk        disk
	counts      Counts
	burner      burner
}

// New opens a loop on a backend.
func New(cfg Config) (*Loop, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	info, err := lookup(cfg.Backend, append(Backends(), simInfo()))
	if err != nil {
		return nil, err
	}
	if err := info.check(cfg); err != nil {
		return nil, err
	}
	if info.Missing != "" {
		return nil, fmt.Errorf("backend %s is not available here: %s", info.Name, info.Missing)
	}
	l := &Loop{cfg: cfg, info: info, spare: -1, disk: systemDisk()}
	if l.buffersOf, err = cfg.classes(); err != nil {
		return nil, err
	}
	l.inherited = l.sameInKernel()
	if cfg.OnFull == Reap {
		l.order = new(order)
	}
	l.eng = info.engine(l)
	return l, nil
}

// Backend is the name that the loop was opened with.
func (l *Loop) Backend() string { return l.info.Name }

// Engine is the kind of engine that moves the bytes: "readiness",
// "completion", "goroutines" or "sim".
func (l *Loop) Engine() string { return l.info.Engine }

// MaxFD is the first descriptor number that the backend cannot watch; 0 where any
// will do.
func (l *Loop) MaxFD() int { return l.info.MaxFD }

// Config returns the configuration in force, defaults filled in.
func (l *Loop) Config() Config { return l.cfg }

// Now reads the loop's clock. It is virtual on "sim".
func (l *Loop) Now() Time { return l.eng.now() }

// Wall reads the loop's wall clock. It is virtual on "sim", where it starts
// at 2000-01-01T00:00:00Z.
func (l *Loop) Wall() time.Time { return l.eng.wall() }

// Post runs f on the loop, as soon as it can. Any goroutine may call it.
func (l *Loop) Post(f func()) {
	l.post.Lock()
	l.post.funcs = append(l.post.funcs, f)
	first := len(l.post.funcs) == 1
	l.post.Unlock()
	if first {
		l.eng.wake()
	}
}

// Stop makes Run return after closing every connection (with ErrStopped) and
// listener. Any goroutine may call it.
func (l *Loop) Stop() { l.Post(func() { l.stopping = true }) }

// Run runs the loop on the calling goroutine until Stop, or on "sim" until
// nothing is left to happen. It returns what made the engine fail, if
// anything did. A loop runs once.
func (l *Loop) Run() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started {
		return errors.New("loop: Run was called twice")
	}
	l.started = true
	if l.cfg.OnFull == Shed && l.info.Engine != "sim" {
		l.fatal = l.openSpare()
		defer l.closeSpare()
	}
	unlock := l.eng.pin()
	defer unlock()
	for !l.stopping && l.fatal == nil {
		until := l.pass()
		if l.stopping {
			break
		}
		l.burn()
		if err := l.eng.turn(until); err != nil {
			if !errors.Is(err, errQuiet) {
				l.fatal = err
			}
			break
		}
		l.counts.Turns++
	}
	return l.shutdown()
}

// pass runs what is due (posted functions, timers, deadlines, output) and
// returns until when the engine may wait.
func (l *Loop) pass() Time {
	l.runPosted()
	if !l.timers.empty() || !l.wheel.empty() {
		now := l.Now()
		l.timers.run(now)
		l.wheel.run(l, now)
	}
	l.settle()
	if len(l.dirty) > 0 || l.hasPosted() {
		return 0
	}
	return min(l.timers.next(), l.wheel.next())
}

func (l *Loop) hasPosted() bool {
	l.post.Lock()
	defer l.post.Unlock()
	return len(l.post.funcs) > 0
}

func (l *Loop) runPosted() {
	l.post.Lock()
	l.post.running, l.post.funcs = l.post.funcs, l.post.running[:0]
	l.post.Unlock()
	for i, f := range l.post.running {
		l.post.running[i] = nil
		f()
	}
}

// settle carries out what callbacks asked for: output is flushed, interest
// brought up to date, connections ended. What that causes in turn waits for
// another round, and after settleRounds for the next turn.
func (l *Loop) settle() {
	for round := 0; len(l.dirty) > 0 && round < settleRounds; round++ {
		l.settling, l.dirty = l.dirty, l.settling[:0]
		for i, c := range l.settling {
			l.settling[i] = nil
			if c.dirty {
				c.settle()
			}
		}
	}
}

// shutdown closes everything. Connections end with ErrStopped.
func (l *Loop) shutdown() error {
	for len(l.listeners) > 0 {
		l.listeners[0].Close()
	}
	deadline := l.Now().Add(5 * time.Second)
	for l.table.live > 0 {
		l.Each(func(c *Conn) { l.finish(c, ErrStopped) })
		if l.table.live == 0 || l.Now() > deadline {
			break
		}
		if err := l.eng.turn(l.Now().Add(time.Millisecond)); err != nil {
			break
		}
		l.runPosted()
	}
	l.timers.clear()
	l.work.wait(l)
	return errors.Join(l.fatal, l.eng.close())
}

// Each calls f for every connection that is open or being opened. f may close
// connections.
func (l *Loop) Each(f func(*Conn)) {
	for i := range l.table.slots {
		if c := l.table.slots[i].conn; c != nil && c.state != stateReleasing {
			f(c)
		}
	}
}
