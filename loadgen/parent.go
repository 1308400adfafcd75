package loadgen

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"medusa/control"
)

// PartCommand is the command of this program that runs a part of a load, with
// one argument: see RunPart.
const PartCommand = "load-part"

// ahead is how long before it a common moment is given to the processes: each
// has to be woken for it, all perhaps on one CPU.
const ahead = 10 * time.Millisecond

// grace is how long a process may take to end.
const grace = 2 * time.Second

// parent puts a load on by several processes, and is to whoever runs it what
// one load process is.
type parent struct {
	outputs
	loads  []Config
	copies *control.Copies
	rounds *control.Rounds
	cpus   [][]int

	due, filled bool
	own         int64 // CPU time of this process, in the window
	reports     int
	parts       []*portion
}

// RunPart is Run for one of several processes, as its parent describes it.
func RunPart(signals <-chan os.Signal, argument string, stdin io.Reader, stdout io.Writer) error {
	text, err := base64.RawURLEncoding.DecodeString(argument)
	if err != nil {
		return fmt.Errorf("part of a load: %w", err)
	}
	var cfg Config
	if err := json.Unmarshal(text, &cfg); err != nil {
		return fmt.Errorf("part of a load: %w", err)
	}
	if cfg.TraceFile != "" {
		if cfg.Schedule.Trace, err = ReadTraceFile(cfg.TraceFile); err != nil {
			return fmt.Errorf("--trace: %w", err)
		}
	}
	return Run(signals, cfg, stdin, stdout)
}

// argument is what RunPart reads: no shell and no list of processes takes its
// quotes for its own.
func (c Config) argument() (string, error) {
	text, err := json.Marshal(c)
	return base64.RawURLEncoding.EncodeToString(text), err
}

func (p *parent) run(signals <-chan os.Signal, stdin io.Reader) (err error) {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("this program's own file: %w", err)
	}
	argvs := make([][]string, len(p.loads))
	for i, c := range p.loads {
		argument, err := c.argument()
		if err != nil {
			return err
		}
		argvs[i] = []string{self, PartCommand, argument}
	}
	if p.copies, err = control.StartCopies(argvs, "report"); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	defer p.copies.End(grace)
	p.rounds = control.NewRounds(len(p.loads))
	p.parts = make([]*portion, len(p.loads))
	var commands <-chan control.Command
	var ended <-chan error
	if p.cfg.Control {
		over := make(chan struct{})
		defer close(over)
		commands, ended = control.Hear(stdin, over)
	}
	for {
		select {
		case <-signals:
			return ErrInterrupted
		case c, ok := <-commands:
			if !ok {
				return <-ended
			}
			if c.Do == "stop" {
				return nil
			}
			p.obey(c)
		case s, ok := <-p.copies.Said():
			if !ok {
				return p.end()
			}
			if s.Err != nil {
				return fmt.Errorf("load: %w", s.Err)
			}
			if err := p.take(s); err != nil {
				return err
			}
		}
	}
}

func (p *parent) obey(c control.Command) {
	switch c.Do {
	case "go":
		p.due = true
		p.begin()
	case "snapshot":
		p.copies.Send(c)
	}
}

// begin lets all begin at one moment, once all are filled and it was asked for.
func (p *parent) begin() {
	if !p.filled || p.cfg.Control && !p.due {
		return
	}
	p.filled = false // once
	p.copies.Send(control.Command{Do: "go", AtNs: control.Monotonic() + int64(ahead)})
}

