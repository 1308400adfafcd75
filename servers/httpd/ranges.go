package httpd

import (
	"bytes"
	"math"
)

// byteRange is n bytes from off on. n is not 0.
type byteRange struct{ off, n int64 }

func (a byteRange) end() int64 { return a.off + a.n }

// mostRanges is how many ranges may be asked for at once.
const mostRanges = 16

// appendRanges reads the value of a Range field (RFC 9110 section 14.2) for a
// file of size bytes and appends the ranges to send, in the order asked for,
// none of which overlap. ok is false if the field is to be ignored and the
// whole file sent; ranges is empty beside that if the answer is 416.
//
// Ignored are, as section 14.2 allows: other units than bytes (it must be);
// malformed sets; any set if the file is empty, of which no part can be named;
// more than mostRanges ranges; more than two that overlap; and sets of more
// bytes than the file. Ranges that overlap or touch become one (section
// 15.3.7.2); those with a gap between them do not, however small it is, as the
// few bytes that this would save are not worth another answer than was asked
// for. Numbers may be of any size: beyond the file all are the same.
func appendRanges(ranges []byteRange, field []byte, size int64) (_ []byteRange, ok bool) {
	unit, set, found := bytes.Cut(field, []byte("="))
	if !found || size == 0 || !equalFold(unit, "bytes") {
		return nil, false
	}
	asked, total := 0, int64(0)
	for len(set) > 0 {
		var spec []byte
		spec, set, _ = bytes.Cut(set, []byte(","))
		if spec = trim(spec); len(spec) == 0 {
			continue // RFC 9110 section 5.6.1.2
		}
		r, valid := parseSpec(spec, size)
		if asked++; !valid || asked > mostRanges || r.n > size-total {
			return nil, false
		}
		total += r.n
		if r.n > 0 {
			ranges = append(ranges, r)
		}
	}
	if asked == 0 || crowded(ranges) {
		return nil, false
	}
	return coalesce(ranges), true
}

// parseSpec reads one range (RFC 9110 section 14.1.1). n is 0 if it is valid
// but none of it is in the file.
func parseSpec(spec []byte, size int64) (r byteRange, ok bool) {
	first, last, found := bytes.Cut(spec, []byte("-"))
	if !found || !all(first, digitByte) || !all(last, digitByte) {
		return r, false
	}
	if len(first) == 0 {
		n := min(number(last), size)
		return byteRange{size - n, n}, len(last) > 0
	}
	off, end := number(first), int64(math.MaxInt64)
	if len(last) > 0 {
		if end = number(last); end < off {
			return r, false
		}
	}
	if off >= size {
		return r, true
	}
	return byteRange{off, min(end, size-1) - off + 1}, true
}

// number is the value of digits, or the greatest int64 if it is not smaller.
func number(digits []byte) (n int64) {
	for _, b := range digits {
		d := int64(b - '0')
		if n > (math.MaxInt64-d)/10 {
			return math.MaxInt64
		}
		n = n*10 + d
	}
	return n
}

// crowded says that more than two of ranges overlap, which RFC 9110 section
// 14.2 counts among the signs of an attack.
func crowded(ranges []byteRange) bool {
	overlapping := 0
	for i, a := range ranges {
		for j, b := range ranges {
			if i != j && a.off < b.end() && b.off < a.end() {
				overlapping++
				break
			}
		}
	}
	return overlapping > 2
}

// coalesce joins ranges that overlap or touch. A joined one stands where the
// first of them stood.
func coalesce(ranges []byteRange) []byteRange {
	for i := 0; i < len(ranges); {
		joined := false
		for j := i + 1; j < len(ranges); {
			a, b := ranges[i], ranges[j]
			if a.off > b.end() || b.off > a.end() {
				j++
				continue
			}
			off := min(a.off, b.off)
			ranges[i] = byteRange{off, max(a.end(), b.end()) - off}
			ranges = append(ranges[:j], ranges[j+1:]...)
			joined = true
		}
		if !joined {
			i++
		}
	}
	return ranges
}

// appendContentRange appends the value of Content-Range (RFC 9110 section
// 14.4) for a part of a file of size bytes.
func appendContentRange(b []byte, r byteRange, size int64) []byte {
	b = append(b, "bytes "...)
	b = appendNumber(b, r.off)
	b = append(b, '-')
	b = appendNumber(b, r.end()-1)
	b = append(b, '/')
	return appendNumber(b, size)
}
