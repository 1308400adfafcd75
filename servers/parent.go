package servers

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"medusa/control"
)

// grace is how long a process may take to end that is not to finish anything.
const grace = 2 * time.Second

// parent is a server of several processes that listen at one address, and is to
// whoever runs it what one server process is. It passes on commands and adds up
// answers; else it sleeps.
type parent struct {
	events *control.Writer
	self   string // the program's file
	parts  []Config
	copies *control.Copies
	ready  []*control.Ready // of each; nil: not yet
	rounds *control.Rounds

	early []control.Command // that came before all listened

	announced, finishing bool
}

// runProcesses is Run for more than one process.
func runProcesses(signals <-chan os.Signal, cfg Config, stdin io.Reader, events *control.Writer) (err error) {
	if err := cfg.Check(); err != nil {
		return err
	}
	if err := control.Pin(cfg.CPUs); err != nil {
		return err
	}
	p := &parent{events: events, parts: cfg.divide(), ready: make([]*control.Ready, cfg.Processes), rounds: control.NewRounds(cfg.Processes)}
	if p.self, err = os.Executable(); err != nil {
		return fmt.Errorf("this program's own file: %w", err)
	}
	p.copies = control.NewCopies(cfg.Processes, "")
	defer p.copies.End(grace)
	var commands <-chan control.Command
	var ended <-chan error
	if cfg.Control {
		over := make(chan struct{})
		defer close(over)
		commands, ended = control.Hear(stdin, over)
	}
	// The first one finds the ports, the others share them.
	if err := p.start(p.parts[0]); err != nil {
		return err
	}
	for {
		select {
		case signal := <-signals:
			if p.finishing {
				return fmt.Errorf("aborted by a second signal (%v)", signal)
			}
			if p.finish() {
				return nil
			}
		case c, ok := <-commands:
			if !ok {
				return <-ended // nobody waits for what is in flight
			}
			if over, err := p.obey(c); over || err != nil {
				return err
			}
		case s, ok := <-p.copies.Said():
			if !ok {
				return nil // all have finished
			}
			if s.Err != nil {
				return s.Err
			}
			if err := p.take(s); err != nil {
				return err
			}
		}
	}
}

// start starts the next process.
func (p *parent) start(cfg Config) error {
	argument, err := cfg.argument()
	if err != nil {
		return err
	}
	return p.copies.Start([]string{p.self, PartCommand, argument})
}

// finish lets all end when what is in flight has been answered. It is over at
// once if not all listen yet: nobody has been told that there is a server.
func (p *parent) finish() (over bool) {
	if p.announced && !p.finishing {
		p.copies.Stop()
	}
	p.finishing = true
	return !p.announced
}

// obey carries out a command, or keeps it until all listen.
func (p *parent) obey(c control.Command) (over bool, err error) {
	switch c.Do {
	case "stop":
		return p.finish(), nil
	case "snapshot":
		if !p.announced {
			p.early = append(p.early, c)
			return false, nil
		}
		p.copies.Send(c)
		if c.Settle {
			control.Settle() // what this process has, too
		}
		return false, nil
	}
	return false, unknownCommand(c)
}

// take takes what one of the processes says.
func (p *parent) take(s control.Said) error {
	switch e := s.Event; e.Event {
	case "ready":
		return p.takeReady(s.Copy, e.Ready)
	case "snapshot":
		if round := p.rounds.Add(s.Copy, e); round != nil {
			return p.report(round)
		}
		return nil
	default:
		return fmt.Errorf("process %d of %d said %q, which no server does", s.Copy+1, len(p.parts), e.Event)
	}
}

// takeReady starts the others when the first listens, and says so when all do.
func (p *parent) takeReady(from int, r *control.Ready) error {
	if r == nil {
		return fmt.Errorf("the ready line of process %d of %d says nothing", from+1, len(p.parts))
	}
	p.ready[from] = r
	if from == 0 {
		for _, cfg := range p.parts[1:] {
			cfg, err := cfg.at(r)
			if err != nil {
				return err
			}
			if err := p.start(cfg); err != nil {
				return err
			}
		}
	}
	if slices.Contains(p.ready, nil) {
		return nil
	}
	p.announced = true
	err := p.events.Send(control.Event{Event: "ready", AtNs: control.Monotonic(), Ready: p.whole(), PIDs: p.copies.PIDs()})
	for _, c := range p.early {
		if err == nil {
			_, err = p.obey(c)
		}
	}
	return err
}

// whole is what all of them are together, with the limit on descriptors that
// each has.
func (p *parent) whole() *control.Ready {
	r := *p.ready[0]
	r.PID, r.OpenFDs = os.Getpid(), control.OpenFDs()
	r.GOMAXPROCS, r.CPUs, r.UsableFDs, r.ReserveFDs = 0, []int{}, 0, 0
	for _, one := range p.ready {
		r.GOMAXPROCS += one.GOMAXPROCS
		r.OpenFDs += one.OpenFDs
		r.UsableFDs += one.UsableFDs
		r.ReserveFDs += one.ReserveFDs
		r.CPUs = append(r.CPUs, one.CPUs...)
	}
	slices.Sort(r.CPUs)
	r.CPUs = slices.Compact(r.CPUs)
	return &r
}

// report adds up what all of them and this process have used and done. It is
// stamped by the last of them.
func (p *parent) report(round []control.Event) error {
	var all []control.Snapshot
	for i, e := range round {
		if e.Snapshot == nil {
			return fmt.Errorf("the snapshot of process %d of %d is empty", i+1, len(p.parts))
		}
		all = append(all, *e.Snapshot)
	}
	own := control.Take(all[0].Full != nil)
	own.AtNs = 0
	sum := control.Sum(append([]control.Snapshot{own}, all...), p.copies.PIDs())
	return p.events.Send(control.Event{Event: "snapshot", Snapshot: &sum})
}
