package loop

import (
	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

// This file is how connections come to be on the completion engine, and how they
// end.

// backlogged is a listener's part of the engine: what the kernel has accepted and
// the loop has not. A multishot accept takes what comes, whether or not there is a
// place for it. Where connections are bounded there are instead as many accepts as
// there are places, up to singleAccepts, so that who has to wait does so in the
// kernel's backlog, without a descriptor; but one, who shows that somebody waits.
type backlogged struct {
	fds        []int32
	armed      int // accepts in flight
	cancelling bool
}

// singleAccepts bounds the accepts in flight that take one connection each.
const singleAccepts = 16

func (e *completion) listen(n *Listener) error {
	fd, addr, err := listenSocket(n.options)
	if err != nil {
		return err
	}
	n.fd, n.addr, n.io = fd, addr, &backlogged{}
	if e.running.Load() {
		e.arm(n)
	}
	return nil
}

// arm begins to accept.
func (e *completion) arm(n *Listener) {
	b := n.io.(*backlogged)
	if n.stalled || b.cancelling {
		return
	}
	wanted := 1
	most := e.loop.cfg.MaxConnections
	if most > 0 {
		wanted = min(max(most-e.loop.accepted-len(b.fds), 1-len(b.fds)), singleAccepts)
	}
	for b.armed < wanted {
		s := e.next()
		s.Accept(n.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, most == 0 && e.without&RingMultishot == 0)
		s.UserData = userData(opAccept, n.token)
		b.armed++
	}
}

func (e *completion) disarm(n *Listener) {
	b := n.io.(*backlogged)
	if b.armed == 0 || b.cancelling {
		return
	}
	for range b.armed { // each finds one
		s := e.next()
		s.Cancel(userData(opAccept, n.token))
		s.UserData = userData(opCancel, n.token)
		s.Flags |= uring.SkipSuccess
	}
	b.cancelling = true
}

// acceptGoesOn: an accept was not found by its cancel, as it is over or about to be
// tried again.
func (e *completion) acceptGoesOn(n *Listener) {
	n.io.(*backlogged).cancelling = false
	if n.stalled {
		e.disarm(n)
	} else {
		e.leaveListener(n)
	}
}

// unlisten stops at once: to close a socket with an accept in flight would leave
// its port taken, shutdown(2) does not. An accept that has not been submitted
// would find the next socket of that number.
func (e *completion) unlisten(n *Listener) {
	b := n.io.(*backlogged)
	if b.armed > 0 {
		e.disarm(n)
		e.submit()
	}
	_ = unix.Shutdown(n.fd, unix.SHUT_RDWR)
	rawClose(n.fd)
	for _, fd := range b.fds {
		closeSocket(int(fd), true)
	}
	b.fds = nil
}

func (e *completion) pause(n *Listener) { e.disarm(n) }

func (e *completion) resume(n *Listener) { e.leaveListener(n) }

// accepted takes a completion of an accept. Who comes for a listener that has
// gone is turned away.
func (e *completion) accepted(n *Listener, q *uring.CQE) {
	if n == nil {
		e.loop.counts.StaleEvents++
		if q.Res >= 0 {
			closeSocket(int(q.Res), true)
		}
		return
	}
	b := n.io.(*backlogged)
	if !q.More() {
		if b.armed--; b.armed == 0 {
			b.cancelling = false
		}
	}
	switch errno := q.Err(); errno {
	case 0:
		b.fds = append(b.fds, q.Res)
	case unix.ECANCELED, unix.EINTR, unix.EAGAIN, unix.ECONNABORTED:
	default:
		// Whatever else it is, to try again at once would be a spin.
		e.loop.counts.AcceptFailures++
		n.stall(true)
	}
	e.leaveListener(n)
}

// leaveListener queues a listener for the end of this turn, or if that has come
// for the next.
func (e *completion) leaveListener(n *Listener) {
	if !n.queued && !n.closed {
		n.queued = true
		e.queue = append(e.queue, n.token)
	}
}

// admit makes connections of what was accepted, and goes on accepting. Who has a
// descriptor does not wait until there are more of them.
func (e *completion) admit(n *Listener) {
	b := n.io.(*backlogged)
	for range acceptsPerTurn {
		if len(b.fds) == 0 {
			break
		}
		if !e.loop.mayAccept() {
			n.stall(false)
			break
		}
		fd := int(b.fds[0])
		b.fds = b.fds[:copy(b.fds, b.fds[1:])]
		c := n.adopt(fd, &flight{})
		c.opened()
		if n.closed {
			return // by the Handler
		}
	}
	if len(b.fds) > 0 && e.loop.mayAccept() {
		e.leaveListener(n)
	}
	e.arm(n)
}

func (e *completion) dial(c *Conn, o DialOptions) error {
	k := &flight{}
	c.io = k
	fd, err := dialSocket(o, &e.loop.counts.Calls)
	if err != nil {
		return err
	}
	c.fd = int32(fd)
	if e.running.Load() {
		e.awaitWritable(c, k, false)
	}
	return nil
}

func (e *completion) connected(c *Conn) {
	e.loop.counts.Calls[CallSocket]++
	if err := socketError(int(c.fd)); err != nil {
		c.fail(err)
		return
	}
	c.opened()
}

func (e *completion) halfClose(c *Conn) {
	// In the ring it would be done by a kernel thread. ENOTCONN means that the
	// peer has reset: the receive says so.
	e.loop.counts.Calls[CallClose]++
	_ = rawShutdown(int(c.fd))
}

// release cancels what is in flight; the last completion lets the connection go.
// Closing the descriptor first would send no FIN: an operation in flight keeps
// the socket.
func (e *completion) release(c *Conn, reset bool, done func()) {
	k := c.io.(*flight)
	k.done, k.reset = done, reset
	if e.running.Load() {
		if k.receiving && !k.cancelling {
			e.cancelReceive(c, k)
		}
		if k.full {
			e.cancelPoll(c)
		}
	}
	e.finalize(c, k)
}

// finalize lets a released connection go when nothing of it is in flight. The
// descriptor is closed by the ring, with what is submitted next.
func (e *completion) finalize(c *Conn, k *flight) {
	if k.ops > 0 || k.done == nil {
		return
	}
	e.forget(k)
	e.own.give(c)
	if c.fd >= 0 {
		switch {
		case k.reset:
			e.loop.counts.Calls[CallSocket]++
			e.loop.counts.Calls[CallClose]++
			closeSocket(int(c.fd), true)
		case !e.running.Load() || e.loop.fatal != nil:
			rawClose(int(c.fd))
		default:
			s := e.next()
			s.Close(int(c.fd))
			s.UserData = opNone << opShift
			s.Flags |= uring.SkipSuccess
		}
		c.fd = -1
	}
	done := k.done
	k.done = nil
	done()
}

// abandon closes the connections whose operations did not end while there was a
// ring, because it failed. The kernel ends them as the ring has been closed.
func (e *completion) abandon() {
	for i := range e.loop.table.slots {
		c := e.loop.table.slots[i].conn
		if c == nil {
			continue
		}
		k := c.io.(*flight)
		k.ops = 0
		if c.gone() {
			e.finalize(c, k)
		} else {
			e.loop.finish(c, ErrStopped)
		}
	}
}

func (e *completion) addresses(c *Conn) (local, remote addrPort) {
	return socketAddresses(int(c.fd))
}
