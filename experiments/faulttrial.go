package experiments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"medusa/control"
	"medusa/loadgen/faults"
	"medusa/results"
)

const (
	// faultLook is the time between two looks at whether the server has
	// recovered; each is one cheap snapshot.
	faultLook = 10 * time.Millisecond
	// faultRecovery is how long after the load has gone the server may take to
	// be back at the connections that it had.
	faultRecovery = 5 * time.Second
	// faultLeave is how long before the window's end the server is left alone.
	faultLeave = 100 * time.Millisecond
	// largePath is what clients ask for that never read it, or not to its end.
	largePath = "/fixed/1048576"
)

// faultRun is the fault of a trial.
type faultRun struct {
	kind string
	proc *peer // nil where the runner does it, or there is none
	part *results.FaultPart
	// killed says that the process was ended in the window, usedNs what it had
	// used of the CPUs until then; nil: not known.
	killed bool
	usedNs *int64
}

// windowAfter reads the machine's counters at the end of the window, in which one
// of the trial's processes may have been killed.
func (t *trial) windowAfter(pids []int) windowReading {
	f := t.fault
	if f == nil || !f.killed {
		return t.signals.Window(pids)
	}
	dead := f.proc.proc.PID()
	r := t.signals.Window(slices.DeleteFunc(slices.Clone(pids), func(pid int) bool { return pid == dead }))
	if r.OursNs == nil || f.usedNs == nil {
		r.OursNs = nil
	} else {
		ours := *r.OursNs + *f.usedNs
		r.OursNs = &ours
	}
	return r
}

// process is the fault's own process; nil without.
func (f *faultRun) process() *peer {
	if f == nil {
		return nil
	}
	return f.proc
}

// pids are the processes of the fault.
func (f *faultRun) pids() []int {
	if f.process() == nil {
		return nil
	}
	return []int{f.proc.proc.PID()}
}

// beforeFault looks at the server's memory while it has not had a connection.
func (t *trial) beforeFault(ctx context.Context) error {
	if !t.set.has("fault") {
		return nil
	}
	t.stage = "fault-start"
	if !t.here() {
		return errors.New("a fault needs the server and the load on this machine: what they say of time is compared")
	}
	t.fault = &faultRun{kind: t.set.text("fault"), part: &results.FaultPart{
		Kind: t.set.text("fault"), Connections: int(t.set.number("fault_connections")),
		FromNs: secs(t.set.number("fault_after_s")).Nanoseconds(),
		ToNs:   secs(t.set.number("fault_after_s") + t.set.number("fault_s")).Nanoseconds(),
	}}
	t.rec.Fault = t.fault.part
	var err error
	t.fault.part.SettledBefore, err = t.snapshot(ctx, settled)
	return err
}

// prepareFault starts the fault's process, so that in the window it only has to
// begin.
func (t *trial) prepareFault(ctx context.Context) (err error) {
	if t.fault == nil || t.fault.kind == noFault || t.fault.kind == serverStopped {
		return nil
	}
	t.stage = "fault-start"
	f := t.fault
	if f.proc, err = t.launch("fault", t.bench.load.argv(t.faultArgs())); err != nil {
		return err
	}
	if _, err = f.proc.await(ctx, "ready", t.timeouts.Start, t.server); err == nil && f.kind == loadKilled {
		_, err = f.proc.await(ctx, "filled", t.timeouts.Fill, t.server)
	}
	return err
}

// faultArgs are the arguments of the fault's process.
func (t *trial) faultArgs() []string {
	v, kind, n := t.set, t.fault.kind, whole(t.set.number("fault_connections"))
	at := listening(v, t.ready)
	var a []string
	if kind == loadKilled {
		a = []string{"load", "http://" + at + v.text("path"), "--control", "stdio", "--backend", t.loadBackend, "--connections", n, "--closed",
			"--warmup", "0s", "--duration", time.Hour.String()}
	} else {
		path := v.text("path")
		if k, err := faults.Lookup(kind); err == nil && k.Large {
			path = largePath
		}
		if v.has("fault_path") {
			path = v.text("fault_path")
		}
		a = []string{"fault", kind, "http://" + at + path, "--control", "stdio", "--connections", n, "--duration", secs(v.number("fault_s")).String()}
		if r := v.number("fault_rate_per_s"); r > 0 {
			a = append(a, "--rate", strconv.FormatFloat(r, 'f', -1, 64))
		}
		if v.on("fault_evicts") {
			a = append(a, "--evict", filepath.Join(t.folder, rootFolder, filepath.FromSlash(path)))
		}
	}
	// Who observes has to keep its time, on the same CPU.
	a = append(a, "--background")
	if t.host.Pin && len(t.host.CPUs) > 1 {
		a = append(a, "--cpu", strconv.Itoa(t.host.faultCPU(int(v.number("server_cpus")))))
	}
	if t.host.Loopback && !t.address.IsValid() {
		a = append(a, "--sources", strings.Join(faultSources(), ","))
	}
	return a
}

// faultSources are the addresses that a fault connects from: beside those of the
// load, and enough that a million short connections do not meet their own ports.
func faultSources() []string {
	out := make([]string, 32)
	for i := range out {
		out[i] = netip.AddrFrom4([4]byte{127, 252, 2, byte(1 + i)}).String()
	}
	return out
}

