package experiments

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"medusa/results"
)

// resumeSuite has capacity probes and the blocks for claims, so that noisy
// mini-blocks are repeated.
const resumeSuite = `
schema: 1
name: resumed
question: Is a run that was cut off the run that it would have been?
factors: {backend: [select, epoll], rate_share: [0.5]}
fixed: {mode: open, active_connections: 10}
phases: {fill_s: 1.5, quiet_s: 0.25}
trial: {warmup_s: 0.5, window_s: 2}
design: {blocks: 6, compare: backend, baseline: epoll, same_schedule: true, seed: 5, repeat_noisy: 2}
metrics: {primary: response_p99_us}
`

// disturbed is a machine whose hypervisor takes its CPUs away whenever some
// mini-blocks are run: of one always, of another in the first 18 trials.
type disturbed struct {
	fakeSignals
	stolen        int64
	always, first string // seeds
	seed          string // of the trial that is under way
	trial         int
}

func (d *disturbed) Window(pids []int) windowReading {
	if d.seed == d.always || d.seed == d.first && d.trial <= 18 {
		d.stolen += 1e9
	}
	r := d.fakeSignals.Window(pids)
	stolen := d.stolen
	r.Steal = &stolen
	return r
}

// cutOff is a run that tests cut off and go on with.
type cutOff struct {
	t     *testing.T
	dir   string
	suite string
	argvs map[string][]string // by planned trial: what its processes were told
}

// bench is a machine on which the second mini-block is always disturbed, the
// third at first.
func (c *cutOff) bench(plan results.Plan) *bench {
	seed := func(miniBlock int) string {
		for _, p := range plan.Trials {
			if p.MiniBlock == miniBlock {
				return strconv.FormatUint(p.ScheduleSeed, 10)
			}
		}
		return ""
	}
	d := &disturbed{always: seed(2), first: seed(3)}
	l := &fakeLauncher{}
	var server []string
	l.onLaunch = func(argv []string) error {
		at := func(flag string) string { return argv[slices.Index(argv, flag)+1] }
		if argv[1] == "serve" {
			server = slices.Clone(argv)
			server[slices.Index(argv, "--http")+1] = "ADDRESS"
			return nil
		}
		d.seed = at("--seed")
		d.trial, _ = strconv.Atoi(at("--hlog-tag"))
		told := append(server, argv[slices.Index(argv, "--control"):]...)
		for _, flag := range []string{"--hlog", "--hlog-tag"} {
			told[slices.Index(told, flag)+1] = "FILE"
		}
		key := fmt.Sprint(d.seed, at("--backend"), server[slices.Index(server, "--backend")+1], slices.Contains(argv, "--closed"))
		c.argvs[key] = told
		return nil
	}
	b := fakeBench(l)
	b.signals = d
	return b
}

func (c *cutOff) options() Options {
	return Options{Dir: c.dir, Here: func() []BackendInfo { return testHost().Backends }}
}

// start runs the suite until ctx ends.
func (c *cutOff) start(ctx context.Context, req Request) {
	c.t.Helper()
	s, err := Parse("resumed.yaml", []byte(c.suite))
	if err != nil {
		c.t.Fatal(err)
	}
	plan, err := MakePlan(s, req, testHost())
	if err != nil {
		c.t.Fatal(err)
	}
	o := c.options()
	o.Suite, o.Request = s, req
	if _, err := o.run(ctx, plan, c.bench(plan.Plan)); err != nil {
		c.t.Fatal(err)
	}
}

// resume goes on with the run as Resume does, with fakes.
func (c *cutOff) resume(ctx context.Context, anyway bool) (*Outcome, error) {
	w, run, err := results.Reopen(c.dir)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	o, err := c.options().AsAsked(run)
	if err != nil {
		return nil, err
	}
	return o.resume(ctx, w, run, c.bench(run.Plan), anyway)
}

