package servers

import (
	"errors"
	"fmt"
	"net/netip"

	"medusa/control"
	"medusa/poller/loop"
	"medusa/servers/echod"
	"medusa/servers/ftpd"
	"medusa/servers/httpd"
	"medusa/servers/rawd"
)

// protocol is what a package that speaks a protocol is to a server process. All is
// called on the loop.
type protocol interface {
	Accept(*loop.Conn) loop.Handler
	Requests() uint64 // answered since the start, in the protocol's own sense of the word
	// Drain finishes what is in flight and starts nothing more. done is called once,
	// maybe at once.
	Drain(done func())
}

// kind is a protocol that a server can speak.
type kind struct {
	name    string                       // of its flag, and of its key in the ready line
	address func(*Config) string         // where to listen; "" for not at all
	ready   func(*control.Ready) *string // its key
	// make returns the protocol and what is its own of how it listens.
	make func(*server, *plan) (protocol, loop.ListenOptions, error)
}

// kinds are all protocols, in the order in which they start to listen.
var kinds = []kind{
	{
		"http", func(c *Config) string { return c.HTTP }, func(r *control.Ready) *string { return &r.HTTP },
		func(s *server, where *plan) (protocol, loop.ListenOptions, error) {
			p, err := s.newHTTP(where.web, len(where.services))
			return p, loop.ListenOptions{Refusal: httpd.Refusal()}, err
		},
	},
	{
		"raw", func(c *Config) string { return c.Raw }, func(r *control.Ready) *string { return &r.Raw },
		func(s *server, _ *plan) (protocol, loop.ListenOptions, error) {
			return rawd.New(s.loop), loop.ListenOptions{}, nil
		},
	},
	{
		"echo", func(c *Config) string { return c.Echo }, func(r *control.Ready) *string { return &r.Echo },
		func(s *server, _ *plan) (protocol, loop.ListenOptions, error) {
			return echod.New(s.loop, max(s.cfg.EchoBytes, 1)), loop.ListenOptions{}, nil
		},
	},
	{
		"ftp", func(c *Config) string { return c.FTP.Address }, func(r *control.Ready) *string { return &r.FTP },
		func(s *server, where *plan) (protocol, loop.ListenOptions, error) {
			return s.newFTP(where.ports), ftpd.ListenOptions(), nil
		},
	},
}

// place is where a protocol shall listen.
type place struct {
	kind *kind
	at   netip.AddrPort
}

// places finds out which protocols are asked for, and where.
func (c *Config) places() (all []place, err error) {
	for i := range kinds {
		k := &kinds[i]
		text := k.address(c)
		if text == "" {
			continue
		}
		at, err := parseAddress(text)
		if err != nil {
			return nil, fmt.Errorf("%s address %w", k.name, err)
		}
		all = append(all, place{k, at})
	}
	if all == nil {
		return nil, errors.New("nothing to listen for: give an http, an ftp, a raw or an echo address")
	}
	return all, nil
}

// service is a protocol that the server speaks.
type service struct {
	name string
	protocol
	listener *loop.Listener
}

// listen opens the services.
func (s *server) listen(where plan) error {
	for _, p := range where.services {
		made, o, err := p.kind.make(s, &where)
		if err != nil {
			return err
		}
		o.Address = p.at
		o.Congestion, o.NoDelay = s.cfg.Congestion, true
		o.AcceptsPerTurn, o.DeferAccept = s.cfg.AcceptsPerTurn, s.cfg.DeferAccept
		o.ReusePort, o.First = s.cfg.Part > 0, s.cfg.Part == 1
		listener, err := s.loop.Listen(o, made.Accept)
		if err != nil {
			return fmt.Errorf("%s: %w", p.kind.name, err)
		}
		*p.kind.ready(&s.ready) = listener.Addr().String()
		s.services = append(s.services, service{p.kind.name, made, listener})
	}
	return nil
}
