package loop

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// actor is one end. The dialling one tells the other its seed by the first eight
// bytes, so that both know what is sent to whom.
type actor struct {
	t       *testing.T
	conn    *Conn
	file    *os.File
	gone    func()
	dialled uint64
	r       *rand.Rand

	total, sent  int // of the stream to the other
	expect, got  int // of the one from it
	taken        int
	how          int // the connection ends
	header       []byte
	paused       bool
	timers       int
	ended        bool
	closed       bool
	closing      bool
	aborted      bool
	drained      int
	expired      bool
	pendingFiles int
}

func (a *actor) String() string {
	return fmt.Sprintf("dialled %x total %d sent %d expect %d got %d how %d paused %v ended %v closing %v files %d header %d", a.dialled, a.total, a.sent, a.expect, a.got, a.how, a.paused, a.ended, a.closing, a.pendingFiles, len(a.header))
}

var streamBytes = pattern(streamMost)

// plan is what a seed makes of both ends.
func (a *actor) plan(seed uint64) {
	r := rand.New(rand.NewPCG(seed, 2))
	size := func() int {
		switch r.IntN(6) {
		case 0:
			return r.IntN(streamMost)
		case 1, 2:
			return r.IntN(200_000)
		}
		return r.IntN(5000)
	}
	// Were both large, both ends could choke on what they send, for ever.
	one, other := size(), r.IntN(20_000)
	if r.IntN(2) == 0 {
		one, other = other, one
	}
	how := r.IntN(8)
	if a.dialled != 0 {
		a.total, a.expect, a.how = one, other, how
	} else {
		a.total, a.expect, a.how = other, one, how
		a.r = rand.New(rand.NewPCG(seed, 3))
	}
}

func (a *actor) Opened(c *Conn) {
	a.conn = c
	if a.dialled != 0 {
		a.plan(a.dialled)
		b := make([]byte, 8)
		for i := range b {
			b[i] = byte(a.dialled >> (8 * i))
		}
		c.Write(b)
		a.act()
	}
	if a.r != nil && a.r.IntN(4) == 0 {
		a.pause()
	}
}

func (a *actor) pause() {
	a.conn.Pause()
	a.paused = true
	if a.r.IntN(4) == 0 { // at once
		a.resume()
		return
	}
	d := time.Duration(a.r.IntN(2_000_000))
	a.conn.loop.At(a.conn.loop.Now().Add(d), a.resume)
}

func (a *actor) resume() {
	if a.closed {
		return
	}
	a.paused = false
	a.conn.Resume()
	if a.r.IntN(8) == 0 {
		a.pause()
	}
}

func (a *actor) later(f func()) {
	d := time.Duration(a.r.IntN(500_000))
	a.conn.loop.At(a.conn.loop.Now().Add(d), func() {
		if !a.closed {
			f()
		}
	})
}

// act sends some more of the stream.
func (a *actor) act() {
	if a.closed || a.closing {
		return
	}
	c := a.conn
	for range 1 + a.r.IntN(4) {
		n := min(a.total-a.sent, 1+a.r.IntN(1<<(1+a.r.IntN(20))))
		if n <= 0 {
			break
		}
		p := streamBytes[a.sent : a.sent+n]
		switch a.r.IntN(5) {
		case 0, 1:
			c.Write(p)
		case 2:
			c.WriteShared(append([]byte(nil), p...))
		case 3:
			c.Push(&halting{a: a, p: p})
		case 4:
			a.pendingFiles++
			c.SendFile(a.file, int64(a.sent), int64(n), func() { a.pendingFiles-- })
		}
		a.sent += n
	}
	if a.sent < a.total {
		if a.r.IntN(3) == 0 {
			a.later(a.act)
			a.timers++
		}
		return
	}
	a.done()
}

// done: all of the stream is queued.
func (a *actor) done() {
	if a.closing {
		return
	}
	a.closing = true
	c := a.conn
	switch {
	case a.how == 0 && a.dialled != 0: // abort somewhere
		a.later(func() { a.aborted = true; c.Abort() })
	case a.how == 1:
		c.CloseWrite()
	case a.how == 2 && a.dialled == 0:
		c.CloseWrite()
	case a.got >= a.expect && a.r.IntN(2) == 0:
		c.CloseWhenDone()
	default:
		c.CloseWrite()
	}
}

