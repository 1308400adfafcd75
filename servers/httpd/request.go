package httpd

import (
	"net/netip"

	"medusa/poller/loop"
)

// Request is the head of a request. Its slices lie in the connection's input
// and are valid only until Extension.Handle returns.
type Request struct {
	Method []byte // as sent; method names are case-sensitive
	// Target is the request target as sent, in origin-form ("/a?b") or
	// absolute-form ("http://h/a?b").
	Target []byte
	// Path is the target's path, still percent-encoded. It begins with '/'.
	Path []byte
	// Query is what follows the target's first '?', or nil without one.
	Query []byte
	// Host is the authority that was asked for, with the port if it had one:
	// that of an absolute-form target, else the Host field. Only a request of
	// HTTP/1.0 may have none.
	Host []byte
	// Minor is the minor version of HTTP/1.
	Minor int
	// KeepAlive: the client wants to use the connection again.
	KeepAlive bool
	// Length is the value of Content-Length, or -1 without one.
	Length int64
	// Chunked: the body is in the chunked transfer coding. Length is -1.
	Chunked bool
	// Expect: the client waits for a 100 before it sends the content.
	Expect bool
	// Fields are the header fields in order, values trimmed.
	Fields []Field

	conditions conditions // that are among the fields

	conn *loop.Conn // nil in tests
}

// Field is a header field.
type Field struct{ Name, Value []byte }

// IsHead says whether the request's method is HEAD.
func (r *Request) IsHead() bool { return string(r.Method) == "HEAD" }

// GetOrHead says whether the request's method is GET or HEAD.
func (r *Request) GetOrHead() bool { return string(r.Method) == "GET" || r.IsHead() }

// HasContent says whether content follows the head (RFC 9112 section 6).
func (r *Request) HasContent() bool { return r.Length > 0 || r.Chunked }

// Remote is the client's address; invalid where the system does not tell. It
// costs a system call.
func (r *Request) Remote() netip.AddrPort {
	if r.conn == nil {
		return netip.AddrPort{}
	}
	return r.conn.RemoteAddr()
}

// Field returns the value of the first field called name, which is given in
// small letters, or nil.
func (r *Request) Field(name string) []byte {
	for i := range r.Fields {
		if equalFold(r.Fields[i].Name, name) {
			return r.Fields[i].Value
		}
	}
	return nil
}

// known says whether name is a method of RFC 9110 section 9 or RFC 5789. Only
// those reach the extensions.
func known(name []byte) bool {
	switch string(name) {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH":
		return true
	}
	return false
}
