package httpd

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unsafe"
)

// Hosts is the extension that serves several hosts by name, each with a chain
// of its own. What none of a host's chain matches is 404: a host does not fall
// through to another. It belongs at the end of the chain.
type Hosts struct {
	chains   map[string][]Extension
	fallback []Extension
}

// hostSize is more than the longest name of the domain name system, in bytes
// (RFC 1035 section 2.3.4). A longer one is nobody's.
const hostSize = 256

// NewHosts serves each host of chains, and any other host, or none, with
// fallback. A name is a host name or an IP address, without a port; an IPv6
// address may stand in brackets. Names are compared as RFC 9110 section 4.2.3
// says: without regard to case, or to how an IPv6 address is written; a dot at
// the end, which makes a name absolute, means nothing.
func NewHosts(chains map[string][]Extension, fallback []Extension) (*Hosts, error) {
	x := &Hosts{chains: make(map[string][]Extension, len(chains)), fallback: fallback}
	spelled := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(chains)) {
		literal := name
		if a, err := netip.ParseAddr(name); err == nil && a.Is6() {
			literal = "[" + name + "]"
		}
		good := goodHost([]byte(literal))
		if strings.HasPrefix(literal, "[") {
			good = good && strings.HasSuffix(literal, "]")
		} else {
			good = good && !strings.Contains(literal, ":")
		}
		if !good || len(literal) > hostSize {
			return nil, fmt.Errorf("host %q: give a host name or an IP address, without a port", name)
		}
		key := appendHost(nil, []byte(literal))
		if other, twice := spelled[string(key)]; twice {
			return nil, fmt.Errorf("%q and %q are one host", other, name)
		}
		spelled[string(key)] = name
		x.chains[string(key)] = chains[name]
	}
	return x, nil
}

// Match accepts every request.
func (x *Hosts) Match(*Request) bool { return true }

// Handle gives r to the first extension that matches it in the chain of its
// host.
func (x *Hosts) Handle(r *Request, w *Response) {
	var space [hostSize]byte
	chain, ok := x.chains[string(appendHost(space[:0], r.Host))]
	if !ok {
		chain = x.fallback
	}
	handle(chain, r, w)
}

// appendHost appends the one spelling of the host in p, a good uri-host
// [":" port], that all others of it have in common: nothing if it is too long
// to be a name.
func appendHost(b, p []byte) []byte {
	if len(p) > 0 && p[0] == '[' {
		p = p[1:bytes.IndexByte(p, ']')]
		// As in goodIPv6, where it passed.
		a, err := netip.ParseAddr(unsafe.String(&p[0], len(p)))
		if err != nil {
			return b
		}
		return a.AppendTo(b)
	}
	if colon := bytes.IndexByte(p, ':'); colon >= 0 {
		p = p[:colon]
	}
	if n := len(p) - 1; n > 0 && p[n] == '.' {
		p = p[:n]
	}
	if len(p) > hostSize {
		return b
	}
	for _, c := range p {
		b = append(b, lower(c))
	}
	return b
}