func (a *actor) Received(c *Conn, p []byte) (used int) {
	if a.paused {
		a.t.Error("input while paused")
	}
	if a.closed {
		a.t.Error("input after Closed")
	}
	if a.conn == nil {
		a.t.Error("input before Opened")
	}
	if len(p) == 0 {
		a.t.Error("no input")
	}
	if a.r == nil {
		for len(p) > used && len(a.header) < 8 {
			a.header = append(a.header, p[used])
			used++
		}
		a.taken += used
		if len(a.header) < 8 {
			return used
		}
		var seed uint64
		for i, b := range a.header {
			seed |= uint64(b) << (8 * i)
		}
		a.plan(seed)
		a.act()
		p = p[used:]
		if len(p) == 0 {
			return used
		}
	}
	n := len(p)
	full := len(p) + used
	if a.r.IntN(6) == 0 {
		n = a.r.IntN(n + 1)
		if n+used == 0 && full >= c.loop.cfg.In {
			n = 1
		}
	}
	if n < len(p) { // or it may wait for ever
		a.pause()
	}
	if a.got+n > a.expect {
		a.t.Errorf("%d bytes of %d", a.got+n, a.expect)
		c.loop.Stop()
		return len(p) + used
	}
	for i := range n {
		if p[i] != streamBytes[a.got+i] {
			a.t.Errorf("byte %d of %d is wrong (%s)", a.got+i, a.expect, a)
			c.loop.Stop()
			return len(p) + used
		}
	}
	a.got += n
	a.taken += n
	switch a.r.IntN(12) {
	case 0, 1:
		if !a.paused {
			a.pause()
		}
	case 2:
		c.SetDeadline(time.Duration(a.r.IntN(3_000_000)))
	}
	if a.sent < a.total {
		a.act()
	}
	return used + n
}

func (a *actor) Ended(c *Conn) {
	if a.paused {
		a.t.Error("Ended while paused")
	}
	if a.ended {
		a.t.Error("Ended twice")
	}
	a.ended = true
	if a.how != 0 && a.got != a.expect {
		a.t.Errorf("Ended after %d of %d: %s", a.got, a.expect, a)
	}
	if a.r == nil {
		c.CloseWhenDone()
		return
	}
	if a.sent < a.total {
		a.r = rand.New(rand.NewPCG(1, 1))
		c.Write(streamBytes[a.sent:a.total])
		a.sent = a.total
	}
	if a.r.IntN(2) == 0 {
		c.CloseWhenDone()
	} else {
		a.later(c.CloseWhenDone)
	}
	a.closing = true
}

func (a *actor) Expired(c *Conn) {
	a.expired = true
	if a.r.IntN(3) == 0 && !a.paused {
		a.pause()
	}
}

func (a *actor) Drained(c *Conn) {
	if !c.noOutput() {
		a.t.Error("Drained with a queue")
	}
	a.drained++
	if a.r == nil {
		return
	}
	if a.sent < a.total {
		a.act()
	}
}

func (a *actor) Closed(c *Conn, err error) {
	if a.closed {
		a.t.Error("Closed twice")
	}
	a.closed = true
	if a.conn == nil {
		a.conn = c
	}
	kind := Kind(err)
	if a.pendingFiles != 0 {
		a.t.Errorf("%d files not released", a.pendingFiles)
	}
	if a.r != nil && a.how != 0 {
		if kind != "ok" {
			a.t.Errorf("closed with %v: %s", err, a)
		}
		if a.got != a.expect || a.sent != a.total {
			a.t.Errorf("closed: %s", a)
		}
		want := int64(a.total)
		if a.dialled != 0 {
			want += 8
		}
		if c.handed != want {
			a.t.Errorf("%d bytes handed, %d sent", c.handed, want)
		}
		if c.loop.cfg.Stamp && (c.handedAt <= 0 || c.handedAt > c.loop.Now()) && want > 0 && c.loop.Engine() != "sim" {
			a.t.Errorf("handed at %d", c.handedAt)
		}
	}
	a.gone()
}

// halting is a producer that has nothing now and then.
type halting struct {
	a      *actor
	p      []byte
	closed bool
}

func (h *halting) Read(p []byte) (int, error) {
	if h.closed {
		h.a.t.Error("Read after Close")
	}
	r := h.a.r
	switch r.IntN(4) {
	case 0:
		h.a.later(h.a.conn.Continue)
		return 0, ErrLater
	case 1:
		n := copy(p[:1+r.IntN(len(p))], h.p)
		if h.p = h.p[n:]; len(h.p) > 0 {
			h.a.later(h.a.conn.Continue)
			return n, ErrLater
		}
		return n, io.EOF
	}
	n := copy(p, h.p)
	if h.p = h.p[n:]; len(h.p) == 0 && r.IntN(2) == 0 {
		return n, io.EOF
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (h *halting) Close() error {
	if h.closed {
		h.a.t.Error("closed twice")
	}
	h.closed = true
	return nil
}
