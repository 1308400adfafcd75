// Package echod sends back what it receives (RFC 862, on any port): each byte is
// read and written, nothing is looked at.
package echod

import "medusa/poller/loop"

// MaxMessage is the greatest size of a message, in bytes.
const MaxMessage = 1 << 20

// Server counts for the connections of one loop.
type Server struct {
	loop     *loop.Loop
	size     int // of a message
	messages uint64
	awaited  int
	drained  func()
}

// New returns a server for the connections of l. A stream of bytes has no messages, so it is told how many
// bytes (1 to MaxMessage) its clients count as one; it waits for none of them to be
// whole.
func New(l *loop.Loop, size int) *Server { return &Server{loop: l, size: size} }

// Accept is the function to give to Loop.Listen.
func (s *Server) Accept(*loop.Conn) loop.Handler { return &conn{server: s} }

// Requests is how many whole messages have come: their last bytes are echoed, or
// queued to be.
func (s *Server) Requests() uint64 { return s.messages }

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
	part    int  // bytes of a message that is not whole yet
	awaited bool // by Server.Drain
}

func (h *conn) Opened(*loop.Conn) {}

// Received takes all of p, however much is queued: over its out buffer the loop
// stops reading by itself, so that a client that does not read is not read from.
func (h *conn) Received(c *loop.Conn, p []byte) (used int) {
	c.Write(p)
	h.part += len(p)
	h.server.messages += uint64(h.part / h.server.size)
	h.part %= h.server.size
	return len(p)
}

// Ended: the client's FIN is answered with ours, after the last of its bytes.
func (h *conn) Ended(c *loop.Conn) { c.CloseWhenDone() }
func (h *conn) Expired(*loop.Conn) {}
func (h *conn) Drained(*loop.Conn) {}

// Idle: no part of a message has come. What is queued the loop knows.
func (h *conn) Idle(*loop.Conn) bool { return h.part == 0 && !h.awaited }

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
