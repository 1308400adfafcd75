// Package rawd answers each CRLFCRLF with the same bytes and parses nothing: it
// shows what the loop itself costs.
package rawd

import (
	"bytes"

	"medusa/poller/loop"
)

const (
	terminator = "\r\n\r\n"
	// response has the size of the C responders' that it is compared with.
	response = "HTTP/1.1 200 OK\r\nServer: medusa\r\nDate: Sun, 22 Nov 2026 08:00:00 GMT\r\n" +
		"Content-Type: text/plain\r\nContent-Length: 13\r\nConnection: keep-alive\r\n\r\nHello, World!"
	// burst is how many responses are written at once.
	burst = 256
)

var (
	separator = []byte(terminator)
	responses = bytes.Repeat([]byte(response), burst)
)

// Server counts for the connections of one loop.
type Server struct {
	loop     *loop.Loop
	requests uint64
	awaited  int
	drained  func()
}

// New returns a server for the connections of l.
func New(l *loop.Loop) *Server { return &Server{loop: l} }

// Accept is the function to give to Loop.Listen.
func (s *Server) Accept(*loop.Conn) loop.Handler { return &conn{server: s} }

// Requests is how many terminators have been answered.
func (s *Server) Requests() uint64 { return s.requests }

// Drain closes the connections that have output queued, once it has left.
// done is called when the last of these has ended, or at once.
func (s *Server) Drain(done func()) {
	s.loop.Each(func(c *loop.Conn) {
		if h, ok := c.Handler().(*conn); ok && h.server == s && c.Queued() > 0 {
			h.awaited = true
			s.awaited++
			c.CloseWhenDone()
		}
	})
	if s.awaited == 0 {
		done()
		return
	}
	s.drained = done
}

type conn struct {
	server  *Server
	matched uint8 // bytes of the terminator that the last input ended with
	awaited bool  // by Server.Drain
}

func (h *conn) Opened(*loop.Conn) {}

func (h *conn) Received(c *loop.Conn, p []byte) (used int) {
	if k := h.count(p); k > 0 {
		h.server.requests += uint64(k)
		for ; k > burst; k -= burst {
			c.WriteShared(responses)
		}
		c.WriteShared(responses[:k*len(response)])
	}
	return len(p)
}

// count counts the terminators that end in p.
func (h *conn) count(p []byte) (k int) {
	for len(p) > 0 && h.matched > 0 {
		switch p[0] {
		case terminator[h.matched]:
			if h.matched++; h.matched == uint8(len(terminator)) {
				k++
				h.matched = 0
			}
		case '\r':
			h.matched = 1
		default:
			h.matched = 0
		}
		p = p[1:]
	}
	for {
		i := bytes.Index(p, separator)
		if i < 0 {
			break
		}
		k++
		p = p[i+len(separator):]
	}
	for n := min(len(p), len(terminator)-1); n > 0; n-- {
		if string(p[len(p)-n:]) == terminator[:n] {
			h.matched = uint8(n)
			break
		}
	}
	return k
}

func (h *conn) Ended(c *loop.Conn)   { c.CloseWhenDone() }
func (h *conn) Expired(*loop.Conn)   {}
func (h *conn) Drained(c *loop.Conn) {}

// Idle: no part of a request has come. What is queued the loop knows.
func (h *conn) Idle(*loop.Conn) bool { return h.matched == 0 && !h.awaited }

func (h *conn) Closed(*loop.Conn, error) {
	s := h.server
	if h.awaited {
		if s.awaited--; s.awaited == 0 {
			s.drained()
		}
	}
}

var (
	_ loop.Handler = (*conn)(nil)
	_ loop.Idler   = (*conn)(nil)
)
