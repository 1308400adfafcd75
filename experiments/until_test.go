package experiments

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"medusa/results"
)

const untilSuite = `
schema: 1
name: small
question: When does it know enough?
grids:
  - {name: cost, factors: {backend: [select, epoll], idle_connections: [0, 10]}}
  - {name: points, blocks: 2, factors: {backend: [select, epoll], nofile: [1024]}}
trial: {warmup_s: 0.5, window_s: 2}
design: {blocks: 6, compare: backend, baseline: epoll, seed: 7}
metrics: {primary: server_cpu_us_per_request}
`

// TestUntilEndsAtALook: fakes all cost the same, so that the first look knows
// all there is; the blocks that were not needed are not missing.
func TestUntilEndsAtALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outcome, run, progress, err := fakeRun(t, t.Context(), untilSuite, Request{Until: 0.05}, fakeBench(&fakeLauncher{}))
		if err != nil {
			t.Fatal(err)
		}
		const want = 10*4 + 2*2
		if outcome.Stopped != 10 || outcome.Run != want || outcome.Planned != want || outcome.Interrupted {
			t.Errorf("outcome %+v, want the end after 10 blocks and %d trials", outcome, want)
		}
		if len(run.Notes) > 0 || len(run.Plan.Trials) != want || run.Plan.Grids[0].Blocks != 10 || run.Plan.Grids[1].Blocks != 2 {
			t.Errorf("the run is read with %d planned trials, grids %+v, notes %q", len(run.Plan.Trials), run.Plan.Grids, run.Notes)
		}
		if !slices.Equal(run.Plan.Design.Looks, []int{10, 14, 20, 28, 40}) || run.Plan.Design.Until != 0.05 {
			t.Errorf("design %+v", run.Plan.Design)
		}
		for _, part := range []string{"looks after so many blocks: 10", "look after 10 blocks: ", "goal of 5 % is reached", "44 of 44 trials"} {
			if !strings.Contains(progress, part) {
				t.Errorf("progress lacks %q:\n%s", part, progress)
			}
		}
		path, err := results.WriteReport(run)
		if err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(page); !strings.Contains(text, "sequential (until every interval is within 5 %") || strings.Contains(text, "not run") || strings.Contains(text, "This run is partial") {
			t.Errorf("the report does not say that the run is sequential and whole")
		}
		v, err := results.Verify(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range v.Checks {
			if c.Status != results.Pass && c.Name != "latency logs" {
				t.Errorf("verify: %+v", c)
			}
		}
	})
}

// TestUntilGoesOn: a level that never works has no interval, so the run goes on
// to its last block, which the budget or --blocks sets.
func TestUntilGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeLauncher{faults: func(argv []string) fault {
			if argv[1] == "serve" && slices.Contains(argv, "select") {
				return fault{"server", "error", 1}
			}
			return fault{}
		}}
		outcome, run, progress, err := fakeRun(t, t.Context(), untilSuite, Request{Until: 0.05, Blocks: 12, Only: []string{"grid=cost"}}, fakeBench(l))
		if err == nil || !strings.Contains(err.Error(), "every trial failed of select") {
			t.Errorf("error %v", err)
		}
		if outcome.Stopped != 0 || outcome.Run != 48 || !slices.Equal(run.Plan.Design.Looks, []int{10, 12}) {
			t.Errorf("outcome %+v, looks %v", outcome, run.Plan.Design.Looks)
		}
		if !strings.Contains(progress, "no interval yet for select") || !strings.Contains(progress, "going on") {
			t.Errorf("progress:\n%s", progress)
		}
	})
}

// TestUntilLooksAgain: a run that was killed at a look, before it had looked, is
// looked at when it is gone on with.
func TestUntilLooksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCutOff(t, untilSuite)
		c.start(t.Context(), Request{Until: 0.05})
		trials, err := os.ReadFile(filepath.Join(c.dir, "trials.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		c.killed(trials)
		outcome, err := c.resume(t.Context(), false)
		if err != nil || outcome.Stopped != 10 || outcome.Run != 44 || outcome.Planned != 44 {
			t.Errorf("%+v, %v: want the end after 10 blocks", outcome, err)
		}
		run, err := results.Open(c.dir)
		if err != nil || !run.Whole() || len(run.Records) != 44 {
			t.Errorf("%d records, %v", len(run.Records), err)
		}
	})
}

func TestUntilPlans(t *testing.T) {
	t.Parallel()
	s, err := Parse("small.yaml", []byte(untilSuite))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		request Request
		blocks  int
		looks   []int
		err     string
	}{
		{Request{Until: 0.05}, 40, []int{10, 14, 20, 28, 40}, ""},
		{Request{Until: 0.05, Blocks: 17}, 17, []int{10, 14, 17}, ""},
		{Request{}, 6, nil, ""},
		{Request{Until: 0.05, Only: []string{"grid=points"}}, 0, nil, "nothing to be precise about"},
		{Request{Until: 0.05, Blocks: 3}, 0, nil, "nothing to be precise about"},
	} {
		p, err := MakePlan(s, c.request, testHost())
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v: error %v, want %q", c.request, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Grids[0].Blocks != c.blocks || !slices.Equal(p.Design.Looks, c.looks) || p.Trials[len(p.Trials)-1].Block != c.blocks {
			t.Errorf("%+v: %d blocks, looks %v", c.request, p.Grids[0].Blocks, p.Design.Looks)
		}
	}
	// A budget takes blocks away, and with them looks.
	whole, err := MakePlan(s, Request{Until: 0.05}, testHost())
	if err != nil {
		t.Fatal(err)
	}
	p, err := MakePlan(s, Request{Until: 0.05, Budget: whole.upToBlock(15)}, testHost())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Design.Looks, []int{10, 14, 15}) {
		t.Errorf("looks %v within a budget of 15 blocks", p.Design.Looks)
	}
}
