package experiments

import (
	"context"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"medusa/results"
)

// watched launches real processes and remembers them.
type watched struct {
	Processes
	mu       sync.Mutex
	started  []int
	onLaunch func(argv []string, p Process)
}

func (w *watched) Launch(argv []string) (Process, error) {
	p, err := w.Processes.Launch(argv)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.started = append(w.started, p.PID())
	w.mu.Unlock()
	if w.onLaunch != nil {
		w.onLaunch(argv, p)
	}
	return p, nil
}

// leftOver returns the processes (or their groups) that still exist.
func (w *watched) leftOver() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []int
	for _, pid := range w.started {
		if syscall.Kill(pid, 0) == nil || syscall.Kill(-pid, 0) == nil {
			out = append(out, pid)
		}
	}
	return out
}

// realBench runs the test binary itself as server and load process.
func realBench(t *testing.T, l Launcher) *bench {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := fakeBench(l)
	b.server.binary, b.load.binary = self, self
	b.signals = machineSignals()
	b.host = ThisHost(testHost().Backends)
	b.speed = func([]int) []float64 { return nil }
	return b
}

const realSuite = `
schema: 1
name: small
question: Does the runner run processes?
factors: {backend: [epoll, select]}
fixed: {active_connections: 1, nofile: 256}
trial: {warmup_s: 0.01, window_s: 0.05}
design: {blocks: 2, compare: backend, baseline: epoll}
metrics: {primary: server_cpu_us_per_request}
`

func TestProcessesRun(t *testing.T) {
	l := &watched{}
	outcome, run, _, err := fakeRun(t, t.Context(), realSuite, Request{}, realBench(t, l))
	if err != nil {
		t.Fatal(err)
	}
	if outcome.Failed != 0 || len(run.Records) != 4 || len(l.started) != 8 {
		t.Fatalf("%d failed of %d, %d processes", outcome.Failed, len(run.Records), len(l.started))
	}
	if left := l.leftOver(); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	for _, r := range run.Records {
		if r.Server.PID == os.Getpid() || r.Server.End == nil || r.Load == nil || r.Machine == nil {
			t.Errorf("record %+v", r)
		}
	}
}

// Real processes that end or hang at each stage: the trial fails, the others do
// not, and nothing is left. A hang may be noticed at an earlier stage than it
// began on a slow machine, so the stage is not asked for here.
func TestProcessesMisbehave(t *testing.T) {
	var faults []fault
	for _, kind := range []string{"server", "load"} {
		for line := range 6 {
			faults = append(faults, fault{kind, "kill", line}, fault{kind, "hang", line})
		}
		faults = append(faults, fault{kind, "die", 2}, fault{kind, "garbage", 2}, fault{kind, "close", 3})
	}
	for _, f := range faults {
		name := f.kind + ":" + f.how + ":" + strconv.Itoa(f.line)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &watched{}
			b := realBench(t, l)
			b.server.via = []string{"/usr/bin/env", faultVariable + "=" + name}
			b.load.via = b.server.via
			if f.how == "hang" || f.how == "close" {
				short := 500 * time.Millisecond
				b.timeouts = Timeouts{Start: short, Snapshot: short, Fill: short, Edge: short, Report: short, Exit: short, Settle: short}
			}
			rec := &results.Record{Trial: 1, ID: "00001", Settings: firstOf(t, realSuite), ScheduleSeed: 1}
			rec.Settings["connect_timeout_ms"], rec.Settings["request_timeout_ms"] = 1.0, 1.0
			if err := b.run(t.Context(), rec, Phases{}, ""); err != nil {
				t.Fatal(err)
			}
			if rec.Failure == nil {
				t.Fatalf("the trial did not fail")
			}
			if !strings.Contains(rec.Failure.ServerStderr+rec.Failure.LoadStderr, "misbehaves") && f.how != "hang" && f.how != "close" {
				t.Errorf("stderr is lost: %+v", rec.Failure)
			}
			if left := l.leftOver(); len(left) > 0 {
				t.Errorf("processes %v are left after %s", left, rec.Failure.Reason)
			}
		})
	}
}

// Somebody kills a process of a run from outside.
func TestProcessesKilledFromOutside(t *testing.T) {
	for _, kind := range []string{"serve", "load"} {
		l := &watched{}
		n := 0
		l.onLaunch = func(argv []string, p Process) {
			if argv[1] == kind {
				if n++; n == 3 {
					p.Kill()
				}
			}
		}
		outcome, run, _, err := fakeRun(t, t.Context(), realSuite, Request{}, realBench(t, l))
		if err != nil {
			t.Fatal(err)
		}
		if outcome.Failed != 1 || len(run.Records) != 4 || !strings.Contains(run.Records[2].Failure.Reason, "killed") {
			t.Errorf("%s: %d failed of %d", kind, outcome.Failed, len(run.Records))
		}
		if left := l.leftOver(); len(left) > 0 {
			t.Errorf("processes %v are left", left)
		}
	}
}

func TestProcessesInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := &watched{}
	l.onLaunch = func(argv []string, _ Process) {
		if argv[1] == "load" {
			cancel()
		}
	}
	outcome, _, _, err := fakeRun(t, ctx, realSuite, Request{}, realBench(t, l))
	if err != nil || !outcome.Interrupted || outcome.Run != 0 {
		t.Fatalf("%+v, %v", outcome, err)
	}
	if left := l.leftOver(); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

// A shell that starts the real process and dies, or outlives it, leaves nothing
// behind: its group ends with it.
func TestProcessesGroups(t *testing.T) {
	p, err := Processes{}.Launch([]string{"/bin/sh", "-c", "sleep 1000 & echo $!; exit 0"})
	if err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 32)
	n, err := p.Output().Read(line)
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("Wait: %v", err)
	}
	// Whoever inherits the orphan reaps it; until then it is a zombie.
	deadline := time.Now().Add(10 * time.Second)
	for running(child) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d is left", child)
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.Kill() // harmless now
}

// running reports whether a process exists and is no zombie.
func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return err != nil && !os.IsNotExist(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func TestProcessesStreams(t *testing.T) {
	p, err := Processes{}.Launch([]string{"/bin/sh", "-c", "cat; i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done; exit 7"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Input().Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	p.Input().Close()
	out, err := io.ReadAll(p.Output())
	if err != nil || string(out) != "hello" {
		t.Errorf("output %q, %v", out, err)
	}
	if err := p.Wait(); err == nil || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("Wait: %v", err)
	}
	tail := p.ErrorTail()
	if len(tail) > 4096+3 || !strings.HasPrefix(tail, "...") || !strings.HasSuffix(tail, "line 1999\n") {
		t.Errorf("%d bytes of stderr ending in %q", len(tail), tail[max(0, len(tail)-20):])
	}
	if _, err := (Processes{}).Launch([]string{"/no/such/file"}); err == nil {
		t.Error("a missing binary is started")
	}
}
