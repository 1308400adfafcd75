package loop

import (
	"io"
	"net/netip"
	"os"
	"time"

	"medusa/poller"
)

type addrPort = netip.AddrPort

// state is where a connection is in its life.
type state uint8

const (
	stateConnecting state = iota // Dial: not yet established
	stateOpen
	stateLingering // output done, FIN sent, waiting for the peer's
	stateReleasing // the engine is ending its operations
	stateClosed    // Closed was called
)

// Conn is one connection. Its methods may be called from callbacks, timers
// and posted functions of its Loop; after Closed they do nothing.
type Conn struct {
	// The order is that of size: idle connections are counted in bytes.
	loop    *Loop
	handler Handler
	token   poller.Token
	fd      int32 // -1 where there is none
	spent   int32 // bytes sent in the turn below; while lingering, bytes thrown away

	state     state
	turn      uint8           // the turn, modulo 256, that spent belongs to
	watch     poller.Interest // readiness: what the poller has; on an edge backend what is ready
	dirty     bool            // in loop.dirty
	paused    bool            // by the Handler
	choked    bool            // reading stopped because too much output is queued
	replay    bool            // show the rest again although nothing came
	fin       bool            // the peer's FIN has come
	ended     bool            // and Ended was called
	features  features        // see policy.go
	drainDue  bool            // output was queued since the last Drained
	finWanted bool            // CloseWrite was called
	finSent   bool
	closing   bool  // CloseWhenDone was called
	place     place // in the loop's wheel

	io      any     // other engines: their own part
	rest    []byte  // input kept for the Handler; nil when none
	out     *output // nil while nothing is queued, or where it is owned resting
	failure error   // ends the connection when it settles

	handed   int64
	handedAt Time
	timer    deadline
}

// Loop is the loop that the connection lives on.
func (c *Conn) Loop() *Loop { return c.loop }

// Handler is the connection's Handler.
func (c *Conn) Handler() Handler { return c.handler }

// LocalAddr is this end's address; invalid where the system does not tell.
func (c *Conn) LocalAddr() netip.AddrPort {
	if c.gone() {
		return netip.AddrPort{}
	}
	local, _ := c.loop.eng.addresses(c)
	return local
}

// RemoteAddr is the peer's address; invalid where the system does not tell.
func (c *Conn) RemoteAddr() netip.AddrPort {
	if c.gone() {
		return netip.AddrPort{}
	}
	_, remote := c.loop.eng.addresses(c)
	return remote
}

// gone says that nothing can be asked of the connection any more.
func (c *Conn) gone() bool { return c.state >= stateReleasing }

// deaf says that output is refused: nothing may follow what was queued.
func (c *Conn) deaf() bool {
	return c.gone() || c.closing || c.finWanted || c.failure != nil
}

// touch puts the connection among those that settle at the end of the turn.
func (c *Conn) touch() {
	if !c.dirty && !c.gone() {
		c.dirty = true
		c.loop.dirty = append(c.loop.dirty, c)
	}
}

// Write queues a copy of p. Output is handed to the kernel once per turn.
// After CloseWrite, CloseWhenDone or Abort it does nothing.
func (c *Conn) Write(p []byte) {
	if len(p) == 0 || c.deaf() {
		return
	}
	c.output().copy(c, p)
	c.touch()
}

// WriteShared queues p itself, which nobody may modify until Drained or
// Closed.
func (c *Conn) WriteShared(p []byte) {
	if len(p) == 0 || c.deaf() {
		return
	}
	c.output().share(p)
	c.touch()
}

// Push queues what r reads, which is asked for one output buffer at a time
// when everything before it has been sent. r returns ErrLater when it has
// nothing yet and is asked again after Continue; io.EOF ends it; any other
// error closes the connection. If r is an io.Closer it is closed exactly
// once, whatever becomes of the connection.
func (c *Conn) Push(r io.Reader) {
	if c.deaf() {
		closeReader(r)
		return
	}
	c.output().push(r, int64(c.OutSize()))
	c.touch()
}

