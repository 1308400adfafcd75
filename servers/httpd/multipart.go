package httpd

import (
	"crypto/rand"
	"slices"
)

// newBoundary is a boundary that nobody can put into a file beforehand: 26
// random letters and digits (crypto/rand.Text), which RFC 2046 section 5.1.1
// allows without quotes.
func newBoundary() string { return "medusa" + rand.Text() }

// frames are what stands around the parts of a multipart/byteranges body (RFC
// 9110 section 14.6): one in front of each range and one at the end. All lie
// in one allocation.
type frames struct {
	text []byte
	ends []int // of each in text
}

func newFrames(boundary, contentType string, ranges []byteRange, size int64) frames {
	const number = 20 // the most digits of an int64, and one
	each := len("\r\n--\r\nContent-Type: \r\nContent-Range: bytes -/\r\n\r\n") + len(boundary) + len(contentType) + 3*number
	f := frames{make([]byte, 0, (len(ranges)+1)*each), make([]int, 0, len(ranges)+1)}
	for i, r := range ranges {
		if i > 0 {
			f.text = append(f.text, "\r\n"...)
		}
		f.text = append(f.text, "--"...)
		f.text = append(f.text, boundary...)
		f.text = append(f.text, "\r\nContent-Type: "...)
		f.text = append(f.text, contentType...)
		f.text = append(f.text, "\r\nContent-Range: "...)
		f.text = appendContentRange(f.text, r, size)
		f.text = append(f.text, "\r\n\r\n"...)
		f.ends = append(f.ends, len(f.text))
	}
	f.text = append(f.text, "\r\n--"...)
	f.text = append(f.text, boundary...)
	f.text = append(f.text, "--\r\n"...)
	f.ends = append(f.ends, len(f.text))
	return f
}

// frame is the i-th; that after the last range ends the body.
func (f frames) frame(i int) []byte {
	start := 0
	if i > 0 {
		start = f.ends[i-1]
	}
	return slices.Clip(f.text[start:f.ends[i]])
}

// length is that of the whole body around and with ranges, in bytes.
func (f frames) length(ranges []byteRange) int64 {
	n := int64(len(f.text))
	for _, r := range ranges {
		n += r.n
	}
	return n
}
