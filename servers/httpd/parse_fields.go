package httpd

import (
	"bytes"
	"net/netip"
	"unsafe"
)

// judge finds out what the fields of a head say together: Host, framing,
// whether the connection persists, and whether the request is conditional.
func (r *Request) judge() (status int) {
	var (
		hosts, lengths, codings int
		host, length, coding    []byte
		closes, keeps           bool
		unmet                   bool // an expectation that is not known
	)
	r.Expect, r.conditions = false, 0
	for i := range r.Fields {
		f := &r.Fields[i]
		// Only names of these lengths need a closer look.
		switch len(f.Name) {
		case len("host"):
			if equalFold(f.Name, "host") {
				hosts, host = hosts+1, f.Value
			}
		case len("expect"):
			if equalFold(f.Name, "expect") && r.Minor > 0 { // RFC 9110 section 10.1.1
				r.Expect = true
				unmet = unmet || !equalFold(f.Value, "100-continue")
			}
		case len("connection"):
			if equalFold(f.Name, "connection") {
				closes = closes || lists(f.Value, "close")
				keeps = keeps || lists(f.Value, "keep-alive")
			}
		case len("content-length"):
			if equalFold(f.Name, "content-length") {
				lengths, length = lengths+1, f.Value
			}
		case len("transfer-encoding"):
			if equalFold(f.Name, "transfer-encoding") {
				codings, coding = codings+1, f.Value
			} else {
				r.conditions |= condition(f.Name) // if-modified-since is as long
			}
		case len("range"), len("if-match"), len("if-none-match"), len("if-unmodified-since"): // and if-range
			r.conditions |= condition(f.Name)
		}
	}
	// RFC 9112 section 3.2: one Host, also beside an absolute-form target,
	// whose authority then counts.
	if hosts > 1 || hosts == 0 && r.Minor > 0 || hosts == 1 && !goodHost(host) {
		return 400
	}
	if r.Host == nil {
		r.Host = host
	}
	// RFC 9112 section 9.3.
	r.KeepAlive = !closes && (r.Minor > 0 || keeps)
	r.Length, r.Chunked = -1, false
	switch {
	case lengths > 1 || codings > 1 || lengths > 0 && codings > 0 || codings > 0 && r.Minor == 0:
		return 400 // RFC 9112 sections 6.1 and 6.3: the framing is faulty
	case lengths == 1:
		n, ok := decimal(length)
		if !ok {
			return 400
		}
		r.Length = n
	case codings == 1:
		if !equalFold(coding, "chunked") {
			last := trim(coding[bytes.LastIndexByte(coding, ',')+1:])
			before := coding[:max(bytes.LastIndexByte(coding, ','), 0)]
			if equalFold(last, "chunked") && !lists(before, "chunked") {
				return 501 // a coding that is not known here, then chunked
			}
			return 400 // the content's end could not be found
		}
		r.Chunked = true
	}
	if unmet {
		return 417
	}
	return 0
}

// lists says whether item, in small letters, is in the comma-separated list p.
func lists(p []byte, item string) bool {
	for len(p) > 0 {
		var one []byte
		if comma := bytes.IndexByte(p, ','); comma >= 0 {
			one, p = p[:comma], p[comma+1:]
		} else {
			one, p = p, nil
		}
		if equalFold(trim(one), item) {
			return true
		}
	}
	return false
}

// decimal reads a number of digits only. Numbers of more than 18 digits are
// refused rather than risk an overflow.
func decimal(p []byte) (int64, bool) {
	if len(p) == 0 || len(p) > 18 || !all(p, digitByte) {
		return 0, false
	}
	var n int64
	for _, b := range p {
		n = n*10 + int64(b-'0')
	}
	return n, true
}

// goodHost checks uri-host [":" port] (RFC 9110 section 7.2). An empty host is
// refused, as it makes no valid http URI (RFC 9110 section 4.2.1), and so are
// percent-encodings, zone identifiers and IPvFuture.
func goodHost(p []byte) bool {
	if len(p) > 0 && p[0] == '[' {
		end := bytes.IndexByte(p, ']')
		return end > 0 && goodIPv6(p[1:end]) && goodPort(p[end+1:])
	}
	port := len(p)
	if colon := bytes.IndexByte(p, ':'); colon >= 0 {
		port = colon
	}
	return port > 0 && all(p[:port], hostByte) && goodPort(p[port:])
}

// goodPort checks [":" *DIGIT].
func goodPort(p []byte) bool {
	return len(p) == 0 || p[0] == ':' && all(p[1:], digitByte)
}

func goodIPv6(p []byte) bool {
	if len(p) == 0 || bytes.IndexByte(p, '%') >= 0 {
		return false
	}
	// The string lives only for this call and p is not written meanwhile;
	// a conversion would allocate, because a parse error would keep it.
	a, err := netip.ParseAddr(unsafe.String(&p[0], len(p)))
	return err == nil && a.Is6()
}
