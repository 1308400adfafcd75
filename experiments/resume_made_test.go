package experiments

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

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
