package httpd

import "bytes"

// Limits bound what a request may take.
type Limits struct {
	// Head is the most bytes of a head, from its first to the empty line's
	// last. 0 means 8 KiB.
	Head int
	// Fields is the most header fields. 0 means 100.
	Fields int
	// Content is the most bytes of a request's content. 0 means 1 MiB.
	Content int64
}

func (l Limits) fill() Limits {
	if l.Head == 0 {
		l.Head = 8 << 10
	}
	if l.Fields == 0 {
		l.Fields = 100
	}
	if l.Content == 0 {
		l.Content = 1 << 20
	}
	return l
}

// progress is what is known of a head that has not come completely. It lets
// the next call go on after the last complete line instead of at the start.
// The zero progress is that of a new head.
type progress struct {
	next   int32 // offset of the first line not yet checked; 0: not even the request line
	seen   int32 // no line feed from next up to here
	fields int32 // field lines checked
}

// parse reads a request head from the start of p: RFC 9112 and 9110, strictly.
// Lines end with CRLF and nothing else; there is no obs-fold, no whitespace
// before a colon, no control character. One empty line before the request
// line is skipped (RFC 9112 section 2.2).
//
// It returns the head's length in n, or a status of 400 or more with which the
// request is to be refused and the connection closed; with neither, the head
// is not complete yet, and the next call shows the same bytes and more with
// the same progress. However a head is cut, the outcome is the same: lines
// are judged in order, then the head as a whole. Nothing is allocated once
// r.Fields has grown.
func (r *Request) parse(p []byte, limits Limits, at *progress) (n, status int) {
	resumed := at.next > 0
	n, status = r.lines(p, limits, at)
	if n > 0 && resumed {
		// Every line has passed; this time for the slices into p.
		*at = progress{}
		n, status = r.lines(p, limits, at)
	}
	if n == 0 || status != 0 {
		return 0, status
	}
	*at = progress{}
	if status = r.judge(); status != 0 {
		return 0, status
	}
	return n, 0
}

// lines checks and takes apart the lines from at on.
func (r *Request) lines(p []byte, limits Limits, at *progress) (n, status int) {
	// r is shared by connections: what it holds may be another one's.
	r.Fields = r.Fields[:0]
	full := len(p) >= limits.Head
	if full {
		p = p[:limits.Head]
	}
	if at.next == 0 {
		start := 0
		if len(p) > 0 && p[0] == '\r' {
			switch {
			case len(p) == 1 && full:
				return 0, 431
			case len(p) == 1:
				return 0, 0
			case p[1] != '\n':
				return 0, 400
			}
			start = 2
		}
		end, status := lineEnd(p, max(start, int(at.seen)), start)
		if status != 0 {
			return 0, status
		}
		if end < 0 {
			if full {
				return 0, overlong(p[start:])
			}
			at.seen = int32(len(p))
			return 0, 0
		}
		if status := r.requestLine(p[start:end]); status != 0 {
			return 0, status
		}
		at.next = int32(end + 2)
		at.seen = at.next
	}
	for {
		next := int(at.next)
		end, status := lineEnd(p, int(at.seen), next)
		if status != 0 {
			return 0, status
		}
		if end < 0 {
			if full {
				return 0, 431
			}
			at.seen = int32(len(p))
			return 0, 0
		}
		if end == next {
			return end + 2, 0
		}
		if int(at.fields) == limits.Fields {
			return 0, 431
		}
		field, ok := fieldLine(p[next:end])
		if !ok {
			return 0, 400
		}
		r.Fields = append(r.Fields, field)
		at.fields++
		at.next = int32(end + 2)
		at.seen = at.next
	}
}

// lineEnd returns the offset of the CRLF that ends the line at start, or -1
// when it has not come. No line feed lies between start and seen.
func lineEnd(p []byte, seen, start int) (end, status int) {
	i := bytes.IndexByte(p[seen:], '\n')
	if i < 0 {
		return -1, 0
	}
	i += seen
	if i == start || p[i-1] != '\r' {
		return 0, 400 // a bare line feed
	}
	return i - 1, 0
}

