package calibrate

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"medusa/experiments"
	"medusa/experiments/truthd"
	"medusa/loadgen"
)

// TestMain makes this test binary the two commands of medusa that a session
// starts.
func TestMain(m *testing.M) {
	const child = "MEDUSA_CALIBRATE_CHILD"
	if os.Getenv(child) == "" {
		os.Setenv(child, "1")
		os.Setenv("GORACE", "atexit_sleep_ms=0")
		os.Exit(m.Run())
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var c struct {
		Load        loadgen.Flags `cmd:""`
		TruthServer truthd.Flags  `cmd:"" name:"truth-server"`
	}
	parser, err := kong.New(&c)
	if err != nil {
		return err
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		return err
	}
	if ctx.Command() == "truth-server" {
		cfg, err := c.TruthServer.Config()
		if err != nil {
			return err
		}
		return truthd.Run(cfg, os.Stdin, os.Stdout)
	}
	cfg, err := c.Load.Config()
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	return loadgen.Run(signals, cfg, os.Stdin, os.Stdout)
}

func testSession(t *testing.T) *session {
	host := experiments.ThisHost(nil)
	server, load, err := host.Apart()
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &session{launcher: experiments.Processes{}, binary: binary, folder: t.TempDir(), serverCPU: server, loadCPU: load, beside: 100 * time.Millisecond}
}

// TestSession goes through a window with real processes. What depends on the
// machine's speed is not looked at: causality and the account hold on any.
func TestSession(t *testing.T) {
	s := testSession(t)
	w, err := s.observe(t.Context(), truthd.Spec{Kind: truthd.Exponential, Mean: time.Millisecond, Seed: 1}, load{
		arrivals: loadgen.Poisson, rate: 500, connections: 32, warmup: 100 * time.Millisecond, window: 500 * time.Millisecond, timeout: 20 * time.Second, seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	all, strangers := w.pairs()
	if strangers != 0 || len(all) != int(w.Report.Scheduled) || len(all) < 150 {
		t.Errorf("%d pairs of %d requests, %d known to one end only", len(all), w.Report.Scheduled, strangers)
	}
	for _, p := range all {
		if p.service() < p.truth() || int64(p.q.Sent) > p.e.Arrival+clockTolerance || int64(p.q.End) < p.e.Reply-clockTolerance || p.truth() < p.e.Work {
			t.Fatalf("the generator saw %+v, the server %+v", p.q, p.e)
		}
	}
	if w.Bare.WholeNs < int64(2*s.beside) || w.Away.WholeNs <= 0 || w.Machine == nil || w.RunDelay == nil {
		t.Errorf("bare %d ns, away %d ns, machine %v, run delay %v", w.Bare.WholeNs, w.Away.WholeNs, w.Machine, w.RunDelay)
	}
	if q := quietOf([]*Window{w}); q.RunDelayShare == nil || *q.RunDelayShare != *w.RunDelay {
		t.Errorf("quiet %+v", q)
	}
	if left, err := os.ReadDir(s.folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestSessionFails: what a process says when it cannot start is in the error,
// and a run that is ended leaves no process.
func TestSessionFails(t *testing.T) {
	s := testSession(t)
	bad := *s
	bad.serverCPU = 1000
	if w, err := bad.observe(t.Context(), truthd.Spec{Kind: truthd.Null}, load{}); err == nil {
		t.Errorf("%+v", w)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if w, err := s.observe(ctx, truthd.Spec{Kind: truthd.Null}, load{}); err == nil {
		t.Errorf("%+v", w)
	}
}

func TestFloor(t *testing.T) {
	s := testSession(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // as MeasureFloor does
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for name, c := range map[string]struct {
		flags int
		gap   time.Duration
	}{"blocking": {0, 10 * time.Microsecond}, "polling": {syscall.O_NONBLOCK, 0}} {
		rounds, err := roundTrips(s.loadCPU, s.serverCPU, c.flags, 100, c.gap)
		if err != nil {
			t.Fatal(err)
		}
		f := floorOf(rounds)
		if f.Count != 100 || f.P50 <= 0 || f.P50 > f.P90 || f.P90 > f.P99 || f.P99 > f.P999 {
			t.Errorf("%s: %+v", name, f)
		}
	}
	for _, pair := range [][2]int{{s.loadCPU, 1000}, {1000, s.serverCPU}} {
		if _, err := roundTrips(pair[0], pair[1], 0, 1, 0); err == nil {
			t.Errorf("CPUs %v: one is not there", pair)
		}
	}
}
