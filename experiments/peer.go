package experiments

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"medusa/control"
)

// maxLine bounds one line from a process: a report with its distributions is
// some tens of KiB.
const maxLine = 16 << 20

// peer is a process as the runner talks with it.
type peer struct {
	name string // "server" or "load"
	proc Process
	from chan message // closed when standard output ends
}

// message is one line, or why the lines ended early.
type message struct {
	event control.Event
	err   error
}

func newPeer(name string, p Process) *peer {
	q := &peer{name: name, proc: p, from: make(chan message, 16)}
	go q.read()
	return q
}

// read decodes lines until the output ends. After a line that is no event
// nothing more is believed; the rest is drained so that the process does not
// block on it.
func (p *peer) read() {
	defer close(p.from)
	in := bufio.NewScanner(p.proc.Output())
	in.Buffer(make([]byte, 0, 64<<10), maxLine)
	for in.Scan() {
		var e control.Event
		err := json.Unmarshal(in.Bytes(), &e)
		if err == nil && e.Event == "" {
			err = errors.New(`it has no "event"`)
		}
		if err != nil {
			p.from <- message{err: fmt.Errorf("the %s process wrote a line that is no event (%w): %.120q", p.name, err, in.Text())}
			break
		}
		p.from <- message{event: e}
	}
	if err := in.Err(); errors.Is(err, bufio.ErrTooLong) {
		p.from <- message{err: fmt.Errorf("the %s process wrote a line of more than %d MiB", p.name, maxLine>>20)}
	}
	_, _ = io.Copy(io.Discard, p.proc.Output())
}

// tell sends a command. A process that has ended is noticed when its answer
// is waited for, so a failed write is not reported here.
func (p *peer) tell(c control.Command) {
	line, _ := json.Marshal(c) // a struct of a string and a bool
	_, _ = p.proc.Input().Write(append(line, '\n'))
}

// errInterrupted ends a trial because the run is to end.
var errInterrupted = errors.New("interrupted")

// await waits for one kind of event. Meanwhile the other process of the trial,
// if any, is watched: that it ends or complains is a failure too. The caller
// sleeps until then: no timer ticks during a window but the one of the
// timeout.
func (p *peer) await(ctx context.Context, want string, timeout time.Duration, other *peer) (control.Event, error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	var others chan message
	if other != nil {
		others = other.from
	}
	for {
		select {
		case m, ok := <-p.from:
			e, err := p.judge(m, ok)
			if err != nil {
				return e, err
			}
			if e.Event != want {
				return e, fmt.Errorf("the %s process said %q where %q was expected", p.name, e.Event, want)
			}
			return e, nil
		case m, ok := <-others:
			e, err := other.judge(m, ok)
			if err == nil {
				err = fmt.Errorf("the %s process said %q without being asked", other.name, e.Event)
			}
			return e, err
		case <-timer.C:
			return control.Event{}, fmt.Errorf("the %s process did not say %q within %v", p.name, want, timeout.Round(time.Millisecond))
		case <-ctx.Done():
			return control.Event{}, errInterrupted
		}
	}
}

// judge turns what came into an event, or into the reason why there is none.
func (p *peer) judge(m message, ok bool) (control.Event, error) {
	switch {
	case !ok:
		return control.Event{}, p.died()
	case m.err != nil:
		return control.Event{}, m.err
	case m.event.Event == "error":
		return control.Event{}, fmt.Errorf("the %s process failed: %s", p.name, m.event.Message)
	}
	return m.event, nil
}

// died says how a process ended whose output has ended. One that has closed
// its output and goes on is killed.
func (p *peer) died() error {
	err := p.reap(time.Second)
	if err == nil {
		return fmt.Errorf("the %s process ended too early, with status 0", p.name)
	}
	return fmt.Errorf("the %s process died: %w", p.name, err)
}

// reap waits for the process to end and kills it after the timeout.
func (p *peer) reap(timeout time.Duration) error {
	late := time.AfterFunc(timeout, p.proc.Kill)
	defer late.Stop()
	return p.proc.Wait()
}

// finish ends a process for good: asked first, killed after the timeout, then
// reaped. It returns how it ended.
func (p *peer) finish(timeout time.Duration) error {
	p.tell(control.Command{Do: "stop"})
	err := p.reap(timeout)
	p.drain()
	return err
}

// drain takes what is left in the channel, so that the reader ends.
func (p *peer) drain() {
	for range p.from {
	}
}
