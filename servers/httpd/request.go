package httpd

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
	// Fields are the header fields in order, values trimmed.
	Fields []Field
}

// Field is a header field.
type Field struct{ Name, Value []byte }

// IsHead says whether the request's method is HEAD.
func (r *Request) IsHead() bool { return string(r.Method) == "HEAD" }

// HasBody says whether content follows the head (RFC 9112 section 6).
func (r *Request) HasBody() bool { return r.Length > 0 || r.Chunked }

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

// method is what this server does with a method.
type method uint8

const (
	methodUnknown method = iota // 501
	methodServed
	methodRefused // known, and allowed for no resource here: 405
)

// allowed is the value of Allow in a 405 response.
const allowed = "GET, HEAD"

func classify(name []byte) method {
	switch string(name) {
	case "GET", "HEAD":
		return methodServed
	case "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH":
		return methodRefused
	}
	return methodUnknown
}
