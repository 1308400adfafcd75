package experiments

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"medusa/control"
	"medusa/loadgen"
	"medusa/results"
)

// fault is how a fake process misbehaves in place of its n-th line (from 1) or,
// for line 0, when it should end.
type fault struct {
	kind string // "server" or "load"
	how  string // "die", "hang", "garbage", "error", "emfile", "kill", "close"
	line int
}

func parseFault(s string) fault {
	f := strings.Split(s, ":")
	if len(f) != 3 {
		return fault{}
	}
	n, _ := strconv.Atoi(f[2])
	return fault{f[0], f[1], n}
}

// faultVariable carries a fault to a child process.
const faultVariable = "MEDUSA_TEST_FAULT"

// TestMain lets the test binary stand for medusa: as a child it is a fake
// server or load process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "serve" || os.Args[1] == "load") {
		p := fake{args: os.Args[1:], in: os.Stdin, out: os.Stdout, err: os.Stderr, fault: parseFault(os.Getenv(faultVariable)), pid: os.Getpid(), sleep: time.Sleep}
		p.kill = func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }
		p.hang = func() {
			for {
				time.Sleep(time.Hour) // not even the end of input ends it
			}
		}
		os.Exit(p.run())
	}
	// A child built with -race would sleep for a second at its end.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	os.Exit(m.Run())
}

// fake speaks the trial protocol with made-up figures: the server counts
// 10,000 requests in the warm-up and 10,000 in the window, and the load
// process says the same.
type fake struct {
	args     []string
	in       io.Reader
	out, err io.Writer
	fault    fault
	pid      int
	helpers  []int
	had      []int // connections of a server, one for each snapshot; nil: 100 until the last
	lines    int
	sleep    func(time.Duration)
	hang     func()
	kill     func()
}

const (
	fakeRequests = 10_000
	fakeStatus   = 3
	fakeSettled  = 4 << 20

	fakeLoadSettled = 5 << 20
)

func (f *fake) flag(name string) string {
	if i := slices.Index(f.args, name); i >= 0 && i+1 < len(f.args) {
		return f.args[i+1]
	}
	return ""
}

// errEnded unwinds a fake that has to end.
var errEnded = errors.New("ended")

func (f *fake) misbehave() error {
	fmt.Fprintf(f.err, "fake %s misbehaves: %s\n", f.fault.kind, f.fault.how)
	switch f.fault.how {
	case "die":
		return errEnded
	case "kill":
		f.kill()
		return errEnded
	case "hang":
		f.hang()
		return errEnded
	case "garbage":
		fmt.Fprintln(f.out, "%PDF-1.4 this is no event")
	case "long":
		f.out.Write(make([]byte, maxLine+1))
	case "error":
		fmt.Fprintln(f.out, `{"event":"error","message":"cannot listen: address in use"}`)
		return errEnded
	case "emfile":
		fmt.Fprintln(f.out, `{"event":"error","message":"open backend select: too many open files"}`)
		return errEnded
	case "close":
		if c, ok := f.out.(io.Closer); ok {
			c.Close()
		}
		f.hang()
	}
	return nil
}

func (f *fake) say(kind string, e any) error {
	f.lines++
	if f.fault.kind == kind && f.fault.line == f.lines {
		if err := f.misbehave(); err != nil {
			return err
		}
	}
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = f.out.Write(append(b, '\n'))
	return err
}

func (f *fake) run() int {
	kind := map[string]string{"serve": "server", "peer": "server", "load": "load", "fault": "fault"}[f.args[0]]
	var err error
	switch kind {
	case "load":
		err = f.load()
	case "fault":
		err = f.clients()
	default:
		err = f.server()
	}
	if f.fault.kind == kind && f.fault.line == 0 && f.fault.how != "" && !errors.Is(err, errEnded) {
		err = f.misbehave()
	}
	if err != nil {
		return fakeStatus
	}
	return 0
}

