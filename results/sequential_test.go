package results

import (
	"math"
	"slices"
	"strings"
	"testing"

	"medusa/results/stats"
)

// sequential is a synthetic run that was planned to go on until 5 %.
func sequential(noise float64, goal float64) (Plan, []Record) {
	plan, records := synthetic{blocks: 40, levels: []string{"select", "epoll"}, idle: []float64{0, 2000}, noise: noise, seed: 3}.run()
	plan.Design.Until, plan.Design.Looks = goal, []int{10, 14, 20, 28, 40}
	return plan, records
}

// blocksOf keeps the records of the first blocks.
func blocksOf(records []Record, n int) []Record {
	return slices.DeleteFunc(slices.Clone(records), func(r Record) bool { return r.Block > n })
}

// TestStopIsRecomputed: blocks that a run did not need are no part of its plan;
// those that it lacks for another reason are.
func TestStopIsRecomputed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		noise   float64
		blocks  int
		change  func(*Plan, []Record) []Record
		planned int
	}{
		{"reached at a look", 0.01, 14, nil, 14},
		{"reached, and cut off between looks", 0.01, 12, nil, 40},
		{"cut off at a look that does not reach it", 0.3, 14, nil, 40},
		{"ran them all", 0.01, 40, nil, 40},
		{"a trial is missing", 0.01, 14, func(_ *Plan, r []Record) []Record { return slices.Delete(r, 20, 21) }, 40},
		{"not asked for", 0.01, 14, func(p *Plan, r []Record) []Record { p.Design.Until = 0; return r }, 40},
		{"without a look there", 0.01, 14, func(p *Plan, r []Record) []Record { p.Design.Looks = []int{10, 40}; return r }, 40},
	} {
		plan, records := sequential(c.noise, 0.05)
		records = blocksOf(records, c.blocks)
		if c.change != nil {
			records = c.change(&plan, records)
		}
		got := plan.upToStop(records)
		if got.Grids[0].Blocks != c.planned || len(got.Trials) != 4*c.planned {
			t.Errorf("%s: %d blocks and %d trials are planned, want %d", c.name, got.Grids[0].Blocks, len(got.Trials), c.planned)
		}
		if again := got.upToStop(records); len(again.Trials) != len(got.Trials) {
			t.Errorf("%s: cut twice the plan has %d trials, once %d", c.name, len(again.Trials), len(got.Trials))
		}
		if plan.Grids[0].Blocks != 40 || len(plan.Trials) != 160 {
			t.Errorf("%s: the plan given was changed", c.name)
		}
	}
}

// TestLooksAreCorrectedFor: intervals cover more and p is larger by as much as
// five looks cost, and the report says so.
func TestLooksAreCorrectedFor(t *testing.T) {
	t.Parallel()
	plan, records := sequential(0.01, 0.05)
	records = blocksOf(records, 10)
	once := plan.upTo(10)
	once.Design.Until, once.Design.Looks = 0, nil
	a, b := Analyse(plan, records), Analyse(once, records)
	for i, c := range a.Contrasts {
		o := b.Contrasts[i]
		if c.Coverage < 0.99 || o.Coverage > 0.96 || c.Lo >= o.Lo || c.Hi <= o.Hi || c.Lo90 >= o.Lo90 {
			t.Errorf("%s%s: sequential %v-%v (%v), fixed %v-%v (%v)", c.Level, where(c.At), c.Lo, c.Hi, c.Coverage, o.Lo, o.Hi, o.Coverage)
		}
		if math.Abs(c.P-min(1, 5*o.P)) > 1e-15 || !(c.Smallest > o.Smallest) {
			t.Errorf("%s%s: p %v, of a fixed length %v", c.Level, where(c.At), c.P, o.P)
		}
	}
	text := a.testedText()
	for _, want := range []string{"sequential (until every interval is within 5 %", "10, 14, 20, 28, 40 blocks, ended after 10", "p is 5 times", "aim at 99 %"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q: %s", want, text)
		}
	}
	if text := b.testedText(); strings.Contains(text, "sequential") {
		t.Errorf("a run of fixed length: %s", text)
	}
	if a.Tally.Planned != 40 || a.Tally.Entered != 40 {
		t.Errorf("tally %+v, want 40 of 40", a.Tally)
	}
}

