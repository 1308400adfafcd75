package httpd

// chunked takes the chunked transfer coding apart (RFC 9112 section 7.1), byte
// by byte, so that it does not matter where the network cuts it. Lines end
// with CRLF and nothing else. Chunk extensions and trailer fields are checked
// and ignored. The zero chunked is at the start.
type chunked struct {
	state    chunkState
	digits   uint8 // of the chunk size
	left     int64 // of the chunk's data
	overhead int   // bytes of extensions and trailers
}

type chunkState uint8

const (
	chunkSize      chunkState = iota
	chunkExtension            // after ';'
	chunkSizeEnd              // LF after the size
	chunkData
	chunkDataCR
	chunkDataLF
	trailerStart // of a line
	trailerName
	trailerValue
	trailerLF
	chunkedLF // the last one
	chunkedDone
)

const (
	// sizeDigits bounds a chunk size, leading zeros included: what 15 digits
	// can say does not overflow.
	sizeDigits = 15
	// overheadLimit bounds the extensions and the trailers of one content.
	overheadLimit = 8 << 10
)

// next skips framing at the start of p. skip is its length, and n how much
// data follows it in p. done says that the coding has ended, after skip bytes.
// A status of 400 or more refuses the request.
func (d *chunked) next(p []byte) (skip, n int, done bool, status int) {
	for skip < len(p) {
		if d.state == chunkData {
			return skip, int(min(d.left, int64(len(p)-skip))), false, 0
		}
		if status := d.step(p[skip]); status != 0 {
			return skip, 0, false, status
		}
		skip++
		if d.state == chunkedDone {
			return skip, 0, true, 0
		}
	}
	return skip, 0, false, 0
}

// took says that n bytes of data have been used.
func (d *chunked) took(n int) {
	if d.left -= int64(n); d.left == 0 {
		d.state = chunkDataCR
	}
}

func (d *chunked) step(b byte) (status int) {
	is := func(want byte, next chunkState) int {
		if b != want {
			return 400
		}
		d.state = next
		return 0
	}
	switch d.state {
	case chunkSize:
		return d.size(b)
	case chunkExtension:
		if b == '\r' {
			d.state = chunkSizeEnd
			return 0
		}
		if classes[b]&valueByte == 0 {
			return 400
		}
		return d.ignore(400)
	case chunkSizeEnd:
		if d.left == 0 {
			return is('\n', trailerStart)
		}
		return is('\n', chunkData)
	case chunkDataCR:
		return is('\r', chunkDataLF)
	case chunkDataLF:
		d.digits = 0
		return is('\n', chunkSize)
	case trailerStart:
		if b == '\r' {
			d.state = chunkedLF
			return 0
		}
		if classes[b]&tokenByte == 0 {
			return 400
		}
		d.state = trailerName
		return d.ignore(431)
	case trailerName:
		if b == ':' {
			d.state = trailerValue
		} else if classes[b]&tokenByte == 0 {
			return 400
		}
		return d.ignore(431)
	case trailerValue:
		if b == '\r' {
			d.state = trailerLF
		} else if classes[b]&valueByte == 0 {
			return 400
		}
		return d.ignore(431)
	case trailerLF:
		return is('\n', trailerStart)
	}
	return is('\n', chunkedDone) // chunkedLF
}

func (d *chunked) size(b byte) (status int) {
	switch {
	case classes[b]&hexByte != 0:
		if d.digits == sizeDigits {
			return 400
		}
		d.digits++
		d.left = d.left<<4 | int64(unhex(b))
	case d.digits == 0:
		return 400
	case b == '\r':
		d.state = chunkSizeEnd
	case b == ';':
		d.state = chunkExtension
	default:
		return 400
	}
	return 0
}

// ignore counts a byte that nobody gets to see.
func (d *chunked) ignore(status int) int {
	if d.overhead++; d.overhead > overheadLimit {
		return status
	}
	return 0
}

// lastChunk ends a coding that has no trailers.
var lastChunk = []byte("0\r\n\r\n")

// chunkSizeMost is the longest that appendChunkSize makes, in bytes.
const chunkSizeMost = 16 + 2

// appendChunkSize appends the line before a chunk of n bytes, which are over 0.
func appendChunkSize(b []byte, n int) []byte {
	shift := 0
	for n>>shift > 15 {
		shift += 4
	}
	for ; shift >= 0; shift -= 4 {
		b = append(b, hexSmall[n>>shift&15])
	}
	return append(b, crlf...)
}
