package loop

import (
	"net/netip"
	"syscall"
)

// This file is a connection's life as engines see it: they report what
// happened (opened, deliver, hangup, sent, fail) and each connection that was
// touched settles at the end of the turn.

// adopt makes a connection of an engine's accepted one.
func (n *Listener) adopt(fd int, io any) *Conn {
	l := n.loop
	c := &Conn{loop: l, fd: int32(fd), io: io, state: stateOpen}
	c.timer.due = never
	l.counts.Accepted++
	if !n.options.Unbounded {
		c.features = accepted
		l.accepted++
	}
	l.table.addConn(c)
	c.furnish(func() netip.Addr {
		l.counts.Calls[CallSocket] += 2 // getsockname, getpeername
		return c.RemoteAddr().Addr()
	})
	if !l.inherited {
		c.setKernelBuffers()
	}
	c.handler = n.accept(c)
	n.failures = 0
	if l.order != nil {
		l.order.add(c)
	}
	return c
}

// opened: the connection is established.
func (c *Conn) opened() {
	c.state = stateOpen
	c.timer.due = never
	if c.failure != nil { // aborted meanwhile: Closed is the only call
		c.touch()
		return
	}
	c.handler.Opened(c)
	c.touch()
}

// deliver shows input to the Handler. p is what came joined to what was kept;
// it may be c.rest itself. The part that is not used is kept.
func (c *Conn) deliver(p []byte) {
	l := c.loop
	if c.closing || c.failure != nil || c.gone() {
		c.keep(nil)
		return
	}
	if l.order != nil {
		l.order.heard(c)
	}
	used := c.handler.Received(c, p)
	if used < 0 || used > len(p) {
		panic("loop: a Handler used more input than there was")
	}
	switch {
	case c.Queued() > c.OutSize():
		// What the Handler left because of this is shown again when less is
		// queued, even if all of it is sent before the connection settles.
		c.choked = true
		c.touch()
	case used == 0 && len(p) >= c.InSize() && !c.paused && !c.closing && c.failure == nil:
		c.fail(ErrInputFull)
	}
	c.keep(p[used:])
}

// keep makes p, which may lie inside the buffer of the rest, the rest.
func (c *Conn) keep(p []byte) {
	l := c.loop
	switch {
	case len(p) > 0:
		if c.rest == nil {
			c.rest = l.buffers.take(c.InSize())
		}
	case c.rest != nil && c.kind().Owned && c.state != stateClosed:
		c.rest = c.rest[:0]
		return
	case c.rest != nil:
		l.buffers.give(c.rest)
		c.rest = nil
		return
	default:
		return
	}
	c.rest = c.rest[:copy(c.rest[:cap(c.rest)], p)]
}

// hangup: the peer's FIN has come; nothing more will be delivered.
func (c *Conn) hangup() {
	c.fin = true
	c.touch()
}

// sent takes n bytes that the kernel was given off the queue. at is the clock
// just before the call.
func (c *Conn) sent(n int64, at Time) {
	c.handed += n
	c.out.sent(c, n)
	c.handedAt = at
	c.loop.counts.BytesOut += uint64(n)
	if c.loop.order != nil {
		c.loop.order.active(c)
	}
}

// fail ends the connection with err when it settles. The first error counts.
func (c *Conn) fail(err error) {
	if c.failure == nil {
		c.failure = err
	}
	c.touch()
}

// expire is called by the wheel when the deadline has passed.
func (c *Conn) expire() {
	switch {
	case c.state == stateConnecting:
		c.fail(syscall.ETIMEDOUT)
	case c.state == stateLingering:
		c.loop.finish(c, nil)
	case c.state == stateOpen && c.failure == nil:
		c.handler.Expired(c)
		c.touch()
	}
}

