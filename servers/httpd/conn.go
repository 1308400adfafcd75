package httpd

import (
	"time"

	"medusa/poller/loop"
)

// conn is an HTTP connection. It is small: an idle connection has this and
// what the loop keeps.
type conn struct {
	server *Server
	head   progress
	// active is when input was last shown or output was last seen to leave,
	// and sent the output that had left then.
	active loop.Time
	sent   int64

	inHead  bool // a part of a head has come; the deadline was set then
	large   bool // output is queued that may take its time to leave
	more    bool // input is kept whose answers wait until the output has left
	closing bool // the last response has been queued
	awaited bool // by Server.Drain
}

func (h *conn) Opened(c *loop.Conn) {
	h.active = c.Loop().Now()
	// One deadline is set here and renewed when it fires early, rather than
	// set anew for each request.
	if h.server.cfg.IdleTimeout > 0 {
		c.SetDeadline(h.server.cfg.IdleTimeout)
	}
}

func (h *conn) Received(c *loop.Conn, p []byte) (used int) {
	s := h.server
	now := s.loop.Now()
	h.active = now
	h.more = false
	s.tick(now)
	for used < len(p) {
		n, status := s.request.parse(p[used:], s.cfg.Limits, &h.head)
		if status != 0 {
			h.refuse(c, status, isHead(p[used:]))
			return len(p)
		}
		if n == 0 {
			break
		}
		used += n
		h.inHead = false
		h.respond(c)
		if h.closing {
			s.flush(c)
			c.CloseWhenDone()
			return len(p)
		}
		if used < len(p) && c.Queued()+len(s.out) > s.outSize {
			// The client must take some before more is made for it: it may
			// ask for a lot without reading, and must not make us keep it.
			h.more = true
			s.flush(c)
			c.Pause()
			return used
		}
	}
	s.flush(c)
	if used < len(p) && !h.inHead {
		h.inHead = true
		if s.cfg.HeadTimeout > 0 {
			c.SetDeadline(s.cfg.HeadTimeout)
		}
	}
	return used
}

// respond answers the server's current request.
func (h *conn) respond(c *loop.Conn) {
	s := h.server
	r, w := &s.request, &s.response
	*w = Response{server: s, Status: 200}
	switch kind := classify(r.Method); {
	case r.Chunked:
		w.Error(411)
	case kind == methodUnknown:
		w.Error(501)
	case kind == methodRefused:
		w.Error(405)
	case r.Length > 0:
		w.Error(413)
	default:
		s.handle(r, w)
	}
	if r.HasBody() || s.draining || !r.KeepAlive {
		h.closing = true
	}
	h.send(c, w, r.IsHead(), r.Minor)
}

// handle gives a request to the extension that matches it.
func (s *Server) handle(r *Request, w *Response) {
	for _, e := range s.cfg.Extensions {
		if e.Match(r) {
			e.Handle(r, w)
			return
		}
	}
	w.Error(404)
}

// refuse answers what is not a good request and closes the connection.
func (h *conn) refuse(c *loop.Conn, status int, head bool) {
	w := &h.server.response
	*w = Response{server: h.server}
	w.Error(status)
	h.closing = true
	h.send(c, w, head, 1)
	h.server.flush(c)
	c.CloseWhenDone()
}

// isHead says whether p begins like a HEAD request, for a head that could not
// be parsed.
func isHead(p []byte) bool {
	if len(p) > 1 && p[0] == '\r' && p[1] == '\n' {
		p = p[2:]
	}
	return len(p) > 4 && string(p[:5]) == "HEAD "
}

// Ended: the client sends no more. Everything that it asked has been answered;
// a head that it left incomplete never will be.
func (h *conn) Ended(c *loop.Conn) {
	h.closing = true
	c.CloseWhenDone()
}

// Expired tells clients that were slow or silent from those that were active
// since the deadline was set.
func (h *conn) Expired(c *loop.Conn) {
	s := h.server
	now := s.loop.Now()
	wait := longest
	if s.cfg.IdleTimeout > 0 {
		if sent, _ := c.Handed(); c.Queued() > 0 && sent != h.sent {
			h.sent, h.active = sent, now
		}
		wait = s.cfg.IdleTimeout - now.Sub(h.active)
	}
	if h.inHead && s.cfg.HeadTimeout > 0 {
		if c.Queued() == 0 {
			s.tick(now)
			h.refuse(c, 408, false)
			return
		}
		// The client may wait for the answers that are on their way.
		wait = min(wait, s.cfg.HeadTimeout)
	}
	switch {
	case wait == longest:
	case wait > 0:
		c.SetDeadline(wait)
	case c.Queued() > 0:
		c.Abort() // it does not take what it asked for
	default:
		h.closing = true
		c.CloseWhenDone()
	}
}

// longest is a duration that no deadline reaches.
const longest = time.Duration(1<<63 - 1)

func (h *conn) Drained(c *loop.Conn) {
	if h.large {
		h.large = false
		h.active = h.server.loop.Now()
	}
	if h.more {
		c.Resume()
	}
}

func (h *conn) Closed(*loop.Conn, error) {
	s := h.server
	if h.awaited {
		if s.awaited--; s.awaited == 0 {
			s.drained()
		}
	}
}

var _ loop.Handler = (*conn)(nil)
