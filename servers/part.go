package servers

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"

	"medusa/control"
	"medusa/poller/loop"
)

// PartCommand is the command of this program that is one of the processes of a
// server, with one argument: see RunPart.
const PartCommand = "serve-part"

// MaxProcesses bounds Config.Processes.
const MaxProcesses = 64

// RunPart is Run for one of several processes, as its parent describes it. It
// ends when its standard input does.
func RunPart(argument string, stdin io.Reader, stdout io.Writer) error {
	text, err := base64.RawURLEncoding.DecodeString(argument)
	if err != nil {
		return fmt.Errorf("part of a server: %w", err)
	}
	var cfg Config
	if err := json.Unmarshal(text, &cfg); err != nil {
		return fmt.Errorf("part of a server: %w", err)
	}
	return Run(nil, cfg, stdin, stdout)
}

// argument is what RunPart reads: no list of processes takes its quotes for its
// own.
func (c Config) argument() (string, error) {
	text, err := json.Marshal(c)
	return base64.RawURLEncoding.EncodeToString(text), err
}

// checkProcesses refuses what makes no sense of several processes.
func (c *Config) checkProcesses() error {
	switch n := c.Processes; {
	case n < 0 || n > MaxProcesses:
		return fmt.Errorf("%d processes: give a number from 1 to %d", n, MaxProcesses)
	case n <= 1:
	case !loop.SpreadsConnections:
		return fmt.Errorf("%d processes: %s gives all connections of an address to one of the processes that listen there; give 1", n, runtime.GOOS)
	case c.AccessLog != "":
		return fmt.Errorf("an access log of %d processes: one process writes that file; give 1 process, or no access log", n)
	case c.MaxConnections > 0 && c.MaxConnections < n:
		return fmt.Errorf("at most %d connections in %d processes: each needs one at least", c.MaxConnections, n)
	}
	return nil
}

// divide makes of a server what each of its processes is. A bound on connections
// is divided, as the kernel gives a process its clients without regard to
// places elsewhere; limits on descriptors are each process's own. The ports are
// not yet those of the first one: see at.
func (c Config) divide() []Config {
	parts := make([]Config, c.Processes)
	for i := range parts {
		p := c
		p.Processes, p.Part, p.Control = 0, i+1, true
		if n := len(c.CPUs); n > 0 {
			p.CPUs = []int{c.CPUs[i%n]}
		}
		if c.MaxConnections > 0 {
			p.MaxConnections = c.MaxConnections / c.Processes
			if i < c.MaxConnections%c.Processes {
				p.MaxConnections++
			}
		}
		parts[i] = p
	}
	return parts
}

// at is the same with the ports that the first process listens on.
func (c Config) at(first *control.Ready) (Config, error) {
	for _, service := range []struct {
		address *string
		bound   string
	}{{&c.HTTP, first.HTTP}, {&c.Raw, first.Raw}, {&c.Echo, first.Echo}, {&c.FTP.Address, first.FTP}} {
		if *service.address == "" {
			continue
		}
		host, _, err := net.SplitHostPort(*service.address)
		if err != nil {
			return c, err
		}
		_, port, err := net.SplitHostPort(service.bound)
		if err != nil {
			return c, errors.New("the first process does not say where it listens")
		}
		*service.address = net.JoinHostPort(host, port)
	}
	return c, nil
}
