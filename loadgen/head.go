package loadgen

import (
	"bytes"
	"errors"
)

// head is what a response head says about its body.
type head struct {
	status  int
	length  int64 // Content-Length; -1 without one
	chunked bool
	close   bool // the connection ends after this response
	size    int  // of the head in bytes, its empty line included
}

// maxHead bounds a response head, in bytes.
const maxHead = 8 << 10

var (
	errNotHTTP = errors.New("not an HTTP/1 response")
	errHead    = errors.New("a response head that cannot be understood")
	errLong    = errors.New("a response head over the limit")
)

var (
	headEnd     = []byte("\r\n\r\n")
	httpVersion = []byte("HTTP/1.")
)

// parseHead reads the response head at the start of p (RFC 9112 sections 4
// and 6). A head of size 0 without an error is incomplete. It is strict: a
// generator that guesses measures something else than it says.
func parseHead(p []byte, limit int) (head, error) {
	if n := min(len(p), len(httpVersion)); !bytes.Equal(p[:n], httpVersion[:n]) {
		return head{}, errNotHTTP
	}
	end := bytes.Index(p[:min(len(p), limit)], headEnd)
	if end < 0 {
		if len(p) >= limit {
			return head{}, errLong
		}
		return head{}, nil
	}
	h := head{length: -1, size: end + len(headEnd)}
	line, rest, _ := bytes.Cut(p[:end+2], headEnd[:2])
	if err := h.statusLine(line); err != nil {
		return head{}, err
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, headEnd[:2])
		if err := h.field(line); err != nil {
			return head{}, err
		}
	}
	if h.chunked && h.length >= 0 {
		return head{}, errHead // the two may disagree: RFC 9112 section 6.3
	}
	return h, nil
}

// statusLine reads "HTTP/1.1 200 OK"; the reason may be empty.
func (h *head) statusLine(line []byte) error {
	const code = len("HTTP/1.1 ")
	if len(line) < code+3 || line[code-1] != ' ' || (line[code-2] != '1' && line[code-2] != '0') {
		return errNotHTTP
	}
	if len(line) > code+3 && line[code+3] != ' ' {
		return errNotHTTP
	}
	h.close = line[code-2] == '0'
	status, ok := decimal(line[code : code+3])
	if !ok || status < 100 {
		return errNotHTTP
	}
	h.status = int(status)
	return nil
}

// field reads one header field.
func (h *head) field(line []byte) error {
	name, value, ok := bytes.Cut(line, []byte{':'})
	if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t") || bytes.ContainsAny(value, "\r\n\x00") {
		return errHead
	}
	value = bytes.Trim(value, " \t")
	switch len(name) {
	case len("Content-Length"):
		if bytes.EqualFold(name, []byte("Content-Length")) {
			n, ok := decimal(value)
			if !ok || (h.length >= 0 && h.length != n) {
				return errHead
			}
			h.length = n
		}
	case len("Transfer-Encoding"):
		if bytes.EqualFold(name, []byte("Transfer-Encoding")) {
			if h.chunked || !bytes.EqualFold(value, []byte("chunked")) {
				return errHead
			}
			h.chunked = true
		}
	case len("Connection"):
		if bytes.EqualFold(name, []byte("Connection")) {
			for len(value) > 0 {
				var option []byte
				option, value, _ = bytes.Cut(value, []byte{','})
				option = bytes.Trim(option, " \t")
				if bytes.EqualFold(option, []byte("close")) {
					h.close = true
				} else if bytes.EqualFold(option, []byte("keep-alive")) {
					h.close = false
				}
			}
		}
	}
	return nil
}

// decimal reads up to 18 digits and nothing else.
func decimal(p []byte) (int64, bool) {
	if len(p) == 0 || len(p) > 18 {
		return 0, false
	}
	var n int64
	for _, b := range p {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = n*10 + int64(b-'0')
	}
	return n, true
}
