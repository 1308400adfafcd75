package experiments

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"medusa/results"
)

const smallSuite = `
schema: 1
name: small
question: Does the runner run?
factors: {backend: [select, epoll], idle_connections: [0, 10]}
trial: {warmup_s: 0.5, window_s: 2}
design: {blocks: 2, compare: backend, baseline: epoll, seed: 7, repeat_noisy: 1}
metrics: {primary: server_cpu_us_per_request}
`

// fakeRun runs a suite with fakes, in virtual time, and opens the run folder.
func fakeRun(t *testing.T, ctx context.Context, text string, req Request, b *bench) (*Outcome, *results.Run, string, error) {
	t.Helper()
	s, err := Parse("small.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := MakePlan(s, req, b.host)
	if err != nil {
		t.Fatal(err)
	}
	var progress strings.Builder
	o := Options{Suite: s, Request: req, Dir: t.TempDir() + "/run", Here: func() []BackendInfo { return b.host.Backends }, Progress: &progress}
	outcome, err := o.run(ctx, plan, b)
	if outcome == nil {
		return nil, nil, progress.String(), err
	}
	run, openErr := results.Open(outcome.Dir)
	if openErr != nil && !errors.Is(openErr, results.ErrNoTrials) {
		t.Fatalf("the run folder cannot be read: %v", openErr)
	}
	return outcome, run, progress.String(), err
}

func TestRunWholeSuite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeLauncher{}
		outcome, run, progress, err := fakeRun(t, t.Context(), smallSuite, Request{}, fakeBench(l))
		if err != nil {
			t.Fatal(err)
		}
		if outcome.Run != 8 || outcome.Failed != 0 || len(run.Records) != 8 {
			t.Fatalf("outcome %+v with %d records", outcome, len(run.Records))
		}
		for i, r := range run.Records {
			if r.Verdict != results.VerdictValid {
				t.Errorf("trial %d is %s: %v", r.Trial, r.Verdict, r.Reasons)
			}
			if got := r.Metrics["server_cpu_us_per_request"]; got != 8 {
				t.Errorf("trial %d: %v us per request, the fake says 8", r.Trial, got)
			}
			if p := run.Plan.Trials[i]; r.Trial != p.Index || r.Level != p.Level || r.MiniBlock != p.MiniBlock || r.ScheduleSeed != p.ScheduleSeed {
				t.Errorf("record %d is not its planned trial: %+v", i, r)
			}
			if inside := time.Duration(r.InsideNs); inside != 2500*time.Millisecond {
				t.Errorf("trial %d: %v inside fill, warm-up and window, of 2.5 s in virtual time", r.Trial, inside)
			}
		}
		if l.running != 0 || len(l.argvs) != 16 {
			t.Errorf("%d of %d processes are left", l.running, len(l.argvs))
		}
		if run.Environment.After == nil || len(run.Notes) > 0 {
			t.Errorf("the run is not whole: %v", run.Notes)
		}
		for _, want := range []string{"8 trials, about", "8/8", "8 us", "valid", "left", "8 valid"} {
			if !strings.Contains(progress, want) {
				t.Errorf("progress lacks %q:\n%s", want, progress)
			}
		}
	})
}

// A trial that settles the server's memory tells that, and no CPU time; others
// do not settle.
func TestRunSettles(t *testing.T) {
	for _, settle := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			set := []string{"settle_memory=" + strconv.FormatBool(settle)}
			_, run, _, err := fakeRun(t, t.Context(), smallSuite, Request{Set: set}, fakeBench(&fakeLauncher{}))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range run.Records {
				if r.Verdict != results.VerdictValid || (r.Server.Settled != nil) != settle {
					t.Errorf("trial %d is %s %v; settled: %+v", r.Trial, r.Verdict, r.Reasons, r.Server.Settled)
				}
				if v, ok := r.Value("server_settled_bytes"); ok != settle || settle && v != fakeSettled {
					t.Errorf("settle %v: server_settled_bytes is %v, %v", settle, v, ok)
				}
				if v, ok := r.Value("load_settled_bytes"); ok != settle || settle && v != fakeLoadSettled {
					t.Errorf("settle %v: load_settled_bytes is %v, %v", settle, v, ok)
				}
				if v, ok := r.Value("server_cpu_us_per_request"); ok == settle {
					t.Errorf("settle %v: server_cpu_us_per_request is %v, %v", settle, v, ok)
				}
			}
		})
	}
}

