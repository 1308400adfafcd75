package results

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"medusa/results/stats"
)

// TestTruthIsFound: select costs three times as much as epoll at 8,000 idle
// connections, the same without, while the machine's speed flips by 43 %
// between mini-blocks.
func TestTruthIsFound(t *testing.T) {
	t.Parallel()
	a := synthetic{blocks: 12, noise: 0.01, states: true, slope: true, seed: 1}.analyse()
	if len(a.Contrasts) != 6 {
		t.Fatalf("%d contrasts, want 2 levels at 3 settings", len(a.Contrasts))
	}
	for _, c := range a.Contrasts {
		idle := c.At[0].Level.(float64)
		truth := costOfSelect(c.Level, idle) / 8
		if c.N != 12 || c.Lo > truth || c.Hi < truth || c.Hi/c.Lo > 1.05 {
			t.Errorf("%s at %v: %d pairs, %v (%v-%v), truth %v", c.Level, idle, c.N, c.Ratio, c.Lo, c.Hi, truth)
		}
		want := stats.Slower
		if idle == 0 {
			want = stats.Same
		}
		if c.Outcome != want || c.Starred != (want == stats.Slower) {
			t.Errorf("%s at %v: %s, starred %v, want %s", c.Level, idle, c.Outcome, c.Starred, want)
		}
		if math.Abs(c.Coverage-0.9575) > 0.0001 {
			t.Errorf("coverage %v, want 95.8 %%", c.Coverage)
		}
	}
	if len(a.Slopes) != 3 {
		t.Fatalf("%d slopes, want one a level", len(a.Slopes))
	}
	for _, s := range a.Slopes {
		if want := (map[string]Growth{"select": Grows, "poll": Grows, "epoll": NoGrowth})[s.Level]; s.Outcome != want {
			t.Errorf("%s %s by %v (%v to %v), want %s", s.Level, s.Outcome, s.Estimate, s.Lo, s.Hi, want)
		}
	}
	if len(a.Flips) != 0 {
		t.Errorf("without a noisy trial the analyses differ: %v", a.Flips)
	}
}

func TestSlopeIsTheTruth(t *testing.T) {
	t.Parallel()
	a := synthetic{blocks: 6, slope: true}.analyse() // no noise
	for _, s := range a.Slopes {
		want := 0.002
		if s.Level == "epoll" {
			want = 0
		}
		if s.N != 6 || math.Abs(s.Estimate-want) > 1e-12 || s.Coverage != 0.96875 {
			t.Errorf("%s: %+v, want %v over 6 blocks at 96.9 %%", s.Level, s, want)
		}
	}
}

// TestBlocksBelowSixClaimNothing: points, no interval, no claim, no sentence
// that claims.
func TestBlocksBelowSixClaimNothing(t *testing.T) {
	t.Parallel()
	s := synthetic{blocks: 5, noise: 0.01, slope: true}
	plan, records := s.run()
	plan.Figures = []Figure{{ID: "cost", X: "idle_connections", Y: Columns{costColumn}}}
	a := Analyse(plan, records)
	if len(a.Contrasts)+len(a.Slopes) != 0 {
		t.Errorf("claims of 5 blocks: %v %v", a.Contrasts, a.Slopes)
	}
	series, err := a.Points(plan.Figures[0])
	if err != nil || len(series) != 3 {
		t.Fatalf("%d series, %v", len(series), err)
	}
	for _, s := range series {
		for _, pt := range s.Points {
			if pt.Interval || pt.N != 5 || len(pt.Dots) != 5 {
				t.Errorf("%s at %v: %+v", s.Level, pt.X, pt)
			}
		}
	}
	for _, s := range a.Answer {
		if s.Kind == KindClaim || s.Kind == KindUnresolved {
			t.Errorf("a sentence claims: %s", s.Text)
		}
	}
}

// TestHolmWithSixBlocks: six blocks have no exact p under 2/64, so with several
// contrasts none is starred however large it is.
func TestHolmWithSixBlocks(t *testing.T) {
	t.Parallel()
	a := synthetic{blocks: 6, noise: 0.01, seed: 2}.analyse()
	for _, c := range a.Contrasts {
		if c.Starred || c.P < 2.0/64 {
			t.Errorf("%s at %v: p %v, starred %v", c.Level, c.At, c.P, c.Starred)
		}
	}
	if c := a.contrastAt("select", 8000); c.Outcome != stats.Slower || c.PHolm < 0.18 || c.P != 2.0/64 {
		t.Errorf("select at 8000: %+v", c)
	}
	one := synthetic{blocks: 6, noise: 0.01, levels: []string{"select", "epoll"}, idle: []float64{8000}, seed: 2}.analyse()
	if c := one.Contrasts[0]; !c.Starred {
		t.Errorf("a single contrast of six blocks that agree: p %v Holm %v is not starred", c.P, c.PHolm)
	}
}

