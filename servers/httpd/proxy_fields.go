package httpd

import "bytes"

// hopByHop says whether the field is of one connection, or of the framing that
// is made anew (RFC 9110 section 7.6.1). Proxy is no field of HTTP at all, but
// CGI would make HTTP_PROXY of it, which programs take for a setting.
func hopByHop(name []byte) bool {
	switch lower(name[0]) {
	case 'c':
		return alike(name, "connection") || alike(name, "content-length")
	case 't':
		return alike(name, "transfer-encoding") || alike(name, "te") || alike(name, "trailer")
	case 'u':
		return alike(name, "upgrade")
	case 'k':
		return alike(name, "keep-alive")
	case 'p':
		const of = "proxy-"
		return alike(name, of[:len(of)-1]) || len(name) > len(of) && alike(name[:len(of)], of)
	}
	return false
}

// replaced says whether the field of a request is made anew, or not passed on
// because nobody should rely on it.
func replaced(name []byte) bool {
	switch len(name) {
	case len("host"):
		return alike(name, "host")
	case len("expect"):
		return alike(name, "expect")
	case len("forwarded"):
		return alike(name, "forwarded") || alike(name, "x-real-ip")
	}
	const of = "x-forwarded-"
	return len(name) > len(of) && alike(name[:len(of)], of)
}

// alike is equalFold that takes an underscore in p for a hyphen.
func alike(p []byte, small string) bool {
	if len(p) != len(small) {
		return false
	}
	for i, b := range p {
		if b == '_' {
			b = '-'
		}
		if lower(b) != small[i] {
			return false
		}
	}
	return true
}

// connectionFields says whether Connection names other fields.
func connectionFields(fields []Field) bool {
	for i := range fields {
		f := &fields[i]
		if equalFold(f.Name, "connection") && !equalFold(f.Value, "close") && !equalFold(f.Value, "keep-alive") {
			return true
		}
	}
	return false
}

// isListed says whether a Connection field names the field.
func isListed(fields []Field, name []byte) bool {
	for i := range fields {
		if !equalFold(fields[i].Name, "connection") {
			continue
		}
		for item := range bytes.SplitSeq(fields[i].Value, comma) {
			if bytes.EqualFold(trim(item), name) {
				return true
			}
		}
	}
	return false
}