func (f *fake) server() error {
	if f.args[0] == "peer" {
		return f.peer()
	}
	nofile, _ := strconv.Atoi(f.flag("--nofile"))
	ready := &control.Ready{PID: f.pid, Backend: f.flag("--backend"), Engine: "readiness", NoFile: uint64(nofile), OpenFDs: 8, UsableFDs: nofile - 14}
	if a := f.flag("--http"); a != "" {
		ready.HTTP = strings.TrimSuffix(a, "0") + "8080"
	} else {
		ready.Raw = strings.TrimSuffix(f.flag("--raw"), "0") + "8081"
	}
	if err := f.say("server", control.Event{Event: "ready", Ready: ready}); err != nil {
		return err
	}
	in := bufio.NewScanner(f.in)
	for n := 0; in.Scan(); n++ {
		var c control.Command
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			return err
		}
		if c.Do == "stop" {
			return nil
		}
		if c.Settle {
			n-- // one more, after filled
		}
		// Snapshots come in this order: start, filled, before, after, end.
		served := uint64([]int{0, 0, 1, 2, 2}[min(n, 4)]) * fakeRequests
		s := &control.Snapshot{
			AtNs: int64(n+1) * 1e9, CPUNs: int64(served) * 8000, Requests: served, BytesIn: served * 50, BytesOut: served * 150,
			Waits: served / 10, Events: served, Accepted: 100, Calls: map[string]uint64{"read": served, "write": served},
		}
		switch {
		case f.had != nil:
			s.Connections = f.had[min(n, len(f.had)-1)]
		case n > 0 && n < 4:
			s.Connections = 100
		}
		if c.Full {
			s.Full = &control.Full{OpenFDs: 8 + s.Connections, RSSBytes: 8 << 20, AnonBytes: -1}
			if c.Settle {
				s.Full.AnonBytes = fakeSettled
			}
		}
		if err := f.say("server", control.Event{Event: "snapshot", Snapshot: s}); err != nil {
			return err
		}
	}
	return nil
}

func (f *fake) load() error {
	say := func(e control.Event) error { return f.say("load", e) }
	if err := say(control.Event{Event: "ready", Ready: &control.Ready{PID: f.pid}}); err != nil {
		return err
	}
	if err := say(control.Event{Event: "filled", Filled: &control.Filled{Offered: 100, Open: 100, Admitted: 100}}); err != nil {
		return err
	}
	in := bufio.NewScanner(f.in)
	for in.Scan() && strings.Contains(in.Text(), `"settle":true`) {
		s := &control.Snapshot{Full: &control.Full{AnonBytes: fakeLoadSettled}}
		if err := say(control.Event{Event: "snapshot", Snapshot: s}); err != nil {
			return err
		}
	}
	if !strings.Contains(in.Text(), `"go"`) {
		return errEnded
	}
	warmup, _ := time.ParseDuration(f.flag("--warmup"))
	window, _ := time.ParseDuration(f.flag("--duration"))
	f.sleep(warmup)
	if err := say(control.Event{Event: "measure", AtNs: control.Monotonic(), PIDs: f.helpers}); err != nil {
		return err
	}
	f.sleep(window)
	if err := say(control.Event{Event: "done", AtNs: control.Monotonic()}); err != nil {
		return err
	}
	report, err := json.Marshal(f.report(window))
	if err != nil {
		return err
	}
	return say(control.Event{Event: "report", Report: report})
}

func (f *fake) report(window time.Duration) *results.LoadReport {
	q := func(ns int64) *int64 { return &ns }
	mean := 250_000.0
	dist := func(count uint64) results.Dist {
		return results.Dist{Count: count, Mean: &mean, Min: q(100_000), P50: q(200_000), P90: q(300_000), P99: q(400_000), Max: q(900_000)}
	}
	r := &results.LoadReport{
		SchemaVersion: 1, URL: f.args[1], Backend: f.flag("--backend"), Mode: "closed", DurationNs: window.Nanoseconds(), TimeoutNs: 1e9,
		AchievedRate: fakeRequests / window.Seconds(), Scheduled: fakeRequests, Sent: fakeRequests, Requests: fakeRequests,
		Response: dist(fakeRequests), ResponseOK: dist(fakeRequests), Service: dist(fakeRequests), FirstByte: dist(fakeRequests),
		MeanInFlight: 1, SumInWindowNs: float64(window.Nanoseconds()), Offered: 100, Opened: 100, Admitted: 100,
		TotalSent: 2 * fakeRequests, TotalAnswered: 2 * fakeRequests, TotalBytesOut: 2 * fakeRequests * 50, TotalBytesIn: 2 * fakeRequests * 150,
		CPUNs: window.Nanoseconds() / 2, Verdict: "valid",
	}
	if trace, err := loadgen.ReadTraceFile(f.flag("--trace")); err == nil {
		r.Mode, r.TraceSHA256 = "open", trace.SHA256
	}
	if rate, err := strconv.ParseFloat(f.flag("--rate"), 64); err == nil {
		r.Mode, r.IntendedRate = "open", rate
	}
	return r
}

