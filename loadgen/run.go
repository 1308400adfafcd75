package loadgen

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"medusa/control"
	"medusa/poller/loop"
)

// Config is a load process: the load, and where its results go.
type Config struct {
	Spec
	CPUs    []int  // to pin the process to; empty leaves it where it is
	JSON    string // file for the report; "-" is standard output, "" none
	HLog    string // file for the HdrHistogram log; "" none
	HLogTag string // a name written into its head
	// Requests is a file for a line on each request, in the form of
	// WriteRequests; "" none. It is written after the drain.
	Requests string
	// Control takes commands from standard input and answers on standard
	// output: package control. Neither a summary nor JSON is printed then.
	Control bool
}

// Check says what is wrong with a Config, in one line that names the flag.
func (c Config) Check() error {
	switch {
	case c.Control && c.JSON == "-":
		return errors.New("--json -: with --control standard output is the runner's; give a file")
	case c.HLog == "-":
		return errors.New("--hlog -: give a file")
	case c.Requests == "-":
		return errors.New("--requests -: give a file")
	}
	if c.Backend != "" {
		if err := (loop.Config{Backend: c.Backend}).Check(); err != nil {
			return fmt.Errorf("--backend: %w", err)
		}
	}
	return c.Spec.Check()
}

// ErrInterrupted is returned by Run after a signal.
var ErrInterrupted = errors.New("interrupted before the end of the window; nothing was measured")

// process is a running load process.
type process struct {
	cfg    Config
	loop   *loop.Loop
	gen    *Generator
	events *control.Writer
	stdout io.Writer
	json   io.WriteCloser
	hlog   io.WriteCloser
	logErr error          // why there is no latency log
	each   io.WriteCloser // of Requests
	log    *requestLog    // nil without Requests
	began  time.Time      // wall clock at the window's start
	due    bool           // go came before the fill ended
	err    error          // what Run returns
}

// Run looks the URL's host up, opens the connections, puts the load on and
// reports. It ends early at a signal. An error means that nothing or only
// failures were measured; wrong use is found by Config's Check before.
//
// Run changes the process: its CPUs, GOMAXPROCS and the collector's pace.
func Run(signals <-chan os.Signal, cfg Config, stdin io.Reader, stdout io.Writer) error {
	p := &process{cfg: cfg, events: control.NewWriter(stdout), stdout: stdout}
	err := p.run(signals, stdin)
	if err != nil && cfg.Control {
		// Whoever reads the events may not see standard error. If this cannot
		// be written either, err still says more than that.
		_ = p.events.Send(control.Event{Event: "error", Message: err.Error()})
	}
	return err
}

func (p *process) run(signals <-chan os.Signal, stdin io.Reader) (err error) {
	cfg := &p.cfg
	if err := cfg.Check(); err != nil {
		return err
	}
	if cfg.Address, err = lookUp(cfg.Spec); err != nil {
		return err
	}
	if err := control.Pin(cfg.CPUs); err != nil {
		return err
	}
	if p.json, err = create(cfg.JSON, p.stdout); err != nil {
		return fmt.Errorf("--json: %w", err)
	}
	if err := p.openLog(); err != nil {
		return err
	}
	defer func() { _ = p.hlog.Close() }() // where no report came to be; else again
	if p.each, err = create(cfg.Requests, p.stdout); err != nil {
		return fmt.Errorf("--requests: %w", err)
	}
	// Without a connection for each request nothing is allocated for one.
	// With it, fewer collections disturb less; the heap is small.
	debug.SetGCPercent(800)
	if p.loop, err = openLoop(cfg.Spec); err != nil {
		return err
	}
	if p.gen, err = New(p.loop, cfg.Spec, p.progress); err != nil {
		return err
	}
	if cfg.Requests != "" {
		p.log = newRequestLog(cfg.Spec)
		p.gen.Observe(p.log.add)
	}
	p.loop.Post(p.begin)
	ended := make(chan struct{})
	go p.watch(signals, ended)
	if cfg.Control {
		go p.obey(stdin)
	}
	err = p.loop.Run()
	close(ended)
	for _, f := range []io.Closer{p.json, p.each} {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}
	if p.err != nil {
		return p.err
	}
	return err
}

// Preferred are the backends that suit a generator, the best first: whatever it
// does with each request by a system call of its own hides what a server saves by
// doing without.
var Preferred = []string{"io_uring", "kqueue", "epoll", "poll"}

// preferred is the first of Preferred that is here, or else the first of all.
func preferred(all []loop.BackendInfo) string {
	first := ""
	for _, name := range Preferred {
		for _, b := range all {
			if b.Missing == "" {
				if b.Name == name {
					return name
				}
				first = cmp.Or(first, b.Name)
			}
		}
	}
	return first
}

// openLoop opens the loop that a Spec asks for.
func openLoop(s Spec) (*loop.Loop, error) {
	if s.Backend == "" {
		s.Backend = preferred(loop.Backends())
	}
	_, size, err := s.request()
	if err != nil {
		return nil, err
	}
	cfg := loop.Config{Backend: s.Backend, Stamp: true, Out: loop.DefaultBuffer}
	for cfg.Out < size*s.Depth {
		cfg.Out *= 2
	}
	if s.Pacing == Busy {
		cfg.Busy = true
	} else {
		cfg.Spin = Spin
	}
	return loop.New(cfg)
}

