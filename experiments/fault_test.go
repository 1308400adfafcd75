package experiments

import (
	"bufio"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"medusa/control"
	"medusa/results"
)

// clients is a fake fault process: 7 clients came.
func (f *fake) clients() error {
	say := func(e control.Event) error { return f.say("fault", e) }
	if err := say(control.Event{Event: "ready", Ready: &control.Ready{PID: f.pid}}); err != nil {
		return err
	}
	in := bufio.NewScanner(f.in)
	if !in.Scan() || !strings.Contains(in.Text(), `"go"`) {
		return errEnded
	}
	if err := say(control.Event{Event: "began", AtNs: control.Monotonic()}); err != nil {
		return err
	}
	lasts, err := time.ParseDuration(f.flag("--duration"))
	if err != nil {
		return err
	}
	f.sleep(lasts)
	if err := say(control.Event{Event: "ended", AtNs: control.Monotonic()}); err != nil {
		return err
	}
	if err := say(control.Event{Event: "report", Report: json.RawMessage(`{"kind":"x","did":{"begun":9,"opened":7}}`)}); err != nil {
		return err
	}
	if !in.Scan() || !strings.Contains(in.Text(), `"stop"`) {
		return errEnded
	}
	return nil
}

const faultSuite = `
schema: 1
name: small
question: What do others see?
factors: {backend: [epoll, select], fault: [none, silent]}
fixed: {mode: open, rate_rps: 1000, active_connections: 10, fault_connections: 20, fault_after_s: 0.1, fault_s: 0.2, idle_timeout_s: 1, head_timeout_s: 0.5}
trial: {warmup_s: 0.01, window_s: 0.5}
design: {blocks: 1, compare: backend, baseline: epoll}
metrics: {primary: fault_p99_ms}
`

func TestFaultTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeLauncher{}
		outcome, run, progress, err := fakeRun(t, t.Context(), faultSuite, Request{}, fakeBench(l))
		if err != nil || outcome.Failed != 0 || len(run.Records) != 4 {
			t.Fatalf("%v, %+v\n%s", err, outcome, progress)
		}
		for i := range run.Records {
			r := &run.Records[i]
			f := r.Fault
			if f == nil || f.Kind != r.Factors["fault"] || f.FromNs != 1e8 || f.ToNs != 3e8 || f.Connections != 20 {
				t.Fatalf("trial %d: fault %+v", r.Trial, f)
			}
			if f.SettledBefore == nil || f.SettledAfter == nil || f.SettledAfter.Full.AnonBytes != fakeSettled || r.Metrics["leaked_connections"] != 0 {
				t.Errorf("trial %d: the server was not looked at before and after: %+v", r.Trial, f)
			}
			if f.Kind == noFault {
				if f.BeganNs != 0 || f.Did != nil || f.Recovered {
					t.Errorf("trial %d: nothing is told as %+v", r.Trial, f)
				}
				continue
			}
			if f.BeganNs < r.EdgesNs[0] || f.EndedNs < f.BeganNs || f.Did["opened"] != 7 || !f.Recovered {
				t.Errorf("trial %d: from %d, %+v", r.Trial, r.EdgesNs[0], f)
			}
		}
		began := 0
		for _, argv := range l.argvs {
			line := strings.Join(argv[1:], " ")
			switch argv[1] {
			case "fault":
				began++
				if !strings.HasPrefix(line, "fault silent http://127.") || !strings.Contains(line, "/fixed/13 --control stdio --connections 20 --duration 200ms --background --cpu 1 --sources 127.252.2.1,127.252.2.2,") {
					t.Errorf("the fault process is %s", line)
				}
			case "load":
				if !strings.Contains(line, " --span 100ms,300ms") {
					t.Errorf("the load process is %s", line)
				}
			case "serve":
				if !strings.Contains(line, " --idle-timeout 1s") || !strings.Contains(line, " --head-timeout 500ms") {
					t.Errorf("the server is %s", line)
				}
			}
		}
		if began != 2 || l.running != 0 {
			t.Errorf("%d fault processes were started, %d processes are left", began, l.running)
		}
	})
}

// A load that is killed is gone when the server has as many connections as before
// that load came, and what it used of the CPUs is the trial's own.
func TestLoadKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var windows [][]int
		l := &fakeLauncher{had: []int{0, 50, 150, 150, 150, 50, 50, 0}}
		b := fakeBench(l)
		b.signals = seenPIDs{pids: &windows}
		text := strings.Replace(strings.Replace(faultSuite, "[none, silent]", "[load-killed]", 1), "[epoll, select]", "[epoll]", 1)
		outcome, run, progress, err := fakeRun(t, t.Context(), text, Request{}, b)
		if err != nil || outcome.Failed != 0 || len(run.Records) != 1 {
			t.Fatalf("%v, %+v\n%s", err, outcome, progress)
		}
		// Snapshots say the time of their number: the sixth is the first with 50.
		if f := run.Records[0].Fault; !f.Recovered || f.EndedNs+f.WatchedNs != 6e9 {
			t.Errorf("it had recovered in the snapshot of %d s: %+v", (f.EndedNs+f.WatchedNs)/1e9, f)
		}
		if m := run.Records[0].Machine; m.ForeignShare == nil {
			t.Errorf("foreign CPU is not known: %v", m.Unknown)
		}
		const doomed = 1003 // the third process: after the server and the load
		if n := len(windows); n != 2 || !slices.Contains(windows[0], doomed) || slices.Contains(windows[1], doomed) {
			t.Errorf("the trial's processes were %v", windows)
		}
		if l.running != 0 {
			t.Errorf("%d processes are left", l.running)
		}
	})
}

