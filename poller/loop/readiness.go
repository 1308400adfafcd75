package loop

import (
	"fmt"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"medusa/poller"
)

// eventsPerWait bounds the events taken from the poller at once, and
// settleEvery is after how many of them output is flushed.
const (
	eventsPerWait = 512
	settleEvery   = 16
)

// unwanted, in Conn.watch, says that input came that was not wanted.
const unwanted poller.Interest = 1 << 3

// readiness is the engine over any poller.Poller: it asks which descriptors are
// ready, and reads and writes them itself by non-blocking calls. What is
// different where the backend reports edges is in readiness_edge.go.
type readiness struct {
	clock
	loop    *Loop
	backend poller.Backend
	poller  poller.Poller // open while Run runs
	running atomic.Bool   // poller is open: wake may use it
	failed  error         // why it could not be opened
	events  []poller.Event
	scratch []byte // input is read here first, so an idle connection owns no buffer
	vector  [][]byte
	edge    *edge // nil on a level backend
}

func newReadiness(l *Loop, b poller.Backend) engine {
	e := &readiness{
		clock: newClock(), loop: l, backend: b,
		events:  make([]poller.Event, eventsPerWait),
		scratch: make([]byte, l.largestIn()),
		vector:  make([][]byte, 0, vectorLength),
	}
	if b.Traits.Mode == poller.Edge {
		e.edge = &edge{readiness: e}
	}
	return e
}

// pin opens the poller on the thread that will use it, and watches what was
// listened to and dialled before.
func (e *readiness) pin() func() {
	runtime.LockOSThread()
	e.poller, e.failed = e.backend.Open()
	if e.failed != nil {
		e.failed = fmt.Errorf("open backend %s: %w", e.backend.Name, e.failed)
		return runtime.UnlockOSThread
	}
	e.running.Store(true)
	for _, n := range e.loop.listeners {
		if err := e.poller.Add(n.fd, poller.Read, n.token); err != nil && e.failed == nil {
			e.failed = fmt.Errorf("watch listener %v: %w", n.addr, err)
		}
	}
	e.loop.Each(func(c *Conn) {
		if c.fd >= 0 {
			e.watch(c)
		}
	})
	return runtime.UnlockOSThread
}

func (e *readiness) close() error {
	if !e.running.Swap(false) {
		return nil
	}
	return e.poller.Close()
}

func (e *readiness) wake() {
	if e.running.Load() {
		// The only failure is a poller that was closed meanwhile.
		_ = e.poller.Wake()
	}
}

func (e *readiness) hurry(Time) {}

func (e *readiness) counts(c *Counts) {
	if e.poller == nil {
		return
	}
	p := e.poller.Counts()
	c.Calls[CallWait] += p.Polls + p.Blocks
	c.Calls[CallControl] += p.Controls
	c.Calls[CallWake] += p.WakeCalls
}

// turn waits, then dispatches each event. What the events cause is sent in
// batches of settleEvery. Sends that follow each other closely were measured to
// cost a busy generator less than sends with a read between them, presumably
// because the peer stays awake; and batches to cost a server with 256
// connections less than one flush after all, presumably because the kernel's
// part of the first connection is then still in the cache.
func (e *readiness) turn(until Time) error {
	if e.failed != nil {
		return e.failed
	}
	l := e.loop
	if e.edge != nil && e.edge.begin() {
		until = 0
	}
	polled, timeout := l.patience(until)
	n, err := e.poller.Wait(e.events, timeout)
	if err != nil {
		return fmt.Errorf("wait on %s: %w", e.backend.Name, err)
	}
	if n == 0 && timeout == 0 && polled != never {
		l.counts.Spun += e.now().Sub(polled)
	}
	l.lone = e.alone(n)
	if n > 0 {
		l.counts.Waits++
		l.counts.Events += uint64(n)
		for i := range e.events[:n] {
			e.dispatch(&e.events[i])
			if i%settleEvery == settleEvery-1 {
				l.settle()
			}
		}
	}
	if e.edge != nil {
		e.edge.carryOn()
	}
	return nil
}

// alone is the connection that this turn is about, of which there are n events, if
// there is one and no other.
func (e *readiness) alone(n int) *Conn {
	var carried []poller.Token
	if e.edge != nil {
		carried = e.edge.serving
	}
	var c *Conn
	switch {
	case n == 1 && len(carried) == 0:
		c, _ = e.loop.table.find(e.events[0].Token)
	case n == 0 && len(carried) == 1:
		c, _ = e.loop.table.find(carried[0])
	}
	return c
}

func (e *readiness) dispatch(ev *poller.Event) {
	c, n := e.loop.table.find(ev.Token)
	if n != nil {
		e.accept(n)
		return
	}
	if c == nil || c.gone() {
		e.loop.counts.StaleEvents++
		return
	}
	switch {
	case ev.Err != 0:
		c.fail(ev.Err)
	case e.edge != nil:
		e.edge.report(c, ev.Ready)
	case c.state == stateConnecting:
		e.connected(c)
	default:
		c.watch &^= unwanted
		if ev.Ready&poller.Read != 0 && c.wantsRead() {
			e.read(c, turnBytes)
			if ev.Ready&poller.Write != 0 {
				c.touch()
			}
		} else {
			if ev.Ready&poller.Read != 0 {
				c.watch |= unwanted
			}
			c.touch() // to write, or to stop asking
		}
	}
}

