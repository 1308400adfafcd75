package ftpd

import (
	"bytes"
	"io"
)

// TYPE A is the text of Telnet's NVT: lines end with CR LF (RFC 959 section
// 3.1.1.1). Files have LF at the end of a line. A CR or LF that is alone in a text
// from the network stays as it is.

// toNetwork reads a file as the network has text.
type toNetwork struct {
	source io.ReadCloser
	buf    [4 << 10]byte
	rest   []byte // of buf, not converted yet
	owed   bool   // the LF after a CR
	err    error  // of source, after rest
}

func (r *toNetwork) Read(p []byte) (n int, err error) {
	for n < len(p) {
		switch {
		case r.owed:
			p[n] = '\n'
			n++
			r.owed = false
		case len(r.rest) > 0 && r.rest[0] == '\n':
			p[n] = '\r'
			n++
			r.rest, r.owed = r.rest[1:], true
		case len(r.rest) > 0:
			text := r.rest
			if end := bytes.IndexByte(text, '\n'); end >= 0 {
				text = text[:end]
			}
			k := copy(p[n:], text)
			r.rest, n = r.rest[k:], n+k
		case r.err != nil && n == 0:
			return 0, r.err
		case r.err != nil || n > 0:
			return n, nil
		default:
			var k int
			k, r.err = r.source.Read(r.buf[:])
			r.rest = r.buf[:k]
		}
	}
	return n, nil
}

func (r *toNetwork) Close() error { return r.source.Close() }

// fromNetwork converts text from the network into that of a file, in pieces that
// may be cut anywhere.
type fromNetwork struct{ cr bool }

// append appends p to dst, converted. A CR at the end is kept back.
func (f *fromNetwork) append(dst, p []byte) []byte {
	for len(p) > 0 {
		if f.cr {
			f.cr = false
			if p[0] != '\n' {
				dst = append(dst, '\r')
			}
		}
		end := bytes.IndexByte(p, '\r')
		if end < 0 {
			return append(dst, p...)
		}
		dst = append(dst, p[:end]...)
		f.cr, p = true, p[end+1:]
	}
	return dst
}

// end appends what was kept back.
func (f *fromNetwork) end(dst []byte) []byte {
	if f.cr {
		f.cr = false
		dst = append(dst, '\r')
	}
	return dst
}
