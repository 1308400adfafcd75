package httpd

import (
	"html"
	"strings"
	"unicode"
)

// Bytes that stand for themselves in what appendEscaped makes.
const (
	// pathBytes are of RFC 3986 section 3.3, without ':', which would make the
	// start of a relative reference a scheme, and without '&' and '\'', which
	// mean something in HTML.
	pathBytes = "/!$()*+,;=@" + unreservedBytes
	// queryBytes are those of RFC 3986 section 3.4, and '%', since a query is
	// passed on as it was encoded.
	queryBytes      = "/?:@!$&'()*+,;=%" + unreservedBytes
	unreservedBytes = "-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// appendEscaped appends p with every byte but those of plain percent-encoded
// (RFC 3986 section 2.1). p may be of any bytes; it need not be UTF-8.
func appendEscaped(b, p []byte, plain string) []byte {
	for _, c := range p {
		if strings.IndexByte(plain, c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return b
}

// appendLocation appends the path-absolute reference (RFC 3986 section 4.2) to
// a directory by its clean name, and the query that was asked with, nil for
// none. As a clean name has no empty segments it cannot begin with "//" and so
// name another host; as everything unusual is encoded it cannot end a field or
// hide a backslash that a browser takes for a slash.
func appendLocation(b, name, query []byte) []byte {
	b = append(b, '/')
	if string(name) != "." {
		b = appendEscaped(b, name, pathBytes)
		b = append(b, '/')
	}
	if query != nil {
		b = append(b, '?')
		b = appendEscaped(b, query, queryBytes)
	}
	return b
}

// shown is a file name as text of HTML. What is no UTF-8 and what has no
// glyph, such as a line break or a change of direction, becomes U+FFFD.
func shown(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, name)
	return html.EscapeString(name)
}
