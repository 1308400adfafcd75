package loop

import (
	"errors"
	"io"
	"os"
)

// output is what a connection has to send, in order. It is owned only while
// there is something: an idle connection has none.
type output struct {
	segments  []segment
	head      int    // segments before it are done
	queued    int64  // see Conn.Queued
	parked    bool   // a producer at the head has nothing yet
	asking    bool   // its Read is running
	continued bool   // Continue was called since
	owned     bool   // the connection keeps it, and a buffer:
	own       []byte // this, unless it is in a segment
	resting   bool   // of owned: nothing is queued
	auto      auto
}

// segment is a run of bytes of one kind. Exactly one of these holds: p is
// bytes; r is a producer, whose bytes stand in p while they are sent; f is a
// file.
type segment struct {
	p       []byte // bytes left to send
	buf     []byte // the loop's buffer under p, returned when sent
	r       io.Reader
	f       *os.File
	off, n  int64 // of f; of r, what its last Read gave, and what it counts as
	release func()
	// Of f, with Config.ColdFiles: up to where the page cache was seen to have it,
	// and that somebody brings it there.
	warm     int64
	fetching bool
}

// idleReads is how often in a row a producer may return no bytes and no error.
const idleReads = 100

func (o *output) empty() bool { return o.head == len(o.segments) }

// copy appends p to buffers of the loop.
func (o *output) copy(c *Conn, p []byte) {
	o.queued += int64(len(p))
	if !o.empty() {
		last := &o.segments[len(o.segments)-1]
		if last.buf != nil && last.r == nil {
			// The bytes after p in its buffer are free: an engine that is
			// sending p at this moment does not see them.
			used := len(last.buf) - cap(last.p) + len(last.p)
			k := copy(last.buf[used:], p)
			last.p = last.p[:len(last.p)+k]
			p = p[k:]
		}
	}
	for len(p) > 0 {
		buf := o.take(c, len(p))
		k := copy(buf, p)
		o.segments = append(o.segments, segment{p: buf[:k], buf: buf})
		p = p[k:]
	}
}

func (o *output) share(p []byte) {
	o.queued += int64(len(p))
	o.segments = append(o.segments, segment{p: p[:len(p):len(p)]})
}

// push queues a producer, which counts as size bytes and one.
func (o *output) push(r io.Reader, size int64) {
	o.queued += size + 1
	o.segments = append(o.segments, segment{r: r, n: size + 1})
}

func (o *output) file(f *os.File, off, n int64, release func()) {
	o.queued += n
	o.segments = append(o.segments, segment{f: f, off: off, n: n, release: release})
}

// fill makes the head of the queue something that can be sent: a producer
// there is asked for its next bytes. It returns the head, or nil when there
// is nothing to send now, and the error of a producer that failed.
func (o *output) fill(c *Conn) (*segment, error) {
	l := c.loop
	for idle := 0; !o.empty(); {
		s := &o.segments[o.head]
		if s.f != nil && !o.thaw(c, s) {
			return nil, nil
		}
		if s.r == nil || len(s.p) > 0 {
			return s, nil
		}
		if s.buf == nil {
			s.buf = o.take(c, MaxBuffer)
		}
		r, buf := s.r, s.buf
		o.asking, o.continued = true, false
		k, err := r.Read(buf)
		o.asking = false
		s = &o.segments[o.head] // r may have queued more, which moves the queue
		s.p, s.off = buf[:k], int64(k)
		switch {
		case errors.Is(err, io.EOF):
			s.r = nil
			o.queued += int64(k) - s.n
			if k == 0 {
				o.done(l)
			}
			closeReader(r)
			if k > 0 {
				return &o.segments[o.head], nil
			}
		case errors.Is(err, ErrLater):
			if k > 0 {
				return s, nil
			}
			o.parked = true
			return nil, nil
		case err != nil:
			return nil, err
		case k == 0: // io.Reader allows it, though it discourages it
			if idle++; idle == idleReads {
				return nil, io.ErrNoProgress
			}
		}
	}
	return nil, nil
}

// unpark asks a producer again after Continue. It waits for the connection to
// settle, so that one which calls Continue in each Read is asked once a round.
func (o *output) unpark() {
	if o.continued {
		o.parked, o.continued = false, false
	}
}

// gather lists the runs of bytes at the head of the queue, up to the capacity
// of v and to limit bytes, which is over 0, and how many bytes these are. more
// says that a file follows them, or with fin, where the queue ends with them, the
// FIN: what is sent with MSG_MORE waits for it, and they share a packet. A
// connection for one request has one segment less then (TestLastPacket).
func (o *output) gather(v [][]byte, limit int, fin bool) (_ [][]byte, bytes int, more bool) {
	for i := o.head; i < len(o.segments); i++ {
		s := &o.segments[i]
		if s.f != nil {
			return v, bytes, true
		}
		if len(v) == cap(v) || len(s.p) == 0 {
			return v, bytes, false
		}
		if left := limit - bytes; len(s.p) > left {
			if left > 0 {
				v, bytes = append(v, s.p[:left]), limit
			}
			return v, bytes, false
		}
		v = append(v, s.p)
		bytes += len(s.p)
		if s.r != nil {
			return v, bytes, false // what comes after is behind what it has yet to read
		}
	}
	return v, bytes, fin
}

// sent takes n bytes off the head of the queue.
func (o *output) sent(c *Conn, n int64) {
	l := c.loop
	for n > 0 {
		s := &o.segments[o.head]
		if s.f != nil {
			k := min(n, s.n)
			s.off, s.n, n = s.off+k, s.n-k, n-k
			o.queued -= k
			if s.n == 0 {
				o.done(l)
			}
			continue
		}
		k := min(n, int64(len(s.p)))
		s.p, n = s.p[k:], n-k
		if s.r == nil {
			o.queued -= k
			if len(s.p) == 0 {
				o.done(l)
			}
		} else if o.auto.on && len(s.p) == 0 && s.off == int64(len(s.buf)) {
			// The next buffer may be of another size.
			buf := s.buf
			s.buf = nil
			o.give(l, buf)
			c.tookAll(s.r)
		}
	}
}

// take is a buffer for size bytes of output, or for as many of them as the
// connection has in a buffer.
func (o *output) take(c *Conn, size int) []byte {
	if buf := o.own; buf != nil {
		o.own = nil
		return buf
	}
	l := c.loop
	most := c.OutSize()
	if !o.auto.on {
		return l.buffers.take(most)
	}
	for most/2 >= max(size, AutoLeast) {
		most /= 2
	}
	buf := l.buffers.take(l.autoBuffer(most))
	l.buffers.auto += int64(len(buf))
	return buf
}

// give takes a buffer back.
func (o *output) give(l *Loop, buf []byte) {
	if buf == nil {
		return
	}
	if o.auto.on {
		l.buffers.auto -= int64(cap(buf))
	}
	l.buffers.give(buf)
}

// done drops the head of the queue, of which nothing is left to send.
func (o *output) done(l *Loop) {
	s := o.segments[o.head]
	o.segments[o.head] = segment{}
	o.head++
	if o.empty() {
		o.segments = o.segments[:0]
		o.head = 0
	}
	o.drop(l, s) // last, as what it releases may queue more
}

// drop gives back what a segment holds.
func (o *output) drop(l *Loop, s segment) {
	if o.owned && o.own == nil && s.buf != nil {
		o.own = s.buf
	} else {
		o.give(l, s.buf)
	}
	if s.r != nil {
		closeReader(s.r)
	}
	if s.release != nil {
		s.release()
	}
}

// clear drops everything.
func (o *output) clear(l *Loop) {
	for !o.empty() {
		o.done(l)
	}
	o.queued = 0
	o.parked, o.continued = false, false
}

func closeReader(r io.Reader) {
	if c, ok := r.(io.Closer); ok {
		// A producer that cannot be closed cleanly has nowhere to say so: its
		// bytes were delivered or the connection has failed already.
		_ = c.Close()
	}
}
