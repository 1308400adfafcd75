package results

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"medusa/results/stats"
)

// twoRuns are runs of one suite on machines of which B is 1.6 times slower, and
// on which poll costs 20 % more than it does in A.
func twoRuns(blocks int) (a, b *Run) {
	machine := Machine{OS: "linux", Arch: "amd64", Kernel: "6.18", CPUModel: "this one", CPUs: 2, GoVersion: "go1.26", BinarySHA256: "aa", UnixNs: 1, LoadAverage: "1"}
	make := func(seed uint64, slow, poll float64, m Machine) *Run {
		plan, records := synthetic{blocks: blocks, noise: 0.01, seed: seed, states: true, idle: []float64{0, 2000}, cost: func(level string, idle float64) float64 {
			if level == "poll" {
				return slow * poll * costOfSelect(level, idle)
			}
			return slow * costOfSelect(level, idle)
		}}.run()
		return &Run{Dir: "run" + m.CPUModel, Plan: plan, Records: records, Environment: Environment{Before: m}, Stamp: Stamp{CreatedUnixNs: int64(seed)}}
	}
	other := machine
	other.CPUModel, other.Congestion, other.UnixNs, other.LoadAverage = "that one", "bbr", 2, "2"
	return make(21, 1, 1, machine), make(22, 1.6, 1.2, other)
}

// TestCompareRunsThroughTheAnchor: the slower machine cancels, the dearer poll
// does not; the raw ratio shows the machine and has no p.
func TestCompareRunsThroughTheAnchor(t *testing.T) {
	t.Parallel()
	a, b := twoRuns(12)
	c, err := CompareRuns(a, b, CompareQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Anchor != "epoll" || len(c.Rows) != 6 {
		t.Fatalf("anchor %q, %d rows", c.Anchor, len(c.Rows))
	}
	for _, r := range c.Rows {
		truth, outcome := 1.0, stats.Same
		switch r.Level {
		case "poll":
			truth, outcome = 1/1.2, stats.Faster // A against B
		case "epoll":
			if !math.IsNaN(r.Ratio) {
				t.Errorf("the anchor has a ratio %v", r.Ratio)
			}
			if math.Abs(r.Raw-1/1.6) > 0.35 {
				t.Errorf("the anchor's raw ratio %v", r.Raw)
			}
			continue
		}
		if r.NA != 12 || r.NB != 12 || r.Lo > truth || r.Hi < truth || !(r.Lo <= r.Ratio && r.Ratio <= r.Hi) || r.Outcome != outcome || math.Abs(r.Raw-1) < 0.1 {
			t.Errorf("%s%s: %v (%v-%v) of %d+%d, %s, raw %v; truth %v", r.Level, where(r.At), r.Ratio, r.Lo, r.Hi, r.NA, r.NB, r.Outcome, r.Raw, truth)
		}
	}
	var text bytes.Buffer
	if err := c.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CPU", "this one", "that one", "congestion control", "bbr", "UNPAIRED", "anchor", "12+12", "without an interval"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
	}
	if differs, table := strings.Index(text.String(), "DIFFERS"), strings.Index(text.String(), "ANCHORED"); differs < 0 || differs > table {
		t.Error("what differs does not come first")
	}
	if out, err := json.Marshal(c); err != nil || !strings.Contains(string(out), `"raw_ratio_unpaired"`) {
		t.Errorf("%s, %v", out, err)
	}
}

