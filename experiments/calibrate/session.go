package calibrate

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"medusa/control"
	"medusa/experiments"
	"medusa/experiments/truthd"
	"medusa/loadgen"
	"medusa/results"
)

// session is a calibration under way.
type session struct {
	launcher  experiments.Launcher
	binary    string
	folder    string // for logs
	serverCPU int
	loadCPU   int
	windows   int // begun
	// beside is how long a bare loop watches the generator's CPU before and
	// after a window, while the truth server busy-waits on its own as in the
	// window: a hypervisor takes a CPU away more often when the other one is
	// busy as well.
	beside time.Duration
}

// load is what is asked of the generator.
type load struct {
	arrivals    string
	rate        float64
	connections int
	warmup      time.Duration
	window      time.Duration
	timeout     time.Duration
	seed        uint64
}

const (
	startPatience = 15 * time.Second
	edgePatience  = 10 * time.Second
	logPatience   = 60 * time.Second // logs of some hundred thousand lines are written
)

// observe puts a load on a truth server, both in processes of their own on
// CPUs of their own, and reads what they wrote down.
func (s *session) observe(ctx context.Context, spec truthd.Spec, l load) (w *Window, err error) {
	s.windows++
	logs := [2]string{}
	for i, end := range []string{"server", "load"} {
		logs[i] = filepath.Join(s.folder, fmt.Sprintf("%d-%s.csv", s.windows, end))
		defer os.Remove(logs[i])
	}
	server, err := experiments.Converse(s.launcher, "truth server", []string{s.binary, "truth-server",
		"--kind", spec.Kind, "--mean", spec.Mean.String(), "--seed", strconv.FormatUint(spec.Seed, 10),
		"--stall-after", spec.StallAfter.String(), "--stall", spec.Stall.String(),
		"--cpu", strconv.Itoa(s.serverCPU), "--log", logs[0]})
	if err != nil {
		return nil, err
	}
	defer server.Kill()
	ready, err := server.Await(ctx, "ready", startPatience, nil)
	if err != nil {
		return nil, err
	}
	if ready.Ready == nil {
		return nil, fmt.Errorf("the truth server's ready line says nothing")
	}
	bare, err := bareLoop(s.loadCPU, s.beside)
	if err != nil {
		return nil, err
	}
	generator, err := experiments.Converse(s.launcher, "load", []string{s.binary, "load", "http://" + ready.HTTP + "/", "--control", "stdio",
		"--pacing", loadgen.Busy, "--cpu", strconv.Itoa(s.loadCPU), "--connections", strconv.Itoa(l.connections),
		"--rate", strconv.FormatFloat(l.rate, 'f', -1, 64), "--arrivals", l.arrivals, "--seed", strconv.FormatUint(l.seed, 10),
		"--warmup", l.warmup.String(), "--duration", l.window.String(), "--timeout", l.timeout.String(), "--requests", logs[1]})
	if err != nil {
		return nil, err
	}
	defer generator.Kill()
	w = &Window{Truth: spec, Rate: l.rate, Duration: l.window, Timeout: l.timeout, Report: &loadgen.Report{}}
	if err := s.converse(ctx, w, l, server, generator, bare); err != nil {
		return nil, err
	}
	if w.Server, err = readLog(logs[0], truthd.ReadLog); err != nil {
		return nil, err
	}
	w.Load, err = readLog(logs[1], loadgen.ReadRequests)
	return w, err
}

// converse leads both processes through the window. Between its edges this one
// sleeps.
func (s *session) converse(ctx context.Context, w *Window, l load, server, generator *experiments.Conversation, bare *truthd.Pauses) error {
	for _, event := range []string{"ready", "filled"} {
		if _, err := generator.Await(ctx, event, startPatience, server); err != nil {
			return err
		}
	}
	before, err := snapshot(ctx, server)
	if err != nil {
		return err
	}
	generator.Tell(control.Command{Do: "go"})
	if _, err := generator.Await(ctx, "measure", l.warmup+edgePatience, server); err != nil {
		return err
	}
	watched := experiments.Watch([]int{server.PID(), generator.PID()})
	if _, err := generator.Await(ctx, "done", l.window+edgePatience, server); err != nil {
		return err
	}
	w.Machine = watched()
	after, err := snapshot(ctx, server)
	if err != nil {
		return err
	}
	if a, b := before.Full, after.Full; a != nil && b != nil && a.RunDelayNs >= 0 && b.RunDelayNs >= 0 {
		share := float64(b.RunDelayNs-a.RunDelayNs) / float64(after.AtNs-before.AtNs)
		w.RunDelay = &share
	}
	e, err := generator.Await(ctx, "report", l.timeout+logPatience, server)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(e.Report, w.Report); err != nil {
		return fmt.Errorf("the load process's report cannot be read: %w", err)
	}
	if err := generator.End(edgePatience); err != nil {
		return fmt.Errorf("the load process did not end well: %w", err)
	}
	later, err := bareLoop(s.loadCPU, s.beside)
	if err != nil {
		return err
	}
	bare.Merge(later)
	w.Bare = bare.Sum()
	server.Tell(control.Command{Do: "stop"})
	if e, err = server.Await(ctx, "report", logPatience, nil); err != nil {
		return err
	}
	if err := json.Unmarshal(e.Report, &w.Away); err != nil {
		return fmt.Errorf("the truth server's report cannot be read: %w", err)
	}
	return server.End(edgePatience)
}

// snapshot asks the server for one. It is taken outside of the window, as it
// costs the server some milliseconds.
func snapshot(ctx context.Context, server *experiments.Conversation) (*control.Snapshot, error) {
	server.Tell(control.Command{Do: "snapshot", Full: true})
	e, err := server.Await(ctx, "snapshot", edgePatience, nil)
	if err != nil {
		return nil, err
	}
	if e.Snapshot == nil {
		return nil, fmt.Errorf("the truth server's snapshot is empty")
	}
	return e.Snapshot, nil
}

func readLog[T any](path string, read func(r io.Reader) ([]T, error)) ([]T, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return all, nil
}

// quietOf is the largest of each signal over windows in which the machine had
// nothing else to do: what a quiet machine is seen to reach.
func quietOf(windows []*Window) results.Quiet {
	var q results.Quiet
	for _, w := range windows {
		for _, s := range []struct{ into, from **float64 }{
			{&q.PSISomeShare, &w.Machine.PSISomeShare}, {&q.StealShare, &w.Machine.StealShare},
			{&q.ForeignShare, &w.Machine.ForeignShare}, {&q.RunDelayShare, &w.RunDelay},
		} {
			if *s.from != nil && (*s.into == nil || **s.from > **s.into) {
				*s.into = *s.from
			}
		}
	}
	return q
}