// TestHigherIsBetter: the direction comes from the column.
func TestHigherIsBetter(t *testing.T) {
	t.Parallel()
	s := synthetic{blocks: 6, metrics: func(level string, idle float64) map[string]float64 {
		return map[string]float64{"capacity_rps": 1e6 / costOfSelect(level, idle)}
	}}
	plan, records := s.run()
	plan.Metrics.Primary = "capacity_rps"
	c := Analyse(plan, records).contrastAt("select", 8000)
	if c.Outcome != stats.Slower || math.Abs(c.Ratio-1.0/3) > 0.02 {
		t.Errorf("a third of the capacity is %s (%v)", c.Outcome, c.Ratio)
	}
}

func TestPrimaryAt(t *testing.T) {
	t.Parallel()
	plan, records := synthetic{blocks: 6}.run()
	for _, c := range []struct {
		at   map[string]any
		want int
	}{
		{nil, 6},
		{map[string]any{"idle_connections": 8000}, 2}, // an int, as YAML has it
		{map[string]any{"idle_connections": []any{0.0, 8000.0}}, 4},
		{map[string]any{"mode": "closed"}, 6},
		{map[string]any{"mode": "open"}, 0},
		{map[string]any{"load": "saturated"}, 0},
	} {
		plan.Metrics.PrimaryAt = c.at
		if a := Analyse(plan, records); len(a.Contrasts) != c.want || len(a.KeptContrasts) != c.want {
			t.Errorf("primary_at %v: %d contrasts, want %d", c.at, len(a.Contrasts), c.want)
		}
	}
}

// TestCensoredPairs: a latency that falls among failures is a bound, never a
// number.
func TestCensoredPairs(t *testing.T) {
	t.Parallel()
	censor := func(levels ...string) func(r *Record) {
		return func(r *Record) {
			delete(r.Metrics, costColumn)
			r.Metrics["response_p99_ms"] = 2 + 0.01*float64(r.Block)
			for _, level := range levels {
				if r.Level == level {
					delete(r.Metrics, "response_p99_ms")
					r.Censored = map[string]float64{"response_p99_ms": 1000}
				}
			}
		}
	}
	for _, c := range []struct {
		name    string
		levels  []string
		outcome stats.Outcome
		lo, hi  float64
	}{
		{"the level", []string{"select"}, stats.Slower, 400, math.Inf(1)},
		{"the baseline", []string{"epoll"}, stats.Faster, 0, 0.01},
		{"both", []string{"select", "epoll"}, stats.NotResolved, 0, math.Inf(1)},
	} {
		plan, records := synthetic{blocks: 6, levels: []string{"select", "epoll"}, idle: []float64{0, 1}, touch: censor(c.levels...)}.run()
		plan.Metrics.Primary = "response_p99_ms"
		a := Analyse(plan, records)
		got := a.Contrasts[0]
		if got.Outcome != c.outcome || got.Censored != 6 || got.N != 6 {
			t.Errorf("%s: %s of %d pairs, %d censored", c.name, got.Outcome, got.N, got.Censored)
		}
		if c.outcome == stats.Slower && (got.Lo < c.lo || got.Hi != c.hi) || c.outcome == stats.Faster && (got.Lo != 0 || got.Hi > c.hi) ||
			c.outcome == stats.NotResolved && (got.Lo != 0 || got.Hi != c.hi || got.P != 1) {
			t.Errorf("%s: interval %v-%v, p %v", c.name, got.Lo, got.Hi, got.P)
		}
		if text := a.Answer[0].Text; strings.Contains(text, "Inf") || strings.Contains(text, "NaN") {
			t.Errorf("%s: %s", c.name, text)
		}
	}
}

// TestPartialRun: whatever was written before a run was cut off is analysed,
// and what is missing is said.
func TestPartialRun(t *testing.T) {
	t.Parallel()
	plan, records := synthetic{blocks: 7, noise: 0.01, slope: true}.run()
	plan.Figures = []Figure{{ID: "cost", X: "idle_connections", Y: Columns{costColumn}}}
	for n := range len(records) + 1 {
		a := Analyse(plan, records[:n])
		if a.Tally.Run != n || a.Tally.Entered != n {
			t.Fatalf("%d records: tally %+v", n, a.Tally)
		}
		if len(a.Answer) == 0 || len(a.Believe) == 0 {
			t.Fatalf("%d records: no sentences", n)
		}
		for _, c := range a.Contrasts {
			if c.N < MinPairs && (c.Outcome != stats.NotResolved || c.Coverage != 0) {
				t.Fatalf("%d records: %+v", n, c)
			}
		}
		if _, err := a.Points(plan.Figures[0]); err != nil {
			t.Fatal(err)
		}
		assertReadable(t, a)
	}
}