// throughWindow waits for the window's end, and lets the trial's fault begin and
// end in it.
func (t *trial) throughWindow(ctx context.Context, begins control.Event) (control.Event, error) {
	left := secs(t.set.number("window_s"))
	if t.fault != nil && t.fault.kind != noFault {
		if err := t.watch(ctx, time.Duration(begins.AtNs+t.fault.part.FromNs-control.Monotonic())); err != nil {
			return control.Event{}, err
		}
		if err := t.putFault(ctx); err != nil {
			return control.Event{}, err
		}
		// The doomed load has its connections before the window begins.
		had := min(t.part.Filled.Connections, t.part.Before.Connections)
		if _, err := t.recovered(ctx, had, begins.AtNs+left.Nanoseconds()-faultLeave.Nanoseconds()); err != nil {
			return control.Event{}, err
		}
		if t.fault.kind == loadKilled { // what that takes is no part of the recovery
			_ = t.fault.proc.proc.Wait() // it was killed
			t.fault.proc.drain()
		}
		left = time.Duration(begins.AtNs + left.Nanoseconds() - control.Monotonic())
	}
	return t.load.await(ctx, "done", left+t.timeouts.Edge, t.server)
}

// watch sleeps, but for a process of the trial that ends or complains.
func (t *trial) watch(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	var of *peer
	var m message
	var ok bool
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errInterrupted
	case m, ok = <-t.server.from:
		of = t.server
	case m, ok = <-t.load.from:
		of = t.load
	}
	e, err := of.judge(m, ok)
	if err == nil {
		err = fmt.Errorf("the %s process said %q without being asked", of.name, e.Event)
	}
	return err
}

// putFault puts the fault on the server, from its beginning to its end.
func (t *trial) putFault(ctx context.Context) error {
	f, lasts := t.fault, secs(t.set.number("fault_s"))
	switch f.kind {
	case serverStopped:
		return t.stopServer(ctx, lasts)
	case loadKilled:
		f.proc.tell(control.Command{Do: "go"})
		e, err := f.proc.await(ctx, "measure", t.timeouts.Edge, t.server)
		if err != nil {
			return err
		}
		f.part.BeganNs = e.AtNs
		if err := t.watch(ctx, lasts); err != nil {
			return err
		}
		f.usedNs, f.killed = t.signals.Used(f.proc.proc.PID()), true
		f.part.EndedNs = control.Monotonic()
		f.proc.proc.Kill()
		return nil
	}
	f.proc.tell(control.Command{Do: "go"})
	for _, step := range []struct {
		event   string
		at      *int64
		timeout time.Duration
	}{{"began", &f.part.BeganNs, t.timeouts.Edge}, {"ended", &f.part.EndedNs, lasts + t.timeouts.Edge}} {
		e, err := f.proc.await(ctx, step.event, step.timeout, t.server)
		if err != nil {
			return err
		}
		*step.at = e.AtNs
	}
	return nil
}

// stopServer stops the server's process and lets it go on.
func (t *trial) stopServer(ctx context.Context, d time.Duration) error {
	p, ok := t.server.proc.(interface{ Signal(syscall.Signal) error })
	if !ok {
		return errors.New("the server's process cannot be stopped from here")
	}
	t.fault.part.BeganNs = control.Monotonic()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stopping the server: %w", err)
	}
	if err := t.watch(ctx, d); err != nil {
		return err
	}
	t.fault.part.EndedNs = control.Monotonic()
	if err := p.Signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("letting the server go on: %w", err)
	}
	return nil
}

// recovered looks until the server has no more connections than so many, or up
// to a moment of CLOCK_MONOTONIC, and returns how many times it looked.
func (t *trial) recovered(ctx context.Context, connections int, until int64) (looks int, err error) {
	part := t.fault.part
	for {
		s, err := t.snapshot(ctx, cheap)
		if err != nil {
			return looks, err
		}
		looks++
		part.WatchedNs = s.AtNs - part.EndedNs
		if s.Connections <= connections {
			part.Recovered = true
			return looks, nil
		}
		if control.Monotonic()+faultLook.Nanoseconds() >= until {
			return looks, nil
		}
		if err := pause(ctx, faultLook); err != nil {
			return looks, err
		}
	}
}

// settleFault is settle, for a server on which there may have been a fault.
func (t *trial) settleFault(ctx context.Context) error {
	f := t.fault
	if f == nil {
		return t.settle(ctx)
	}
	t.stage = "fault-end"
	if f.kind != noFault && !f.part.Recovered {
		watched := f.part.WatchedNs
		looks, err := t.recovered(ctx, t.part.Start.Connections, control.Monotonic()+faultRecovery.Nanoseconds())
		if err != nil {
			return err
		}
		if f.part.Recovered && looks == 1 {
			// It was while nobody looked: all that is known is that it took longer.
			f.part.Recovered, f.part.WatchedNs = false, watched
		}
	}
	if f.proc != nil && f.kind != loadKilled {
		e, err := f.proc.await(ctx, "report", t.timeouts.Report, t.server)
		if err != nil {
			return err
		}
		account := struct {
			Did *map[string]uint64 `json:"did"`
		}{&f.part.Did}
		if err := json.Unmarshal(e.Report, &account); err != nil {
			return fmt.Errorf("the fault process's report cannot be read: %w", err)
		}
		if err := f.proc.finish(t.timeouts.Exit); err != nil {
			return fmt.Errorf("the fault process did not end well after its report: %w", err)
		}
		if f.part.Did["opened"] == 0 {
			return fmt.Errorf("no connection of the fault was established: %v", f.part.Did)
		}
	}
	if err := t.settle(ctx); err != nil {
		return err
	}
	var err error
	f.part.SettledAfter, err = t.snapshot(ctx, settled)
	return err
}
