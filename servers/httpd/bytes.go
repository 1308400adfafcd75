package httpd

import "strconv"

var (
	crlf  = []byte("\r\n")
	comma = []byte(",")
)

// Hexadecimal digits.
const (
	hexSmall  = "0123456789abcdef"
	hexDigits = "0123456789ABCDEF"
)

// class is a set of the byte classes of HTTP and URIs.
type class uint8

const (
	tokenByte  class = 1 << iota // RFC 9110 section 5.6.2, tchar
	targetByte                   // in a request target, see targetExtra
	valueByte                    // in a field value: RFC 9110 section 5.5, field-content and obs-text
	hostByte                     // in a reg-name or IPv4 address, without pct-encoded: RFC 3986 section 3.2.2
	hexByte
	digitByte
)

// targetExtra are the bytes that RFC 3986 does not allow in a path or query
// but browsers send there unencoded (URL Standard, query percent-encode set).
// Space, quotes, angle brackets, '#', '\' and everything outside of ASCII are
// refused.
const targetExtra = "[]{}|^`"

var classes = func() (t [256]class) {
	set := func(s string, c class) {
		for i := range len(s) {
			t[s[i]] |= c
		}
	}
	const (
		digits     = "0123456789"
		letters    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		unreserved = digits + letters + "-._~"
		subDelims  = "!$&'()*+,;="
	)
	set(digits+letters+"!#$%&'*+-.^_`|~", tokenByte)
	set(unreserved+subDelims+":@/?%"+targetExtra, targetByte)
	set(unreserved+subDelims, hostByte)
	set(digits+"abcdefABCDEF", hexByte)
	set(digits, digitByte)
	for c := range 256 {
		if c == '\t' || c >= ' ' && c != 0x7f {
			t[c] |= valueByte
		}
	}
	return t
}()

// all says whether every byte of p is in class c.
func all(p []byte, c class) bool {
	for _, b := range p {
		if classes[b]&c == 0 {
			return false
		}
	}
	return true
}

// lower is an ASCII letter's small form, and any other byte itself.
func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + ('a' - 'A')
	}
	return b
}

// equalFold compares p with small, which has no capitals, ignoring the case
// of ASCII letters.
func equalFold(p []byte, small string) bool {
	if len(p) != len(small) {
		return false
	}
	for i, b := range p {
		if lower(b) != small[i] {
			return false
		}
	}
	return true
}

// trim takes optional whitespace (RFC 9110 section 5.6.3) off both ends.
func trim(p []byte) []byte {
	for len(p) > 0 && (p[0] == ' ' || p[0] == '\t') {
		p = p[1:]
	}
	for len(p) > 0 && (p[len(p)-1] == ' ' || p[len(p)-1] == '\t') {
		p = p[:len(p)-1]
	}
	return p
}

// unhex is the value of a hexadecimal digit.
func unhex(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return lower(b) - 'a' + 10
}

// appendNumber appends n in decimal.
func appendNumber(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }
