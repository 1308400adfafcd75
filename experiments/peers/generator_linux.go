package peers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"medusa/control"
)

const (
	// underWay is how long a generator has run when the window begins: its
	// threads have been started by then.
	underWay = 50 * time.Millisecond
	// lookBack is how long a generator that has ended is not waited for: the
	// runner reads its CPU time at the window's end.
	lookBack = 300 * time.Millisecond
)

// generating is a generator of another program under watch.
type generating struct {
	load   Load
	path   string
	events *control.Writer
}

// Generate speaks for a generator as a load process of medusa does: ready,
// filled, and after "go" the window and the report. These programs open their
// connections when they begin to ask, so nothing is filled before.
func Generate(signals <-chan os.Signal, load Load, stdin io.Reader, stdout io.Writer) error {
	g := &generating{load: load, events: control.NewWriter(stdout)}
	err := g.run(signals, stdin)
	if err != nil {
		// If this cannot be written either, err still says more than that.
		_ = g.events.Send(control.Event{Event: "error", Message: err.Error()})
	}
	return err
}

// errInterrupted ends a load early.
var errInterrupted = errors.New("interrupted before the end of the window; nothing was measured")

func (g *generating) run(signals <-chan os.Signal, stdin io.Reader) (err error) {
	if err := g.load.Check(); err != nil {
		return err
	}
	runtime.LockOSThread() // see adapter.run
	if g.path, err = Find(g.load.Command[0]); err != nil {
		return err
	}
	version := versionOf(g.load.Version)
	if err := control.Pin(g.load.CPUs); err != nil {
		return err
	}
	if err := g.events.Send(control.Event{Event: "ready", AtNs: control.Monotonic(), Ready: g.load.ready(os.Getpid())}); err != nil {
		return err
	}
	if err := g.events.Send(control.Event{Event: "filled", Filled: &control.Filled{}}); err != nil {
		return err
	}
	begin, ended := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() {
		ended <- control.Commands(stdin, func(c control.Command) bool {
			if c.Do == "go" {
				once.Do(func() { close(begin) })
			}
			return c.Do != "stop"
		})
	}()
	stopped := func() error {
		select {
		case <-signals:
		case err := <-ended:
			if err != nil {
				return err
			}
		}
		return errInterrupted
	}
	gone := make(chan error, 1)
	go func() { gone <- stopped() }()
	select {
	case <-begin:
	case err := <-gone:
		return err
	}
	if g.load.Warmup > 0 {
		if _, _, err := g.once(seconds(g.load.Warmup), gone, nil); err != nil {
			return err
		}
	}
	var lead int64
	text, cpu, err := g.once(seconds(g.load.Duration), gone, func(pid int, started int64) error {
		now := control.Monotonic()
		lead = now - started
		return g.events.Send(control.Event{Event: "measure", AtNs: now, PIDs: []int{pid}})
	})
	if err != nil {
		return err
	}
	if err := g.events.Send(control.Event{Event: "done", AtNs: control.Monotonic()}); err != nil {
		return err
	}
	said, err := read(g.load.Output, text)
	if err != nil {
		return fmt.Errorf("%w: %q", err, firstLines(text))
	}
	report, err := json.Marshal(g.load.report(said, cpu, lead, version))
	if err != nil {
		return err
	}
	time.Sleep(lookBack)
	return g.events.Send(control.Event{Event: "report", Report: report})
}

// once runs the generator for so many seconds and returns what it printed and
// its CPU time in nanoseconds. begun is told when it is under way, and
// when it was started (control.Monotonic). The process
// is left as a zombie: who measures the machine finds its CPU time until this
// process ends.
func (g *generating) once(seconds int, gone <-chan error, begun func(pid int, started int64) error) (text string, cpu int64, err error) {
	cmd := exec.Command(g.path, g.load.argv(seconds)[1:]...)
	out, in, err := os.Pipe()
	if err != nil {
		return "", 0, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = in, in
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = cmd.Start()
	in.Close()
	if err != nil {
		return "", 0, fmt.Errorf("cannot start %s: %w", g.load.Name, err)
	}
	started, pid := control.Monotonic(), cmd.Process.Pid
	// This process may be the last of its group to know of it.
	kill := func() { _ = syscall.Kill(pid, syscall.SIGKILL) }
	var said bytes.Buffer
	end := make(chan error, 1)
	go func() {
		_, err := io.Copy(&said, out)
		end <- err
	}()
	if begun != nil {
		select {
		case err := <-end:
			return "", 0, fmt.Errorf("%s ended at once: %q", g.load.Name, firstLines(said.String()+fmt.Sprint(err)))
		case err := <-gone:
			kill()
			return "", 0, err
		case <-time.After(underWay):
		}
		if err := begun(pid, started); err != nil {
			kill()
			return "", 0, err
		}
	}
	select {
	case err = <-end:
	case err = <-gone:
		kill()
	}
	if err != nil {
		return "", 0, err
	}
	var usage unix.Rusage
	var info unix.Siginfo
	for {
		err = unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, &usage)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	return said.String(), usage.Utime.Nano() + usage.Stime.Nano(), err
}