// overlong tells what is too long in p, the beginning of a request line that
// does not end within the limit (RFC 9112 section 3).
func overlong(p []byte) int {
	for _, b := range p {
		switch {
		case b == ' ':
			return 414
		case classes[b]&tokenByte == 0:
			return 400
		}
	}
	return 501 // a method longer than any known
}

// requestLine takes apart method SP request-target SP HTTP-version.
func (r *Request) requestLine(p []byte) (status int) {
	a := bytes.IndexByte(p, ' ')
	if a <= 0 || !all(p[:a], tokenByte) {
		return 400
	}
	b := bytes.IndexByte(p[a+1:], ' ')
	if b <= 0 {
		return 400
	}
	b += a + 1
	r.Method, r.Target = p[:a], p[a+1:b]
	if !goodTarget(r.Target) {
		return 400
	}
	version := p[b+1:]
	if len(version) != len("HTTP/1.1") || string(version[:5]) != "HTTP/" || version[6] != '.' ||
		classes[version[5]]&classes[version[7]]&digitByte == 0 {
		return 400
	}
	if version[5] != '1' {
		return 505
	}
	r.Minor = int(version[7] - '0')
	return r.split()
}

// goodTarget checks the bytes of a target and its percent-encodings.
func goodTarget(p []byte) bool {
	for i := 0; i < len(p); i++ {
		if classes[p[i]]&targetByte == 0 {
			return false
		}
		if p[i] == '%' && (i+2 >= len(p) || classes[p[i+1]]&classes[p[i+2]]&hexByte == 0) {
			return false
		}
	}
	return true
}

// split takes the target apart (RFC 9112 section 3.2). r.Host is set for an
// absolute-form target and nil else.
func (r *Request) split() (status int) {
	rest := r.Target
	r.Host = nil
	switch {
	case rest[0] == '/':
	case hasScheme(rest, "http://"):
		// Userinfo is refused here too: RFC 9110 section 4.2.4.
		if r.Host, rest = authority(rest[len("http://"):]); !goodHost(r.Host) {
			return 400
		}
	case hasScheme(rest, "https://"):
		if host, _ := authority(rest[len("https://"):]); goodHost(host) {
			return 421 // RFC 9110 section 7.4: not over this connection, which is not secured
		}
		return 400
	case string(r.Method) == "OPTIONS" && string(rest) == "*":
		// asterisk-form: of the server as a whole.
	case string(r.Method) == "CONNECT":
		return 405 // authority-form: this is no tunnel
	default:
		return 400
	}
	r.Path, r.Query = rest, nil
	if q := bytes.IndexByte(rest, '?'); q >= 0 {
		r.Path, r.Query = rest[:q], rest[q+1:]
	}
	if len(r.Path) == 0 {
		r.Path = rootPath
	}
	return 0
}

var rootPath = []byte("/")

// hasScheme says whether p begins with scheme, in small letters, and goes on.
func hasScheme(p []byte, scheme string) bool {
	return len(p) > len(scheme) && equalFold(p[:len(scheme)], scheme)
}

// authority splits what follows "//" in a URI (RFC 3986 section 3.2).
func authority(p []byte) (host, rest []byte) {
	end := bytes.IndexAny(p, "/?")
	if end < 0 {
		end = len(p)
	}
	return p[:end:end], p[end:]
}

// fieldLine takes apart field-name ":" OWS field-value OWS.
func fieldLine(p []byte) (Field, bool) {
	colon := bytes.IndexByte(p, ':')
	if colon <= 0 || !all(p[:colon], tokenByte) || !all(p[colon+1:], valueByte) {
		return Field{}, false
	}
	return Field{Name: p[:colon], Value: trim(p[colon+1:])}, true
}
