package loop

import (
	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

// This file is how output leaves on the completion engine.
//
// A send carries MSG_DONTWAIT and MSG_WAITALL: it is tried once, when it is
// submitted, and has succeeded only if all of it was taken. Without a completion
// for success (IOSQE_CQE_SKIP_SUCCESS) that leaves three cases to tell apart once
// it has been submitted: no completion, all is sent; a completion with fewer bytes
// or EAGAIN, the socket is full and a one-shot poll says when it is not; an error.
// The usual way, a send that waits in the kernel, would need its bytes to be
// pinned meanwhile, a completion for each, and a cancellation at the end.

const sendFlagsAll = unix.MSG_NOSIGNAL | unix.MSG_DONTWAIT | unix.MSG_WAITALL

// send begins to send the head of the queue, within the share of the turn: bytes
// by the ring, a file at once.
func (e *completion) send(c *Conn, k *flight) {
	if k.sending || k.full {
		return
	}
	for {
		budget := c.allowance()
		if budget <= 0 {
			e.leave(c, k)
			return
		}
		s, err := c.out.fill(c)
		if err != nil {
			c.fail(err)
			return
		}
		if s == nil {
			c.trim()
			return
		}
		if s.f == nil {
			e.sendBytes(c, k, budget)
			return
		}
		if !e.sendFile(c, k, s, budget) {
			return
		}
		if c.trim(); !c.wantsWrite() {
			return
		}
	}
}

func (e *completion) sendBytes(c *Conn, k *flight, budget int) {
	v, asked, more := c.out.gather(e.vector[:0], budget, c.finFollows())
	flags := uint32(sendFlagsAll)
	if more {
		flags |= unix.MSG_MORE
	}
	s := e.next()
	if n := e.ring.SendVector(s, int(c.fd), v, flags); n < len(v) {
		asked = len(v[0])
	}
	s.UserData = userData(opSend, c.token)
	if e.without&RingSkipSuccess == 0 {
		s.Flags |= uring.SkipSuccess
	}
	clear(v)
	c.spent += int32(asked)
	k.sending, k.result, k.asked = true, unsent, int32(asked)
	k.ops++
	e.fresh = append(e.fresh, c)
}

// sendFile sends of a file by sendfile(2), which does not wait; splice in the ring
// is done by a kernel thread that does. It says whether there is room for more.
func (e *completion) sendFile(c *Conn, k *flight, s *segment, budget int) bool {
	l := e.loop
	var at Time
	if l.cfg.Stamp {
		at = e.now()
	}
	l.counts.Calls[CallSendFile]++
	n, errno := rawSendFile(int(c.fd), int(s.f.Fd()), s.off, s.sendable(budget))
	switch {
	case errno == unix.EAGAIN:
		e.awaitWritable(c, k, c.fin)
		return false
	case errno == unix.EINTR:
		return true
	case errno != 0:
		c.fail(errno)
		return false
	case n == 0:
		c.fail(ErrShort)
		return false
	}
	c.spent += int32(n)
	c.sent(int64(n), at)
	return true
}

// conclude ends the sends that were submitted: their completions, if they have
// any, have been collected.
func (e *completion) conclude() {
	if len(e.fresh) == 0 || e.ring.Pending() > 0 || e.ring.Overflown() {
		return
	}
	for i, c := range e.fresh {
		e.fresh[i] = nil
		e.sendOver(c, c.io.(*flight))
	}
	e.fresh, e.stamped = e.fresh[:0], 0
}

func (e *completion) sendOver(c *Conn, k *flight) {
	k.sending = false
	k.ops--
	n := k.asked
	if k.result != unsent {
		n = max(k.result, 0)
	}
	if c.gone() { // what the peer got meanwhile is counted all the same
		c.handed += int64(n)
		e.loop.counts.BytesOut += uint64(n)
		e.finalize(c, k)
		return
	}
	if n > 0 {
		c.sent(int64(n), k.at)
		c.trim()
	}
	if n == k.asked {
		if c.noOutput() && !c.dirty && !c.choked {
			c.drained() // all that settling would do
		} else {
			c.touch()
		}
		return
	}
	c.touch()
	switch errno := unix.Errno(-k.result); {
	case k.result >= 0 || errno == unix.EAGAIN:
		e.awaitWritable(c, k, c.fin)
	case errno != unix.EINTR:
		c.fail(errno)
	}
}

// awaitWritable waits until there is room to send, or until c has connected. A
// poll reports the peer's FIN whether or not it was asked to (IO_POLL_UNMASK in
// io_uring/poll.c). Once that has come, one that completes once would do so at
// once, for ever; one that goes on completes again when something changes.
func (e *completion) awaitWritable(c *Conn, k *flight, goesOn bool) {
	c.full()
	k.full = true
	k.ops++
	s := e.next()
	s.PollAdd(int(c.fd), unix.POLLOUT, goesOn)
	s.UserData = userData(opPoll, c.token)
}

// cancelPoll ends the poll; its last completion is still to come.
func (e *completion) cancelPoll(c *Conn) {
	e.cancel(userData(opPoll, c.token), opNone<<opShift)
}

// writable takes a completion of a poll.
func (e *completion) writable(c *Conn, k *flight, q *uring.CQE) {
	room := q.Res < 0 || q.Res&(unix.POLLOUT|unix.POLLERR|unix.POLLHUP) != 0
	if q.More() {
		if room && !c.gone() {
			e.cancelPoll(c)
		}
		return
	}
	k.full = false
	k.ops--
	switch {
	case c.gone():
		e.finalize(c, k)
	case !room:
		e.awaitWritable(c, k, true)
	case c.state == stateConnecting:
		e.connected(c)
	default:
		c.touch()
	}
}
