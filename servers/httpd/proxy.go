package httpd

import (
	"fmt"
	"net/netip"
	"time"

	"medusa/poller/loop"
)

// Proxy is the extension that passes requests on to an upstream server, over
// connections of the same loop: a reverse proxy, or gateway (RFC 9110 section
// 3.7). See ProxyOptions for its bounds.
//
// A request goes out with its target as it came, and with framing made anew.
// Fields that concern one connection (section 7.6.1), and Expect, stay behind:
// a client that waits for a 100 gets it at once, as the connection to the
// upstream server may not even exist. What a client says of how its request
// was forwarded is nothing to rely on: Forwarded, X-Forwarded-* and X-Real-IP
// are replaced by X-Forwarded-For, -Host and -Proto of this connection. So are
// fields that differ from one of these only by an underscore, since programs
// that get their fields by CGI (RFC 3875 section 4.1.18) cannot tell.
//
// An answer goes to the client as it comes, with framing made anew. Server and
// Date are this server's, as of any origin server that a gateway looks like.
// 502 says that the upstream server cannot be reached or gives no good answer,
// 504 that it takes too long, 503 that too many connections to it are open.
// When it fails after its answer has begun, the client's connection is reset.
//
// Content is held back on one side while the other does not take it: at most
// an output buffer each way, and what one Received showed.
type Proxy struct {
	loop    *loop.Loop
	prefix  string
	address netip.AddrPort
	options ProxyOptions
	host    string // for a request without one

	open int         // connections
	idle []*upstream // of these, not in use: the last one used last
	free []*passage  // not in use

	block []byte // the fields of the answer in hand
	size  []byte // of the chunk in hand

}

// ProxyOptions bound what a Proxy does. A value of 0 means the default.
type ProxyOptions struct {
	// Host is sent as Host; "" sends the client's.
	Host string
	// Connections is how many may be open at once; 256.
	Connections int
	// Idle is how many of them are kept when they are not in use; 32.
	Idle int
	// ConnectTimeout is how long a connection may take to be established;
	// 5 seconds.
	ConnectTimeout time.Duration
	// AnswerTimeout is how long after a request went out completely the
	// head of its answer may take; 30 seconds.
	AnswerTimeout time.Duration
	// StallTimeout is for how long nothing of an answer's content may come,
	// or nothing of a request's be taken; it is noticed after at most twice
	// as long. 30 seconds.
	StallTimeout time.Duration
	// IdleTimeout is how long a connection is kept without use; 15 seconds,
	// which is less than most servers do.
	IdleTimeout time.Duration
}

func (o ProxyOptions) fill() ProxyOptions {
	number := func(n *int, def int) {
		if *n == 0 {
			*n = def
		}
	}
	duration := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	number(&o.Connections, 256)
	number(&o.Idle, 32)
	duration(&o.ConnectTimeout, 5*time.Second)
	duration(&o.AnswerTimeout, 30*time.Second)
	duration(&o.StallTimeout, 30*time.Second)
	duration(&o.IdleTimeout, 15*time.Second)
	return o
}

// upstreamHeadLimit is the longest head of an answer, in bytes; the loop's in
// size if that is less.
const upstreamHeadLimit = 32 << 10

// proxyMethods are those that are passed on. TRACE would show a client what
// the proxy adds.
const proxyMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

// NewProxy passes the path prefix, and every path below it, on to upstream.
// The server that it is an extension of lives on l.
func NewProxy(l *loop.Loop, prefix string, upstream netip.AddrPort, o ProxyOptions) (*Proxy, error) {
	clean, err := CleanPrefix(prefix)
	if err != nil {
		return nil, fmt.Errorf("proxy for %w", err)
	}
	if o.Host != "" && !goodHost([]byte(o.Host)) {
		return nil, fmt.Errorf("proxy with host %q: give a host name, or an address", o.Host)
	}
	p := &Proxy{loop: l, prefix: clean, address: upstream, options: o.fill(), host: o.Host}
	if p.host == "" {
		p.host = upstream.String()
	}
	return p, nil
}

// Match accepts the prefix and what is below it.
func (p *Proxy) Match(r *Request) bool { return below(r.Path, p.prefix) }

