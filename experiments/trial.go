package experiments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"medusa/control"
	"medusa/experiments/peers"
	"medusa/results"
)

// bench is what all trials of a run share.
type bench struct {
	launcher     Launcher
	server, load command
	host         Host
	loadBackend  string
	address      netip.Addr // of the server; not valid: one of 127/8 for each trial
	timeouts     Timeouts
	signals      signals
	quiet        *quiet // nil: the machine has no certificate
	speed        func(cpus []int) []float64
	peers        map[string]peers.Spec // servers of other programs, by name
	generators   map[string]peers.Generator
	lastProbe    []float64 // see probe
	root         string    // of /proc and /sys where the machine is looked at; "" for /
}

// trial is one trial under way.
type trial struct {
	*bench
	rec    *results.Record
	set    values
	phases Phases
	hlog   string

	stage        string
	helpers      []int // processes that do the load process's work, as it knows them before the window
	server, load *peer
	fault        *faultRun // nil: the trial's fault setting is not set
	ready        control.Ready
	part         *results.ServerPart
	folder       string // of what the server needs, removed at the end; "" for none
}

// run runs one trial and fills its record. A trial that fails has Failure set;
// the only error is that the run was interrupted. Whatever happens, no process
// of the trial is left when it returns.
func (b *bench) run(ctx context.Context, rec *results.Record, phases Phases, hlog string) error {
	t := &trial{bench: b, rec: rec, set: values(rec.Settings), phases: phases, hlog: hlog}
	defer t.removeFolder()
	began := time.Now()
	rec.StartedUnixNs = began.UnixNano()
	err := t.steps(ctx)
	if errors.Is(err, errInterrupted) || ctx.Err() != nil {
		t.abandon()
		return errInterrupted
	}
	if err != nil {
		t.abandon()
		rec.Failure = &results.Failure{Stage: t.stage, Reason: strings.Join(strings.Fields(err.Error()), " ")}
		rec.Failure.ServerStderr, rec.Failure.LoadStderr = t.server.tail(), t.load.tail()
	}
	rec.DurationNs = time.Since(began).Nanoseconds()
	return nil
}

// tail returns the end of what the process wrote to standard error.
func (p *peer) tail() string {
	if p == nil {
		return ""
	}
	return p.proc.ErrorTail()
}

// abandon kills and reaps what still runs.
func (t *trial) abandon() {
	all := []*peer{t.load, t.server, t.fault.process()}
	for _, p := range all {
		if p != nil {
			p.proc.Kill()
		}
	}
	for _, p := range all {
		if p != nil {
			_ = p.proc.Wait()
			p.drain()
		}
	}
}

// steps is the conversation of package control, from start to end.
func (t *trial) steps(ctx context.Context) error {
	cpus := t.host.probed(int(t.set.number("server_cpus")))
	probeBefore := t.probe(cpus)
	start := t.signals.Trial()
	if err := t.startServer(ctx); err != nil {
		return err
	}
	if err := t.beforeFault(ctx); err != nil {
		return err
	}
	if err := t.fill(ctx); err != nil {
		return err
	}
	if err := t.prepareFault(ctx); err != nil {
		return err
	}
	before, after, err := t.window(ctx)
	if err != nil {
		return err
	}
	if err := t.report(ctx); err != nil {
		return err
	}
	if err := t.settleFault(ctx); err != nil {
		return err
	}
	t.stage = "stop"
	if err := t.server.finish(t.timeouts.Exit); err != nil {
		return fmt.Errorf("the server process did not end well when asked to stop: %w", err)
	}
	m := machinePart(before, after, start, t.signals.Trial())
	t.quiet.into(m)
	m.ProbeBeforeNs, m.ProbeAfterNs = probeBefore, t.probe(cpus)
	if len(m.ProbeBeforeNs) == 0 {
		m.Unknown = append(m.Unknown, "speed probe")
	}
	t.rec.Machine = m
	return nil
}

