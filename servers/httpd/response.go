package httpd

import (
	"io"
	"os"

	"medusa/poller/loop"

	"github.com/valyala/fasthttp"
)

// Response is an answer that an Extension fills in. Without a body, its
// Content-Length is 0. The server adds Server, Date, Connection and what frames
// the content, and leaves the content out where there must be none: for HEAD,
// 204 and 304.
type Response struct {
	// Status is 200 unless it is set.
	Status int
	// ContentType is the Content-Type; "" for none.
	ContentType string

	server *Server
	conn   *loop.Conn
	h      *conn
	async  *Exchange

	block  []byte // fields, ready to send
	fields []byte // fields gathered here

	// The content: copied first, then the parts. A reader stands alone.
	copied []byte
	parts  []part
	size   int64 // of all; -1 when a reader does not know
	reader io.Reader
	page   []byte // where Error makes its content
}

// part is a piece of content that is not copied: bytes, or some of a file.
type part struct {
	p       []byte
	f       *os.File
	off, n  int64
	release func()
}

const textPlain = "text/plain; charset=utf-8"

// reset makes w the empty answer to what h was asked.
func (w *Response) reset(s *Server, h *conn, c *loop.Conn) {
	*w = Response{
		Status: 200, server: s, h: h, conn: c,
		fields: w.fields[:0], parts: w.parts[:0], page: w.page[:0],
	}
}

// Header adds a field. Control characters in value are left out, so that no
// value can make another field.
func (w *Response) Header(name, value string) {
	w.fields = append(w.fields, name...)
	w.fields = append(w.fields, ": "...)
	for i := range len(value) {
		if classes[value[i]]&valueByte != 0 {
			w.fields = append(w.fields, value[i])
		}
	}
	w.fields = append(w.fields, "\r\n"...)
}

// HeaderBytes is Header for a value that is no string.
func (w *Response) HeaderBytes(name string, value []byte) {
	w.fields = append(w.fields, name...)
	w.fields = append(w.fields, ": "...)
	for _, b := range value {
		if classes[b]&valueByte != 0 {
			w.fields = append(w.fields, b)
		}
	}
	w.fields = append(w.fields, "\r\n"...)
}

// HeaderBlock adds fields that are ready to send, each with its CRLF. They are
// trusted, and not copied until the response is sent.
func (w *Response) HeaderBlock(lines []byte) {
	if w.block == nil {
		w.block = lines
		return
	}
	w.fields = append(w.fields, lines...)
}

// Body answers with p, which is copied after Handle returns.
func (w *Response) Body(p []byte) {
	w.drop()
	w.copied, w.size = p, int64(len(p))
}

// BodyShared answers with p itself, which nobody may modify any more. It is
// for bodies that are not small.
func (w *Response) BodyShared(p []byte) {
	w.drop()
	w.AddShared(p)
}

// BodyFile answers with n bytes of f from off. release, unless nil, is called
// exactly once, when f is needed no more. A file that ends before that closes
// the connection.
func (w *Response) BodyFile(f *os.File, off, n int64, release func()) {
	w.drop()
	w.AddFile(f, off, n, release)
}

// BodyReader answers with the n bytes that r reads, or, with n of -1, with all
// that it reads: chunked, or to HTTP/1.0 until the connection closes. r is
// asked for one output buffer at a time as the client takes them, and must not
// block. What it has beyond n is not sent; if it fails or ends before, the
// connection closes. If r is an io.Closer it is closed exactly once.
func (w *Response) BodyReader(r io.Reader, n int64) {
	w.drop()
	w.reader, w.size = r, n
}

// AddShared appends p itself, which nobody may modify any more.
func (w *Response) AddShared(p []byte) {
	w.parts = append(w.parts, part{p: p})
	w.size += int64(len(p))
}

// AddFile appends n bytes of f from off, as BodyFile does.
func (w *Response) AddFile(f *os.File, off, n int64, release func()) {
	w.parts = append(w.parts, part{f: f, off: off, n: n, release: release})
	w.size += n
}

// ContentLength says how long the content would be, for an answer to HEAD
// whose content is not at hand.
func (w *Response) ContentLength(n int64) {
	w.drop()
	w.size = n
}

// Error answers with a status and a line of text that says it, without the
// fields and the body set before.
func (w *Response) Error(status int) {
	w.drop()
	w.Status, w.ContentType = status, textPlain
	w.block, w.fields = nil, w.fields[:0]
	w.page = append(appendNumber(w.page[:0], int64(status)), ' ')
	w.page = append(w.page, statusText(status)...)
	w.page = append(w.page, '\n')
	w.copied, w.size = w.page, int64(len(w.page))
}

// MethodNotAllowed answers 405; allow lists the methods that would do.
func (w *Response) MethodNotAllowed(allow string) {
	w.Error(405)
	w.Header("Allow", allow)
}

// Options answers OPTIONS with the methods that would do (RFC 9110 section
// 9.3.7).
func (w *Response) Options(allow string) {
	w.drop()
	w.Status, w.ContentType = 204, ""
	w.Header("Allow", allow)
}

// allowed are the methods for what is to be read only, and for the server as a
// whole, in the form of an Allow field.
const allowed = "GET, HEAD, OPTIONS"

// onlyGet answers every method but GET and HEAD, and says whether it did.
func (w *Response) onlyGet(r *Request) (answered bool) {
	switch {
	case r.GetOrHead():
		return false
	case string(r.Method) == "OPTIONS":
		w.Options(allowed)
	default:
		w.MethodNotAllowed(allowed)
	}
	return true
}

// drop forgets the body set before.
func (w *Response) drop() {
	for i := range w.parts {
		if release := w.parts[i].release; release != nil {
			release()
		}
		w.parts[i] = part{}
	}
	if c, ok := w.reader.(io.Closer); ok {
		// It was not read: closing cannot lose anything.
		_ = c.Close()
	}
	w.parts, w.reader, w.copied, w.size = w.parts[:0], nil, nil, 0
}

// statusText is the reason phrase of RFC 9110, which has newer ones than the
// library for a few.
func statusText(status int) string {
	switch status {
	case 413:
		return "Content Too Large"
	case 416:
		return "Range Not Satisfiable"
	}
	return fasthttp.StatusMessage(status)
}
