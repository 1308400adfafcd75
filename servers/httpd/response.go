package httpd

import (
	"os"
	"strconv"
	"time"

	"medusa/poller/loop"

	"github.com/valyala/fasthttp"
)

// Response is an answer that an Extension fills in. Without a body, its
// Content-Length is 0.
type Response struct {
	// Status is 200 unless it is set.
	Status int
	// ContentType is the Content-Type; "" for none.
	ContentType string
	// Modified is the Last-Modified; the zero time for none.
	Modified time.Time
	// Location is the Location; "" for none. It must be a URI reference.
	Location string

	server *Server
	allow  bool
	body   []byte
	shared bool
	file   *os.File
	size   int64
}

const textPlain = "text/plain; charset=utf-8"

// Body answers with p, which is copied after Handle returns.
func (w *Response) Body(p []byte) {
	w.drop()
	w.body, w.shared = p, false
}

// BodyShared answers with p itself, which nobody may modify any more. It is
// for bodies that are not small.
func (w *Response) BodyShared(p []byte) {
	w.drop()
	w.body, w.shared = p, true
}

// BodyFile answers with the first size bytes of f and closes f when they have
// been sent. A file that turns out to be shorter closes the connection.
func (w *Response) BodyFile(f *os.File, size int64) {
	w.drop()
	w.file, w.size = f, size
}

// Error answers with a status and a line of text that says it.
func (w *Response) Error(status int) {
	w.drop()
	w.Status, w.ContentType = status, textPlain
	w.Modified, w.Location = time.Time{}, ""
	w.allow = status == 405
	w.body = append(w.server.scratch[:0], strconv.Itoa(status)...)
	w.body = append(w.body, ' ')
	w.body = append(w.body, fasthttp.StatusMessage(status)...)
	w.body = append(w.body, '\n')
	w.server.scratch = w.body
}

// Scratch returns n bytes to build a body in, valid until the response is
// sent. Handle need not allocate then.
func (w *Response) Scratch(n int) []byte {
	s := w.server
	if cap(s.scratch) < n {
		s.scratch = make([]byte, n)
	}
	return s.scratch[:n]
}

// drop forgets the body set before.
func (w *Response) drop() {
	if w.file != nil {
		// It was only read: closing cannot lose anything.
		_ = w.file.Close()
		w.file = nil
	}
	w.body, w.shared, w.size = nil, false, 0
}

// send queues the response w. bare leaves the body out, as HEAD asks. minor is
// the minor version of the request.
func (h *conn) send(c *loop.Conn, w *Response, bare bool, minor int) {
	s := h.server
	s.requests++
	if w.file == nil {
		w.size = int64(len(w.body))
	}
	s.out = w.appendHead(s.out, h.closing, minor)
	switch {
	case bare:
		w.drop()
	case w.file != nil:
		s.flush(c)
		f := w.file
		c.SendFile(f, 0, w.size, func() { _ = f.Close() }) // as in drop
		w.file = nil
		h.large = true
	case w.shared:
		s.flush(c)
		c.WriteShared(w.body)
		h.large = true
	default:
		s.out = append(s.out, w.body...)
	}
}

// appendHead appends the status line and the fields.
func (w *Response) appendHead(b []byte, closing bool, minor int) []byte {
	if w.Status == 200 {
		b = append(b, "HTTP/1.1 200 OK\r\n"...)
	} else {
		b = append(b, "HTTP/1.1 "...)
		b = strconv.AppendInt(b, int64(w.Status), 10)
		b = append(b, ' ')
		b = append(b, fasthttp.StatusMessage(w.Status)...)
		b = append(b, "\r\n"...)
	}
	b = append(b, w.server.fields...)
	if w.ContentType != "" {
		b = append(b, "Content-Type: "...)
		b = append(b, w.ContentType...)
		b = append(b, "\r\n"...)
	}
	if !w.Modified.IsZero() {
		b = append(b, "Last-Modified: "...)
		b = fasthttp.AppendHTTPDate(b, w.Modified)
		b = append(b, "\r\n"...)
	}
	if w.Location != "" {
		b = append(b, "Location: "...)
		b = append(b, w.Location...)
		b = append(b, "\r\n"...)
	}
	if w.allow {
		b = append(b, "Allow: "+allowed+"\r\n"...)
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, w.size, 10)
	switch {
	case closing:
		b = append(b, "\r\nConnection: close\r\n\r\n"...)
	case minor == 0:
		b = append(b, "\r\nConnection: keep-alive\r\n\r\n"...)
	default:
		b = append(b, "\r\n\r\n"...)
	}
	return b
}