// fakeLauncher runs fakes as goroutines of this process.
type fakeLauncher struct {
	// faults returns the fault of the process that argv would start; nil: none.
	faults func(argv []string) fault
	// onLaunch is called before each start.
	onLaunch func(argv []string) error
	// helpers do the work of the load process.
	helpers []int
	// had are the connections of servers, one for each snapshot but settled ones.
	had []int

	mu      sync.Mutex
	argvs   [][]string
	running int
}

func (l *fakeLauncher) Launch(argv []string) (Process, error) {
	if l.onLaunch != nil {
		if err := l.onLaunch(argv); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.argvs = append(l.argvs, argv)
	l.running++
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	p := &fakeProcess{in: inW, out: outR, killed: make(chan struct{}), ended: make(chan struct{}), pid: 1000 + len(l.argvs)}
	f := &fake{args: argv[1:], in: inR, out: outW, err: &p.stderr, pid: p.pid, helpers: l.helpers, had: l.had}
	if l.faults != nil {
		f.fault = l.faults(argv)
	}
	f.hang = func() { <-p.killed }
	f.kill = p.Kill
	f.sleep = func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-p.killed:
		}
	}
	go func() {
		status := f.run()
		inR.Close()
		outW.Close()
		select {
		case <-p.killed:
			p.err = errors.New("signal: killed")
		default:
			if status != 0 {
				p.err = fmt.Errorf("exit status %d", status)
			}
		}
		l.mu.Lock()
		l.running--
		l.mu.Unlock()
		close(p.ended)
	}()
	go func() { // a killed process's pipes are closed by the system
		select {
		case <-p.killed:
			inR.Close()
			outW.Close()
		case <-p.ended:
		}
	}()
	return p, nil
}

type fakeProcess struct {
	in     *io.PipeWriter
	out    *io.PipeReader
	stderr control.Tail
	once   sync.Once
	killed chan struct{}
	ended  chan struct{}
	err    error
	pid    int
}

func (p *fakeProcess) PID() int              { return p.pid }
func (p *fakeProcess) Input() io.WriteCloser { return p.in }
func (p *fakeProcess) Output() io.Reader     { return p.out }
func (p *fakeProcess) ErrorTail() string     { return p.stderr.String() }
func (p *fakeProcess) Kill()                 { p.once.Do(func() { close(p.killed) }) }
func (p *fakeProcess) Wait() error {
	<-p.ended
	p.in.Close()
	p.out.Close()
	return p.err
}

// fakeSignals is a quiet machine.
type fakeSignals struct{}

func (fakeSignals) Window([]int) windowReading {
	now := time.Now().UnixNano()
	zero, busy := int64(0), 2*now
	return windowReading{WallNs: now, CPUs: 2, IdleNs: &zero, Steal: &zero, OursNs: &busy, PSI: &zero}
}

func (fakeSignals) Used(int) *int64 { return new(int64(7e6)) }

func (fakeSignals) Trial() trialReading {
	sockets, zero := 10, uint64(0)
	return trialReading{Sockets: &sockets, Overflows: &zero, Drops: &zero, Retrans: &zero}
}

// testHost is a machine with four backends, two CPUs and a limit of 20,000.
func testHost() Host {
	return Host{
		Backends: []BackendInfo{{"select", ""}, {"poll", ""}, {"epoll", ""}, {"goroutines", ""}, {"kqueue", "it needs a BSD"}},
		CPUs:     []int{0, 1}, Pin: true, NoFile: 20_000, Ports: 28_232, Congestion: []string{"cubic", "bbr"}, Loopback: true,
	}
}

func quietSpeed(cpus []int) []float64 {
	out := make([]float64, len(cpus))
	for i := range out {
		out[i] = 4e6
	}
	return out
}

// fakeBench is a bench of fakes.
func fakeBench(l Launcher) *bench {
	return &bench{
		launcher: l, server: command{binary: "medusa"}, load: command{binary: "medusa"}, host: testHost(), loadBackend: "epoll",
		timeouts: Timeouts{}.orDefaults(), signals: fakeSignals{}, speed: quietSpeed,
	}
}