// Every trial has an address of its own, and all of a mini-block one seed.
func TestRunArguments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeLauncher{}
		_, run, _, err := fakeRun(t, t.Context(), smallSuite, Request{}, fakeBench(l))
		if err != nil {
			t.Fatal(err)
		}
		addresses := map[string]bool{}
		seeds := map[int]uint64{}
		for _, r := range run.Records {
			if addresses[r.Server.Address] {
				t.Errorf("address %s is used twice", r.Server.Address)
			}
			addresses[r.Server.Address] = true
			if s, ok := seeds[r.MiniBlock]; ok && s != r.ScheduleSeed {
				t.Errorf("mini-block %d has two schedules", r.MiniBlock)
			}
			seeds[r.MiniBlock] = r.ScheduleSeed
		}
		if len(seeds) != 4 || seeds[1] == seeds[2] {
			t.Errorf("seeds %v: one for each mini-block, all different", seeds)
		}
	})
}

func TestRunGoesOnAfterFailures(t *testing.T) {
	for _, f := range []struct {
		fault fault
		stage string
		words string
	}{
		{fault{"server", "die", 1}, "server-start", "exit status 3"},
		{fault{"server", "hang", 1}, "server-start", `did not say "ready" within 15s`},
		{fault{"server", "garbage", 1}, "server-start", "no event"},
		{fault{"server", "long", 1}, "server-start", "more than 16 MiB"},
		{fault{"server", "error", 1}, "server-start", "cannot listen"},
		{fault{"server", "hang", 2}, "server-start", `did not say "snapshot"`},
		{fault{"server", "die", 3}, "fill", "exit status 3"},
		{fault{"server", "kill", 4}, "window", "killed"},
		{fault{"server", "hang", 5}, "window", `did not say "snapshot"`},
		{fault{"server", "die", 6}, "settle", "exit status 3"},
		{fault{"server", "hang", 0}, "stop", "killed"},
		{fault{"server", "close", 4}, "window", "killed"},
		{fault{"load", "die", 1}, "load-start", "exit status 3"},
		{fault{"load", "hang", 1}, "load-start", `did not say "ready"`},
		{fault{"load", "hang", 2}, "fill", `did not say "filled"`},
		{fault{"load", "error", 2}, "fill", "cannot listen"},
		{fault{"load", "kill", 3}, "warm-up", "killed"},
		{fault{"load", "hang", 3}, "warm-up", `did not say "measure" within 10.5s`},
		{fault{"load", "garbage", 4}, "window", "no event"},
		{fault{"load", "hang", 4}, "window", `did not say "done" within 12s`},
		{fault{"load", "hang", 5}, "report", `did not say "report"`},
		{fault{"load", "hang", 0}, "load-exit", "killed"},
		{fault{"load", "die", 0}, "load-exit", "exit status 3"},
	} {
		t.Run(f.fault.kind+"-"+f.fault.how+"-"+show(float64(f.fault.line)), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// The third trial of the run misbehaves.
				l := &fakeLauncher{}
				l.faults = func([]string) fault {
					if len(l.argvs) == map[string]int{"server": 5, "load": 6}[f.fault.kind] {
						return f.fault
					}
					return fault{}
				}
				outcome, run, progress, err := fakeRun(t, t.Context(), smallSuite, Request{}, fakeBench(l))
				if err != nil {
					t.Fatal(err)
				}
				if outcome.Failed != 1 || len(run.Records) != 8 {
					t.Fatalf("%d failed of %d records", outcome.Failed, len(run.Records))
				}
				r := run.Records[2]
				if r.Verdict != results.VerdictFailed || r.Failure == nil {
					t.Fatalf("the trial is %s, failure %v", r.Verdict, r.Failure)
				}
				if r.Failure.Stage != f.stage || !strings.Contains(r.Failure.Reason, f.words) {
					t.Errorf("failed at %q: %q; want %q: ...%q...", r.Failure.Stage, r.Failure.Reason, f.stage, f.words)
				}
				if stderr := r.Failure.ServerStderr + r.Failure.LoadStderr; !strings.Contains(stderr, "misbehaves: "+f.fault.how) {
					t.Errorf("the record lacks what the process wrote to stderr: %q", stderr)
				}
				if strings.Contains(r.Failure.Reason, "\n") {
					t.Errorf("the reason is not one line: %q", r.Failure.Reason)
				}
				if !strings.Contains(progress, "failed at "+f.stage) {
					t.Errorf("progress does not tell:\n%s", progress)
				}
				if l.running != 0 {
					t.Errorf("%d processes are left", l.running)
				}
			})
		})
	}
}

func TestRunStopsWhenAllFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeLauncher{faults: func([]string) fault { return fault{"server", "error", 1} }}
		outcome, run, _, err := fakeRun(t, t.Context(), smallSuite, Request{}, fakeBench(l))
		if err == nil || !strings.Contains(err.Error(), "all of the first 2 trials failed") || !strings.Contains(err.Error(), "cannot listen") {
			t.Fatalf("error %v", err)
		}
		if outcome.Run != 2 || len(run.Records) != 2 || l.running != 0 {
			t.Errorf("outcome %+v", outcome)
		}
	})
}

func TestRunCannotLaunch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeLauncher{onLaunch: func([]string) error { return errors.New("no more processes") }}
		_, _, _, err := fakeRun(t, t.Context(), smallSuite, Request{}, fakeBench(l))
		if err == nil || !strings.Contains(err.Error(), "server-start: no more processes") {
			t.Fatalf("error %v", err)
		}
	})
}

// Cancelling ends the trial in flight, wherever it is, and what was recorded
// stays a run.
func TestRunInterrupted(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, 300 * time.Millisecond, 1500 * time.Millisecond, 6 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), after)
				defer cancel()
				l := &fakeLauncher{}
				outcome, run, progress, err := fakeRun(t, ctx, smallSuite, Request{}, fakeBench(l))
				if err != nil || !outcome.Interrupted {
					t.Fatalf("error %v, outcome %+v", err, outcome)
				}
				if want := int(after / (2500 * time.Millisecond)); outcome.Run != want || want > 0 && len(run.Records) != want {
					t.Errorf("%d trials are recorded, want %d", outcome.Run, want)
				}
				if l.running != 0 {
					t.Errorf("%d processes are left", l.running)
				}
				if !strings.Contains(progress, "interrupted") {
					t.Errorf("progress: %s", progress)
				}
			})
		})
	}
}

// A machine that changes its speed inside a trial makes its mini-block noisy:
// it is repeated at the end, as often as the design says and the budget allows.
func TestRunRepeatsNoisy(t *testing.T) {
	// In each of so many trials the machine is slow from the second probe on,
	// which is then made twice more.
	shaky := func(trials int) func([]int) []float64 {
		calls := 0
		return func(cpus []int) []float64 {
			calls++
			out := quietSpeed(cpus)
			if calls <= trials*(2+probeRetries) && calls%(2+probeRetries) != 1 {
				out[0] *= 1.08
			}
			return out
		}
	}
	// A single slow probe is no slow machine.
	hiccups := func() func([]int) []float64 {
		calls := 0
		return func(cpus []int) []float64 {
			calls++
			out := quietSpeed(cpus)
			if calls%3 == 2 {
				out[0] *= 1.4
			}
			return out
		}
	}
	for _, c := range []struct {
		name              string
		speed             func([]int) []float64
		extra             string
		records, repeated int
		notRepeated       int
	}{
		{"quiet", quietSpeed, "", 24, 0, 0},
		{"hiccups", hiccups(), "", 24, 0, 0},
		{"once", shaky(1), "", 26, 1, 0},
		{"always", shaky(1000), "", 48, 12, 0},
		{"no time", shaky(1000), "repeat_budget_s: 5\n", 24, 0, 12},
		{"some time", shaky(1000), "repeat_budget_s: 66\n", 26, 1, 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := fakeBench(&fakeLauncher{})
				b.speed = c.speed
				outcome, run, _, err := fakeRun(t, t.Context(), smallSuite+c.extra, Request{Blocks: results.MinPairs}, b)
				if err != nil {
					t.Fatal(err)
				}
				if len(run.Records) != c.records || outcome.Repeated != c.repeated || outcome.NotRepeated != c.notRepeated {
					t.Fatalf("%d records, %d repeated, %d not; want %d, %d, %d", len(run.Records), outcome.Repeated, outcome.NotRepeated, c.records, c.repeated, c.notRepeated)
				}
				for i, r := range run.Records {
					if r.Trial != i+1 {
						t.Errorf("record %d is trial %d", i, r.Trial)
					}
				}
				if c.repeated > 0 {
					a, b := run.Records[0], run.Records[24]
					if a.Verdict != results.VerdictNoisy || b.Attempt != 2 || b.MiniBlock != a.MiniBlock || b.ScheduleSeed != a.ScheduleSeed {
						t.Errorf("the repetition is not one: %+v then %+v", a, b)
					}
				}
			})
		})
	}
}

