package httpd

import (
	"bytes"

	"medusa/poller/loop"
)

// conn is an HTTP connection. It is small: an idle connection has this and
// what the loop keeps.
type conn struct {
	server   *Server
	exchange *Exchange // not nil while an answer is awaited
	body     *content  // not nil while the content of a request comes
	head     progress
	// active is when input was last shown or output was last seen to leave,
	// and sent the output that had left then.
	active loop.Time
	sent   int64

	inHead  bool // a part of a head has come; the deadline was set then
	large   bool // output is queued that may take its time to leave
	more    bool // input is kept whose answers wait until the output has left
	closing bool // the last response has been queued
	ended   bool // the client sends no more
	refused bool // the client, and with it the connection
	awaited bool // by Server.Drain
}

func (h *conn) Received(c *loop.Conn, p []byte) (used int) {
	s := h.server
	now := s.loop.Now()
	h.active = now
	h.more = false
	s.tick(now)
	for used < len(p) {
		if h.body != nil {
			n, status := h.readContent(p[used:])
			used += n
			if status != 0 {
				h.refuseContent(c, status)
			}
			if h.closing {
				return len(p)
			}
			if h.settle(); h.closing {
				h.close(c)
				return len(p)
			}
			if h.body == nil {
				h.rest(c)
			} else if h.body.held {
				break
			}
			continue
		}
		if h.exchange != nil {
			break
		}
		n, status := s.request.parse(p[used:], s.limits(c), &h.head)
		if status != 0 {
			h.refuse(c, status, isHead(p[used:]), nil)
			return len(p)
		}
		if n == 0 {
			break
		}
		used += n
		if h.inHead {
			h.inHead = false
			h.rest(c)
		}
		h.respond(c)
		if h.closing {
			h.close(c)
			return len(p)
		}
		if used < len(p) && c.Queued()+len(s.out) > c.OutSize() {
			// The client must take some before more is made for it: it may
			// ask for a lot without reading, and must not make us keep it.
			h.more = true
			s.flush()
			h.queued(c)
			c.Pause()
			return used
		}
	}
	s.flush()
	h.queued(c)
	switch {
	case h.exchange != nil || h.body != nil:
		if used < len(p) {
			c.Pause() // until the answer, or until the content is wanted
		}
	case used < len(p):
		if !h.inHead {
			h.inHead = true
			if s.cfg.HeadTimeout > 0 {
				c.SetDeadline(s.cfg.HeadTimeout)
			}
		}
	case s.draining: // the content that was awaited has come
		h.closing = true
		c.CloseWhenDone()
	}
	return used
}

// respond answers the server's current request, or notes who will.
func (h *conn) respond(c *loop.Conn) {
	s := h.server
	r, w := &s.request, &s.response
	r.conn = c
	w.reset(s, h, c)
	as := how{bare: r.IsHead(), minor: r.Minor, closing: s.draining || !r.KeepAlive}
	switch {
	case r.Length > s.cfg.Limits.Content:
		w.Error(413)
		as.closing = true
	case r.Target[0] == '*':
		w.Options(allowed)
	case !known(r.Method):
		w.Error(501)
	default:
		handle(s.cfg.Extensions, r, w)
	}
	x := w.async
	if r.HasContent() {
		h.expect(c, x, &as)
	}
	if x == nil {
		h.answer(c, w, &as)
		return
	}
	x.h, x.as, x.begun = h, as, true
	h.exchange = x
	if s.cfg.Log != nil {
		x.entry = s.describe(r, c).clone()
	}
	if x.taker != nil && !r.HasContent() {
		x.taker.ContentEnd()
	}
}

// answer sends the answer that was made at once.
func (h *conn) answer(c *loop.Conn, w *Response, as *how) {
	s := h.server
	var e *Entry
	if s.cfg.Log != nil {
		e = &s.entry
		*e = s.describe(&s.request, c)
	}
	size := w.size
	read := s.send(c, w, as, e)
	h.closing = as.closing
	if e == nil || read {
		return
	}
	if !as.bare {
		e.Bytes = size
	}
	s.cfg.Log.Log(e)
}

