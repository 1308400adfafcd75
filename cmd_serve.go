package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"medusa/loadgen"
	"medusa/poller/loop"
	"medusa/servers"
)

type serveCmd struct {
	Backend        string        `default:"epoll" help:"I/O backend (${default}); see 'medusa backends'." placeholder:"NAME"`
	HTTP           string        `name:"http" help:"Serve HTTP on HOST:PORT; port 0 asks for any." placeholder:"ADDRESS"`
	Raw            string        `help:"Answer each CRLFCRLF on HOST:PORT with fixed bytes, parsing nothing: the cost of the loop itself." placeholder:"ADDRESS"`
	Echo           string        `help:"Send back on HOST:PORT what comes." placeholder:"ADDRESS"`
	EchoBytes      int           `help:"Count so many bytes echoed as one request, 1 to 1048576 (1)." placeholder:"BYTES"`
	Root           string        `help:"Directory whose files HTTP and FTP serve." placeholder:"DIR"`
	Vhost          []string      `sep:"none" help:"Files for one host name instead, as example.org=DIR. Repeatable." placeholder:"NAME=DIR"`
	Listing        bool          `help:"List directories that have no index.html."`
	Fixed          bool          `help:"Serve /fixed/N over HTTP: a body of N bytes, up to 1 MiB."`
	Delay          bool          `help:"Serve /delay/DURATION over HTTP: an answer after that time, up to 1m."`
	Redirect       []string      `sep:"none" help:"Send HTTP clients from a path, and those below it, elsewhere (307). Repeatable; the longest path counts." placeholder:"FROM=TO"`
	Proxy          []string      `sep:"none" help:"Pass requests for a path, and those below it, on to another HTTP server, as /api=http://127.0.0.1:8081. Repeatable; the longest path counts, of redirects too." placeholder:"PREFIX=URL"`
	AccessLog      string        `help:"Append a line for each HTTP request to a file (Combined Log Format)." placeholder:"FILE"`
	MaxContent     int64         `help:"The most content of an HTTP request (1048576)." placeholder:"BYTES"`
	Nofile         uint64        `help:"Limit the process to N descriptors (RLIMIT_NOFILE, soft and hard); without it the soft limit is raised to the hard one." placeholder:"N"`
	ReserveFDs     int           `name:"reserve-fds" help:"Descriptors that connections leave free, for files (a 64th of the limit, from 8 to 256, and one for each further service and site)." placeholder:"N"`
	CPU            []int         `name:"cpu" help:"CPUs to run on." placeholder:"LIST"`
	In             int           `help:"User-space input buffer: a power of two from 512 to 1048576 (16384)." placeholder:"BYTES"`
	Out            int           `help:"User-space output buffer: a power of two from 512 to 1048576 (16384)." placeholder:"BYTES"`
	Buffers        string        `help:"Buffers for all and by the peer's network, as 'default=4KiB; 10.0.0.0/8=256KiB; 127.0.0.0/8=auto'. An entry is a size in and out, auto (out follows what the peer takes, and so does what waits in the kernel), or some of in=SIZE, out=SIZE, receive=SIZE and send=SIZE (SO_RCVBUF, SO_SNDBUF: a size turns the kernel's own tuning off), owned (kept as long as the connection lives), auto, with commas between. budget=SIZE bounds all that are auto together (64MiB)." placeholder:"SPEC"`
	FileIO         string        `name:"file-io" default:"sendfile" enum:"sendfile,copy" help:"How files are sent: by sendfile, or copied: read into an output buffer and sent from it (${default})." placeholder:"KIND"`
	ColdFiles      string        `default:"loop" enum:"loop,work,ring" help:"Who waits for the disk where a file is not in the page cache: the loop, and with it all connections; work, a thread that reads it while the loop goes on; or ring, on the backend io_uring, the kernel (${default}). The last two ask the kernel before they send what it has (Linux)." placeholder:"KIND"`
	Wait           string        `default:"block" enum:"block,poll" help:"How to wait for events: block, or poll without sleeping (${default})." placeholder:"KIND"`
	RingWithout    string        `help:"Features that io_uring shall do without, to find out what they are worth: some of defer-taskrun, single-issuer, no-sqarray, registered-ring, multishot, buffer-groups, skip-success, batching." placeholder:"LIST"`
	Burn           float64       `help:"Burn so much more CPU time than is used, as a share of it from 0 to 1: a server that is slower by a known amount, to try a comparison with." placeholder:"SHARE"`
	Congestion     string        `help:"Congestion control of accepted connections; the system's, without." placeholder:"NAME"`
	MaxConnections int           `help:"Connections served at once, if descriptors suffice for so many. Up to 4 more are open for a moment where --on-full is reap." placeholder:"N"`
	OnFull         string        `default:"pause" enum:"pause,shed,reap" help:"What becomes of who comes when all places are taken: pause lets him wait in the backlog, shed refuses him (HTTP: 503), reap closes the connection that has been idle longest (${default})." placeholder:"POLICY"`
	AcceptsPerTurn int           `default:"64" help:"Connections accepted one after the other, 1 to 65536 (${default})." placeholder:"N"`
	DeferAccept    time.Duration `help:"Leave who connected in the kernel until he has sent something, or for about so long (TCP_DEFER_ACCEPT; Linux)." placeholder:"D"`
	HeadTimeout    time.Duration `default:"10s" help:"How long the head of an HTTP request may take (${default}); --head-timeout=-1s, with the =, is any time." placeholder:"D"`
	FDBase         int           `name:"fd-base" help:"Take all descriptors below N before listening, so that connections have higher numbers: select looks at every number up to the highest, poll at those it is given." placeholder:"N"`
	IdleTimeout    time.Duration `default:"1m" help:"Close HTTP connections that are silent this long (${default}); --idle-timeout=-1s, with the =, never does." placeholder:"D"`
	Processes      int           `default:"1" help:"Processes that share the addresses, 1 to 64 (${default}): each has its own loop, descriptor limit and CPU of --cpu, and the kernel spreads connections among them (SO_REUSEPORT). --max-connections is divided among them; --access-log is for one process." placeholder:"N"`
	FTP            ftpFlags      `embed:""`
	Control        string        `hidden:"" enum:",stdio" default:"" help:"Take commands on standard input and answer on standard output (stdio)."`
}

