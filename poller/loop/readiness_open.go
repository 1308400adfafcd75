package loop

import (
	"fmt"

	"golang.org/x/sys/unix"

	"medusa/poller"
)

// This file is how connections come to be on the readiness engine.

func (e *readiness) listen(n *Listener) error {
	fd, addr, err := listenSocket(n.options)
	if err != nil {
		return err
	}
	n.fd, n.addr = fd, addr
	if !e.running.Load() {
		return nil // pin will watch it
	}
	if err := e.poller.Add(fd, poller.Read, n.token); err != nil {
		rawClose(fd)
		return fmt.Errorf("watch listener %v: %w", addr, err)
	}
	return nil
}

func (e *readiness) unlisten(n *Listener) {
	if e.running.Load() {
		had := poller.Read
		if n.stalled {
			had = 0
		}
		_ = e.poller.Remove(n.fd, had, n.token, true) // closing ends watching in any case
	}
	rawClose(n.fd)
}

func (e *readiness) pause(n *Listener)  { e.changeListener(n, poller.Read, 0) }
func (e *readiness) resume(n *Listener) { e.changeListener(n, 0, poller.Read) }

func (e *readiness) changeListener(n *Listener, had, want poller.Interest) {
	if e.edge != nil {
		if want != 0 {
			e.edge.leaveListener(n) // whoever waits has been reported
		}
		return
	}
	if err := e.poller.Change(n.fd, had, want, n.token); err != nil {
		e.loop.fatal = fmt.Errorf("watch listener %v: %w", n.addr, err)
	}
}

func (e *readiness) rebound(*Listener)        {}
func (e *readiness) pending(n *Listener) bool { return e.loop.someoneWaits(n) }
func (e *readiness) shed(n *Listener) failure { return e.loop.shedSocket(n) }

func (e *readiness) accept(n *Listener) {
	if n.stalled || n.queued {
		return // an edge; resume looks, or the queue is served, in this turn
	}
	l := e.loop
	for range n.options.AcceptsPerTurn {
		if !n.admits() {
			return
		}
		errno := l.injected()
		fd := -1
		if errno == 0 {
			l.counts.Calls[CallAccept]++
			fd, errno = rawAccept(n.fd)
		}
		if errno == unix.EAGAIN {
			return
		}
		if errno != 0 {
			if n.failed(errno) != tryAgain || n.closed { // by the Handler of one who left
				return
			}
			continue
		}
		switch admitted := n.place(); {
		case n.closed: // by the Handler of one who left
			closeSocket(fd, true)
			return
		case !admitted:
			l.turnAway(n, fd)
			continue
		}
		c := n.adopt(fd, nil)
		e.watch(c)
		c.opened()
		if n.closed {
			return // by the Handler
		}
	}
	if e.edge != nil {
		e.edge.leaveListener(n)
	}
}

func (e *readiness) dial(c *Conn, o DialOptions) error {
	fd, err := dialSocket(o, &e.loop.counts.Calls)
	if err != nil {
		return err
	}
	c.fd = int32(fd)
	e.watch(c)
	return nil
}

func (e *readiness) connected(c *Conn) {
	e.loop.counts.Calls[CallSocket]++
	if err := socketError(int(c.fd)); err != nil {
		c.fail(err)
		return
	}
	c.opened()
}