// settle brings about what callbacks asked of the connection and what follows
// from what the engine reported. Its order is that of the contract: kept
// input, the peer's FIN, output, Drained, our FIN, the end.
func (c *Conn) settle() {
	c.dirty = false
	l := c.loop
	if c.gone() {
		return
	}
	if c.failure != nil {
		l.finish(c, c.failure)
		return
	}
	if c.state == stateConnecting {
		return
	}
	if c.replay && !c.paused && !c.choked {
		c.replay = false
		if len(c.rest) > 0 {
			c.deliver(c.rest)
		}
	}
	if c.fin && !c.ended && !c.replay && !c.paused && !c.choked && c.state == stateOpen && !c.closing && c.failure == nil {
		c.ended = true
		c.handler.Ended(c)
	}
	if c.failure != nil {
		c.touch()
		return
	}
	if c.closing {
		c.keep(nil)
	}
	if !c.noOutput() {
		c.drainDue = true
		c.out.unpark()
	}
	if c.state == stateLingering && c.fin {
		l.finish(c, nil) // there is nothing to bring up to date before that
		return
	}
	l.eng.update(c)
	if c.gone() || c.failure != nil {
		return
	}
	c.throttle()
	if c.noOutput() {
		c.drained()
	}
}

// release the queue when it is empty. Engines call it after sending.
func (c *Conn) trim() {
	if c.out == nil || !c.out.empty() {
		return
	}
	if a := &c.out.auto; a.on && c.choked && !a.marked {
		c.tookAll(nil) // reading stopped for nothing
	}
	if c.out.owned {
		c.out.resting = true
		return
	}
	c.loop.buffers.giveOutput(c.out)
	c.out = nil
}

// throttle stops and resumes reading by the amount of queued output.
func (c *Conn) throttle() {
	switch queued := c.Queued(); {
	case !c.choked && queued > c.OutSize():
		c.choked = true
		c.touch()
	case c.choked && queued < c.OutSize()/2:
		c.choked = false
		c.replay = true
		c.touch()
	}
}

// drained runs what waits for an empty queue.
func (c *Conn) drained() {
	if c.drainDue {
		c.drainDue = false
		c.handler.Drained(c)
		if !c.noOutput() || c.gone() || c.failure != nil {
			return // there is more to send first; the connection was touched
		}
	}
	if (c.finWanted || c.closing) && !c.finSent && !(c.closing && c.fin) {
		c.finSent = true
		c.loop.eng.halfClose(c)
	}
	if c.closing && c.state == stateOpen {
		if c.fin {
			c.loop.finish(c, nil)
			return
		}
		c.state = stateLingering
		c.spent = 0
		c.keep(nil)
		c.loop.wheel.set(c, c.loop.Now().Add(lingerTime))
		c.loop.eng.update(c)
	}
}

// finFollows says that the FIN is to be sent when the queue is empty.
func (c *Conn) finFollows() bool { return c.finWanted || c.closing }

// lingered counts input that is thrown away because the connection closes.
// Only when nothing is left to send does that have a bound.
func (c *Conn) lingered(n int) {
	if c.state != stateLingering {
		return
	}
	if c.spent += int32(n); c.spent > lingerBytes {
		c.loop.finish(c, nil)
	}
}

// finish ends the connection: the engine ends its operations, then everything
// that it holds is given back and Closed is called.
func (l *Loop) finish(c *Conn, err error) {
	if c.gone() {
		return
	}
	c.state = stateReleasing
	l.wheel.drop(c)
	if l.order != nil {
		l.order.remove(c)
	}
	l.eng.release(c, c.failure == ErrAborted, func() {
		c.state = stateClosed
		l.table.remove(c.token)
		c.keep(nil)
		if c.out != nil {
			c.out.clear(l)
			l.buffers.give(c.out.own)
			l.buffers.giveOutput(c.out)
			c.out = nil
		}
		if c.accepted() {
			l.left(c)
			l.unstall()
		}
		if c.handler != nil {
			c.handler.Closed(c, err)
		}
	})
}