// made is what a run did, in order: a line for each trial, without the
// attempts that were cut off.
func made(t *testing.T, dir string) (lines []string, cut int) {
	t.Helper()
	run, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	type attempt struct{ miniBlock, number int }
	size, planned, whole := map[attempt]int{}, map[int]int{}, map[int]int{}
	for _, p := range run.Plan.Trials {
		planned[p.MiniBlock]++
	}
	for _, r := range run.Records {
		size[attempt{r.MiniBlock, r.Attempt}]++
	}
	for _, r := range run.Records {
		if size[attempt{r.MiniBlock, r.Attempt}] < planned[r.MiniBlock] {
			cut++
			continue
		}
		if r.Position == 0 {
			whole[r.MiniBlock]++
		}
		lines = append(lines, fmt.Sprintf("mini-block %d, time %d, position %d: %s %s %v at %v/s, seed %d: %s",
			r.MiniBlock, whole[r.MiniBlock], r.Position, r.Role, r.Level, r.Factors, r.Settings["rate_rps"], r.ScheduleSeed, r.Verdict))
	}
	return lines, cut
}

// tally is what an analysis counts.
func tally(t *testing.T, dir string) results.Tally {
	t.Helper()
	run, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return results.Analyse(run.Plan, run.Records).Tally
}

// verified fails the test where a run does not agree with itself.
func verified(t *testing.T, dir string) {
	t.Helper()
	v, err := results.Verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Checks {
		if c.Status == results.Fail {
			t.Errorf("verify: %s: %s", c.Name, c.Line)
		}
	}
}

// sameRun compares a run that was cut off with one that was not.
func sameRun(t *testing.T, whole, resumed *cutOff) {
	t.Helper()
	verified(t, resumed.dir)
	want, _ := made(t, whole.dir)
	got, cut := made(t, resumed.dir)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the run is another one:\n%s", diff)
	}
	if diff := cmp.Diff(whole.argvs, resumed.argvs); diff != "" {
		t.Errorf("processes were told something else:\n%s", diff)
	}
	was, is := tally(t, whole.dir), tally(t, resumed.dir)
	run, err := results.Open(resumed.dir)
	if err != nil {
		t.Fatal(err)
	}
	if was.Cut != 0 || is.Run != was.Run || is.Repeats != was.Repeats || is.Entered != was.Entered || is.Run != is.Planned {
		t.Errorf("it counts %+v, want %+v", is, was)
	}
	if is.Cut+is.Run+is.Repeats+is.Probes != len(run.Records) || is.Cut > cut {
		t.Errorf("%+v of %d records, %d of attempts that were cut off", is, len(run.Records), cut)
	}
	if !run.Environment.Done || run.Environment.After == nil || len(run.Notes) > 0 {
		t.Errorf("the run is not whole: done %v, notes %q", run.Environment.Done, run.Notes)
	}
}

func newCutOff(t *testing.T, suite string) *cutOff {
	return &cutOff{t: t, dir: filepath.Join(t.TempDir(), "run"), suite: suite, argvs: map[string][]string{}}
}

// TestResumeFromEveryRecord cuts a run after each of its records, with a torn
// line or without, as a kill does: resumed, it is the run that it would have
// been.
func TestResumeFromEveryRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := newCutOff(t, resumeSuite)
		whole.start(t.Context(), Request{})
		text, err := os.ReadFile(filepath.Join(whole.dir, "trials.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.SplitAfter(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
		// 18 planned; one mini-block of 3 was noisy three times, one once.
		if lines, _ := made(t, whole.dir); len(lines) != 18+6+3 {
			t.Fatalf("the run has %d records: nothing was repeated as meant", len(lines))
		}
		for n := range len(lines) + 1 {
			c := newCutOff(t, resumeSuite)
			if err := os.CopyFS(c.dir, os.DirFS(whole.dir)); err != nil {
				t.Fatal(err)
			}
			for key, argv := range whole.argvs { // those of before the kill
				c.argvs[key] = argv
			}
			left := bytes.Join(lines[:n], nil)
			if n < len(lines) && n%2 == 0 {
				left = append(left, lines[n][:len(lines[n])/2]...)
			}
			c.killed(left)
			outcome, err := c.resume(t.Context(), false)
			if err != nil {
				t.Fatalf("after %d records: %v", n, err)
			}
			if outcome.Run != 18 || outcome.Repeated != 3 {
				t.Errorf("after %d records: %+v", n, outcome)
			}
			sameRun(t, whole, c)
			if t.Failed() {
				t.Fatalf("after %d records", n)
			}
		}
	})
}