// startServer brings the server up and takes its first snapshot.
func (t *trial) startServer(ctx context.Context) error {
	t.stage = "server-start"
	address := t.address
	if !address.IsValid() {
		address = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if t.host.Loopback {
			address = trialAddress(t.rec.Trial)
		}
	}
	var cpus []int
	if t.host.Pin {
		cpus = t.host.serverCPUs(int(t.set.number("server_cpus")))
	}
	args, err := t.serverCommand(address, cpus)
	if err != nil {
		return err
	}
	if t.server, err = t.launch("server", t.bench.server.argv(args)); err != nil {
		return err
	}
	e, err := t.server.await(ctx, "ready", t.timeouts.Start, nil)
	if err != nil {
		return err
	}
	if e.Ready == nil {
		return errors.New("the server's ready line says nothing")
	}
	t.ready = *e.Ready
	at := listening(t.set, t.ready)
	t.part = &results.ServerPart{
		PID: t.ready.PID, Backend: t.ready.Backend, Engine: t.ready.Engine, Address: at, GOMAXPROCS: t.ready.GOMAXPROCS,
		CPUs: t.ready.CPUs, NoFile: t.ready.NoFile, UsableFDs: t.ready.UsableFDs,
		Peer: peerPart(t.ready.Peer),
	}
	if t.part.Peer != nil {
		t.part.RequestsBy = results.ByLoad
	}
	t.rec.Server = t.part
	if at == "" {
		return fmt.Errorf("the server is ready but gives no address for %s", t.set.text("protocol"))
	}
	if want := t.set.text("backend"); t.ready.Backend != want {
		return fmt.Errorf("the server was asked for backend %s and runs %s", want, t.ready.Backend)
	}
	t.part.Start, err = t.snapshot(ctx, full)
	return err
}

// fill starts the load process and waits for its connections.
func (t *trial) fill(ctx context.Context) error {
	t.stage = "load-start"
	if t.set.has("offered_share") && t.ready.UsableFDs < 1 {
		return fmt.Errorf("the server has no descriptor to spare for a connection (limit %d)", t.ready.NoFile)
	}
	active, idle := split(t.set, t.ready.UsableFDs)
	t.set["active_connections"], t.set["idle_connections"] = float64(active), float64(idle)
	run := loadRun{
		server: t.ready, backend: t.loadBackend, active: active, idle: idle, seed: t.rec.ScheduleSeed, phases: t.phases,
		hlog: t.hlog, tag: t.rec.ID,
	}
	if !t.address.IsValid() {
		run.sources = sourceAddresses(t.set, active+idle+int(t.set.number("slow_connections")), t.host)
	}
	if t.host.Pin && len(t.host.CPUs) > 1 {
		run.cpu = []int{t.host.loadCPU()}
	}
	args, err := t.loadCommand(run)
	if err != nil {
		return err
	}
	if t.load, err = t.launch("load", t.bench.load.argv(args)); err != nil {
		return err
	}
	if _, err := t.load.await(ctx, "ready", t.timeouts.Start, t.server); err != nil {
		return err
	}
	t.stage = "fill"
	began := time.Now()
	patience := t.timeouts.Fill + secs(t.phases.Fill) + ms(t.set.number("connect_timeout_ms")) + 2*ms(t.set.number("request_timeout_ms")) +
		time.Duration(active+idle+int(t.set.number("slow_connections")))*time.Millisecond
	filled, err := t.load.await(ctx, "filled", patience, t.server)
	if err != nil {
		return err
	}
	t.helpers = filled.PIDs
	t.rec.InsideNs = time.Since(began).Nanoseconds()
	if t.part.Filled, err = t.snapshot(ctx, full); err != nil {
		return err
	}
	if err := t.quietly(ctx); err != nil || !t.set.on("settle_memory") {
		return err
	}
	return t.settleMemory(ctx)
}

// quietly lets all connections be silent for a time, and sees what the server
// does meanwhile.
func (t *trial) quietly(ctx context.Context) (err error) {
	if t.phases.Quiet == 0 {
		return nil
	}
	if err := pause(ctx, secs(t.phases.Quiet)); err != nil {
		return err
	}
	t.part.Quiet, err = t.snapshot(ctx, cheap)
	return err
}

// looks is how long before the window the machine is looked at. That takes this
// process about 2 ms on the CPU of the server or of the load process, which
// stands still meanwhile: in the window it would be a hole in it.
const looks = 25 * time.Millisecond

