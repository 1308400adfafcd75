package httpd_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// reply is one response, taken apart more strictly than any client does.
type reply struct {
	status  int
	fields  [][2]string
	body    []byte
	toClose bool // its body ends with the connection
	size    int  // of the whole in bytes
}

// errPart says that a reply has not come completely.
var errPart = errors.New("the response is not complete")

var (
	statusLine = regexp.MustCompile(`^HTTP/1\.1 ([1-5][0-9][0-9]) ([ -~]*)$`)
	fieldLine  = regexp.MustCompile("^([A-Za-z0-9!#$%&'*+.^_`|~-]+): ((?:[!-~](?:[\t -~]*[!-~])?)?)$")
)

// nextReply takes a reply from the start of p. bare says that it has no body,
// as for HEAD; ended that no more will come.
func nextReply(p []byte, bare, ended bool) (r reply, err error) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 {
		return r, errPart
	}
	if r, err = nextHead(string(p[:end])); err != nil {
		return r, err
	}
	r.size = end + 4
	if bare || r.status < 200 || r.status == 204 || r.status == 304 {
		return r, nil
	}
	rest := p[r.size:]
	length, counted := r.field("Content-Length")
	_, chunked := r.field("Transfer-Encoding")
	switch {
	case counted:
		n, _ := strconv.Atoi(length) // judge has seen it
		if len(rest) < n {
			return r, errPart
		}
		r.body, r.size = rest[:n], r.size+n
	case chunked:
		n, err := r.dechunk(rest)
		if err != nil {
			return r, err
		}
		r.size += n
	case !ended:
		r.toClose = true
		return r, errPart
	default:
		r.body, r.size, r.toClose = rest, len(p), true
	}
	return r, nil
}

// heads are those taken apart already: most are alike, and there are many.
var heads sync.Map

// nextHead takes a reply's head apart.
func nextHead(head string) (r reply, err error) {
	if known, ok := heads.Load(head); ok {
		return known.(reply), nil
	}
	lines := strings.Split(head, "\r\n")
	m := statusLine.FindStringSubmatch(lines[0])
	if m == nil {
		return r, fmt.Errorf("%q is no status line (RFC 9112 section 4)", lines[0])
	}
	r.status, _ = strconv.Atoi(m[1]) // three digits
	for _, line := range lines[1:] {
		m := fieldLine.FindStringSubmatch(line)
		if m == nil {
			return r, fmt.Errorf("%q is no field line (RFC 9112 section 5)", line)
		}
		r.fields = append(r.fields, [2]string{m[1], m[2]})
	}
	if err = r.judge(); err == nil {
		heads.Store(head, r)
	}
	return r, err
}

// field is the value of a field that stands once.
func (r *reply) field(name string) (value string, ok bool) {
	n := 0
	for _, f := range r.fields {
		if strings.EqualFold(f[0], name) {
			value, n = f[1], n+1
		}
	}
	return value, n == 1
}

func (r *reply) has(name string) bool {
	for _, f := range r.fields {
		if strings.EqualFold(f[0], name) {
			return true
		}
	}
	return false
}

// judge checks what must hold for every response of this server.
func (r *reply) judge() error {
	for _, name := range []string{"Server", "Date", "Content-Type", "Content-Length", "Transfer-Encoding", "Connection", "Location", "ETag", "Last-Modified", "Content-Range", "Allow"} {
		if _, once := r.field(name); r.has(name) && !once {
			return fmt.Errorf("%d has more than one %s", r.status, name)
		}
	}
	length, counted := r.field("Content-Length")
	coding, coded := r.field("Transfer-Encoding")
	switch _, err := strconv.ParseUint(length, 10, 62); {
	case counted && err != nil:
		return fmt.Errorf("Content-Length %q", length)
	case counted && coded:
		return errors.New("Content-Length beside Transfer-Encoding (RFC 9112 section 6.2)")
	case coded && coding != "chunked":
		return fmt.Errorf("Transfer-Encoding %q", coding)
	case (counted || coded) && (r.status < 200 || r.status == 204):
		return fmt.Errorf("%d with a length (RFC 9110 section 8.6, RFC 9112 section 6.1)", r.status)
	case r.status >= 200 && !r.has("Date"):
		return fmt.Errorf("%d without Date (RFC 9110 section 6.6.1)", r.status)
	case r.status == 405 && !r.has("Allow"):
		return errors.New("405 without Allow (RFC 9110 section 15.5.6)")
	}
	return nil
}

// dechunk reads a chunked body (RFC 9112 section 7.1) without extensions or
// trailers, which this server never sends.
func (r *reply) dechunk(p []byte) (size int, err error) {
	for {
		line, rest, ok := bytes.Cut(p[size:], []byte("\r\n"))
		if !ok {
			return 0, errPart
		}
		n, err := strconv.ParseUint(string(line), 16, 31)
		if err != nil {
			return 0, fmt.Errorf("chunk size %q", line)
		}
		size += len(line) + 2
		if len(rest) < int(n)+2 {
			return 0, errPart
		}
		if string(rest[n:n+2]) != "\r\n" {
			return 0, fmt.Errorf("behind %d bytes of a chunk stands %q", n, rest[n:n+2])
		}
		r.body = append(r.body, rest[:n]...)
		size += int(n) + 2
		if n == 0 {
			return size, nil
		}
	}
}

// check says in what a reply differs from what was expected of it.
func (e *expectation) check(r *reply) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if r.status != e.status {
		say("status %d, want %d", r.status, e.status)
	}
	for _, f := range e.fields {
		prefix, open := strings.CutSuffix(f[1], "...")
		value, once := r.field(f[0])
		if !once || value != f[1] && !(open && strings.HasPrefix(value, prefix)) {
			say("%s %q (once: %t), want %q", f[0], value, once, f[1])
		}
	}
	for _, name := range e.without {
		if r.has(name) {
			say("has %s", name)
		}
	}
	if e.body != nil && string(r.body) != *e.body {
		say("body %.300q, want %.300q", r.body, *e.body)
	}
	if e.length >= 0 && len(r.body) != e.length {
		say("%d bytes of body, want %d", len(r.body), e.length)
	}
	return wrong
}