// SendFile queues n bytes of f from off. A file that ends before that closes
// the connection with ErrShort. release, unless nil, is called exactly once,
// when f is needed no more, whatever becomes of the connection.
func (c *Conn) SendFile(f *os.File, off, n int64, release func()) {
	if n <= 0 || c.deaf() {
		if release != nil {
			release()
		}
		return
	}
	if c.loop.cfg.CopyFiles {
		c.Push(&fileReader{conn: c, f: f, off: off, n: n, release: release})
		return
	}
	c.output().file(f, off, n, release)
	c.touch()
}

// Queued is the output not yet handed to the kernel, in bytes. A producer
// counts as one output buffer until it ends, and a file as what is left of
// it. Over the out size the loop stops reading from the connection by itself,
// under half of it it resumes.
func (c *Conn) Queued() int {
	if c.out == nil {
		return 0
	}
	return int(c.out.queued)
}

// Pause stops Received and Ended until Resume.
func (c *Conn) Pause() {
	if !c.paused {
		c.paused = true
		c.touch() // for an engine that receives ahead
	}
}

// Resume ends a Pause. Input that was kept is shown again.
func (c *Conn) Resume() {
	if !c.paused {
		return
	}
	c.paused = false
	c.replay = true
	c.touch()
}

// Continue asks a producer again that returned ErrLater, or is about to: it may
// be called while Read runs.
func (c *Conn) Continue() {
	if c.out != nil && (c.out.parked || c.out.asking) {
		c.out.continued = true
		c.touch()
	}
}

// CloseWrite sends FIN after what is queued; input goes on.
func (c *Conn) CloseWrite() {
	if c.deaf() {
		return
	}
	c.finWanted = true
	c.touch()
}

// CloseWhenDone closes the connection after what is queued was sent: FIN,
// then the peer's input is discarded until its FIN, a time or an amount, so
// that it can read the last bytes (RFC 9112 section 9.6). Only Drained,
// Expired and Closed are called from here on.
func (c *Conn) CloseWhenDone() {
	if c.gone() || c.closing {
		return
	}
	c.closing = true
	c.touch()
}

// Abort resets the connection and drops what is queued. What failed before it
// decides how the connection ends.
func (c *Conn) Abort() {
	if c.gone() || c.failure != nil {
		return
	}
	c.failure = ErrAborted
	c.touch()
}

// SetDeadline calls Expired once after d, replacing an earlier deadline; d of
// 0 or less turns it off. It is cheap enough to be set for each request. The
// call comes at most about 2 ms late on an idle loop, and never early.
func (c *Conn) SetDeadline(d time.Duration) {
	if c.gone() || c.state == stateLingering {
		return
	}
	if d <= 0 {
		c.timer.due = never
		return
	}
	c.loop.wheel.set(c, c.loop.Now().Add(d))
}

// Handed tells how many bytes the kernel has been given, and, with
// Config.Stamp, the clock just before the call that gave it the last of them.
func (c *Conn) Handed() (bytes int64, at Time) { return c.handed, c.handedAt }

// output is the queue, taken from the loop when there is something to send.
func (c *Conn) output() *output {
	if c.out == nil {
		c.out = c.loop.buffers.takeOutput()
		c.out.auto.on = c.kind().Auto
	}
	c.out.resting = false
	return c.out
}

// noOutput says that nothing is queued.
func (c *Conn) noOutput() bool { return c.out == nil || c.out.resting }

// wantsRead says whether the engine should read.
func (c *Conn) wantsRead() bool {
	switch c.state {
	case stateOpen:
		if c.fin || len(c.rest) >= c.InSize() {
			return false
		}
		return c.closing || !c.paused && !c.choked // closing: to throw it away
	case stateLingering:
		return !c.fin
	}
	return false
}

// wantsWrite says whether the engine has something to send now.
func (c *Conn) wantsWrite() bool {
	return c.state == stateOpen && !c.noOutput() && !c.out.parked
}
