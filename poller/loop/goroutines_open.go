package loop

import (
	"golang.org/x/sys/unix"
)

// This file is how connections come to be on the goroutine engine.

func (e *goroutines) listen(n *Listener) error {
	fd, addr, err := listenSocket(n.options)
	if err != nil {
		return err
	}
	t, err := newTask(fd)
	if err != nil {
		return err
	}
	n.fd, n.addr, n.io = fd, addr, t // the file keeps the descriptor
	e.start(t, func() { e.acceptor(n, t) })
	return nil
}

func (e *goroutines) unlisten(n *Listener) {
	t := n.io.(*task)
	t.file.Close()
	t.resume()
}

func (e *goroutines) pause(*Listener)    {}
func (e *goroutines) resume(n *Listener) { n.io.(*task).resume() }

func (e *goroutines) rebound(*Listener)        {}
func (e *goroutines) pending(n *Listener) bool { return e.loop.someoneWaits(n) }
func (e *goroutines) shed(n *Listener) failure { return e.loop.shedSocket(n) }

// acceptor accepts for one listener until it is closed. Who was accepted and finds
// that his place has been taken meanwhile is kept in hand until there is one.
func (e *goroutines) acceptor(n *Listener, t *task) {
	l := e.loop
	fd := -1
	await := false // nobody waited who could be accepted: wait for somebody first
	accept := func(s uintptr) bool {
		t.reads++
		if await {
			return someoneWaits(int(s))
		}
		fd, t.errno = rawAccept(int(s))
		return t.errno != unix.EAGAIN
	}
	var writers []*Conn
	l.mu.Lock()
	for !n.closed {
		if !n.stalled {
			n.admits()
		}
		if n.stalled {
			e.halt(t)
			continue
		}
		if t.errno = l.injected(); t.errno == 0 {
			l.mu.Unlock()
			err := t.raw.Read(accept)
			l.mu.Lock()
			l.counts.Calls[CallAccept] += t.reads
			t.reads = 0
			if err != nil {
				continue // closed
			}
			if await {
				await = false
				continue
			}
		}
		if t.errno == 0 {
			e.admit(n, t, fd)
		} else if !n.closed {
			await = n.failed(t.errno) == nobody
		}
		writers = e.leave(writers)
		l.mu.Lock()
	}
	t.retire()
	l.mu.Unlock()
}

// admit makes a connection of who was accepted, when there is a place.
func (e *goroutines) admit(n *Listener, t *task, fd int) {
	l := e.loop
	for !n.closed && !n.place() {
		if l.cfg.OnFull == Shed {
			l.turnAway(n, fd)
			return
		}
		n.stall(l.untilIdle())
		e.leave(nil) // what the end of a connection caused does not wait as well
		l.mu.Lock()
		for n.stalled && !n.closed {
			e.halt(t)
		}
	}
	if n.closed {
		closeSocket(fd, true)
		return
	}
	e.accepted(n, fd)
}

func (e *goroutines) accepted(n *Listener, fd int) {
	t, err := newTask(fd)
	if err != nil {
		e.loop.counts.AcceptFailures++
		return
	}
	c := n.adopt(-1, t)
	c.opened()
	e.begin(c, t)
}

func (e *goroutines) dial(c *Conn, o DialOptions) error {
	fd, err := dialSocket(o, &e.loop.counts.Calls)
	if err != nil {
		return err
	}
	t, err := newTask(fd)
	if err != nil {
		return err
	}
	c.io = t
	e.start(t, func() { e.connector(c, t) })
	return nil
}

// connector waits until a dialled connection is established or has failed.
func (e *goroutines) connector(c *Conn, t *task) {
	l := e.loop
	err := t.raw.Write(func(fd uintptr) bool {
		// Go's poller reports changes, and forgets those that came before
		// this call; so look first.
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		n, _ := unix.Poll(p, 0)
		return n > 0
	})
	if err == nil {
		_ = t.raw.Control(func(fd uintptr) { err = socketError(int(fd)) })
	}
	l.mu.Lock()
	l.counts.Calls[CallSocket]++
	switch {
	case c.gone():
	case err != nil:
		c.fail(err)
	default:
		c.opened()
		e.begin(c, t)
	}
	t.retire()
	e.leave(nil)
}
