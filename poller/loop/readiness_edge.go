package loop

import (
	"golang.org/x/sys/unix"

	"medusa/poller"
)

// edge is what the readiness engine does differently over a backend that
// reports changes only. Both directions of a connection are watched from the
// beginning to the end, without another call. What has been reported and not
// yet found to be over is kept in Conn.watch, so that to pause, to choke, or to
// wait for the rest to be used needs nothing: what is readable stays so until
// somebody reads. It is over when
//
//   - a read finds nothing (EAGAIN), or gets less than was asked and More was
//     not reported: FIN, an error or an urgent mark that was reported with the
//     data stands behind it and will not be reported again, while whatever
//     comes after the report will be (see poller/epoll_et_linux.go);
//   - a send finds no room, or takes less than it was given. Of a file it may
//     be the file that has ended, so there only EAGAIN counts.
//
// A connection that is ready, wants to go on and may not, because its share of
// the turn is used up, stands in a queue; so does one that is wanted again
// after a pause, and a listener that may have more to accept. While the queue
// is not empty the wait does not sleep. It is served in its order, once a turn,
// after the events that are new.
type edge struct {
	*readiness
	queue   []poller.Token // for the next turn, each once
	serving []poller.Token // this turn's
}

// Bits of Conn.watch beside poller.Read and poller.Write, which are set while
// the connection is readable and writable, as far as is known.
const (
	// unsure: a read that gets less than was asked has perhaps not got all.
	unsure = poller.More
	// queued: the connection stands in the queue.
	queued poller.Interest = 1 << 4
	// told: nothing has been read since it was reported readable, by a backend that
	// does not say whether an urgent mark is the reason.
	told poller.Interest = 1 << 5
)

// expect is for a connection about to be watched. A new socket has room.
func (e *edge) expect(c *Conn) {
	c.watch = 0
	if c.state == stateOpen {
		c.watch = poller.Write
	}
}

// begin starts a turn, and says whether it has something to serve.
func (e *edge) begin() bool {
	e.queue, e.serving = e.serving[:0], e.queue
	return len(e.serving) > 0
}

// report takes note of an event.
func (e *edge) report(c *Conn, ready poller.Interest) {
	if ready&poller.More != 0 {
		ready |= poller.Write // nothing to wait for after an error
	}
	if ready&poller.Read != 0 && !e.backend.Traits.Marks {
		ready |= told
	}
	c.watch |= ready
	switch {
	case c.state == stateConnecting:
		e.connected(c)
	case c.watch&queued == 0: // or its turn comes, in this turn or the next
		e.advance(c)
	}
}

// carryOn serves the queue as it was when the turn began. A token whose
// connection has gone finds nobody.
func (e *edge) carryOn() {
	for i, token := range e.serving {
		c, n := e.loop.table.find(token)
		switch {
		case n != nil:
			n.queued = false
			e.accept(n)
		case c != nil && !c.gone():
			c.watch &^= queued
			e.advance(c)
		}
		if i%settleEvery == settleEvery-1 {
			e.loop.settle()
		}
	}
}

// advance reads, within the share of a turn, and lets what is queued be sent
// when the connection settles.
func (e *edge) advance(c *Conn) {
	for budget := turnBytes; budget > 0 && c.readable(); {
		n := e.read(c, budget)
		if n <= 0 {
			break
		}
		budget -= n
	}
	if c.readable() {
		e.leave(c)
	}
	if c.sendable() {
		c.touch()
	}
}

// update sends what is queued. Who could go on comes back in the next turn.
func (e *edge) update(c *Conn) {
	if c.sendable() && e.flush(c) {
		c.watch &^= poller.Write
	}
	if c.readable() || c.sendable() {
		e.leave(c)
	}
}

// readable says whether there is something to read for who wants it.
func (c *Conn) readable() bool {
	return c.watch&poller.Read != 0 && c.failure == nil && c.wantsRead()
}

// sendable says whether there is something to send and room for it.
func (c *Conn) sendable() bool {
	return c.watch&poller.Write != 0 && c.failure == nil && c.wantsWrite()
}

// wasRead takes note of what a read that asked for so many bytes has shown.
func (c *Conn) wasRead(n, asked int, errno unix.Errno) {
	switch {
	case errno == unix.EAGAIN && c.watch&(unsure|told) != 0:
		// There should have been something. At an urgent mark it may mean no more
		// than that a signal was pending (tcp_recvmsg_locked in net/ipv4/tcp.c):
		// once again.
		c.watch &^= unsure | told
	case errno == unix.EAGAIN:
		c.watch &^= poller.Read
	case errno == 0:
		c.watch &^= told
		if n < asked && c.watch&unsure == 0 {
			c.watch &^= poller.Read
		}
	}
}

// leave queues c for the next turn.
func (e *edge) leave(c *Conn) {
	if c.watch&queued == 0 {
		c.watch |= queued
		e.queue = append(e.queue, c.token)
	}
}

// leaveListener queues a listener that may have more to accept.
func (e *edge) leaveListener(n *Listener) {
	if !n.queued && !n.closed {
		n.queued = true
		e.queue = append(e.queue, n.token)
	}
}