func (c serveCmd) Run(s streams) error {
	cfg := servers.Config{
		Backend: c.Backend, HTTP: c.HTTP, Raw: c.Raw, Echo: c.Echo, EchoBytes: c.EchoBytes, Root: c.Root, Fixed: c.Fixed,
		Hosts: c.Vhost, Listing: c.Listing, Delay: c.Delay, Redirects: c.Redirect, Proxies: c.Proxy,
		AccessLog: c.AccessLog, MaxContent: c.MaxContent,
		In: c.In, Out: c.Out, Buffers: c.Buffers, CopyFiles: c.FileIO == "copy", ColdFiles: c.ColdFiles, Wait: c.Wait, NoFile: c.Nofile, CPUs: c.CPU, Congestion: c.Congestion,
		ReserveFDs: c.ReserveFDs, OnFull: c.OnFull, AcceptsPerTurn: c.AcceptsPerTurn, DeferAccept: c.DeferAccept, HeadTimeout: c.HeadTimeout,
		MaxConnections: c.MaxConnections, FDBase: c.FDBase, RingWithout: c.RingWithout, Burn: c.Burn, IdleTimeout: c.IdleTimeout, Control: c.Control != "",
		Processes: c.Processes, FTP: c.FTP.config(),
	}
	if c.AcceptsPerTurn == 0 {
		return usage(fmt.Errorf("0 accepts per turn: give a number from 1 to %d", loop.MaxAcceptsPerTurn))
	}
	if c.Processes == 0 {
		return usage(fmt.Errorf("0 processes: give a number from 1 to %d", servers.MaxProcesses))
	}
	if err := cfg.Check(); err != nil {
		return usage(err)
	}
	signals, stop := interrupts()
	defer stop()
	return servers.Run(signals, cfg, s.in, s.out)
}

type loadCmd struct {
	loadgen.Flags `embed:""`
}

func (c loadCmd) Run(s streams) error {
	cfg, err := c.Config()
	if err != nil {
		return usage(err)
	}
	if err := cfg.Check(); err != nil {
		return usage(err)
	}
	if c.Backend != "" {
		if err := (loop.Config{Backend: c.Backend}).Check(); err != nil {
			return usage(err)
		}
	}
	signals, stop := interrupts()
	defer stop()
	return loadgen.Run(signals, cfg, s.in, s.out)
}

type backendsCmd struct {
	JSON bool `name:"json" help:"As JSON."`
}

func (c backendsCmd) Run(s streams) error {
	all := loop.Backends()
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		return e.Encode(all)
	}
	return writeBackends(s.out, all)
}

// writeBackends lists backends as people read them: a table, then what is to
// be known of each, and what the kernel granted to those that had to ask.
func writeBackends(out io.Writer, all []loop.BackendInfo) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tHERE\tENGINE\tREPORTS\tCOST OF A WAIT GROWS WITH")
	for _, b := range all {
		here := "yes"
		if b.Missing != "" {
			here = "no: " + b.Missing
		}
		cost := "ready descriptors"
		if b.Scans {
			cost = "descriptors held"
		}
		engine, mode := b.Engine, b.Mode
		if mode == "" {
			mode, cost = "-", "-"
		}
		if engine == "" {
			engine = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", b.Name, here, engine, mode, cost)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, b := range all {
		if b.Note != "" {
			fmt.Fprintf(out, "\n%s: %s\n", b.Name, b.Note)
		}
		if b.Granted != "" {
			fmt.Fprintf(out, "  %s was granted: %s\n", b.Name, b.Granted)
		}
	}
	return nil
}