// Handle passes r on.
func (p *Proxy) Handle(r *Request, w *Response) {
	switch string(r.Method) {
	case "TRACE", "CONNECT":
		w.MethodNotAllowed(proxyMethods)
		return
	case "OPTIONS":
		// RFC 9110 section 7.6.2: it may be for this server.
		if n, ok := decimal(r.Field("max-forwards")); ok && n == 0 {
			w.Options(proxyMethods)
			return
		}
	}
	if climbs(r.Path) {
		w.Error(400)
		return
	}
	u := p.take()
	if u == nil && p.open >= p.options.Connections {
		w.Error(503)
		return
	}
	t := p.passage()
	t.head = p.appendRequest(t.head[:0], r)
	t.bare = r.IsHead()
	t.again = !r.HasContent() && idempotent(r.Method)
	t.exchange = w.Async(t)
	if r.HasContent() {
		t.content, t.chunks = true, r.Chunked
		t.exchange.TakeContent(t)
	}
	t.start(u)
}

// idempotent says whether a request that had no content may be sent again when
// nobody knows what became of it (RFC 9110 section 9.2.2).
func idempotent(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE":
		return true
	}
	return false
}

// climbs says whether path has a segment "..", in any spelling: the upstream
// server might find the path outside of the prefix then. No client sends one
// by itself (RFC 3986 section 5.2.4).
func climbs(path []byte) bool {
	dots, other := 0, false
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' { // complete and hexadecimal: parse saw to it
			c = unhex(path[i+1])<<4 | unhex(path[i+2])
			i += 2
		}
		switch c {
		case '/', '\\':
			if dots == 2 && !other {
				return true
			}
			dots, other = 0, false
		case ';': // some take what follows in the segment for a parameter
			if dots == 2 && !other {
				return true
			}
			other = true
		case '.':
			dots++
		default:
			other = true
		}
	}
	return dots == 2 && !other
}

// appendRequest appends the head of r as it goes to the upstream server.
func (p *Proxy) appendRequest(b []byte, r *Request) []byte {
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, r.Path...)
	if r.Query != nil {
		b = append(b, '?')
		b = append(b, r.Query...)
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	host := r.Host
	if p.options.Host != "" || len(host) == 0 {
		b = append(b, p.host...)
	} else {
		b = append(b, host...)
	}
	b = append(b, crlf...)
	listed := connectionFields(r.Fields)
	for i := range r.Fields {
		f := &r.Fields[i]
		switch {
		case hopByHop(f.Name), listed && isListed(r.Fields, f.Name), replaced(f.Name):
		case string(r.Method) == "OPTIONS" && equalFold(f.Name, "max-forwards"):
			if n, ok := decimal(f.Value); ok && n > 0 {
				b = appendNumber(append(b, "Max-Forwards: "...), n-1)
				b = append(b, crlf...)
			}
		default:
			b = appendField(b, f)
		}
	}
	b = appendVia(b, r.Minor)
	if remote := r.Remote(); remote.IsValid() {
		b = append(b, "X-Forwarded-For: "...)
		b = remote.Addr().Unmap().AppendTo(b)
		b = append(b, crlf...)
	}
	if len(host) > 0 {
		b = append(b, "X-Forwarded-Host: "...)
		b = append(b, host...)
		b = append(b, crlf...)
	}
	b = append(b, "X-Forwarded-Proto: http\r\n"...)
	switch {
	case r.Chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case r.Length >= 0:
		b = appendNumber(append(b, "Content-Length: "...), r.Length)
		b = append(b, crlf...)
	}
	return append(b, crlf...)
}

// appendAnswer appends the fields of the answer a as they go to the client.
func appendAnswer(b []byte, a *upstreamHead) []byte {
	listed := connectionFields(a.Fields)
	for i := range a.Fields {
		f := &a.Fields[i]
		switch {
		case hopByHop(f.Name), listed && isListed(a.Fields, f.Name), equalFold(f.Name, "date"), equalFold(f.Name, "server"):
		default:
			b = appendField(b, f)
		}
	}
	return appendVia(b, a.minor)
}

func appendField(b []byte, f *Field) []byte {
	b = append(b, f.Name...)
	b = append(b, ": "...)
	b = append(b, f.Value...)
	return append(b, crlf...)
}

// appendVia says that the message was received here (RFC 9110 section 7.6.3).
func appendVia(b []byte, minor int) []byte {
	b = append(b, "Via: 1."...)
	return append(b, byte('0'+minor), ' ', 'm', 'e', 'd', 'u', 's', 'a', '\r', '\n')
}
