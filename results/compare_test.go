package results

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"medusa/results/stats"
)

// compareOf compares inside a synthetic run.
func compareOf(t *testing.T, s synthetic, q CompareQuery) *Comparison {
	t.Helper()
	plan, records := s.run()
	c, err := Compare(&Run{Plan: plan, Records: records}, q)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCompareIsTheRunsOwnAnswer: for the declared metric and baseline the rows
// are the contrasts of the report, corrected and starred alike.
func TestCompareIsTheRunsOwnAnswer(t *testing.T) {
	t.Parallel()
	s := synthetic{blocks: 12, noise: 0.01, states: true, seed: 1}
	a, c := s.analyse(), compareOf(t, s, CompareQuery{})
	if len(c.Rows) != len(a.Contrasts) || !c.Declared {
		t.Fatalf("%d rows, %d contrasts", len(c.Rows), len(a.Contrasts))
	}
	for i, r := range c.Rows {
		if w := a.Contrasts[i]; r.Level != w.Level || r.Ratio != w.Ratio || r.Lo != w.Lo || r.PHolm != w.PHolm || r.Starred != w.Starred || r.Outcome != w.Outcome || !r.Declared {
			t.Errorf("row %+v is not the contrast %+v", r.Contrast, w)
		}
	}
	if !c.Rows[len(c.Rows)-1].Starred {
		t.Error("poll at 8,000 idle connections is three times as dear and not starred")
	}
}

// TestCompareExploresWithoutStars: another baseline or metric was not declared.
func TestCompareExploresWithoutStars(t *testing.T) {
	t.Parallel()
	s := synthetic{blocks: 12, noise: 0.01, seed: 1, metrics: func(level string, idle float64) map[string]float64 {
		return map[string]float64{"response_p50_us": 100 * costOfSelect(level, idle)}
	}}
	for _, q := range []CompareQuery{{Baseline: "poll"}, {Metric: "response_p50_us"}, {Metric: "response_p50_us", Baseline: "select", Margin: 0.02}} {
		c := compareOf(t, s, q)
		var p []float64
		for _, r := range c.Rows {
			p = append(p, r.P)
			if r.Starred || r.Declared {
				t.Errorf("%+v: starred %v, declared %v", q, r.Starred, r.Declared)
			}
		}
		for i, holm := range stats.Holm(p) {
			if c.Rows[i].PHolm != holm {
				t.Errorf("%+v: p %v, corrected over the rows %v", q, c.Rows[i].PHolm, holm)
			}
		}
		if !strings.Contains(strings.Join(c.Notes, "\n"), "exploratory") {
			t.Errorf("%+v: notes %q", q, c.Notes)
		}
	}
	where := compareOf(t, s, CompareQuery{Where: []Setting{{"idle_connections", "8000"}}})
	if len(where.Rows) != 2 || where.Rows[0].PHolm == where.Rows[0].P {
		t.Errorf("%d rows at one setting; a part of the declared contrasts stays corrected for all: p %v, Holm %v", len(where.Rows), where.Rows[0].P, where.Rows[0].PHolm)
	}
}

// TestCompareMargin: what is the same within 5 % need not be within 1 %.
func TestCompareMargin(t *testing.T) {
	t.Parallel()
	s := synthetic{blocks: 12, noise: 0.02, seed: 5, idle: []float64{0}}
	wide, narrow := compareOf(t, s, CompareQuery{}), compareOf(t, s, CompareQuery{Margin: 0.005})
	if wide.Rows[0].Outcome != stats.Same || narrow.Rows[0].Outcome != stats.NotResolved {
		t.Errorf("within 5 %%: %s, within 0.5 %%: %s", wide.Rows[0].Outcome, narrow.Rows[0].Outcome)
	}
	if !strings.Contains(strings.Join(narrow.Notes, "\n"), "before the run it was 5 %") {
		t.Errorf("notes %q", narrow.Notes)
	}
}

// TestCompareExplainsPairs: the machine gets slower by 4 % a block, so that the
// medians of trials hide a difference of 5 % that pairs show.
func TestCompareExplainsPairs(t *testing.T) {
	t.Parallel()
	s := synthetic{blocks: 12, noise: 0.01, seed: 2, idle: []float64{0}, levels: []string{"select", "epoll"},
		cost:  func(level string, _ float64) float64 { return map[string]float64{"select": 8.4, "epoll": 8}[level] },
		touch: func(r *Record) { r.Metrics[costColumn] *= 1 + 0.04*float64(r.Block) }}
	r := compareOf(t, s, CompareQuery{}).Rows[0]
	if r.Outcome != stats.Slower || r.Unpaired.Different {
		t.Fatalf("paired %s, unpaired different %v (p %v): nothing to explain", r.Outcome, r.Unpaired.Different, r.Unpaired.P)
	}
	for _, want := range []string{"unpaired: ~ (p=0.", "paired: slower", "machine's state, sd 1"} {
		if !strings.Contains(r.Unpaired.Disagrees, want) {
			t.Errorf("%q lacks %q", r.Unpaired.Disagrees, want)
		}
	}
	var b bytes.Buffer
	if err := compareOf(t, s, CompareQuery{}).WriteText(&b); err != nil || !strings.Contains(b.String(), r.Unpaired.Disagrees) {
		t.Errorf("%v; the table does not explain it:\n%s", err, b.String())
	}
	s.touch = nil
	if calm := compareOf(t, s, CompareQuery{}).Rows[0]; calm.Unpaired.Disagrees != "" {
		t.Errorf("on a steady machine both agree: %s", calm.Unpaired.Disagrees)
	}
}

// TestCompareWithTheBest: the best is chosen on odd blocks and compared on even
// ones.
func TestCompareWithTheBest(t *testing.T) {
	t.Parallel()
	s := synthetic{blocks: 12, noise: 0.01, seed: 4, idle: []float64{8000}, touch: func(r *Record) {
		// On even blocks select is the cheapest, which must not choose it.
		if r.Level == "select" && r.Block%2 == 0 {
			r.Metrics[costColumn] = 1
		}
	}}
	c := compareOf(t, s, CompareQuery{Baseline: Best})
	for _, r := range c.Rows {
		if r.Baseline != "epoll" || r.N != 6 || r.Starred || r.Declared || r.Unpaired.Level.N != 6 {
			t.Errorf("%s against %s: %d pairs, %d trials", r.Level, r.Baseline, r.N, r.Unpaired.Level.N)
		}
		if r.Level == "select" && (r.Outcome != stats.Faster || r.Hi > 0.2) {
			t.Errorf("on even blocks select is an eighth: %v-%v", r.Lo, r.Hi)
		}
	}
	if len(c.Rows) != 2 {
		t.Errorf("%d rows", len(c.Rows))
	}
}

func TestCompareRefuses(t *testing.T) {
	t.Parallel()
	plan, records := synthetic{blocks: 6, noise: 0.01}.run()
	for _, c := range []struct {
		q    CompareQuery
		want string
	}{
		{CompareQuery{By: "idle_connections"}, "this run compares levels of backend"},
		{CompareQuery{Baseline: "epol"}, `the nearest is "epoll"`},
		{CompareQuery{Metric: "response_p50"}, `"response_p50_us"`},
		{CompareQuery{Metric: "idle_connections"}, "not a metric"},
		{CompareQuery{Margin: 1.5}, "between 0 and 100 %"},
		{CompareQuery{Where: []Setting{{"idle_conections", "0"}}}, `the nearest factor is "idle_connections"`},
		{CompareQuery{Where: []Setting{{"idle_connections", "1"}}}, "the nearest is \"0\""},
		{CompareQuery{Where: []Setting{{"backend", "poll"}}}, "names no place"},
	} {
		_, err := Compare(&Run{Plan: plan, Records: records}, c.q)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v, want %q", c.q, err, c.want)
		}
	}
}