// A fault process that ends, complains or hangs at any moment fails its trial
// and leaves nothing.
func TestFaultProcessMisbehaves(t *testing.T) {
	for _, how := range []string{"die", "hang", "garbage", "error"} {
		for line := 1; line <= 4; line++ {
			synctest.Test(t, func(t *testing.T) {
				l := &fakeLauncher{faults: func(argv []string) fault {
					if argv[1] == "fault" {
						return fault{"fault", how, line}
					}
					return fault{}
				}}
				rec := &results.Record{Trial: 1, ID: "00001", Settings: firstOf(t, faultSuite), ScheduleSeed: 1}
				rec.Settings["fault"] = "silent"
				if err := fakeBench(l).run(t.Context(), rec, Phases{}, ""); err != nil {
					t.Fatal(err)
				}
				if rec.Failure == nil || !strings.Contains(rec.Failure.Reason, "the fault process") {
					t.Errorf("%s at %d: %+v", how, line, rec.Failure)
				}
				if l.running != 0 {
					t.Errorf("%s at %d: %d processes are left", how, line, l.running)
				}
			})
		}
	}
}

// A server that another program started is not stopped by a signal to whatever
// has its number.
func TestFaultStopsOnlyItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := fakeBench(&fakeLauncher{})
		rec := &results.Record{Trial: 1, ID: "00001", Settings: firstOf(t, faultSuite), ScheduleSeed: 1}
		rec.Settings["fault"] = serverStopped
		if err := b.run(t.Context(), rec, Phases{}, ""); err != nil {
			t.Fatal(err)
		}
		if rec.Failure == nil || !strings.Contains(rec.Failure.Reason, "cannot be stopped from here") {
			t.Errorf("%+v", rec.Failure)
		}
	})
}

func TestFaultElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := fakeBench(&fakeLauncher{})
		b.load.via = []string{"ssh", "n1"}
		rec := &results.Record{Trial: 1, ID: "00001", Settings: firstOf(t, faultSuite), ScheduleSeed: 1}
		if err := b.run(t.Context(), rec, Phases{}, ""); err != nil {
			t.Fatal(err)
		}
		if rec.Failure == nil || !strings.Contains(rec.Failure.Reason, "on this machine") {
			t.Errorf("%+v", rec.Failure)
		}
	})
}

func TestFaultSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ was, is, words string }{
		{"", "", ""},
		{"fault: [none, silent]", "depth: [1]", "needs fault"},
		{"fault: [none, silent]", "fault: [none, sleepy]", "fault must be none, silent, slowloris"},
		{"fault_connections: 20, ", "", "a fault needs fault_connections"},
		{"fault_after_s: 0.1, ", "", "a fault needs fault_after_s"},
		{"fault_s: 0.2, ", "", "a fault needs fault_s"},
		{"fault_s: 0.2, ", "fault_s: 0.4, ", "the fault lasts to 0.5 s, and the window of 0.5 s has to go on"},
		{"mode: open, rate_rps: 1000", "mode: closed", "set mode: open"},
		{"{mode: open", "{protocol: raw, mode: open", "faults speak http"},
	} {
		text := strings.Replace(faultSuite, c.was, c.is, 1)
		_, err := Parse("small.yaml", []byte(text))
		if (err == nil) != (c.words == "") || err != nil && (!strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q instead of %q: %v", c.is, c.was, err)
		}
	}
}

// Cells whose fault does not fit under the server's limit are skipped, with the
// reason; those that do not hold their connections fit.
func TestFaultFits(t *testing.T) {
	t.Parallel()
	h := testHost()
	for _, c := range []struct {
		kind string
		n    float64
		why  string
	}{
		{noFault, 1e6, ""}, {"silent", 19_000, ""}, {"silent", 19_950, "needs 20008 descriptors"}, {loadKilled, 19_950, "needs 20008"},
		{"short-connections", 1e6, ""}, {"reset", 1e6, ""}, {serverStopped, 1e6, ""},
	} {
		v := firstOf(t, faultSuite).clone()
		v["fault"], v["fault_connections"] = c.kind, c.n
		if why := h.faultMissing(v); (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s with %v connections: %q", c.kind, c.n, why)
		}
	}
}
