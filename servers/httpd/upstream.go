package httpd

import (
	"errors"
	"slices"

	"medusa/poller/loop"
)

// upstream is a connection to the server behind a Proxy. Whatever ends it
// without an answer being over is dealt with in Closed, and nowhere else.
type upstream struct {
	proxy   *Proxy
	conn    *loop.Conn
	passage *passage // nil while it is not in use

	head     upstreamHead
	content  upstreamContent
	interims int // 1xx answers to this request

	opened  bool // it is established
	used    bool // it has answered a request before this one
	got     bool // bytes of the answer have come
	paused  bool // until the client has taken some of the answer
	late    bool // aborted as the time was up
	persist bool // it may be used again after this answer

	// received is how much content has come. What had moved when the
	// deadline was last looked at stands beside it.
	received, checkedReceived, checkedSent int64

	fill func(*Response) // fillResponse
}

// interimsLimit is how many 1xx answers may come before the final one.
const interimsLimit = 10

// dial opens a connection.
func (p *Proxy) dial() *upstream {
	u := &upstream{proxy: p}
	u.fill = u.fillResponse
	p.open++
	u.conn = p.loop.Dial(loop.DialOptions{Address: p.address, Timeout: p.options.ConnectTimeout, NoDelay: true}, u)
	return u
}

// take returns a connection that is not in use, or nil. The one last used is
// the least likely to be closed meanwhile.
func (p *Proxy) take() *upstream {
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	u := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return u
}

// leave takes u out of those that are kept for use.
func (u *upstream) leave() {
	p := u.proxy
	if i := slices.Index(p.idle, u); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
}

// Opened has nothing to send that is not queued.
func (u *upstream) Opened(*loop.Conn) {
	u.opened = true
	u.waits()
}

// waits sets the time up to the head of the answer, if it has not come. Up to
// Opened the time to connect runs, which is the loop's affair.
func (u *upstream) waits() {
	if t := u.passage; u.opened && t != nil && !t.begun {
		u.checkedSent, _ = u.conn.Handed()
		u.conn.SetDeadline(u.proxy.options.AnswerTimeout)
	}
}

// Received passes the answer on.
func (u *upstream) Received(c *loop.Conn, p []byte) (used int) {
	if len(p) > 0 {
		u.got = true
	}
	for {
		t := u.passage
		if t == nil {
			// It was not asked, or says more than it was: no later answer on
			// this connection could be trusted.
			if used < len(p) {
				u.leave()
				c.Abort()
			}
			return len(p)
		}
		if !t.begun {
			n, ok := u.head.parse(p[used:], min(upstreamHeadLimit, c.InSize()))
			used += n
			switch {
			case !ok:
				c.Abort()
				return len(p)
			case n == 0:
				return used
			case u.head.Status == 101, u.head.Status < 200 && u.interims == interimsLimit:
				c.Abort() // 101 was not asked for
				return len(p)
			case u.head.Status < 200:
				u.interims++
			default:
				u.begin(t)
			}
			continue
		}
		skip, n, done, ok := u.content.next(p[used:])
		if !ok {
			c.Abort()
			return len(p)
		}
		used += skip
		switch {
		case n > 0:
			t.exchange.Write(p[used : used+n])
			u.content.took(n)
			u.received += int64(n)
			used += n
		case done:
			u.finish()
		default:
			if t.exchange.full() {
				u.paused = true
				c.Pause()
			}
			return len(p)
		}
	}
}

// begin passes on the head of an answer.
func (u *upstream) begin(t *passage) {
	a := &u.head
	t.begun = true
	u.content.begin(a, t.bare)
	u.persist = a.KeepAlive && u.content.ends != byClose
	u.conn.SetDeadline(u.proxy.options.StallTimeout)
	t.exchange.AnswerStream(a.Length, u.fill)
}

// fillResponse fills in the head of the answer that u has.
func (u *upstream) fillResponse(w *Response) {
	p := u.proxy
	w.Status = u.head.Status
	p.block = appendAnswer(p.block[:0], &u.head)
	w.HeaderBlock(p.block)
}

// finish: the answer is complete.
func (u *upstream) finish() {
	t := u.passage
	u.passage, t.up = nil, nil
	t.exchange.End()
	part := t.content || u.conn.Queued() > 0 // of the request was not wanted
	t.over()
	p := u.proxy
	switch {
	case part:
		u.conn.Abort()
	case !u.persist, len(p.idle) == p.options.Idle:
		u.conn.CloseWhenDone()
	default:
		u.used = true
		u.interims = 0
		p.idle = append(p.idle, u)
		u.conn.SetDeadline(p.options.IdleTimeout)
	}
}

// Ended: the upstream server sends no more.
func (u *upstream) Ended(c *loop.Conn) {
	switch t := u.passage; {
	case t == nil:
		u.leave()
		c.CloseWhenDone()
	case t.begun && u.content.ends == byClose:
		u.finish()
	default:
		c.Abort()
	}
}

// Drained: there is room for more of the request.
func (u *upstream) Drained(*loop.Conn) {
	t := u.passage
	if t != nil && t.content {
		t.exchange.MoreContent()
	} else {
		u.waits()
	}
}

// Expired: the upstream server is slow, or has been slow since the deadline
// was set, or the client is.
func (u *upstream) Expired(c *loop.Conn) {
	t := u.passage
	if t == nil {
		u.leave()
		c.CloseWhenDone()
		return
	}
	sent, _ := c.Handed()
	moved := sent != u.checkedSent || u.received != u.checkedReceived
	u.checkedSent, u.checkedReceived = sent, u.received
	switch {
	case moved, u.paused, t.content && c.Queued() == 0:
		// The client's own server looks after a client that does not go on.
		c.SetDeadline(u.proxy.options.StallTimeout)
	default:
		u.late = true
		c.Abort()
	}
}

// Closed gives the connection up. An answer that was to come is made here.
func (u *upstream) Closed(_ *loop.Conn, err error) {
	p := u.proxy
	p.open--
	u.leave()
	t := u.passage
	if t == nil {
		return
	}
	u.passage, t.up = nil, nil
	switch {
	case errors.Is(err, loop.ErrStopped):
		t.exchange.Abort()
	case u.late, loop.Kind(err) == "timeout":
		t.fail(504)
	case u.used && !u.got && t.again:
		// It was closed before the request came, in all likelihood: RFC 9112
		// section 9.3.1. Once is enough.
		t.again = false
		t.start(nil)
	case loop.Kind(err) == "local":
		t.fail(503)
	default:
		t.fail(502)
	}
}

var _ loop.Handler = (*upstream)(nil)
