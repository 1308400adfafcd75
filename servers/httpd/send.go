package httpd

import (
	"medusa/poller/loop"
)

// copyLimit is up to where copying a body costs less than a segment of its own
// in the output queue, in bytes.
const copyLimit = 4 << 10

// how is what a response depends on besides itself.
type how struct {
	bare    bool // no content: the answer to HEAD
	minor   int  // of the request's version
	closing bool // the connection ends after it
}

// send queues the response w. The log entry e, unless it is nil, gets its
// status. read says that the content is still to be read, and that whoever
// reads it logs a copy of e.
func (s *Server) send(c *loop.Conn, w *Response, as *how, e *Entry) (read bool) {
	s.requests++
	if e != nil {
		e.Status = w.Status
	}
	if w.Status == 204 || w.Status == 304 || w.Status < 200 {
		w.drop()
		as.bare = true
	}
	chunks := w.size < 0 && as.minor > 0
	if w.size < 0 && !chunks && !as.bare {
		as.closing = true // the end of the connection is that of the content
	}
	s.gather(c)
	s.out = w.appendHead(s.out, chunks, as)
	if as.bare {
		w.drop()
		return false
	}
	if w.reader != nil {
		s.flush()
		r := &contentReader{from: w.reader, left: w.size, chunks: chunks, server: s, conn: c}
		if e != nil {
			r.entry = e.clone()
		}
		w.reader = nil
		w.h.large = true
		c.Push(r)
		return true
	}
	s.out = append(s.out, w.copied...)
	for i := range w.parts {
		p := &w.parts[i]
		switch {
		case p.f != nil:
			s.flush()
			c.SendFile(p.f, p.off, p.n, p.release)
			w.h.large = true
		case len(p.p) <= copyLimit:
			s.gather(c) // releasing a file may have answered another connection
			s.out = append(s.out, p.p...)
		default:
			s.flush()
			c.WriteShared(p.p)
			w.h.large = true
		}
		*p = part{}
	}
	w.parts = w.parts[:0]
	return false
}

// appendHead appends the status line and the fields.
func (w *Response) appendHead(b []byte, chunks bool, as *how) []byte {
	if w.Status == 200 {
		b = append(b, "HTTP/1.1 200 OK\r\n"...)
	} else {
		b = append(b, "HTTP/1.1 "...)
		b = appendNumber(b, int64(w.Status))
		b = append(b, ' ')
		b = append(b, statusText(w.Status)...)
		b = append(b, "\r\n"...)
	}
	b = append(b, w.server.fields...)
	if w.ContentType != "" {
		b = append(b, "Content-Type: "...)
		b = append(b, w.ContentType...)
		b = append(b, "\r\n"...)
	}
	b = append(b, w.block...)
	b = append(b, w.fields...)
	switch {
	case chunks:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case w.size < 0, w.Status == 204, w.Status == 304, w.Status < 200:
		// RFC 9110 section 8.6: none where there is no content by definition.
	default:
		b = append(b, "Content-Length: "...)
		b = appendNumber(b, w.size)
		b = append(b, "\r\n"...)
	}
	switch {
	case as.closing:
		return append(b, "Connection: close\r\n\r\n"...)
	case as.minor == 0:
		return append(b, "Connection: keep-alive\r\n\r\n"...)
	}
	return append(b, "\r\n"...)
}
