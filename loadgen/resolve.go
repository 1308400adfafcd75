package loadgen

import (
	"fmt"
	"net/netip"
	"strings"
)

// Resolve says where an http URL's host is, looking it up, and gives the bytes
// that ask for it, which without keepAlive ask for the connection's end as well.
// The error is one line that names the URL.
func Resolve(url string, keepAlive bool) (netip.AddrPort, []byte, error) {
	s := Spec{URL: url, NoKeepAlive: !keepAlive}
	if !strings.HasPrefix(url, "http://") {
		return netip.AddrPort{}, nil, fmt.Errorf("URL %q: give http://HOST[:PORT]/PATH", url)
	}
	request, _, err := s.request()
	if err != nil {
		return netip.AddrPort{}, nil, err
	}
	at, err := lookUp(s)
	return at, request, err
}