// killed makes of a whole run one that was killed with so much in its
// trials.jsonl.
func (c *cutOff) killed(trials []byte) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, "trials.jsonl"), trials, 0o666); err != nil {
		c.t.Fatal(err)
	}
	path := filepath.Join(c.dir, "environment.json")
	text, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	i := bytes.Index(text, []byte(",\n \"after\""))
	if i < 0 {
		c.t.Fatalf("environment.json of the whole run: %s", text)
	}
	if err := os.WriteFile(path, append(text[:i:i], "\n}\n"...), 0o666); err != nil {
		c.t.Fatal(err)
	}
}

// TestResumeAgainAndAgain interrupts a run at random moments, goes on with it,
// and interrupts that.
func TestResumeAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := newCutOff(t, resumeSuite)
		whole.start(t.Context(), Request{})
		for seed := range uint64(8) {
			random := rand.New(rand.NewPCG(seed, 0))
			life := func() (context.Context, context.CancelFunc) {
				return context.WithTimeout(t.Context(), time.Duration(random.Int64N(int64(25*time.Second))))
			}
			c := newCutOff(t, resumeSuite)
			ctx, cancel := life()
			c.start(ctx, Request{})
			cancel()
			sessions := 1
			for done := false; !done; sessions++ {
				ctx, cancel := life()
				outcome, err := c.resume(ctx, false)
				cancel()
				if err != nil {
					t.Fatal(err)
				}
				done = !outcome.Interrupted
			}
			sameRun(t, whole, c)
			if t.Failed() || sessions < 3 {
				t.Fatalf("seed %d, %d sessions", seed, sessions)
			}
		}
	})
}

// What a run was asked for beside its suite is asked for again.
func TestResumeAsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seed := uint64(99)
		req := Request{Only: []string{"backend=epoll"}, Set: []string{"active_connections=7"}, Blocks: 8, Seed: &seed, Budget: time.Hour}
		whole, c := newCutOff(t, resumeSuite), newCutOff(t, resumeSuite)
		whole.start(t.Context(), req)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		c.start(ctx, req)
		if _, err := c.resume(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		sameRun(t, whole, c)
		run, err := results.Open(c.dir)
		if err != nil {
			t.Fatal(err)
		}
		o, err := Options{}.AsAsked(run)
		if err != nil {
			t.Fatal(err)
		}
		o.Command = ""
		if diff := cmp.Diff(req, o.Request); diff != "" {
			t.Error(diff)
		}
	})
}

// The time that earlier sessions took is no longer there for repeats.
func TestResumeWithinBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		suite := resumeSuite + "repeat_budget_s: 60\n" // the plan takes 50 s, a repeat 8
		whole, c := newCutOff(t, suite), newCutOff(t, suite)
		whole.start(t.Context(), Request{})
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		c.start(ctx, Request{})
		time.Sleep(time.Hour) // between sessions: not the run's
		outcome, err := c.resume(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := made(t, whole.dir)
		got, _ := made(t, c.dir)
		if len(want) != 18+3 || len(got) != len(want) && len(got) != 18 || outcome.NotRepeated == 0 {
			t.Errorf("%d records, of a whole run %d; %+v", len(got), len(want), outcome)
		}
	})
}

