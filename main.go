// Medusa measures what I/O multiplexing costs a server: interchangeable
// backends (select, poll, epoll, goroutines, ...) drive the same protocol
// channels under a load generator of its own, and every run ends in a report
// with plots. See README.md.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1 // it failed, or nothing could be measured
	exitUsage  = 2 // wrong usage, or a bad suite
)

// cli is the grammar of the command line.
type cli struct {
	Run         runCmd         `cmd:"" help:"Run a suite: trials in fresh processes, then the report."`
	Suites      suitesCmd      `cmd:"" help:"List the shipped suites, or show one."`
	Report      reportCmd      `cmd:"" help:"Write report.html and the figures of a run again."`
	Compare     compareCmd     `cmd:"" help:"Compare levels inside a run, pair by pair, or two runs through their anchor."`
	Export      exportCmd      `cmd:"" help:"Write a run's trials as CSV, or in the Go benchmark format for benchstat."`
	Plot        plotCmd        `cmd:"" help:"Draw a figure from a run's records."`
	Columns     columnsCmd     `cmd:"" help:"List the names that stand on axes, in tables and in suites, with unit and meaning."`
	Rerun       rerunCmd       `cmd:"" help:"Make a run again, here and now, and say which of its claims hold."`
	Verify      verifyCmd      `cmd:"" help:"Recompute everything in a run from its trials.jsonl and compare."`
	Serve       serveCmd       `cmd:"" help:"Serve HTTP, FTP, or fixed bytes, on a backend."`
	Passwd      passwdCmd      `cmd:"" help:"Set the password of a user of 'medusa serve --users'."`
	Load        loadCmd        `cmd:"" help:"Put a load on a server and say how it responded."`
	Fault       faultCmd       `cmd:"" help:"Be the clients that a server would rather not have: silent, slow, resetting, vanishing, in crowds."`
	Calibrate   calibrateCmd   `cmd:"" help:"Prove the generator on this machine: hold it against servers whose every delay is known, and measure the wake floor."`
	TruthServer truthServerCmd `cmd:"" name:"truth-server" hidden:"" help:"A server whose every delay is known, for calibrate."`
	Backends    backendsCmd    `cmd:"" help:"List the I/O backends, here or not, and why not."`
	Doctor      doctorCmd      `cmd:"" help:"Say what on this machine will spoil a measurement or stop a suite, and what to do about it."`
	Version     versionCmd     `cmd:"" help:"Print the version."`

	Peer       peerCmd       `cmd:"" hidden:"" help:"Run a server of another program for the runner of a suite."`
	LoadPart   loadPartCmd   `cmd:"" hidden:"" help:"Put a part of a load on, for the load command."`
	ServePart  servePartCmd  `cmd:"" hidden:"" help:"Be one of several processes of a server, for the serve command."`
	LoadPeer   loadPeerCmd   `cmd:"" hidden:"" help:"Run a load generator of another program for the runner of a suite."`
	PeerServer peerServerCmd `cmd:"" hidden:"" help:"Serve with fasthttp or net/http, to be compared with."`
}

// streams are the standard streams, so that tests can give their own.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// usageError is a mistake of the user's: exit status 2.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

func main() {
	os.Exit(Main(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// Main runs a command line and returns the exit status.
func Main(args []string, s streams) int {
	var c cli
	// kong ends the process itself after --help; that must not look like an
	// error to the code below.
	status := -1
	parser, err := kong.New(&c,
		kong.Name("medusa"),
		kong.Description(description()),
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { status = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Help(helpWithExample),
		kong.Bind(s),
	)
	if err != nil {
		return complain(s, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if status >= 0 {
		return status
	}
	if err != nil {
		return complain(s, usage(err))
	}
	return complain(s, ctx.Run(s))
}

// description is what the help begins with. It names the backends that this
// system has, so that it promises none that it lacks.
func description() string {
	var names []string
	for _, b := range here() {
		if b.Why == "" {
			names = append(names, b.Name)
		}
	}
	return "What does each way to wait for I/O cost your server? Medusa drives the same server with each (here: " + strings.Join(names, ", ") +
		"), under its own load generator, and reports with honest uncertainty.\n\nStart with: medusa run quick"
}

// complain prints an error as one line and returns the exit status for it.
func complain(s streams, err error) int {
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(s.err, "medusa: %v\n", err)
	var u usageError
	if errors.As(err, &u) {
		return exitUsage
	}
	return exitFailed
}

// examples stand at the end of each command's help.
var examples = map[string]string{
	"run":       "medusa run quick\n  medusa run connections --only backend=epoll,poll --blocks 6 --budget 10m\n  medusa run ./mine.yaml --dry-run\n  medusa run --resume results/runs/quick-20261122-120000",
	"suites":    "medusa suites\n  medusa suites show quick > mine.yaml",
	"report":    "medusa report results/runs/quick-20261122-120000",
	"plot":      "medusa plot RUN --x idle_connections --y server_cpu_us_per_request --by backend --out cost.svg",
	"compare":   "medusa compare RUN --by backend --fail-if 'any.slower'\n  medusa compare RUN --metric response_p99_us --where idle_connections=0\n  medusa compare RUN_A RUN_B",
	"export":    "medusa export RUN --csv > trials.csv\n  medusa export RUN --benchfmt\n  medusa export RUN --slopes",
	"columns":   "medusa columns",
	"rerun":     "medusa rerun results/reference/quick --budget 15m\n  medusa rerun RUN --with OTHER_RUN --json",
	"verify":    "medusa verify results/runs/quick-20261122-120000",
	"serve":     "medusa serve --root . --http 127.0.0.1:8080 --backend poll\n  medusa serve --fixed --http 127.0.0.1:8080 --processes 2 --cpu 0,1",
	"load":      "medusa load http://127.0.0.1:8080/README.md --rate 1000 --duration 10s\n  medusa load http://127.0.0.1:8080/README.md --rate 1000 --idle 30000 --processes 2",
	"fault":     "medusa fault silent http://127.0.0.1:8080/ --connections 5000 --duration 30s\n  medusa fault stopped-reader http://127.0.0.1:8080/fixed/1048576",
	"calibrate": "medusa calibrate --quick\n  medusa calibrate --figure excess.svg",
	"backends":  "medusa backends",
	"doctor":    "medusa doctor\n  medusa doctor idle-connections\n  medusa doctor --json quick",
	"version":   "medusa version",

	"peer":        "medusa peer '{\"name\":\"nginx\",\"command\":[\"nginx\"],\"ready\":\"/\"}' --address 127.0.0.1",
	"load-peer":   "medusa load-peer '{\"name\":\"wrk\",\"command\":[\"wrk\",\"--latency\",\"{url}\"],\"output\":\"wrk\"}' --url http://127.0.0.1:8080/",
	"peer-server": "medusa peer-server fasthttp --address 127.0.0.1:8080",
}

func helpWithExample(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	if n := ctx.Selected(); n != nil {
		if e := examples[n.Name]; e != "" {
			fmt.Fprintf(ctx.Stdout, "\nExample:\n  %s\n", e)
		}
	}
	return nil
}

// interrupts delivers the signals that end a process in order.
func interrupts() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 2)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTERM)
	return c, func() { signal.Stop(c) }
}

type versionCmd struct{}

func (versionCmd) Run(s streams) error {
	fmt.Fprintln(s.out, "medusa", version())
	return nil
}

// buildVersion is set by the Makefile (git describe).
var buildVersion string

// version is what records and reports say of this binary.
func version() string {
	if buildVersion != "" {
		return buildVersion
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return info.Main.Version
}