// expect decides what becomes of the content of the current request, which x
// may take.
func (h *conn) expect(c *loop.Conn, x *Exchange, as *how) {
	s := h.server
	r := &s.request
	switch {
	case x != nil && x.taker != nil:
		if r.Expect {
			s.gather(c)
			s.out = append(s.out, "HTTP/1.1 100 Continue\r\n\r\n"...)
		}
		h.beginContent(c, x.taker)
	case r.Expect, r.Length > drainLimit, x == nil && as.closing:
		// RFC 9110 section 10.1.1: who waits for a 100 may send its content
		// after the answer or may not; nobody could tell it from a request.
		as.closing = true
	default:
		h.beginContent(c, nil)
	}
}

// refuse answers what is not a good request and closes the connection. e is
// the request's log entry; nil if nothing is known of the request, or there is
// no log.
func (h *conn) refuse(c *loop.Conn, status int, head bool, e *Entry) {
	s := h.server
	w := &s.response
	w.reset(s, h, c)
	if w.Error(status); status == 405 {
		w.Header("Allow", allowed)
	}
	if e == nil && s.cfg.Log != nil {
		e = &s.entry
		*e = Entry{Remote: c.RemoteAddr(), Start: s.loop.Now()}
	}
	size := w.size
	s.send(c, w, &how{bare: head, minor: 1, closing: true}, e)
	if e != nil {
		if !head {
			e.Bytes = size
		}
		s.cfg.Log.Log(e)
	}
	h.dismiss(c)
}

// close ends the connection after what is queued.
func (h *conn) close(c *loop.Conn) {
	h.closing = true
	h.dropContent()
	h.server.flush()
	c.CloseWhenDone()
	h.dropExchange()
}

// refuseContent ends a request whose content is faulty or does not come.
func (h *conn) refuseContent(c *loop.Conn, status int) {
	x := h.exchange
	switch {
	case x != nil && !x.answered:
		e := x.entry
		x.answered, x.entry = true, nil
		h.refuse(c, status, x.as.bare, e)
	case x != nil && !x.over():
		h.closing = true
		c.Abort() // its answer is half sent: only so can the client tell
	default:
		h.dismiss(c)
	}
}

// settle ends the exchange if it is over.
func (h *conn) settle() {
	x := h.exchange
	if x == nil || !x.over() || h.body != nil && h.body.taker != nil {
		return
	}
	h.exchange = nil
	h.closing = h.closing || x.as.closing || h.ended || h.server.draining
	x.h = nil
}

// proceed goes on after a part of an exchange, outside of Received.
func (h *conn) proceed(c *loop.Conn) {
	h.active = h.server.loop.Now()
	h.settle()
	switch {
	case h.exchange != nil:
	case h.closing:
		h.close(c)
	default:
		c.Pause()
		c.Resume() // shows what was kept
	}
}

func (h *conn) dropExchange() {
	if x := h.exchange; x != nil {
		h.exchange = nil
		x.drop()
	}
}

// isHead says whether p begins like a HEAD request, for a head that could not
// be parsed.
func isHead(p []byte) bool {
	return bytes.HasPrefix(bytes.TrimPrefix(p, crlf), []byte("HEAD "))
}

// Ended: the client sends no more. What it asked completely is answered;
// what it left incomplete never will be.
func (h *conn) Ended(c *loop.Conn) {
	switch {
	case h.body != nil:
		h.server.tick(h.server.loop.Now())
		h.refuseContent(c, 400)
	case h.exchange != nil:
		h.ended = true // the connection ends after the answer
	default:
		h.close(c)
	}
}

func (h *conn) Drained(c *loop.Conn) {
	if h.large {
		h.large = false
		h.active = h.server.loop.Now()
	}
	if x := h.exchange; x != nil && x.streaming {
		x.owner.Drained()
	}
	if h.more {
		c.Resume()
	}
}

func (h *conn) Closed(*loop.Conn, error) {
	s := h.server
	h.dropContent()
	h.dropExchange()
	if h.awaited {
		if s.awaited--; s.awaited == 0 {
			s.drained()
		}
	}
}

var _ loop.Handler = (*conn)(nil)
