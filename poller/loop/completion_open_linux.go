package loop

import (
	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

// This file is how connections come to be on the completion engine, and how they
// end.

// backlogged is a listener's part of the engine: what the kernel has accepted and
// the loop has not. A multishot accept takes what comes, whether or not there is a
// place for it: a whole backlog at once. Where connections are bounded and fewer
// places are left than that, there are instead as many accepts as there are places,
// up to singleAccepts, so that who has to wait does so in the kernel's backlog,
// without a descriptor; but one, who shows that somebody waits, or, where clients
// are refused, shedAccepts.
type backlogged struct {
	fds        []int32
	armed      int  // accepts in flight
	multishot  bool // of what kind they are
	cancelling bool
}

// singleAccepts bounds the accepts in flight that take one connection each.
const singleAccepts = 16

// shedAccepts are the accepts in flight for those who will be refused, on all
// listeners together; each has one at least.
const shedAccepts = leavingMost

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
	if n.stalled || n.closed || b.cancelling {
		return
	}
	wanted, multishot := e.accepts(n, b)
	if b.armed > 0 && b.multishot != multishot {
		if b.multishot {
			e.disarm(n) // and begins anew when that is done
		}
		return // single ones are used up by those who come
	}
	b.multishot = multishot
	for b.armed < wanted {
		b.armed++
		if errno := e.loop.injected(); errno != 0 {
			e.accepted(n, &uring.CQE{Res: -int32(errno)})
			return
		}
		s := e.next()
		s.Accept(n.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, multishot)
		s.UserData = userData(opAccept, n.token)
	}
}

// accepts says how many accepts shall be in flight, and of which kind.
func (e *completion) accepts(n *Listener, b *backlogged) (wanted int, multishot bool) {
	l := e.loop
	places := l.places() - len(b.fds)
	for _, other := range l.listeners {
		if o := other.io.(*backlogged); o != b && !other.options.Unbounded {
			places -= o.armed + len(o.fds)
		}
	}
	unbounded := l.cfg.MaxConnections == 0 || n.options.Unbounded
	most := min(singleAccepts, n.options.AcceptsPerTurn)
	switch {
	case n.options.AcceptsPerTurn > singleAccepts && (unbounded || places > n.options.Backlog):
		return 1, e.without&RingMultishot == 0
	case unbounded:
		return most, false
	case l.cfg.OnFull == Shed:
		return min(max(places, max(shedAccepts/max(len(l.listeners), 1), 1)-len(b.fds)), most), false
	}
	return min(max(places, 1-len(b.fds)), most), false
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

func (e *completion) rebound(n *Listener) {
	if e.running.Load() {
		e.leaveListener(n)
	}
}

func (e *completion) pending(n *Listener) bool {
	return len(n.io.(*backlogged).fds) > 0 || e.loop.someoneWaits(n)
}

func (e *completion) shed(n *Listener) failure {
	said := e.loop.shedSocket(n)
	if said == nobody {
		return stalled // the next accept in flight would fail at once as well
	}
	return said
}

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
	case unix.ECANCELED, unix.EAGAIN:
	default:
		if n.failed(errno) == nobody {
			n.stall(acceptRetry) // the next one would fail at once as well
		}
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
	l := e.loop
	full := false
	for range n.options.AcceptsPerTurn {
		if len(b.fds) == 0 {
			break
		}
		admitted := n.place()
		if n.closed {
			return // by the Handler of one who left
		}
		if !admitted && l.cfg.OnFull != Shed {
			n.stall(l.untilIdle())
			full = true
			break
		}
		fd := int(b.fds[0])
		b.fds = b.fds[:copy(b.fds, b.fds[1:])]
		if !admitted {
			l.turnAway(n, fd)
			continue
		}
		c := n.adopt(fd, &flight{})
		c.opened()
		if n.closed {
			return // by the Handler
		}
	}
	if len(b.fds) > 0 && !full {
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

func (e *completion) socket(c *Conn, f func(int)) { f(int(c.fd)) }

func (e *completion) addresses(c *Conn) (local, remote addrPort) {
	return socketAddresses(int(c.fd))
}
