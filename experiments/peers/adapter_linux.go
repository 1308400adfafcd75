package peers

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"medusa/control"
)

// Missing is why no peer can be run on this system; "" here.
const Missing = ""

// grace is how long a server may take to end in order. With what killing the
// rest takes it is less than the runner waits for this process.
const grace = 2 * time.Second

// adapter is a server of another program under watch.
type adapter struct {
	cfg    Config
	events *control.Writer
	tree   control.Tree
	made   prepared
	root   int         // the process that was started
	ended  chan string // how root ended
	reaped chan struct{}
}

// Run starts a server, says "ready" when it answers, and takes snapshots of it
// until it is told to stop, its input ends or a signal comes. Then it ends the
// server and all that this has started, in order if that takes no longer than
// two seconds.
//
// The server stays in this process's group, which the runner kills whatever
// happens to this process; this process is a subreaper (prctl(2)), so that what
// leaves its parent or its group is still found.
func Run(signals <-chan os.Signal, cfg Config, stdin io.Reader, stdout io.Writer) error {
	a := &adapter{cfg: cfg, events: control.NewWriter(stdout), ended: make(chan string, 1), reaped: make(chan struct{})}
	err := a.run(signals, stdin)
	if err != nil {
		// If this cannot be written either, err still says more than that.
		_ = a.events.Send(control.Event{Event: "error", Message: err.Error()})
	}
	return err
}

func (a *adapter) run(signals <-chan os.Signal, stdin io.Reader) (err error) {
	if err := a.cfg.Check(); err != nil {
		return err
	}
	// The kernel ends the server with the thread that started it
	// (PR_SET_PDEATHSIG): that thread has to last.
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("becoming a subreaper: %w", err)
	}
	if a.cfg.NoFile > 0 {
		if err := control.SetNoFile(a.cfg.NoFile); err != nil {
			return err
		}
	}
	defer func() { os.RemoveAll(a.made.dir) }()
	if a.made, err = a.cfg.prepare(); err != nil {
		return err
	}
	if err := a.start(); err != nil {
		return err
	}
	defer a.end()
	deadline := time.Now().Add(a.cfg.Patience)
	if err := a.awaitAnswer(deadline); err != nil {
		return err
	}
	if err := a.awaitCalm(deadline); err != nil {
		return err
	}
	if err := a.announce(); err != nil {
		return err
	}
	return a.obey(signals, stdin)
}

// start starts the server on its CPUs. A process inherits the mask of the
// thread that starts it, so it has it from its first instruction.
func (a *adapter) start() error {
	if err := control.Pin(a.cfg.Own); err != nil {
		return err
	}
	var mine unix.CPUSet
	if err := unix.SchedGetaffinity(0, &mine); err != nil {
		return err
	}
	if len(a.cfg.CPUs) > 0 {
		var set unix.CPUSet
		for _, cpu := range a.cfg.CPUs {
			set.Set(cpu)
		}
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return fmt.Errorf("pinning to CPUs %v: %w", a.cfg.CPUs, err)
		}
	}
	cmd := exec.Command(a.made.argv[0], a.made.argv[1:]...)
	cmd.Dir = a.made.dir
	// What it says is for whoever reads this process's standard error;
	// standard output is the runner's.
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := cmd.Start()
	if back := unix.SchedSetaffinity(0, &mine); err == nil && back != nil {
		err = back
	}
	if err != nil {
		return fmt.Errorf("cannot start %s: %w", a.cfg.Name, err)
	}
	a.root = cmd.Process.Pid
	go a.reap()
	return nil
}

// reap waits for every process below this one, orphans included.
func (a *adapter) reap() {
	defer close(a.reaped)
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil: // ECHILD: none is left
			return
		case pid == a.root && status.Signaled():
			a.ended <- "by signal " + unix.SignalName(status.Signal())
		case pid == a.root:
			a.ended <- fmt.Sprintf("with status %d", status.ExitStatus())
		}
	}
}

