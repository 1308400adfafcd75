package httpd

import (
	"bytes"
	"net/netip"

	"medusa/poller/loop"
)

// Extension is a part of the server that answers some of the requests.
type Extension interface {
	// Match says whether the extension answers r.
	Match(r *Request) bool
	// Handle answers r by filling in w, or promises to with Response.Async.
	// It must not block. r, its slices and w are valid only during the call.
	Handle(r *Request, w *Response)
}

// handle gives a request to the first extension of a chain that matches it.
func handle(chain []Extension, r *Request, w *Response) {
	for _, e := range chain {
		if e.Match(r) {
			e.Handle(r, w)
			return
		}
	}
	w.Error(404)
}

// Logger is told of every answer.
type Logger interface {
	// Log is called when the last byte of an answer has been queued, or has
	// failed to be. e is valid only during the call.
	Log(e *Entry)
}

// Entry describes an answer. What was not understood of a request is nil.
type Entry struct {
	Remote             netip.AddrPort // invalid where the system does not tell
	Method, Target     []byte
	Minor              int // of HTTP/1
	Referer, UserAgent []byte
	// Status is that of the answer. It is 499, as nginx has it, where there was
	// none: the client's connection ended before.
	Status int
	Bytes  int64     // of content, queued to be sent
	Start  loop.Time // when the end of the request's head was read
}

// statusGone is for the log only.
const statusGone = 499

// describe begins the log entry for r.
func (s *Server) describe(r *Request, c *loop.Conn) Entry {
	return Entry{
		Remote: c.RemoteAddr(), Method: r.Method, Target: r.Target, Minor: r.Minor,
		Referer: r.Field("referer"), UserAgent: r.Field("user-agent"), Start: s.loop.Now(),
	}
}

// clone is a copy that does not depend on the connection's input.
func (e Entry) clone() *Entry {
	e.Method, e.Target = bytes.Clone(e.Method), bytes.Clone(e.Target)
	e.Referer, e.UserAgent = bytes.Clone(e.Referer), bytes.Clone(e.UserAgent)
	return &e
}
