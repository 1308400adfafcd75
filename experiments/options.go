package experiments

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"slices"

	"medusa/experiments/peers"
	"medusa/loadgen"
	"medusa/results"
)

// Options say how a suite is run.
type Options struct {
	Suite *Suite
	Request
	// Dir is the run folder; "" for DefaultDir below the working directory.
	Dir string
	// Here lists the I/O backends, and why those that are not here are not.
	Here func() []BackendInfo
	// ServerBinary and LoadBinary are run with the arguments `serve ...` and
	// `load ...`; "" for this program's own file.
	ServerBinary, LoadBinary string
	// ServerVia and LoadVia are put before the command, such as "ssh n1" or
	// "srun -w n2": words, quoted as in a shell.
	ServerVia, LoadVia string
	// Address is the IP address that servers listen on; "" for an address of
	// 127/8 for each trial (Linux) or 127.0.0.1. With ServerVia or LoadVia on
	// another machine it is needed.
	Address string
	// LoadBackend is the generator's backend; "" for the first of
	// loadgen.Preferred that is here.
	LoadBackend string
	// Certificate is the machine's, of `medusa calibrate`; nil: it has none.
	Certificate *results.Certificate
	Version     string    // of this program, for the record
	Progress    io.Writer // estimate and progress; nil: nowhere
	Launcher    Launcher  // nil: Processes
	Timeouts    Timeouts
	// NoisyAnyway runs beside other programs, too: the machine is looked at
	// only for the record.
	NoisyAnyway bool
	Checkup     *results.Checkup // what Run found; it goes into the run folder
}

// FlagError is an option that makes no sense: a mistake of whoever gave it.
type FlagError struct{ error }

func (f FlagError) Unwrap() error { return f.error }

func badFlag(format string, args ...any) error { return FlagError{fmt.Errorf(format, args...)} }

// Check returns the error with which Run would refuse these options on this
// machine before it starts a process: a FlagError, or what is missing here.
// The suite and the request are MakePlan's to check.
func (o Options) Check() error {
	_, err := o.bench(ThisHost(o.Here()))
	return err
}

// elsewhere are commands that start a process on another machine as a rule.
var elsewhere = []string{"ssh", "srun"}

// bench prepares what trials share and checks what can be checked before.
func (o *Options) bench(host Host) (*bench, error) {
	b := &bench{
		launcher: o.Launcher, host: host, loadBackend: o.LoadBackend, timeouts: o.Timeouts.orDefaults(), signals: machineSignals(), speed: speed,
		peers: map[string]peers.Spec{}, generators: map[string]peers.Generator{},
	}
	if o.Suite != nil { // Check works without one
		for _, server := range o.Suite.Servers {
			b.peers[server.Name] = server.Spec
		}
		for _, g := range o.Suite.Generators {
			b.generators[g.Name] = g.Generator
		}
	}
	if b.launcher == nil {
		b.launcher = Processes{}
	}
	for _, c := range []struct {
		into          *command
		binary, words string
		flag          string
	}{{&b.server, o.ServerBinary, o.ServerVia, "--server-via"}, {&b.load, o.LoadBinary, o.LoadVia, "--load-via"}} {
		var err error
		if c.into.via, err = splitWords(c.words); err != nil {
			return nil, badFlag("%s %w", c.flag, err)
		}
		if c.into.binary = c.binary; c.binary == "" {
			if c.into.binary, err = os.Executable(); err != nil {
				return nil, fmt.Errorf("cannot find this program's own file: %w", err)
			}
		}
		if c.into.away() && o.Address == "" {
			return nil, badFlag("%s %s: the other machine does not reach a server on this one's loopback; give the server's address with --address", c.flag, c.words)
		}
		if o.Launcher != nil {
			continue
		}
		// A prefix decides for itself where the binary is.
		first := c.into.argv(nil)[0]
		if _, err := exec.LookPath(first); err != nil {
			return nil, fmt.Errorf("cannot run %s: %w", first, err)
		}
	}
	if o.ServerVia+o.LoadVia != "" && o.Suite != nil && slices.ContainsFunc(o.Suite.Grids, func(g Grid) bool { return g.asks("fault") }) {
		return nil, badFlag("--server-via and --load-via: the faults of the suite %s need server and load on this machine, whose clock they share", o.Suite.Name)
	}
	if o.Address != "" {
		var err error
		if b.address, err = netip.ParseAddr(o.Address); err != nil {
			return nil, badFlag("--address %q is no IP address", o.Address)
		}
	}
	if b.loadBackend == "" {
		here := host.here()
		for _, name := range append(slices.Clone(loadgen.Preferred), here...) {
			if contains(here, name) {
				b.loadBackend = name
				break
			}
		}
	}
	why, err := host.backend(b.loadBackend)
	if err != nil {
		return nil, badFlag("--load-backend: %w", err)
	}
	if why != "" {
		return nil, fmt.Errorf("the generator's backend %s is not here: %s", b.loadBackend, why)
	}
	return b, nil
}
