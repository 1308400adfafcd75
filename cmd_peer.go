package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"medusa/experiments/peers"
)

// peerCmd is started by the runner in place of serve, for a level that names a
// server of another program.
type peerCmd struct {
	Spec     string        `arg:"" help:"The server, as JSON, or that in base64url."`
	Control  string        `enum:"stdio" default:"stdio" help:"Take commands on standard input and answer on standard output."`
	Address  netip.Addr    `required:"" help:"IP address to listen on." placeholder:"IP"`
	Root     string        `help:"Directory whose files it serves." placeholder:"DIR"`
	Temp     string        `help:"Where the folder of its configuration is made." placeholder:"DIR"`
	Nofile   uint64        `help:"Limit of descriptors (RLIMIT_NOFILE, soft and hard)." placeholder:"N"`
	CPU      []int         `name:"cpu" help:"CPUs of the server." placeholder:"LIST"`
	OwnCPU   []int         `name:"own-cpu" help:"CPUs of this process, which watches it." placeholder:"LIST"`
	Patience time.Duration `default:"10s" help:"How long the server may take to answer (${default})." placeholder:"D"`
}

func (c peerCmd) Run(s streams) error {
	cfg := peers.Config{Address: c.Address, Root: c.Root, Temp: c.Temp, NoFile: c.Nofile, CPUs: c.CPU, Own: c.OwnCPU, Patience: c.Patience}
	if err := decodeSpec(c.Spec, &cfg.Spec); err != nil {
		return err
	}
	if err := cfg.Check(); err != nil {
		return usage(err)
	}
	signals, stop := interrupts()
	defer stop()
	return peers.Run(signals, cfg, s.in, s.out)
}

// decodeSpec reads what the runner writes into one argument: JSON, in base64url
// so that no shell on the way takes its quotes for its own.
func decodeSpec(argument string, into any) error {
	text := []byte(argument)
	if !strings.HasPrefix(argument, "{") {
		var err error
		if text, err = base64.RawURLEncoding.DecodeString(argument); err != nil {
			return usage(fmt.Errorf("the program is described neither in JSON nor in base64url: %w", err))
		}
	}
	if err := json.Unmarshal(text, into); err != nil {
		return usage(fmt.Errorf("the program is not described in JSON: %w", err))
	}
	return nil
}

// loadPeerCmd is started by the runner in place of load, for a level that names
// a generator of another program.
type loadPeerCmd struct {
	Spec        string        `arg:"" help:"The generator, as JSON, or that in base64url."`
	Control     string        `enum:"stdio" default:"stdio" help:"Take commands on standard input and answer on standard output."`
	URL         string        `name:"url" required:"" help:"What to ask." placeholder:"URL"`
	Connections int           `default:"64" help:"Connections that ask (${default})." placeholder:"N"`
	Warmup      time.Duration `default:"1s" help:"A run before, whole seconds, not measured (${default})." placeholder:"D"`
	Duration    time.Duration `default:"10s" help:"The window, whole seconds (${default})." placeholder:"D"`
	Timeout     time.Duration `default:"1s" help:"Of a request (${default})." placeholder:"D"`
	CPU         []int         `name:"cpu" help:"CPUs to run on." placeholder:"LIST"`
}

func (c loadPeerCmd) Run(s streams) error {
	load := peers.Load{URL: c.URL, Connections: c.Connections, Warmup: c.Warmup, Duration: c.Duration, Timeout: c.Timeout, CPUs: c.CPU}
	if err := decodeSpec(c.Spec, &load.Generator); err != nil {
		return err
	}
	if err := load.Check(); err != nil {
		return usage(err)
	}
	signals, stop := interrupts()
	defer stop()
	return peers.Generate(signals, load, s.in, s.out)
}

type peerServerCmd struct {
	Name    string         `arg:"" enum:"fasthttp,nethttp" help:"fasthttp or nethttp."`
	Address netip.AddrPort `help:"IP:PORT to listen on." placeholder:"ADDRESS"`
	Root    string         `help:"Directory whose files it serves." default:"." placeholder:"DIR"`
	Version bool           `help:"Print its version."`
}

func (c peerServerCmd) Run(s streams) error {
	if c.Version {
		fmt.Fprintln(s.out, peers.GoServers[c.Name].Version())
		return nil
	}
	if !c.Address.IsValid() {
		return usage(fmt.Errorf("give --address, such as 127.0.0.1:8080"))
	}
	signals, stop := interrupts()
	defer stop()
	return peers.ServeGo(signals, c.Name, c.Address, c.Root)
}
