package httpd

import (
	"fmt"
	"net/url"
	"strings"
)

// Redirect is the extension that sends clients elsewhere.
type Redirect struct {
	from   string // without a slash at its end; "" matches every path
	status int

	// What Location is made of, besides the rest of the path and the query
	// that were asked. exact is for no rest, and to, without a slash at its
	// end, for any.
	exact, to, query, fragment string

	value []byte // used during Handle only
}

// NewRedirect answers the path from, and every path below it, with status and
// the Location to: 301 and 308 are for ever, 302, 303 and 307 for now; 307 and
// 308 keep the method (RFC 9110 section 15.4). from is a path as in a request
// target, so percent-encoded. to is a URI with http or https, or a reference
// with a path from the root ("/new"). The rest of the path goes behind to's,
// and the query behind to's query.
//
// No request can choose another host than to's: between to's path and the rest
// there is always a slash.
func NewRedirect(from, to string, status int) (*Redirect, error) {
	switch status {
	case 301, 302, 303, 307, 308:
	default:
		return nil, fmt.Errorf("redirect with status %d: give 301, 302, 303, 307 or 308", status)
	}
	prefix, err := CleanPrefix(from)
	if err != nil {
		return nil, fmt.Errorf("redirect from %w", err)
	}
	u, err := url.Parse(to)
	relative := strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//")
	switch {
	case err != nil, u.User != nil, !relative && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https"):
		return nil, fmt.Errorf("redirect to %q: give http://HOST/PATH, https://HOST/PATH or /PATH", to)
	}
	to, fragment, found := strings.Cut(to, "#")
	if !goodTarget([]byte(to)) || !goodTarget([]byte(fragment)) {
		return nil, fmt.Errorf("redirect to %q: percent-encode what has no place in a URI", to)
	}
	x := &Redirect{from: prefix, status: status}
	if found {
		x.fragment = "#" + fragment
	}
	if to, x.query, found = strings.Cut(to, "?"); found {
		x.query = "?" + x.query
	}
	x.exact, x.to = to, strings.TrimRight(to, "/")
	return x, nil
}

// Match accepts the path from and what is below it.
func (x *Redirect) Match(r *Request) bool { return below(r.Path, x.from) }

// Handle answers every method with the redirect.
func (x *Redirect) Handle(r *Request, w *Response) {
	w.Error(x.status)
	b := x.value[:0]
	if rest := r.Path[len(x.from):]; len(rest) == 0 {
		b = append(b, x.exact...)
	} else {
		for x.to == "" && len(rest) > 1 && rest[1] == '/' {
			rest = rest[1:] // "//name" would be another host (RFC 3986 section 4.2)
		}
		b = append(b, x.to...)
		b = appendEscaped(b, rest, redirectBytes)
	}
	b = append(b, x.query...)
	if r.Query != nil {
		if x.query == "" {
			b = append(b, '?')
		} else {
			b = append(b, '&')
		}
		b = appendEscaped(b, r.Query, queryBytes)
	}
	x.value = append(b, x.fragment...)
	w.HeaderBytes("Location", x.value)
}

// redirectBytes stay as they are in a path that was encoded already.
const redirectBytes = pathBytes + ":%&'"
