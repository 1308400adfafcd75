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
	// Background lets every other process go first: for a load that is not
	// measured itself, but put on beside one that is.
	Background bool
	// Control takes commands from standard input and answers on standard
	// output: package control. Neither a summary nor JSON is printed then.
	Control bool
	// Processes is how many processes put the load on, up to 64; 0 is as many
	// as the limit of descriptors asks for. TraceFile is what Schedule.Trace was
	// read from: they have to read it again.
	Processes int
	TraceFile string
	Part      bool // this process is one of several, for the one that started it
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
	case c.Requests != "" && c.Processes > 1:
		return errors.New("--requests: give --processes 1, one process writes that file")
	case c.Processes < 0 || c.Processes > MaxProcesses:
		return fmt.Errorf("--processes %d: give a number from 1 to %d, or 0 for as many as the descriptor limit asks for", c.Processes, MaxProcesses)
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
	outputs
	loop  *loop.Loop
	gen   *Generator
	each  io.WriteCloser // of Requests
	log   *requestLog    // nil without Requests
	began time.Time      // wall clock at the window's start
	due   bool           // go came before the fill ended
	base  loop.Time      // when the schedule is to begin; 0: when all is ready
	err   error          // what Run returns
}

// Run looks the URL's host up, opens the connections, puts the load on and
// reports. It ends early at a signal. An error means that nothing or only
// failures were measured; wrong use is found by Config's Check before.
//
// Run changes the process: its CPUs, GOMAXPROCS and the collector's pace.
func Run(signals <-chan os.Signal, cfg Config, stdin io.Reader, stdout io.Writer) error {
	o := outputs{cfg: cfg, events: control.NewWriter(stdout), stdout: stdout}
	err := o.run(signals, stdin)
	if err != nil && cfg.Control {
		// Whoever reads the events may not see standard error. If this cannot
		// be written either, err still says more than that.
		_ = o.events.Send(control.Event{Event: "error", Message: err.Error()})
	}
	return err
}

// run puts the load on in this process, or in several others.
func (o outputs) run(signals <-chan os.Signal, stdin io.Reader) (err error) {
	cfg := &o.cfg
	if err := cfg.Check(); err != nil {
		return err
	}
	if !cfg.Address.IsValid() { // else whoever started this part has looked it up
		if cfg.Address, err = lookUp(cfg.Spec); err != nil {
			return err
		}
	}
	if len(cfg.Sources) == 0 && !cfg.Part {
		cfg.Sources = Sources(cfg.Address.Addr(), cfg.open(), !cfg.brief(), control.EphemeralPorts())
	}
	if err := control.Pin(cfg.CPUs); err != nil {
		return err
	}
	if cfg.Background {
		if err := control.Background(); err != nil {
			return err
		}
	}
	if err := o.open(); err != nil {
		return err
	}
	defer o.close() // where no report came to be; else again
	loads := []Config{*cfg}
	if !cfg.Part && cfg.Processes != 1 {
		if loads, err = cfg.divide(cfg.Processes, Holds(control.NoFile())); err != nil {
			return err
		}
	}
	if len(loads) > 1 {
		if cfg.Requests != "" {
			return fmt.Errorf("--requests: this load needs %d processes, and one process writes that file; ask for fewer connections", len(loads))
		}
		return (&parent{outputs: o, loads: loads}).run(signals, stdin)
	}
	return (&process{outputs: o}).run(signals, stdin)
}

func (p *process) run(signals <-chan os.Signal, stdin io.Reader) (err error) {
	cfg := &p.cfg
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
	if s.isFTP() {
		cfg.In = ftpDataBuffer
	}
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
		return netip.AddrPort{}, fmt.Errorf("URL %q: looking its host up: %w", redacted(s.URL), err)
	}
	return netip.AddrPortFrom(ips[0].Unmap(), uint16(port)), nil
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
	if want := p.cfg.open(); want > r.UsableFDs {
		p.fail(fmt.Errorf("%d connections do not fit: under the descriptor limit of %d this process has %d left; raise it (ulimit -n) or ask for fewer", want, r.NoFile, r.UsableFDs))
		return
	}
	p.tell(control.Event{Event: "ready", AtNs: control.Monotonic(), Ready: &r})
	if !p.cfg.Part { // else at a command
		p.gen.Start()
	}
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
				if c.AtNs > 0 {
					p.base = loop.Time(c.AtNs) - monotonicBase(p.loop)
				}
				p.start()
			})
		case "fill":
			p.loop.Post(func() {
				p.loop.At(loop.Time(c.AtNs)-monotonicBase(p.loop), p.gen.Start)
			})
		case "report":
			p.loop.Post(p.gen.Conclude)
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

// start begins the load, at the moment that was given, if any.
func (p *process) start() {
	if p.base == 0 {
		p.gen.Go()
		return
	}
	p.gen.GoAt(p.base)
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
			p.start()
		}
	case Measuring:
		p.tell(control.Event{Event: "measure", AtNs: p.monotonic(e.At)})
		p.began = p.loop.Wall()
	case Measured:
		p.tell(control.Event{Event: "done", AtNs: p.monotonic(e.At)})
	case Reported:
		err := p.report(p.gen.Report())
		if err == nil && p.cfg.Part {
			return // its connections stay while others measure: a full server would give their places away
		}
		p.fail(err)
	}
}

// report writes the results, or hands them over.
func (p *process) report(r *Report) error {
	if p.cfg.Part {
		whole, err := p.gen.portion(r, int64(p.gen.edge[0].at+monotonicBase(p.loop)), p.began)
		if err != nil {
			return err
		}
		text, err := json.Marshal(whole)
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		return p.events.Send(control.Event{Event: "report", Report: text})
	}
	if p.log != nil {
		if err := WriteRequests(p.each, p.log.in(p.gen, monotonicBase(p.loop))); err != nil {
			return fmt.Errorf("--requests %s: %w", p.cfg.Requests, err)
		}
	}
	return p.outputs.report(&p.gen.ledger, r, p.began)
}