// window lets the load process warm up and measure. Between the edges this
// process sleeps, but for asking the server for a snapshot.
func (t *trial) window(ctx context.Context) (before, after windowReading, err error) {
	t.stage = "warm-up"
	began, warmup := time.Now(), secs(t.set.number("warmup_s"))
	if warmup > looks {
		t.load.tell(control.Command{Do: "go"})
		if err = pause(ctx, warmup-looks); err != nil {
			return
		}
		before = t.signals.Window(t.pids(t.part.Filled))
	} else {
		before = t.signals.Window(t.pids(t.part.Filled))
		t.load.tell(control.Command{Do: "go"})
	}
	var begins, ends control.Event
	if begins, err = t.load.await(ctx, "measure", warmup+t.timeouts.Edge, t.server); err != nil {
		return
	}
	t.stage = "window"
	if t.part.Before, err = t.snapshot(ctx, cheap); err != nil {
		return
	}
	var pids, own []int
	switch {
	case !t.here():
	case slices.ContainsFunc(begins.PIDs, t.begun):
		// Processes that do the load process's work have begun after the
		// machine was looked at.
		pids = slices.Concat(t.pids(t.part.Before), begins.PIDs)
		before, own = t.signals.Window(pids), pids
	default:
		own = t.part.Before.PIDs
		pids = slices.Concat(t.pids(t.part.Filled), before.claim(own))
	}
	if ends, err = t.throughWindow(ctx, begins); err != nil {
		return
	}
	t.rec.InsideNs += time.Since(began).Nanoseconds()
	after = t.windowAfter(pids)
	t.part.After, err = t.snapshot(ctx, cheap)
	if t.part.After != nil && t.here() {
		after.Own = slices.Concat(own, t.part.After.PIDs) // a server of another program may begin some in the window
	}
	if t.here() {
		t.rec.EdgesNs = []int64{begins.AtNs, ends.AtNs}
	}
	return
}

// here says that both processes are on this machine, and share its clock.
func (t *trial) here() bool { return len(t.bench.server.via)+len(t.bench.load.via) == 0 }

// pids are the processes of the trial on this machine, those of a server of
// another program included as a snapshot has them; none when one of them may be
// elsewhere.
func (t *trial) pids(s *results.Snapshot) []int {
	if !t.here() {
		return nil
	}
	return slices.Concat([]int{t.server.proc.PID(), t.load.proc.PID()}, t.helpers, t.fault.pids(), s.PIDs)
}

// begun says that a process of the load began only after the fill.
func (t *trial) begun(pid int) bool { return !slices.Contains(t.helpers, pid) }

// report takes the load process's report and sees it end.
func (t *trial) report(ctx context.Context) error {
	t.stage = "report"
	e, err := t.load.await(ctx, "report", ms(t.set.number("request_timeout_ms"))+secs(t.phases.recoverMax())+t.timeouts.Report, t.server)
	if err != nil {
		return err
	}
	report := &results.LoadReport{}
	if err := json.Unmarshal(e.Report, report); err != nil {
		return fmt.Errorf("the load process's report cannot be read: %w", err)
	}
	if want := t.set.text(traceHash); report.TraceSHA256 != want {
		return fmt.Errorf("the trace %s is not the one of the plan any more: its SHA-256 is %q, it was %q", t.set.text("trace"), report.TraceSHA256, want)
	}
	t.stage = "load-exit"
	if err := t.load.reap(t.timeouts.Exit); err != nil {
		return fmt.Errorf("the load process did not end well after its report: %w", err)
	}
	t.load.drain()
	t.rec.Load = report
	return nil
}

// settle waits until the server has closed what the load process left, and
// takes the last snapshot.
func (t *trial) settle(ctx context.Context) error {
	t.stage = "settle"
	deadline := time.Now().Add(t.timeouts.Settle)
	steady := -1
	for {
		s, err := t.snapshot(ctx, full)
		if err != nil {
			return err
		}
		t.part.End = s
		if s.Full == nil || t.part.Start.Full == nil || time.Now().After(deadline) {
			return nil
		}
		// Descriptors that the server opened for itself stay: once all
		// connections are gone a number that no longer changes is final.
		if s.Connections <= t.part.Start.Connections && (s.Full.OpenFDs <= t.part.Start.Full.OpenFDs || s.Full.OpenFDs == steady) {
			return nil
		}
		steady = s.Full.OpenFDs
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// The snapshots that a trial takes.
var (
	cheap   = control.Command{Do: "snapshot"}
	full    = control.Command{Do: "snapshot", Full: true}
	settled = control.Command{Do: "snapshot", Full: true, Settle: true}
)

// snapshot asks the server for one. The load process is not watched meanwhile:
// what it says next, the report after the window for one, waits its turn.
func (t *trial) snapshot(ctx context.Context, kind control.Command) (*results.Snapshot, error) {
	t.server.tell(kind)
	e, err := t.server.await(ctx, "snapshot", t.timeouts.Snapshot, nil)
	if err != nil {
		return nil, err
	}
	if e.Snapshot == nil {
		return nil, errors.New("the server's snapshot is empty")
	}
	return recorded(e.Snapshot)
}

func (t *trial) launch(name string, argv []string) (*peer, error) {
	p, err := t.launcher.Launch(argv)
	if err != nil {
		return nil, err
	}
	return newPeer(name, p), nil
}

// pause sleeps; it ends early only when the run does.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errInterrupted
	}
}
