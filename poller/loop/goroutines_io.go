package loop

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// This file is what the goroutines of the engine do: read, send, accept,
// connect.

// sending is what a goroutine is about to send, taken from the queue under
// the lock. The queue keeps the bytes until sent.
type sending struct {
	call Call
	file int // descriptor; when n > 0
	off  int64
	n    int
	more bool
	at   Time // the clock just before
}

// begin gives c its reading goroutine.
func (e *goroutines) begin(c *Conn, t *task) {
	t.buf = make([]byte, c.InSize())
	e.loop.buffers.held += int64(len(t.buf))
	e.start(t, func() { e.reader(c, t) })
}

// reader reads for one connection until it ends.
func (e *goroutines) reader(c *Conn, t *task) {
	l := e.loop
	size := 0
	read := func(fd uintptr) bool {
		t.reads++
		t.got, t.readErrno = rawRead(int(fd), t.buf[:size])
		return t.readErrno != unix.EAGAIN
	}
	var writers []*Conn
	l.mu.Lock()
	for {
		for !c.gone() && !c.wantsRead() {
			if c.fin {
				break
			}
			e.halt(t)
		}
		if c.gone() || c.fin {
			t.retire()
			e.leave(writers)
			return
		}
		size = min(c.InSize()-len(c.rest), turnBytes)
		l.mu.Unlock()
		err := t.raw.Read(read)
		l.mu.Lock()
		l.counts.Calls[CallRead] += t.reads
		t.reads = 0
		if err == nil && !c.gone() {
			e.received(c, t)
		}
		writers = e.leave(writers)
		l.mu.Lock()
	}
}

// received passes on what the reader got.
func (e *goroutines) received(c *Conn, t *task) {
	switch {
	case t.readErrno == unix.EINTR:
	case t.readErrno != 0:
		c.fail(t.readErrno)
	case t.got == 0:
		c.hangup()
	default:
		e.loop.counts.BytesIn += uint64(t.got)
		if c.state == stateLingering || c.closing {
			c.lingered(t.got)
			return
		}
		p := t.buf[:t.got]
		if c.rest != nil {
			kept := len(c.rest)
			c.rest = c.rest[:kept+t.got]
			copy(c.rest[kept:], p)
			p = c.rest
		}
		if c.wantsRead() || len(p) == c.InSize() && !c.paused && !c.choked {
			c.deliver(p)
			return
		}
		c.keep(p) // it was paused while the reader waited
		c.replay = true
	}
}

// transmit sends for connections until the kernel takes no more. It is called
// without the lock, and returns the slice for use again.
func (e *goroutines) transmit(writers []*Conn) []*Conn {
	for i := 0; i < len(writers); i++ {
		writers = e.flush(writers[i], false, writers)
	}
	return writers[:0]
}

// flush sends for a connection until its queue is empty or, unless it may
// wait, the kernel takes no more: then another goroutine goes on with it.
// What settles afterwards may have made other connections writable; they are
// appended to writers.
func (e *goroutines) flush(c *Conn, wait bool, writers []*Conn) []*Conn {
	l := e.loop
	t := c.io.(*task)
	send := func(fd uintptr) bool {
		t.attempt(int(fd))
		return !wait || t.errno != unix.EAGAIN
	}
	l.mu.Lock()
	for budget := turnBytes; e.prepare(c, t); {
		if budget <= 0 && !wait {
			// Whoever came here to send has timers or a connection to go
			// back to.
			e.sendElsewhere(c, t)
			return e.settled(writers)
		}
		l.mu.Unlock()
		if budget <= 0 { // the lock is not fair by itself
			budget = turnBytes
			runtime.Gosched()
		}
		err := t.raw.Write(send)
		l.mu.Lock()
		l.counts.Calls[t.send.call] += t.sends
		waited := t.sends > 1
		t.sends = 0
		switch {
		case err != nil: // the descriptor was closed meanwhile
		case c.gone():
			if t.errno == 0 { // what the peer got meanwhile is counted all the same
				c.handed += int64(t.sent)
				l.counts.BytesOut += uint64(t.sent)
			}
		case t.errno == unix.EAGAIN:
			c.full()
			e.sendElsewhere(c, t)
			return e.settled(writers)
		case t.errno == unix.EINTR:
		case t.errno != 0:
			c.fail(t.errno)
		case t.sent == 0:
			c.fail(ErrShort)
		default:
			c.sent(int64(t.sent), t.send.at)
			if waited {
				c.full()
			}
			budget -= t.sent
			if c.choked && c.Queued() < c.OutSize()/2 {
				c.touch() // to read again while the rest is sent
				l.settle()
				if len(e.writers) > 0 || len(l.dirty) > 0 {
					e.wake() // this goroutine may be long
				}
			}
		}
	}
	t.writing = false
	if c.gone() {
		t.finish()
	} else {
		c.trim()
		c.touch()
	}
	return e.settled(writers)
}

// sendElsewhere lets another goroutine go on with sending, one that may wait.
func (e *goroutines) sendElsewhere(c *Conn, t *task) {
	e.start(t, func() {
		e.transmit(e.flush(c, true, nil))
		e.loop.mu.Lock()
		t.retire() // may be what Closed waited for
		e.leave(nil)
	})
}

// settled ends a visit to the loop like leave, but only appends the
// connections that have something to send.
func (e *goroutines) settled(writers []*Conn) []*Conn {
	l := e.loop
	l.settle()
	writers = append(writers, e.writers...)
	clear(e.writers)
	e.writers = e.writers[:0]
	if len(l.dirty) > 0 {
		e.wake()
	}
	l.mu.Unlock()
	return writers
}

// prepare takes what is to be sent next from the queue, under the lock. It
// returns false when there is nothing.
func (e *goroutines) prepare(c *Conn, t *task) bool {
	if c.failure != nil || !c.wantsWrite() {
		return false
	}
	s, err := c.out.fill(c)
	if err != nil {
		c.fail(err)
		return false
	}
	if s == nil {
		return false
	}
	t.send = sending{call: CallWrite}
	if s.f != nil {
		t.send = sending{call: CallSendFile, file: int(s.f.Fd()), off: s.off, n: s.sendable(turnBytes)}
	} else {
		t.vector, _, t.send.more = c.out.gather(t.vector[:0], turnBytes, c.finFollows())
	}
	if e.loop.cfg.Stamp {
		t.send.at = e.now()
	}
	return true
}

// attempt makes one call to send.
func (t *task) attempt(fd int) {
	t.sends++
	switch {
	case t.send.n > 0:
		t.sent, t.errno = rawSendFile(fd, t.send.file, t.send.off, t.send.n)
	case len(t.vector) == 1:
		t.sent, t.errno = rawSend(fd, t.vector[0], t.send.more)
	default:
		t.sent, t.errno = rawSendVector(fd, t.vector, t.send.more)
	}
}