// TestCompareRunsWithoutAnAnchor: raw ratios only.
func TestCompareRunsWithoutAnAnchor(t *testing.T) {
	t.Parallel()
	a, b := twoRuns(12)
	b.Plan.Design.Anchor = "select"
	c, err := CompareRuns(a, b, CompareQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Rows {
		if !math.IsNaN(r.Ratio) || r.Outcome != stats.NotResolved || math.IsNaN(r.Raw) {
			t.Errorf("without an anchor: %+v", r)
		}
	}
	var text bytes.Buffer
	if err := c.WriteText(&text); err != nil || strings.Contains(text.String(), "OUTCOME") || !strings.Contains(text.String(), "no anchor in common (A has epoll, B has select)") {
		t.Errorf("%v:\n%s", err, text.String())
	}
	a.Plan.Design.Anchor = "select"
	if c, err = CompareRuns(a, b, CompareQuery{}); err != nil || c.Anchor != "select" {
		t.Errorf("anchor %q, %v", c.Anchor, err)
	}
	if c, err = CompareRuns(a, b, CompareQuery{Baseline: "poll"}); err != nil || c.Anchor != "poll" {
		t.Errorf("anchor %q, %v", c.Anchor, err)
	}
	if _, err = CompareRuns(a, b, CompareQuery{Baseline: "kqueue"}); err == nil || !strings.Contains(err.Error(), "kqueue cannot be the anchor") {
		t.Errorf("error %v", err)
	}
}

// TestCompareRunsFewBlocks: five blocks in one run carry no interval.
func TestCompareRunsFewBlocks(t *testing.T) {
	t.Parallel()
	a, _ := twoRuns(12)
	_, b := twoRuns(5)
	c, err := CompareRuns(a, b, CompareQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Rows {
		if r.Coverage != 0 || r.Outcome != stats.NotResolved {
			t.Errorf("%+v", r)
		}
	}
	for _, w := range c.Differences {
		if w.What == "grid idle: blocks" && w.A == "12" && w.B == "5" {
			return
		}
	}
	t.Errorf("the blocks differ, and that is not said: %+v", c.Differences)
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	a, b := twoRuns(6)
	said := map[string]Difference{}
	for _, d := range Differences(a, b) {
		said[d.What] = d
	}
	if len(said) != 2 || said["CPU"] != (Difference{"CPU", "this one", "that one"}) || said["congestion control"] != (Difference{"congestion control", "", "bbr"}) {
		t.Errorf("%+v", said)
	}
	if same := Differences(a, a); len(same) != 0 {
		t.Errorf("a run differs from itself: %+v", same)
	}
	// A plan of an earlier version does not say what could not be otherwise then.
	for i := range b.Plan.Trials {
		b.Plan.Trials[i].Settings["server_processes"] = 1.0
	}
	for _, d := range Differences(a, b) {
		if strings.Contains(d.What, "server_processes") {
			t.Errorf("%+v", d)
		}
	}
	for i := range b.Plan.Trials {
		b.Plan.Trials[i].Settings["active_connections"] = 50.0
		b.Plan.Trials[i].Settings["server_processes"] = 2.0
	}
	b.Plan.Grids[0].Factors["idle_connections"] = []any{0.0, 2000.0, 8000.0}
	b.Plan.Grids = append(b.Plan.Grids, GridPlan{Name: "more"})
	a.Plan.Grids[0].Phases = map[string]float64{"quiet_s": 0.1}
	b.Plan.Grids[0].Phases = map[string]float64{"quiet_s": 0.4}
	b.Plan.Suite, b.Plan.Design.Anchor = "other", "poll"
	said = map[string]Difference{}
	for _, d := range Differences(a, b) {
		said[d.What] = d
	}
	for _, want := range []Difference{
		{"suite", "synthetic", "other"}, {"anchor", "epoll", "poll"}, {"grid more", "not run", "run"},
		{"grid idle: active_connections", "100", "50"}, {"grid idle: phase quiet_s", "0.1", "0.4"}, {"grid idle: server_processes", "1", "2"}, {"grid idle: levels of idle_connections", "0 2000", "0 2000 8000"},
	} {
		if said[want.What] != want {
			t.Errorf("%+v is not said; said %+v", want, said[want.What])
		}
	}
}

// TestCompareRunsRefuses what has nothing in common.
func TestCompareRunsRefuses(t *testing.T) {
	t.Parallel()
	a, b := twoRuns(6)
	b.Plan.Design.Compare = "idle_connections"
	if _, err := CompareRuns(a, b, CompareQuery{}); err == nil || !strings.Contains(err.Error(), "different factors") {
		t.Errorf("error %v", err)
	}
	a, b = twoRuns(6)
	b.Plan.Grids[0].Name = "other"
	for i := range b.Plan.Trials {
		b.Plan.Trials[i].Grid = "other"
	}
	if _, err := CompareRuns(a, b, CompareQuery{}); err == nil || !strings.Contains(err.Error(), "no cell in common") {
		t.Errorf("error %v", err)
	}
}

// TestCompareRunsKeepsCensoredBlocks: a run of which blocks time out is not as
// good as its survivors.
func TestCompareRunsKeepsCensoredBlocks(t *testing.T) {
	t.Parallel()
	a, b := twoRuns(12)
	for _, run := range []*Run{a, b} {
		for i := range run.Records {
			run.Records[i].Metrics["response_p99_us"] = 100
		}
	}
	for i := range a.Records {
		if r := &a.Records[i]; r.Level == "select" && r.Block <= 5 {
			delete(r.Metrics, "response_p99_us")
			r.Censored = map[string]float64{"response_p99_us": 1e6}
		}
	}
	c, err := CompareRuns(a, b, CompareQuery{Metric: "response_p99_us"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Rows {
		if r.Level == "select" && (r.Outcome != stats.NotResolved || !math.IsInf(r.Hi, 1) || r.Censored != 5 || r.NA != 12) {
			t.Errorf("%+v", r)
		}
	}
	var text bytes.Buffer
	if err := c.WriteText(&text); err != nil || !strings.Contains(text.String(), "in 5 pairs the value falls among failed requests") {
		t.Errorf("%v\n%s", err, text.String())
	}
}

// TestRunsIntervalsCover: the run of fewer blocks scatters three times as much.
func TestRunsIntervalsCover(t *testing.T) {
	t.Parallel()
	const runs = 2000
	for _, n := range [][2]int{{6, 12}, {10, 40}} {
		random := rand.New(rand.NewPCG(17, uint64(n[0])))
		covered := 0
		for range runs {
			sample := func(n int, sd float64) anchored {
				v := make([]float64, n)
				for i := range v {
					v[i] = sd * random.NormFloat64()
				}
				return anchored{lower: v, upper: v, near: v}
			}
			var r RunsRow
			r.judge(sample(n[0], 0.05), sample(n[1], 0.05/3), Margin, 1, true, true)
			if r.Lo <= 1 && 1 <= r.Hi {
				covered++
			}
		}
		if covered < runs*94/100 {
			t.Errorf("%d and %d blocks: %d of %d intervals cover", n[0], n[1], covered, runs)
		}
	}
}

// TestCompareTellsOfTheFloor: that the wake floor took a claim back is said, in
// both comparisons, and no other reason is given.
func TestCompareTellsOfTheFloor(t *testing.T) {
	t.Parallel()
	run := latencyRun(1.1, 1.5)
	inside, err := Compare(run, CompareQuery{})
	if err != nil {
		t.Fatal(err)
	}
	between, err := CompareRuns(run, latencyRun(1, 1.5), CompareQuery{Baseline: "epoll"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []interface {
		WriteText(io.Writer) error
		MarshalJSON() ([]byte, error)
	}{inside, between} {
		var text bytes.Buffer
		if err := c.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		b, err := c.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text.String(), "waking a CPU") || strings.Contains(text.String(), "could find") || !strings.Contains(string(b), `"floor":"2`) || strings.Contains(string(b), `"differences":null`) {
			t.Errorf("%s\n%s", text.String(), b)
		}
	}
	for _, r := range inside.Rows {
		if r.Floor != "" && r.Unpaired.Disagrees != "" {
			t.Errorf("%s is explained by %q", r.Level, r.Unpaired.Disagrees)
		}
	}
}
