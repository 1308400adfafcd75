package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"medusa/control"
	"medusa/loadgen"
	"medusa/poller/loop"
)

// Config is a process of faulty clients.
type Config struct {
	Spec
	Backend    string // "": the first of preferred that is here
	CPUs       []int  // to pin the process to; empty leaves it where it is
	Background bool   // every other process goes first
	JSON       bool   // the account is a JSON object
	// Control takes commands from standard input and answers on standard
	// output: package control. The fault then begins at "go".
	Control bool
}

// preferred are the backends that suit clients that hold many connections and
// must not read ahead, the best first.
var preferred = []string{"kqueue", "epoll", "poll"}

// Check says what is wrong with a Config, in one line that names the flag.
func (c Config) Check() error {
	if c.Backend != "" {
		if err := (loop.Config{Backend: c.Backend}).Check(); err != nil {
			return fmt.Errorf("--backend: %w", err)
		}
	}
	return c.Spec.Check()
}

// Account is what a fault did, and when: of `medusa fault --json`, and of the
// event "report".
type Account struct {
	Kind        string `json:"kind"`
	URL         string `json:"url"`
	Connections int    `json:"connections"`
	BeganNs     int64  `json:"began_ns"` // CLOCK_MONOTONIC
	EndedNs     int64  `json:"ended_ns"`
	Did         Did    `json:"did"`
}

// process is a running one.
type process struct {
	cfg     Config
	loop    *loop.Loop
	fault   *Fault
	events  *control.Writer
	stdout  io.Writer
	account Account
	begun   bool
	gone    bool  // and all clients have left
	stopped bool  // the runner needs the process no more
	err     error // what Run returns
}

// Run looks the URL's host up and puts the fault on it until it is over, a
// signal comes, or what control says. An error means that it could not be done
// at all; what the server made of it is in the account.
//
// Run changes the process: its CPUs, GOMAXPROCS and how it is scheduled.
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

func (p *process) run(signals <-chan os.Signal, stdin io.Reader) error {
	cfg := &p.cfg
	if err := cfg.Check(); err != nil {
		return err
	}
	at, request, err := loadgen.Resolve(cfg.URL, !Closes(cfg.Kind))
	if err != nil {
		return err
	}
	if err := control.Pin(cfg.CPUs); err != nil {
		return err
	}
	if cfg.Background {
		if err := control.Background(); err != nil {
			return err
		}
	}
	if p.loop, err = openLoop(cfg.Backend); err != nil {
		return err
	}
	if p.fault, err = New(p.loop, cfg.Spec, at, request, p.progress); err != nil {
		return err
	}
	p.account = Account{Kind: cfg.Kind, URL: cfg.URL, Connections: cfg.Connections}
	p.loop.Post(p.begin)
	ended := make(chan struct{})
	go func() {
		select {
		case <-signals:
			p.loop.Post(p.end)
		case <-ended:
		}
	}()
	if cfg.Control {
		go p.obey(stdin)
	}
	err = p.loop.Run()
	close(ended)
	if p.err != nil {
		return p.err
	}
	return err
}

// openLoop opens a loop on a backend, "" for the first of preferred.
func openLoop(backend string) (*loop.Loop, error) {
	all := loop.Backends()
	for _, name := range preferred {
		for _, b := range all {
			if backend == "" && b.Name == name && b.Missing == "" {
				backend = name
			}
		}
	}
	return loop.New(loop.Config{Backend: backend})
}

// begin is the loop's first act, so that the descriptors that the loop itself
// needs are open.
func (p *process) begin() {
	r := control.Ready{
		PID: os.Getpid(), Backend: p.loop.Backend(), Engine: p.loop.Engine(),
		GOMAXPROCS: runtime.GOMAXPROCS(0), CPUs: control.CPUs(), NoFile: control.NoFile(), OpenFDs: control.OpenFDs(),
	}
	r.UsableFDs = control.Usable(r.NoFile, r.OpenFDs)
	if want := p.fault.atOnce; want > r.UsableFDs {
		p.fail(fmt.Errorf("%d connections do not fit: under the descriptor limit of %d this process has %d left; raise it (ulimit -n) or ask for fewer", want, r.NoFile, r.UsableFDs))
		return
	}
	if !p.cfg.Control {
		p.start()
		return
	}
	p.tell(control.Event{Event: "ready", AtNs: control.Monotonic(), Ready: &r})
}