// TestCompareFewPairs: a row without an interval says why, in the table and in
// JSON, which has no NaN.
func TestCompareFewPairs(t *testing.T) {
	t.Parallel()
	c := compareOf(t, synthetic{blocks: 3, noise: 0.01}, CompareQuery{})
	var b bytes.Buffer
	if err := c.WriteText(&b); err != nil || !strings.Contains(b.String(), "3 clean pairs; a claim needs 6") {
		t.Errorf("%v:\n%s", err, b.String())
	}
	out, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Rows []struct {
			Pairs       int      `json:"pairs"`
			Ratio       *float64 `json:"ratio"`
			Lo          *float64 `json:"lo"`
			Exploratory bool     `json:"exploratory"`
		} `json:"rows"`
	}
	if err := json.Unmarshal(out, &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Rows) != 6 || read.Rows[0].Pairs != 3 || read.Rows[0].Ratio == nil || read.Rows[0].Lo != nil || !read.Rows[0].Exploratory {
		t.Errorf("%s", out)
	}
}

func TestCompareOpenBoundsInJSON(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{1.5: "1.5", math.Inf(1): `"inf"`, math.Inf(-1): `"-inf"`} {
		if got, err := json.Marshal(number(v)); err != nil || string(got) != want {
			t.Errorf("%v is %s, %v", v, got, err)
		}
	}
	if got, _ := json.Marshal(number(math.NaN())); string(got) != "null" {
		t.Errorf("NaN is %s", got)
	}
}

// TestCompareKeepsThePlan: comparing changes nothing of the run.
func TestCompareKeepsThePlan(t *testing.T) {
	t.Parallel()
	plan, records := synthetic{blocks: 6, noise: 0.01}.run()
	trials := slices.Clone(plan.Trials)
	if _, err := Compare(&Run{Plan: plan, Records: records}, CompareQuery{Baseline: Best}); err != nil {
		t.Fatal(err)
	}
	if len(trials) != len(plan.Trials) || plan.Grids[0].Factors["backend"][0] != "select" {
		t.Error("the plan was changed")
	}
}