// died is the error for a server that has ended by itself.
func (a *adapter) died(how string) error {
	return fmt.Errorf("%s ended by itself %s", a.cfg.Name, how)
}

// awaitAnswer asks until the server answers.
func (a *adapter) awaitAnswer(deadline time.Time) error {
	for {
		err := answers(a.made.at, a.cfg.Ready, max(time.Until(deadline), time.Millisecond))
		var notYet errNotYet
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &notYet):
			return fmt.Errorf("%s cannot be compared: %w", a.cfg.Name, err)
		case time.Now().After(deadline):
			return fmt.Errorf("%s does not answer GET %s within %v: %w", a.cfg.Name, a.cfg.Ready, a.cfg.Patience, notYet.error)
		}
		select {
		case how := <-a.ended:
			return a.died(how)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// A server counts as started when for calmFor it has started no process and
// spent less than calmCPU.
const (
	calmFor = 50 * time.Millisecond
	calmCPU = 5 * time.Millisecond
)

// awaitCalm waits until the server, which answers already, starts no more
// processes and does nothing: a preforking one answers when it has the first of
// hundreds. A server that is never calm has had its time; it is measured as it
// is.
func (a *adapter) awaitCalm(deadline time.Time) error {
	last := a.tree.Take(false, a.made.at)
	for time.Now().Before(deadline) {
		select {
		case how := <-a.ended:
			return a.died(how)
		case <-time.After(calmFor):
		}
		s := a.tree.Take(false, a.made.at)
		if len(s.PIDs) == len(last.PIDs) && s.CPUNs-last.CPUNs < int64(calmCPU) {
			return nil
		}
		last = s
	}
	return nil
}

// announce says that the server is ready.
func (a *adapter) announce() error {
	r := &control.Ready{
		HTTP: a.made.at.String(), PID: a.root, Backend: a.cfg.Name, Engine: "peer", CPUs: a.cfg.CPUs, NoFile: control.NoFile(),
		Peer: a.cfg.describe(a.made.version),
	}
	s := a.tree.Take(true, a.made.at)
	r.OpenFDs = s.Full.OpenFDs
	// The limit is that of each process.
	r.UsableFDs = control.Usable(r.NoFile, r.OpenFDs/max(len(s.PIDs), 1))
	return a.events.Send(control.Event{Event: "ready", AtNs: control.Monotonic(), Ready: r})
}

// obey answers commands until there is a reason to end.
func (a *adapter) obey(signals <-chan os.Signal, stdin io.Reader) error {
	commands, ended := make(chan control.Command), make(chan error, 1)
	go func() {
		ended <- control.Commands(stdin, func(c control.Command) bool {
			commands <- c
			return c.Do != "stop"
		})
	}()
	for {
		select {
		case c := <-commands:
			if c.Do != "snapshot" {
				continue
			}
			s := a.tree.Take(c.Full, a.made.at)
			if err := a.events.Send(control.Event{Event: "snapshot", Snapshot: &s}); err != nil {
				return err
			}
		case how := <-a.ended:
			return a.died(how)
		case err := <-ended:
			return err
		case <-signals:
			return nil
		}
	}
}

// stopSignals are the signals that a suite may name.
var stopSignals = map[string]syscall.Signal{"": syscall.SIGTERM, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT}

// end ends the server and everything below this process.
func (a *adapter) end() {
	_ = syscall.Kill(a.root, stopSignals[a.cfg.Stop]) // it may have ended
	select {
	case <-a.reaped:
		return
	case <-time.After(grace):
	}
	fmt.Fprintf(os.Stderr, "%s, or what it started, did not end within %v and was killed\n", a.cfg.Name, grace)
	// A process that is being killed may start another: again, until none is left.
	for deadline := time.Now().Add(grace); time.Now().Before(deadline); {
		for _, pid := range a.tree.Below() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		select {
		case <-a.reaped:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}