// take takes what one of the processes says.
func (p *parent) take(s control.Said) error {
	if s.Event.Event == "report" {
		p.parts[s.Copy] = &portion{}
		if err := json.Unmarshal(s.Event.Report, p.parts[s.Copy]); err != nil {
			return fmt.Errorf("load: what process %d of %d reports cannot be read: %w", s.Copy+1, len(p.loads), err)
		}
		p.reports++
		if p.reports == p.asking() {
			// Those that send nothing share CPUs with those that measured: only
			// now they may work.
			p.copies.Send(control.Command{Do: "report"})
		}
		if p.reports == len(p.loads) {
			p.copies.Send(control.Command{Do: "stop"})
		}
		return nil
	}
	round := p.rounds.Add(s.Copy, s.Event)
	if round == nil {
		return nil
	}
	e := control.Event{Event: s.Event.Event, AtNs: round[0].AtNs}
	switch e.Event {
	case "ready":
		r, err := p.ready(round)
		if err != nil {
			return err
		}
		e.Ready = r
		p.copies.Send(control.Command{Do: "fill", AtNs: control.Monotonic() + int64(ahead)})
	case "filled":
		f, err := joinFilled(round)
		if err != nil {
			return err
		}
		e.Filled, e.PIDs = f, p.copies.PIDs()
		p.filled = true
		defer p.begin()
	case "measure":
		p.own -= control.CPUTime()
		e.PIDs = p.copies.PIDs()
	case "done":
		p.own += control.CPUTime()
	case "snapshot":
		all := []control.Snapshot{control.Take(false)}
		for _, one := range round {
			all = append(all, *one.Snapshot)
		}
		sum := control.Sum(all, p.copies.PIDs())
		e.Snapshot = &sum
	}
	if !p.cfg.Control {
		return nil
	}
	return p.events.Send(e)
}

// asking is how many of the processes have active connections: the first ones.
func (p *parent) asking() (n int) {
	for _, c := range p.loads {
		if c.Connections > 0 {
			n++
		}
	}
	return n
}

// ready is what all of them are, together.
func (p *parent) ready(round []control.Event) (*control.Ready, error) {
	r := &control.Ready{PID: os.Getpid(), CPUs: control.CPUs(), NoFile: control.NoFile(), OpenFDs: control.OpenFDs()}
	for _, e := range round {
		if e.Ready == nil {
			return nil, errors.New("load: a process's ready line says nothing")
		}
		r.Backend, r.Engine = e.Ready.Backend, e.Ready.Engine
		r.GOMAXPROCS += e.Ready.GOMAXPROCS
		r.OpenFDs += e.Ready.OpenFDs
		r.UsableFDs += e.Ready.UsableFDs
		p.cpus = append(p.cpus, e.Ready.CPUs)
	}
	return r, nil
}

// joinFilled says what the fill of all came to. All began at one moment.
func joinFilled(round []control.Event) (*control.Filled, error) {
	f := &control.Filled{}
	for _, e := range round {
		if e.Filled == nil {
			return nil, errors.New("load: a process's filled line says nothing")
		}
		f.Offered += e.Filled.Offered
		f.Open += e.Filled.Open
		f.Admitted += e.Filled.Admitted
		f.FillNs = max(f.FillNs, e.Filled.FillNs)
	}
	return f, nil
}

// end makes the report of the whole when all have handed over and ended.
func (p *parent) end() error {
	var began time.Time
	for i, part := range p.parts {
		switch r := partReport(part); {
		case r == nil || r.Start == nil || r.Snapshot == nil:
			return fmt.Errorf("load: process %d of %d reported nothing", i+1, len(p.parts))
		case r.Active > 0 && r.TraceSHA256 != p.traceHash():
			return fmt.Errorf("--trace %s: the file was changed meanwhile", p.cfg.TraceFile)
		case i == 0:
			began = time.Unix(0, part.BeganUnixNs)
		}
	}
	g, err := divided(p.cfg.Spec, p.parts, p.cpus, p.copies.PIDs(), p.own)
	if err != nil {
		return err
	}
	if err := p.report(g, g.makeReport(), began); err != nil {
		return err
	}
	return p.json.Close()
}

func partReport(p *portion) *Report {
	if p == nil {
		return nil
	}
	return p.Report
}

// traceHash is that of the trace that the schedule is of; "" for others.
func (p *parent) traceHash() string {
	if t := p.cfg.Schedule.Trace; t != nil {
		return t.SHA256
	}
	return ""
}
