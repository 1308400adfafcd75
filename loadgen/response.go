package loadgen

import (
	"bytes"
	"hash/crc32"
)

// pin is what every reply must be: what the first good one was.
type pin struct {
	set    bool
	length int64
	sum    uint32
	loose  bool // compare the length only
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// stage is where a reader is in a response.
type stage uint8

const (
	atHead      stage = iota // before a response, or in its head
	inBody                   // left bytes of the body to come
	untilClose               // the body ends with the connection
	atChunkSize              // chunked coding, RFC 9112 section 7.1
	inChunk
	atChunkEnd
	atTrailer
)

// maxLine bounds a chunk's size line or a trailer field, in bytes.
const maxLine = 1 << 10

// reader reads the responses on one connection. It keeps no bytes: what it
// has not used is shown again, joined with more.
type reader struct {
	stage  stage
	close  bool // the connection ends after this response
	status int
	left   int64 // of the body or the chunk
	length int64 // of the body so far
	sum    uint32
}

// fresh says that no byte of a response has been used.
func (r *reader) fresh() bool { return r.stage == atHead }

// read takes bytes from p. done says that a response is complete, with the
// kind that it makes of its request; when that is WrongBytes because p is no
// response, the connection is of no use any more and broken is set. Without
// done all that can be used of p has been.
func (r *reader) read(p []byte, x *pin) (used int, done bool, k Kind, broken bool) {
	for {
		n, ok, err := r.step(p[used:], x)
		used += n
		if err != nil {
			return used, true, WrongBytes, true
		}
		if ok {
			return used, true, r.verdict(x), false
		}
		if n == 0 {
			return used, false, OK, false
		}
	}
}

// step takes one piece: a head, a line, or bytes of a body. ok says that the
// response is complete.
func (r *reader) step(p []byte, x *pin) (n int, ok bool, err error) {
	if len(p) == 0 {
		return 0, false, nil
	}
	switch r.stage {
	case atHead:
		return r.head(p)
	case inBody, untilClose, inChunk:
		n = len(p)
		if r.stage != untilClose && int64(n) > r.left {
			n = int(r.left)
		}
		r.body(p[:n], x)
		if r.left == 0 && r.stage == inChunk {
			r.stage = atChunkEnd
		}
		return n, r.left == 0 && r.stage == inBody, nil
	default:
		return r.line(p)
	}
}

// head takes a whole head and decides how the body is framed (RFC 9112
// section 6.3; the request was a GET).
func (r *reader) head(p []byte) (int, bool, error) {
	h, err := parseHead(p, maxHead)
	if err != nil || h.size == 0 {
		return 0, false, err
	}
	if h.status < 200 { // informational: another head follows
		if h.status == 101 {
			return 0, false, errHead // nobody asked to switch protocols
		}
		return h.size, false, nil
	}
	*r = reader{status: h.status, close: h.close}
	switch {
	case h.status == 204 || h.status == 304:
		return h.size, true, nil
	case h.chunked:
		r.stage = atChunkSize
	case h.length < 0:
		r.stage, r.close, r.left = untilClose, true, -1
	case h.length == 0:
		return h.size, true, nil
	default:
		r.stage, r.left = inBody, h.length
	}
	return h.size, false, nil
}

func (r *reader) body(p []byte, x *pin) {
	r.length += int64(len(p))
	if r.stage != untilClose {
		r.left -= int64(len(p))
	}
	if !x.loose {
		r.sum = crc32.Update(r.sum, castagnoli, p)
	}
}

// line takes a line of the chunked coding.
func (r *reader) line(p []byte) (int, bool, error) {
	end := bytes.Index(p[:min(len(p), maxLine)], headEnd[:2])
	if end < 0 {
		if len(p) >= maxLine {
			return 0, false, errLong
		}
		return 0, false, nil
	}
	line := p[:end]
	switch r.stage {
	case atChunkSize:
		size, ok := chunkSize(line)
		if !ok {
			return 0, false, errHead
		}
		r.stage, r.left = inChunk, size
		if size == 0 {
			r.stage = atTrailer
		}
	case atChunkEnd:
		if len(line) > 0 {
			return 0, false, errHead
		}
		r.stage = atChunkSize
	case atTrailer:
		return end + 2, len(line) == 0, nil
	}
	return end + 2, false, nil
}

// chunkSize reads the hexadecimal size before any chunk extension.
func chunkSize(line []byte) (int64, bool) {
	digits, _, _ := bytes.Cut(line, []byte{';'})
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	var n int64
	for _, b := range digits {
		switch {
		case b >= '0' && b <= '9':
			n = n<<4 | int64(b-'0')
		case b|0x20 >= 'a' && b|0x20 <= 'f':
			n = n<<4 | int64(b|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}

// ended says what the end of the connection means for the response: a body
// that lasts until then is complete, anything begun is short, and nothing
// begun is a reset.
func (r *reader) ended(begun bool, x *pin) Kind {
	switch {
	case r.stage == untilClose:
		return r.verdict(x)
	case begun || r.stage != atHead:
		return Short
	}
	return Reset
}

// verdict judges a complete response, pins the first good one, and makes the
// reader ready for another.
func (r *reader) verdict(x *pin) Kind {
	r.stage = atHead
	switch {
	case r.status != 200:
		return Status
	case !x.set:
		x.set, x.length, x.sum = true, r.length, r.sum
	case r.length != x.length || (!x.loose && r.sum != x.sum):
		return WrongBytes
	}
	return OK
}