// lookUp finds the address of a Spec's URL, once for all connections.
func lookUp(s Spec) (netip.AddrPort, error) {
	t, err := s.parse()
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := strconv.ParseUint(t.port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, err // parse has looked at it already
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", t.name)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("URL %q: looking its host up: %w", s.URL, err)
	}
	return netip.AddrPortFrom(ips[0].Unmap(), uint16(port)), nil
}

// discard is the file of a report that nobody wants, and keep one that is not
// ours to close.
type discard struct{ io.Writer }

func (discard) Close() error { return nil }

// create opens a file to write, before anything is measured.
func create(name string, stdout io.Writer) (io.WriteCloser, error) {
	switch name {
	case "":
		return discard{io.Discard}, nil
	case "-":
		return discard{stdout}, nil
	}
	return os.Create(name)
}

// begin is the loop's first act, so that the descriptors that the loop itself
// needs are open.
func (p *process) begin() {
	r := control.Ready{
		PID: os.Getpid(), Backend: p.loop.Backend(), Engine: p.loop.Engine(),
		GOMAXPROCS: runtime.GOMAXPROCS(0), CPUs: control.CPUs(),
		NoFile: control.NoFile(), OpenFDs: control.OpenFDs(),
	}
	r.UsableFDs = control.Usable(r.NoFile, r.OpenFDs)
	if want := p.cfg.Connections + p.cfg.Idle; want > r.UsableFDs {
		p.fail(fmt.Errorf("%d connections do not fit: under the descriptor limit of %d this process has %d left; raise it (ulimit -n) or ask for fewer", want, r.NoFile, r.UsableFDs))
		return
	}
	p.tell(control.Event{Event: "ready", AtNs: control.Monotonic(), Ready: &r})
	p.gen.Start()
}

// watch ends the loop at a signal.
func (p *process) watch(signals <-chan os.Signal, ended <-chan struct{}) {
	select {
	case <-signals:
		p.loop.Post(func() { p.fail(ErrInterrupted) })
	case <-ended:
	}
}

// obey carries out commands until the input ends, which ends the process: it
// is how it notices that its runner is gone.
func (p *process) obey(stdin io.Reader) {
	err := control.Commands(stdin, func(c control.Command) bool {
		switch c.Do {
		case "go":
			p.loop.Post(func() {
				p.due = true
				p.gen.Go()
			})
		case "snapshot":
			p.loop.Post(func() {
				if c.Settle {
					control.Settle()
				}
				s := snapshot(p.loop, c.Full)
				p.tell(control.Event{Event: "snapshot", Snapshot: &s})
			})
		case "stop":
			return false
		}
		return true
	})
	p.loop.Post(func() { p.fail(err) })
}

// fail ends the loop, with an error if err is not nil.
func (p *process) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.loop.Stop()
}

// tell sends an event to the runner, if there is one.
func (p *process) tell(e control.Event) {
	if !p.cfg.Control {
		return
	}
	if err := p.events.Send(e); err != nil {
		p.fail(err)
	}
}

// monotonic is a moment of the loop's clock on CLOCK_MONOTONIC.
func (p *process) monotonic(at loop.Time) int64 {
	return control.Monotonic() - int64(p.loop.Now()-at)
}

// progress follows the generator.
func (p *process) progress(e Event) {
	switch e.Stage {
	case Failed:
		p.fail(e.Err)
	case Filled:
		// What the fill left to collect is collected before the window.
		runtime.GC()
		f := p.gen.Filled()
		p.tell(control.Event{Event: "filled", Filled: &f})
		if p.due || !p.cfg.Control {
			p.gen.Go()
		}
	case Measuring:
		p.tell(control.Event{Event: "measure", AtNs: p.monotonic(e.At)})
		p.began = p.loop.Wall()
	case Measured:
		p.tell(control.Event{Event: "done", AtNs: p.monotonic(e.At)})
	case Reported:
		p.fail(p.report(p.gen.Report()))
	}
}

// report writes the results.
func (p *process) report(r *Report) error {
	if err := p.writeLog(r); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if p.log != nil {
		if err := WriteRequests(p.each, p.log.in(p.gen, monotonicBase(p.loop))); err != nil {
			return fmt.Errorf("--requests %s: %w", p.cfg.Requests, err)
		}
	}
	if _, err := p.json.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("--json %s: %w", p.cfg.JSON, err)
	}
	if p.cfg.Control {
		return p.events.Send(control.Event{Event: "report", Report: text})
	}
	if p.cfg.JSON != "-" {
		if _, err := io.WriteString(p.stdout, r.Summary()); err != nil {
			return fmt.Errorf("summary: %w", err)
		}
	}
	if r.Requests == 0 {
		return fmt.Errorf("none of %d requests was answered well (%s): nothing could be measured", r.Scheduled, counted(r.Errors))
	}
	return nil
}
