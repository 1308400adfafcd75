package experiments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"medusa/control"
	"medusa/results"
)

// This file is what a calibration needs of the machinery of trials: processes
// that are talked with, and what the machine does beside them.

// MachineFacts gathers the facts of the machine. binary is a file that is
// hashed; version names this program.
func MachineFacts(binary, version string, backends []BackendInfo) results.Machine {
	return machineFacts(binary, version, backends)
}

// Apart divides the CPUs as a trial does: one for the server, another one for
// the generator. The error says why that cannot be done here.
func (h Host) Apart() (server, load int, err error) {
	switch {
	case !h.Pin:
		return 0, 0, errors.New("this system cannot tie a process to a CPU")
	case len(h.CPUs) < 2:
		return 0, 0, errors.New("there is only one CPU, and server and generator need one each")
	}
	return h.serverCPUs(1)[0], h.loadCPU(), nil
}

// Conversation is a started process that is talked with by package control.
type Conversation struct{ p *peer }

// Converse starts a process. name stands for it in errors.
func Converse(l Launcher, name string, argv []string) (*Conversation, error) {
	p, err := l.Launch(argv)
	if err != nil {
		return nil, fmt.Errorf("the %s process: %w", name, err)
	}
	return &Conversation{newPeer(name, p)}, nil
}

// PID is the process's.
func (c *Conversation) PID() int { return c.p.proc.PID() }

// Tell sends a command.
func (c *Conversation) Tell(command control.Command) { c.p.tell(command) }

// Await waits for one kind of event, for at most the timeout. That the process,
// or the other one if there is one, ends or complains is an error.
func (c *Conversation) Await(ctx context.Context, event string, timeout time.Duration, other *Conversation) (control.Event, error) {
	var watched *peer
	if other != nil {
		watched = other.p
	}
	e, err := c.p.await(ctx, event, timeout, watched)
	if err != nil {
		err = fmt.Errorf("%w%s", err, firstWords(c.p.proc.ErrorTail()))
	}
	return e, err
}

// End waits for the process to end by itself, and kills it after the timeout.
func (c *Conversation) End(timeout time.Duration) error {
	err := c.p.reap(timeout)
	c.p.drain()
	return err
}

// Kill ends the process at once, whatever it does, and reaps it.
func (c *Conversation) Kill() {
	c.p.proc.Kill()
	_ = c.p.proc.Wait()
	c.p.drain()
}

// Watch begins to read what the machine does beside the processes of pids and
// this one. The function that it returns ends that, and says what came of it.
func Watch(pids []int) func() *results.MachinePart {
	s := machineSignals()
	start, before := s.Trial(), s.Window(pids)
	return func() *results.MachinePart {
		return machinePart(before, s.Window(pids), start, s.Trial())
	}
}
