package ftpd

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"medusa/poller/loop"
)

// lowestPort is the lowest that a client may have the server connect to: lower ones
// are those of services (RFC 2577 section 3).
const lowestPort = 1024

// port is PORT: the client listens.
func (s *session) port(argument string) {
	if s.epsvOnly {
		s.reply(503, "You said EPSV ALL.")
		return
	}
	at, ok := parsePort(argument)
	if !ok {
		s.reply(501, "Give h1,h2,h3,h4,p1,p2: six numbers from 0 to 255.")
		return
	}
	s.active(at)
}

// extendedPort is EPRT (RFC 2428 section 2).
func (s *session) extendedPort(argument string) {
	if s.epsvOnly {
		s.reply(503, "You said EPSV ALL.")
		return
	}
	at, known, ok := parseExtendedPort(argument)
	switch {
	case !ok:
		s.reply(501, "Give |protocol|address|port|, as in |1|192.0.2.1|6275|.")
	case !known || at.Addr().Is4() != s.peer.Is4():
		s.reply(522, "Network protocol not supported, use ("+s.protocol()+")")
	default:
		s.active(at)
	}
}

// active prepares to connect to the client, and to nobody else: a server that
// connects to anybody is one's hand in another's network (RFC 2577 section 3).
func (s *session) active(at netip.AddrPort) {
	switch {
	case at.Addr() != s.peer:
		s.reply(504, "Only your own address.")
	case at.Port() < lowestPort:
		s.reply(504, fmt.Sprintf("Only ports from %d up.", lowestPort))
	default:
		s.prepare(&channel{address: at})
		s.reply(200, "I will connect there.")
	}
}

// protocol is the client's, as RFC 2428 numbers it.
func (s *session) protocol() string {
	if s.peer.Is4() {
		return "1"
	}
	return "2"
}

// passive is PASV: the server listens. Its reply has no place for an IPv6 address.
func (s *session) passive(string) {
	switch {
	case s.epsvOnly:
		s.reply(503, "You said EPSV ALL.")
	case !s.peer.Is4():
		s.reply(522, "PASV is of IPv4: use EPSV.")
	default:
		if at, ok := s.listen(); ok {
			a := at.Addr().Unmap().As4()
			s.reply(227, fmt.Sprintf("Entering Passive Mode (%d,%d,%d,%d,%d,%d).", a[0], a[1], a[2], a[3], at.Port()>>8, at.Port()&0xff))
		}
	}
}

// extendedPassive is EPSV (RFC 2428 section 3).
func (s *session) extendedPassive(argument string) {
	switch {
	case strings.EqualFold(argument, "ALL"):
		s.epsvOnly = true
		s.reply(200, "From now on only EPSV.")
	case argument != "" && argument != s.protocol():
		s.reply(522, "Network protocol not supported, use ("+s.protocol()+")")
	default:
		if at, ok := s.listen(); ok {
			s.reply(229, fmt.Sprintf("Entering Extended Passive Mode (|||%d|)", at.Port()))
		}
	}
}

// listen prepares for the client to connect, to the address that he is connected to
// already, and answers if that is not possible. The backlog is more than one: who
// is not the client must not keep him out.
func (s *session) listen() (netip.AddrPort, bool) {
	ch := &channel{}
	s.prepare(ch)
	v := s.server
	address := s.conn.LocalAddr().Addr()
	var err error
	for range v.portTries() {
		ch.listener, err = v.loop.Listen(loop.ListenOptions{
			Address: netip.AddrPortFrom(address, v.port()), Backlog: 8, NoDelay: true, AcceptsPerTurn: 1, Unbounded: true,
		}, func(*loop.Conn) loop.Handler { return ch })
		if err == nil {
			return ch.listener.Addr(), true
		}
	}
	s.abandon()
	s.reply(425, "No data port is free at the moment.")
	return netip.AddrPort{}, false
}

// portTries is how many ports are tried before there is none.
func (s *Server) portTries() int {
	if s.cfg.Ports.First == 0 {
		return 1
	}
	return int(s.cfg.Ports.Last-s.cfg.Ports.First) + 1
}

// port is the next to try; 0 leaves the choice to the system.
func (s *Server) port() uint16 {
	p := s.nextPort
	if s.nextPort++; p == s.cfg.Ports.Last || p == 0 {
		s.nextPort = s.cfg.Ports.First
	}
	return p
}

// parsePort reads h1,h2,h3,h4,p1,p2 (RFC 959 section 5.3.2).
func parsePort(text string) (at netip.AddrPort, ok bool) {
	parts := strings.Split(text, ",")
	var n [6]byte
	if len(parts) != len(n) {
		return at, false
	}
	for i, part := range parts {
		v, err := strconv.ParseUint(strings.TrimSpace(part), 10, 8)
		if err != nil {
			return at, false
		}
		n[i] = byte(v)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(n[:4])), uint16(n[4])<<8|uint16(n[5])), true
}

// parseExtendedPort reads |protocol|address|port|, with any delimiter from '!' to
// '~'. known is false for another protocol than IPv4 and IPv6.
func parseExtendedPort(text string) (at netip.AddrPort, known, ok bool) {
	if text == "" || text[0] < '!' || text[0] > '~' {
		return at, false, false
	}
	parts := strings.Split(text, text[:1])
	if len(parts) != 5 || parts[0] != "" || parts[4] != "" {
		return at, false, false
	}
	if parts[1] != "1" && parts[1] != "2" {
		return at, false, true
	}
	address, err := netip.ParseAddr(parts[2])
	if err != nil || address.Is4() != (parts[1] == "1") || address.Zone() != "" {
		return at, false, false
	}
	port, err := strconv.ParseUint(parts[3], 10, 16)
	if err != nil {
		return at, false, false
	}
	return netip.AddrPortFrom(address, uint16(port)), true, true
}