func TestResumeRefuses(t *testing.T) {
	edit := func(name, old, new string) func(t *testing.T, c *cutOff) {
		return func(t *testing.T, c *cutOff) {
			path := filepath.Join(c.dir, name)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			changed := bytes.Replace(text, []byte(old), []byte(new), 1)
			if bytes.Equal(text, changed) {
				t.Fatalf("%s has no %q", name, old)
			}
			if err := os.WriteFile(path, changed, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, f := range []struct {
		name  string
		spoil func(t *testing.T, c *cutOff)
		want  string
	}{
		{"another plan", edit("plan.json", `"seed": 5`, `"seed": 6`), "plan.json was changed after the run was made"},
		{"another suite", edit("suite.yaml", "window_s: 2", "window_s: 3"), "suite.yaml was changed after the run was made"},
		{"another kernel", edit("environment.json", `"kernel": "`, `"kernel": "another `), "kernel: "},
		{"another machine", edit("environment.json", `"cpus": `, `"cpus": 9`), "CPUs: "},
		{"another binary", edit("environment.json", `"binary_sha256": ""`, `"binary_sha256": "0123456789abcdef"`), "binary SHA-256: unknown, was 0123456789ab"},
		{"another generator", edit("trials.jsonl", `"backend":"epoll","engine":"","pacing"`, `"backend":"poll","engine":"","pacing"`), "backend of the generator: epoll, was poll"},
		{"a spoiled line", edit("trials.jsonl", `{"schema_version":1,"trial":2,`, `{"schema_version":1,"trial":,`), "trials.jsonl:2 cannot be read"},
		{"a lost line", edit("trials.jsonl", `{"schema_version":1,"trial":2,`, `{"schema_version":1,"trial":3,`), "line 2 of trials.jsonl has trial 3"},
		{"an unplanned trial", edit("trials.jsonl", `"mini_block":1`, `"mini_block":77`), "trial 1 was not planned"},
	} {
		t.Run(f.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCutOff(t, resumeSuite)
				ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
				defer cancel()
				c.start(ctx, Request{})
				f.spoil(t, c)
				before := contents(t, c.dir)
				_, err := c.resume(t.Context(), false)
				if err == nil || !strings.Contains(err.Error(), f.want) || !strings.Contains(err.Error(), c.dir) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%v, want one line with %q and the folder", err, f.want)
				}
				if diff := cmp.Diff(before, contents(t, c.dir)); diff != "" {
					t.Errorf("it was refused and changed all the same: %s", diff)
				}
			})
		})
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if b, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil {
			out[e.Name()] = string(b)
		}
	}
	return out
}

// A run that is gone on with although something has changed says what, and
// from which trial on; a second time on the same machine is no change.
func TestResumeChangedAnyway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCutOff(t, resumeSuite)
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		c.start(ctx, Request{})
		path := filepath.Join(c.dir, "environment.json")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte(`"kernel": "`), []byte(`"kernel": "another `)), 0o666); err != nil {
			t.Fatal(err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		if outcome, err := c.resume(ctx, true); err != nil || !outcome.Interrupted {
			t.Fatalf("%+v, %v", outcome, err)
		}
		if _, err := c.resume(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		verified(t, c.dir)
		run, err := results.Open(c.dir)
		if err != nil {
			t.Fatal(err)
		}
		sessions := run.Environment.Resumed
		if len(sessions) != 2 || len(sessions[0].Changed) != 1 || len(sessions[1].Changed) != 0 || !strings.HasPrefix(sessions[0].Changed[0], "kernel: ") {
			t.Fatalf("sessions %+v", sessions)
		}
		want := fmt.Sprintf("from trial %d on the run was resumed although something had changed: kernel: ", sessions[0].FromTrial)
		if len(run.Notes) != 1 || !strings.HasPrefix(run.Notes[0], want) {
			t.Errorf("notes %q, want one with %q", run.Notes, want)
		}
	})
}

func TestResumeNothingLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCutOff(t, resumeSuite)
		c.start(t.Context(), Request{})
		before := contents(t, c.dir)
		outcome, err := Resume(t.Context(), c.options(), false)
		if err != nil || !outcome.Whole || outcome.Run != 18 {
			t.Fatalf("%+v, %v", outcome, err)
		}
		if diff := cmp.Diff(before, contents(t, c.dir)); diff != "" {
			t.Error(diff)
		}
	})
}
