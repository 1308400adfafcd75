// Package httpd is the HTTP channel: an HTTP/1.1 server (RFC 9110 and 9112)
// as a loop.Handler.
//
// What is served is a chain of extensions: the first that matches a request
// answers it, at once or later. Connections persist, requests may be
// pipelined, and responses go out in order; answers to requests that came
// together leave together.
//
// The content of a request goes to the extension that takes it. What nobody
// takes is read and thrown away, or the connection closed: it is never read as
// another request.
package httpd

import (
	"time"

	"medusa/poller/loop"

	"github.com/valyala/fasthttp"
)

// Config says what a Server serves and what it bears.
type Config struct {
	// Extensions are asked in order; what none matches is answered with 404.
	Extensions []Extension
	// Limits bound request heads. The head limit is at most the loop's in
	// size.
	Limits Limits
	// IdleTimeout closes a connection on which for that long no input came
	// and no output left; one whose client does not take its output is reset
	// after at most twice as long. 0 means one minute, less than 0 never, but
	// for a client that was refused: it has HeadTimeout.
	IdleTimeout time.Duration
	// HeadTimeout is how long a request head may take from its first byte to
	// its last; then it is answered with 408. So is content of which in that
	// time less than 1 KiB came, unless the server itself did not read it. 0
	// means ten seconds, less than 0 any time: then IdleTimeout bounds both.
	HeadTimeout time.Duration
	// Log is told of every answer; nil for no log.
	Log Logger
}

// Server is the state that the HTTP connections of one loop share.
type Server struct {
	loop     *loop.Loop
	cfg      Config
	requests uint64
	draining bool
	awaited  int    // connections that must end before drained is called
	drained  func() // not nil while awaited is not 0

	// All callbacks of a loop are mutually exclusive, so one of each serves
	// all connections: for the request in hand, and its answer.
	request  Request
	response Response
	entry    Entry

	// out is responses that have not yet been written to their connection.
	out   []byte
	outOf *loop.Conn

	contents  []*content  // free
	responses []*Response // free, for exchanges: one may be answered while a request of another is in hand

	fields    []byte    // Server and Date of every response, with their CRLFs
	fieldsEnd loop.Time // until when Date is right
}

// New prepares a server on l.
func New(l *loop.Loop, cfg Config) *Server {
	cfg.Limits = cfg.Limits.fill()
	if cfg.IdleTimeout == 0 {
		cfg.IdleTimeout = time.Minute
	}
	if cfg.HeadTimeout == 0 {
		cfg.HeadTimeout = 10 * time.Second
	}
	return &Server{loop: l, cfg: cfg, fieldsEnd: -1}
}

// limits are those of a connection, which sees no more of a head than its in size
// has room for.
func (s *Server) limits(c *loop.Conn) Limits {
	l := s.cfg.Limits
	l.Head = min(l.Head, c.InSize())
	return l
}

// Accept is the function to give to Loop.Listen.
func (s *Server) Accept(*loop.Conn) loop.Handler { return &conn{server: s} }

// Requests is how many requests have been answered, refused ones included.
func (s *Server) Requests() uint64 { return s.requests }

// Drain ends the server in an orderly way: a connection on which a request has
// come, if only in part, closes after the next answer, which says so; requests
// that were pipelined behind that one are not answered (RFC 9112 section 9.6).
// One that only has output left closes after that. done is called when the
// last of these connections has ended, or at once. Idle connections stay as
// they are, but close after a request. Listeners are closed by who opened them.
func (s *Server) Drain(done func()) {
	s.draining = true
	s.loop.Each(func(c *loop.Conn) {
		h, ok := c.Handler().(*conn)
		if !ok || h.server != s {
			return
		}
		switch {
		case h.closing, h.more, h.inHead, h.body != nil, h.exchange != nil:
		case c.Queued() > 0:
			h.closing = true
			c.CloseWhenDone()
		default:
			return
		}
		h.awaited = true
		s.awaited++
	})
	if s.awaited == 0 {
		done()
		return
	}
	s.drained = done
}

// tick brings what changes once a second up to date.
func (s *Server) tick(now loop.Time) {
	if now < s.fieldsEnd {
		return
	}
	wall := s.loop.Wall()
	s.fieldsEnd = now.Add(time.Second - time.Duration(wall.Nanosecond()))
	s.fields = append(s.fields[:0], "Server: medusa\r\nDate: "...)
	s.fields = fasthttp.AppendHTTPDate(s.fields, wall)
	s.fields = append(s.fields, "\r\n"...)
}

// gather prepares out for responses of c. An extension may answer one
// connection while it has a request of another in hand: what has been gathered
// for that goes to it first.
func (s *Server) gather(c *loop.Conn) {
	if s.outOf != c {
		s.flush()
		s.outOf = c
	}
}

// flush writes the responses gathered so far.
func (s *Server) flush() {
	if len(s.out) > 0 {
		s.outOf.Write(s.out)
		s.out = s.out[:0]
	}
}

func (s *Server) takeResponse() *Response {
	if n := len(s.responses); n > 0 {
		w := s.responses[n-1]
		s.responses = s.responses[:n-1]
		return w
	}
	return new(Response)
}