// assertReadable fails on sentences that show what a reader should never see.
func assertReadable(t *testing.T, a *Analysis) {
	t.Helper()
	var all []string
	for _, s := range append(append([]Sentence(nil), a.Answer...), a.Why...) {
		all = append(all, s.Text)
		if !strings.HasSuffix(s.Text, ".") {
			t.Errorf("no full stop: %s", s.Text)
		}
	}
	for _, l := range a.Believe {
		all = append(all, l.Text)
	}
	for _, text := range all {
		for _, bad := range []string{"NaN", "Inf", "%!", "  ", "e+", "e-0"} {
			if strings.Contains(text, bad) {
				t.Errorf("%q in: %s", bad, text)
			}
		}
	}
}

func TestBaselineNotHere(t *testing.T) {
	t.Parallel()
	a := synthetic{blocks: 6, levels: []string{"select", "poll"}, slope: true}.analyse()
	if len(a.Contrasts) != 0 || len(a.Answer) == 0 || !strings.Contains(a.Answer[0].Text, "baseline epoll did not run here") {
		t.Errorf("%d contrasts, %v", len(a.Contrasts), a.Answer)
	}
}

// TestAnalysisIsRepeatable: also after a round trip through JSON, as verify
// reads it, and whatever the order in which maps are walked.
func TestAnalysisIsRepeatable(t *testing.T) {
	t.Parallel()
	plan, records := synthetic{blocks: 6, noise: 0.03, slope: true, states: true, repeated: func(b int, x float64) bool { return b == 2 }}.run()
	first := Analyse(plan, records)
	b, err := json.Marshal(struct {
		Plan    Plan
		Records []Record
	}{plan, records})
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Plan    Plan
		Records []Record
	}
	if err := json.Unmarshal(b, &read); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again := Analyse(read.Plan, read.Records)
		if !reflect.DeepEqual(first.Answer, again.Answer) || !reflect.DeepEqual(first.Believe, again.Believe) || !reflect.DeepEqual(first.Contrasts, again.Contrasts) {
			t.Fatalf("another analysis:\n%v\n%v", first.Answer, again.Answer)
		}
	}
}

func TestAnalyseChangesNothing(t *testing.T) {
	t.Parallel()
	plan, records := synthetic{blocks: 6, touch: func(r *Record) {
		if r.Trial == 3 {
			r.Machine.ProbeBeforeNs, r.Machine.ProbeAfterNs = []float64{3e7}, []float64{3e7}
		}
	}}.run()
	a := Analyse(plan, records)
	if records[2].Verdict != VerdictValid || a.Records[2].Verdict != VerdictNoisy {
		t.Errorf("recorded %s, in the run %s", records[2].Verdict, a.Records[2].Verdict)
	}
	if math.Abs(a.Machine.Moved-0.5) > 1e-9 {
		t.Errorf("the machine moved by %v, want 50 %%", a.Machine.Moved)
	}
}

// TestStraddlingPairs: a change of state inside mini-blocks is counted where the
// verdicts let the pair in.
func TestStraddlingPairs(t *testing.T) {
	t.Parallel()
	a := synthetic{blocks: 6, levels: []string{"select", "epoll"}, idle: []float64{0, 1}, touch: func(r *Record) {
		if r.Level == "select" && r.Block <= 3 { // 6 % slower: within 10 % of the median
			r.Machine.ProbeBeforeNs, r.Machine.ProbeAfterNs = []float64{2.12e7}, []float64{2.12e7}
		}
	}}.analyse()
	if a.Machine.Pairs != 12 || a.Machine.Straddle != 0.5 || math.Abs(a.Machine.Moved-0.06) > 1e-9 {
		t.Errorf("%+v, want half of 12 pairs", a.Machine)
	}
	unknown := synthetic{blocks: 6, touch: func(r *Record) { r.Machine = nil }}.analyse()
	if !math.IsNaN(unknown.Machine.Moved) {
		t.Errorf("without probes the machine moved by %v", unknown.Machine.Moved)
	}
	assertReadable(t, unknown)
}

func TestGeneratorLag(t *testing.T) {
	t.Parallel()
	a := synthetic{blocks: 6, touch: func(r *Record) {
		r.Load.Mode = "open"
		r.Metrics["lag_p99_us"] = 30
		switch r.Trial {
		case 5:
			r.Metrics["lag_p99_us"] = 48
		case 6:
			r.Metrics["lag_p99_us"], r.Verdict = 900, VerdictClientLimited
		}
	}}.analyse()
	if g := a.Generator; g.LagMedianUs != 30 || g.LagWorstUs != 48 || g.Trials != 53 || g.ClosedOnly {
		t.Errorf("%+v", g)
	}
	if g := (synthetic{blocks: 6}).analyse().Generator; !g.ClosedOnly || !math.IsNaN(g.LagWorstUs) {
		t.Errorf("closed loop: %+v", g)
	}
}
