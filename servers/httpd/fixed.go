package httpd

import "bytes"

// Fixed is the extension that answers /fixed/N with a body of N bytes, "Hello,
// World!" over and over: the same work for each request, without a file
// system. N is 0 to MaxFixed.
type Fixed struct {
	body []byte // as long as the longest body asked for yet; never modified
}

// MaxFixed is the longest body that Fixed gives, in bytes.
const MaxFixed = 1 << 20

const (
	fixedPrefix = "/fixed/"
	fixedText   = "Hello, World!"
)

// NewFixed returns the extension.
func NewFixed() *Fixed {
	return &Fixed{body: bytes.Repeat([]byte(fixedText), copyLimit/len(fixedText)+1)}
}

// Match accepts every path that begins with /fixed/.
func (f *Fixed) Match(r *Request) bool {
	return len(r.Path) > len(fixedPrefix) && string(r.Path[:len(fixedPrefix)]) == fixedPrefix
}

// Handle answers with N bytes, or 404 where N is not a number up to MaxFixed.
func (f *Fixed) Handle(r *Request, w *Response) {
	if w.onlyGet(r) {
		return
	}
	n, ok := decimal(r.Path[len(fixedPrefix):])
	if !ok || n > MaxFixed {
		w.Error(404)
		return
	}
	if w.precluded(r) {
		return
	}
	w.ContentType = textPlain
	if n <= copyLimit {
		w.Body(f.body[:n])
		return
	}
	for int64(len(f.body)) < n {
		// A new array: the old one may still be on its way out.
		f.body = bytes.Repeat(f.body, 2)
	}
	w.BodyShared(f.body[:n])
}