// TestPrecision: the widest interval decides; without one nothing is known.
func TestPrecision(t *testing.T) {
	t.Parallel()
	plan, records := sequential(0.02, 0.05)
	p := PrecisionOf(plan, blocksOf(records, 20))
	widest := 0.0
	for _, c := range Analyse(plan, blocksOf(records, 20)).Contrasts {
		widest = max(widest, math.Sqrt(c.Hi/c.Lo)-1)
	}
	if p.Contrasts != 2 || math.Abs(p.HalfWidth-widest) > 1e-12 || !strings.HasPrefix(p.Widest, "select at idle_connections=") {
		t.Errorf("%+v, want a half-width of %v", p, widest)
	}
	if !p.Reached(p.HalfWidth) || p.Reached(p.HalfWidth/2) {
		t.Error("the goal is not what decides")
	}
	if early := PrecisionOf(plan, blocksOf(records, 5)); !math.IsInf(early.HalfWidth, 1) {
		t.Errorf("5 blocks know %+v", early)
	}
	plan.Metrics.PrimaryAt = map[string]any{"idle_connections": 7.0}
	if none := PrecisionOf(plan, records); !math.IsInf(none.HalfWidth, 1) || none.Contrasts != 0 {
		t.Errorf("no contrast is known to %+v", none)
	}
}

// TestFewPairsOfALookClaimNothing: six pairs carry 96.9 %, and each of five
// looks has to have 99 %.
func TestFewPairsOfALookClaimNothing(t *testing.T) {
	t.Parallel()
	plan, records := sequential(0.001, 0.05)
	records = blocksOf(records, 10)
	for i := range records {
		if records[i].Level == "select" && records[i].Block <= 4 {
			records[i].Verdict = VerdictNoisy
		}
	}
	if p := PrecisionOf(plan, records); p.Reached(0.05) {
		t.Errorf("the goal is reached: %+v", p)
	}
	for _, c := range newAnalysis(plan, records, instrument{}).Contrasts {
		if c.N != 6 || c.Coverage != 0 || c.Outcome != stats.NotResolved {
			t.Errorf("%+v", c)
		}
	}
}

// TestStarsOnlyWhatIsDecided: signed ranks leave 0 in the interval, and the
// sign-flip of the mean has p 0.031.
func TestStarsOnlyWhatIsDecided(t *testing.T) {
	t.Parallel()
	d := []float64{.09, .0901, .0902, -.1, -.1001, 1, 1.1, 1.2, 1.3, 1.4}
	plan, records := synthetic{blocks: 10, levels: []string{"select", "epoll"}, idle: []float64{0}, touch: func(r *Record) {
		r.Metrics[costColumn] = 8
		if r.Level == "select" {
			r.Metrics[costColumn] = 8 * math.Exp(d[r.Block-1])
		}
	}}.run()
	c := Analyse(plan, records).Contrasts[0]
	if c.PHolm > Alpha || c.Outcome != stats.NotResolved || c.Starred {
		t.Errorf("%+v", c)
	}
}

// TestBestCountsTimeouts: a level that times out in most blocks is not the best.
func TestBestCountsTimeouts(t *testing.T) {
	t.Parallel()
	plan, records := synthetic{blocks: 12, levels: []string{"select", "epoll"}, idle: []float64{0}, touch: func(r *Record) {
		r.Metrics["response_p99_us"] = 3000
		if r.Level == "select" {
			r.Metrics["response_p99_us"] = 2000
			if r.Block > 3 {
				delete(r.Metrics, "response_p99_us")
				r.Censored = map[string]float64{"response_p99_us": 1e6}
			}
		}
	}}.run()
	a := Analyse(plan, records)
	if got := a.bestAt(a.sites[0], "response_p99_us"); got != "epoll" {
		t.Errorf("the best is %s", got)
	}
}
