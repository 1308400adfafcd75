package loadgen

import (
	"fmt"
	"net"
	"net/netip"
)

// ParseSources reads addresses to connect from. An error says that one is none, or
// none of this machine.
func ParseSources(texts []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, text := range texts {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fmt.Errorf("--sources %q: give IP addresses", text)
		}
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
		if err != nil {
			return nil, fmt.Errorf("--sources %s: one cannot connect from there: %w; give addresses of this machine", a, err)
		}
		_ = l.Close() // nobody came
		out = append(out, a)
	}
	return out, nil
}

// Sources returns the addresses that a load on a server of 127/8 connects from
// in turn: several where one has too few ephemeral ports for the connections (at
// once, or a connection per request, whose ports the kernel keeps for a while);
// else none. No address has more than two fifths of its ports in use: with up to
// nine tenths on one, 18,000 connections took 3.0 to 3.5 s to open, with two
// fifths 0.9 to 1.1 s (fill_ns of epoll servers). Presumably that is because
// Linux tries every port of one parity before it takes one of the other
// (inet_hash_connect). They are of 127.252/16, where no trial's server is. ports
// is how many one address has; 0, of systems without the whole of 127/8 too,
// gives none.
func Sources(server netip.Addr, connections int, keepAlive bool, ports int) []netip.Addr {
	if !server.Is4() || !server.IsLoopback() || ports == 0 {
		return nil
	}
	n := 1
	if each := ports * 2 / 5; each > 0 {
		n = connections/each + 1
	}
	if !keepAlive {
		n = max(n, 8)
	}
	if n < 2 {
		return nil
	}
	out := make([]netip.Addr, min(n, 250))
	for i := range out {
		out[i] = netip.AddrFrom4([4]byte{127, 252, 1, byte(1 + i)})
	}
	return out
}