// start begins the fault, once.
func (p *process) start() {
	if !p.begun {
		p.begun = true
		p.fault.Begin()
	}
}

// end ends the fault, and the process when the clients have left.
func (p *process) end() {
	p.stopped = true
	if !p.begun || p.gone {
		p.fail(nil)
		return
	}
	p.fault.End()
}

// obey carries out commands until the input ends, which ends the process: it
// is how it notices that its runner is gone.
func (p *process) obey(stdin io.Reader) {
	err := control.Commands(stdin, func(c control.Command) bool {
		switch c.Do {
		case "go":
			p.loop.Post(p.start)
		case "stop":
			return false
		}
		return true
	})
	p.loop.Post(func() {
		if err != nil {
			p.fail(err)
			return
		}
		p.end()
	})
}

// fail ends the loop, with an error if err is not nil.
func (p *process) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.loop.Stop()
}

// tell sends an event to the runner.
func (p *process) tell(e control.Event) {
	if err := p.events.Send(e); err != nil {
		p.fail(err)
	}
}

// progress follows the fault.
func (p *process) progress(e Event) {
	at := control.Monotonic() - int64(p.loop.Now()-e.At)
	switch e.Stage {
	case Began:
		p.account.BeganNs = at
		if p.cfg.Control {
			p.tell(control.Event{Event: "began", AtNs: at})
		}
	case Ended:
		p.account.EndedNs = at
		if p.cfg.Control {
			p.tell(control.Event{Event: "ended", AtNs: at})
		}
	case Gone:
		p.gone = true
		p.account.Did = p.fault.Did()
		err := p.report()
		// A runner still wants to know how much CPU time this process used:
		// it is there until it is told to stop.
		if err != nil || !p.cfg.Control || p.stopped {
			p.fail(err)
		}
	}
}

// report says what the fault did, when its last connection has ended.
func (p *process) report() error {
	text, err := json.Marshal(p.account)
	if err != nil {
		return err
	}
	switch {
	case p.cfg.Control:
		return p.events.Send(control.Event{Event: "report", Report: text})
	case p.cfg.JSON:
		_, err = p.stdout.Write(append(text, '\n'))
	default:
		_, err = io.WriteString(p.stdout, p.account.Summary())
	}
	if err != nil {
		return err
	}
	if d := p.account.Did; d.Opened == 0 {
		return errors.New("no connection was established: the fault was not put on anybody")
	}
	return nil
}

// Summary is the account for people.
func (a Account) Summary() string {
	d := a.Did
	s := fmt.Sprintf("%s against %s for %v\n", a.Kind, a.URL, time.Duration(a.EndedNs-a.BeganNs).Round(time.Millisecond))
	for _, row := range []struct {
		n    uint64
		what string
	}{
		{d.Begun, "connections begun"}, {d.Opened, "established"}, {d.OpenMost, "of them at one moment"},
		{d.Refused, "refused"}, {d.Timeout, "not established in time"}, {d.Local, "failed at this end: descriptors, ports or memory"},
		{d.Requests, "requests sent"}, {d.Answered, "connections on which an answer came"},
		{d.Ended, "connections ended by the server"}, {d.Reset, "reset by the server"}, {d.Left, "left by the client"}, {d.Vanished, "vanished without a word"},
		{d.Evicted, "times the file was dropped from the page cache"},
	} {
		if row.n > 0 {
			s += fmt.Sprintf("  %10d  %s\n", row.n, row.what)
		}
	}
	return s
}