// read makes one call to read at most limit bytes, passes on what it gave, and
// returns the number of bytes.
func (e *readiness) read(c *Conn, limit int) int {
	l := e.loop
	buf := e.scratch[:c.InSize()]
	kept := len(c.rest)
	if c.rest != nil {
		buf = c.rest[:cap(c.rest)]
	}
	asked := min(len(buf)-kept, limit)
	l.counts.Calls[CallRead]++
	n, errno := rawRead(int(c.fd), buf[kept:kept+asked])
	if e.edge != nil {
		c.wasRead(n, asked, errno)
	}
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return 0
	case errno != 0:
		c.fail(errno)
		return 0
	case n == 0:
		c.hangup()
	case c.state == stateLingering || c.closing:
		l.counts.BytesIn += uint64(n)
		c.lingered(n)
	default:
		l.counts.BytesIn += uint64(n)
		if c.rest != nil {
			c.rest = buf[:kept+n]
		}
		c.deliver(buf[:kept+n])
	}
	return n
}

// update sends what is queued and tells the poller what the connection waits
// for.
func (e *readiness) update(c *Conn) {
	if e.edge != nil {
		e.edge.update(c)
		return
	}
	if c.wantsWrite() {
		e.flush(c)
		if c.failure != nil {
			return
		}
	}
	had := c.watch & (poller.Read | poller.Write)
	kept := c.watch & unwanted
	var want poller.Interest
	switch {
	case c.wantsRead():
		want, kept = poller.Read, 0
	case kept == 0 && !c.fin:
		// Most pauses end before the peer sends more: keep the interest until
		// an event shows that this one did not.
		want = had & poller.Read
	}
	if c.wantsWrite() {
		want |= poller.Write
	}
	if want != had && e.running.Load() {
		if err := e.poller.Change(int(c.fd), had, want, c.token); err != nil {
			c.fail(fmt.Errorf("watch connection: %w", err))
		}
		had = want
	}
	c.watch = had | kept
}

// flush sends until the queue is empty, the kernel takes no more, or the
// connection has had its share of the turn. It says whether the kernel took no
// more.
func (e *readiness) flush(c *Conn) (full bool) {
	l := e.loop
	for budget := c.allowance(); budget > 0 && !c.noOutput(); {
		s, err := c.out.fill(c)
		if err != nil {
			c.fail(err)
			return false
		}
		if s == nil {
			break
		}
		var at Time
		if l.cfg.Stamp {
			at = e.now()
		}
		asked, n, errno := 0, 0, unix.Errno(0)
		file := s.f != nil
		if file {
			asked = s.sendable(budget)
			l.counts.Calls[CallSendFile]++
			n, errno = rawSendFile(int(c.fd), int(s.f.Fd()), s.off, asked)
			if errno == 0 && n == 0 {
				c.fail(ErrShort)
				return false
			}
		} else {
			var more bool
			e.vector, asked, more = c.out.gather(e.vector[:0], budget, c.finFollows())
			l.counts.Calls[CallWrite]++
			if len(e.vector) == 1 {
				n, errno = rawSend(int(c.fd), e.vector[0], more)
			} else {
				n, errno = rawSendVector(int(c.fd), e.vector, more)
			}
		}
		if errno != 0 {
			if errno != unix.EAGAIN && errno != unix.EINTR {
				c.fail(errno)
			}
			full = errno == unix.EAGAIN
			break
		}
		c.sent(int64(n), at)
		c.spent += int32(n)
		if n < asked && !(file && e.edge != nil) {
			full = true // or the file has ended; a level backend reports again
			break
		}
		budget -= n
	}
	if full {
		c.full()
	}
	c.trim()
	return full
}

func (e *readiness) halfClose(c *Conn) {
	e.loop.counts.Calls[CallClose]++
	// ENOTCONN means that the peer has reset: the next read says so.
	_ = rawShutdown(int(c.fd))
}

func (e *readiness) release(c *Conn, reset bool, done func()) {
	if c.fd >= 0 {
		if e.running.Load() {
			// A descriptor that the poller never took has nothing to remove.
			_ = e.poller.Remove(int(c.fd), e.interest(c), c.token, true)
		}
		e.loop.counts.Calls[CallClose]++
		if reset {
			e.loop.counts.Calls[CallSocket]++
			closeSocket(int(c.fd), true)
		} else {
			rawClose(int(c.fd))
		}
		c.fd = -1
	}
	done()
}

func (e *readiness) socket(c *Conn, f func(int)) { f(int(c.fd)) }

func (e *readiness) addresses(c *Conn) (local, remote addrPort) {
	return socketAddresses(int(c.fd))
}

// interest is what the poller has been asked to report of c.
func (e *readiness) interest(c *Conn) poller.Interest {
	if e.edge != nil {
		return poller.Read | poller.Write
	}
	return c.watch & (poller.Read | poller.Write)
}

// watch begins to watch a connection.
func (e *readiness) watch(c *Conn) {
	switch {
	case e.edge != nil:
		e.edge.expect(c)
	case c.state == stateConnecting:
		c.watch = poller.Write
	default:
		c.watch = poller.Read
	}
	if !e.running.Load() {
		return // pin will
	}
	if err := e.poller.Add(int(c.fd), e.interest(c), c.token); err != nil {
		c.watch = 0
		c.fail(fmt.Errorf("watch connection: %w", err))
	}
}