const rateSuite = `
schema: 1
name: share
question: Is a rate a share of the capacity?
factors: {backend: [select, epoll], rate_share: [0.5, 1.2]}
fixed: {mode: open, active_connections: 10}
trial: {warmup_s: 0, window_s: 2}
design: {blocks: 1, compare: backend, baseline: epoll}
metrics: {primary: response_p99_us}
`

func TestRunRateShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeLauncher{}
		_, run, _, err := fakeRun(t, t.Context(), rateSuite, Request{}, fakeBench(l))
		if err != nil {
			t.Fatal(err)
		}
		if len(run.Records) != 6 {
			t.Fatalf("%d records, want 2 mini-blocks of a probe and 2 trials", len(run.Records))
		}
		const capacity = fakeRequests / 2.0
		for i, r := range run.Records {
			if i%3 == 0 {
				if r.Role != "capacity" || r.Level != "epoll" || r.Settings["mode"] != "closed" || r.Position != 0 {
					t.Errorf("record %d is no probe on the baseline: %+v", i, r)
				}
				continue
			}
			share := r.Factors["rate_share"].(float64)
			if r.Settings["rate_rps"] != share*capacity || r.Load.IntendedRate != share*capacity {
				t.Errorf("record %d: rate %v, asked of the load process %v, want %v", i, r.Settings["rate_rps"], r.Load.IntendedRate, share*capacity)
			}
		}
	})
}

// Without a capacity there is no rate: the trials of that mini-block fail, those
// of the next do not.
func TestRunRateShareProbeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeLauncher{}
		l.faults = func(argv []string) fault {
			if len(l.argvs) == 7 { // the server of the fourth trial that is launched
				return fault{"server", "die", 1}
			}
			return fault{}
		}
		outcome, run, _, err := fakeRun(t, t.Context(), rateSuite, Request{}, fakeBench(l))
		if err != nil {
			t.Fatal(err)
		}
		if outcome.Failed != 3 || run.Records[3].Failure.Stage != "server-start" || run.Records[4].Failure.Stage != "capacity" || run.Records[5].Failure.Stage != "capacity" {
			t.Errorf("%d failed: %+v", outcome.Failed, run.Records[4].Failure)
		}
	})
}

func TestRunOfferedShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeLauncher{}
		_, run, _, err := fakeRun(t, t.Context(), `
schema: 1
name: offered
question: Are connections a share of what the server can hold?
factors: {backend: [epoll], nofile: [64]}
fixed: {mode: open, rate_rps: 100, offered_share: 2.0, active_share: 0.1}
phases: {fill_s: 1, quiet_s: 3}
trial: {warmup_s: 1, window_s: 2}
design: {blocks: 1, compare: backend, baseline: epoll}
metrics: {primary: response_p99_ms}
`, Request{}, fakeBench(l))
		if err != nil {
			t.Fatal(err)
		}
		r := run.Records[0]
		// The fake server has 64 - 14 = 50 descriptors to spare.
		if r.Settings["active_connections"] != 10.0 || r.Settings["idle_connections"] != 90.0 {
			t.Errorf("%v active and %v idle, want 10 and 90", r.Settings["active_connections"], r.Settings["idle_connections"])
		}
		if r.InsideNs != 3e9 || r.DurationNs < 6e9 {
			t.Errorf("%v ns of %v inside; want warm-up 1 s and window 2 s, and 3 s quiet beside", r.InsideNs, r.DurationNs)
		}
		if load := strings.Join(l.argvs[1], " "); !strings.Contains(load, "--fill-limit 1s") {
			t.Errorf("the load process does not know how long to fill: %s", load)
		}
	})
}
