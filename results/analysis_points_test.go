package results

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
)

// twoLoads repeats a run under a second factor with named levels; the cost is
// ten times as high under "light".
func twoLoads(plan Plan, records []Record) (Plan, []Record) {
	minis := 0
	for _, t := range plan.Trials {
		minis = max(minis, t.MiniBlock)
	}
	copied := func(m map[string]any, load string) map[string]any {
		out := maps.Clone(m)
		out["load"] = load
		return out
	}
	var trials []PlannedTrial
	var all []Record
	for i, load := range []string{"saturated", "light"} {
		for _, t := range plan.Trials {
			t.Factors, t.MiniBlock = copied(t.Factors, load), t.MiniBlock+i*minis
			trials = append(trials, t)
		}
		for _, r := range records {
			r.Factors, r.MiniBlock, r.Trial = copied(r.Factors, load), r.MiniBlock+i*minis, len(all)+1
			r.Metrics = maps.Clone(r.Metrics)
			if load == "light" {
				r.Metrics[costColumn] *= 10
			}
			all = append(all, r)
		}
	}
	plan.Trials = trials
	factors := maps.Clone(plan.Grids[0].Factors)
	factors["load"] = []any{"saturated", "light"}
	plan.Grids = []GridPlan{plan.Grids[0]}
	plan.Grids[0].Factors = factors
	return plan, all
}

// outline writes series as "facet level: x=y ...".
func outline(series []Series) string {
	var rows []string
	for _, s := range series {
		row := strings.TrimSpace(AtText(s.Facet) + " " + s.Level)
		for _, pt := range s.Points {
			x := pt.XText
			if x == "" {
				x = LevelText(pt.X)
			}
			row += fmt.Sprintf(" %s=%s", x, LevelText(math.Round(pt.Y*100)/100))
		}
		rows = append(rows, row)
	}
	return strings.Join(rows, "\n")
}

func TestPointsOfFigures(t *testing.T) {
	t.Parallel()
	a := Analyse(twoLoads(synthetic{blocks: 6, idle: []float64{0, 8000}, metrics: func(level string, idle float64) map[string]float64 {
		return map[string]float64{"achieved_rps": 1000}
	}}.run()))
	y := Columns{costColumn}
	for _, c := range []struct {
		name string
		f    Figure
		want string // or the error
	}{
		{"where fixes the other factor", Figure{X: "idle_connections", Y: y, Where: map[string]any{"load": "saturated"}},
			"select 0=8 8000=24\npoll 0=8 8000=24\nepoll 0=8 8000=8"},
		{"facets in the suite's order", Figure{X: "idle_connections", Y: y, Facet: Columns{"load"}, Where: map[string]any{"backend": []any{"epoll", "select"}}},
			"load=saturated select 0=8 8000=24\nload=saturated epoll 0=8 8000=8\nload=light select 0=80 8000=240\nload=light epoll 0=80 8000=80"},
		{"ratios", Figure{X: "idle_connections", Y: y, RatioTo: "epoll", Where: map[string]any{"load": "light"}},
			"select 0=1 8000=3\npoll 0=1 8000=3"},
		{"by another factor", Figure{X: "idle_connections", Y: y, By: "load", Where: map[string]any{"backend": "epoll"}},
			"saturated 0=8 8000=8\nlight 0=80 8000=80"},
		{"named levels on x", Figure{X: "load", Y: y, Where: map[string]any{"idle_connections": 0, "backend": "epoll"}},
			"epoll saturated=8 light=80"},
		{"the compared factor on x", Figure{X: "backend", Y: y, Where: map[string]any{"idle_connections": 8000, "load": "saturated"}},
			"select select=24\npoll poll=24\nepoll epoll=8"},
		{"by as a facet", Figure{X: "idle_connections", Y: y, Facet: Columns{"backend"}, Where: map[string]any{"load": "saturated"}},
			"backend=select 0=8 8000=24\nbackend=poll 0=8 8000=24\nbackend=epoll 0=8 8000=8"},
		{"an ambiguous factor", Figure{X: "idle_connections", Y: y}, "figure f: load has several levels (saturated, light): name it in where, facet or by"},
		{"no such cell", Figure{X: "idle_connections", Y: y, Where: map[string]any{"load": "heavy"}}, "figure f: no cell of the plan has idle_connections load=heavy"},
		{"ratios between levels that no mini-block has", Figure{X: "idle_connections", Y: y, By: "load", RatioTo: "light"},
			"figure f: ratio_to needs pairs, and pairs are formed between levels of backend, not of load"},
		{"no such x", Figure{X: "idle", Y: y}, "figure f: there is no column \"idle\""},
	} {
		c.f.ID = "f"
		series, err := a.Points(c.f)
		got := outline(series)
		if err != nil {
			got = err.Error()
		}
		if got != c.want && !(err != nil && strings.HasPrefix(got, c.want)) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestPointsAtAMetric(t *testing.T) {
	t.Parallel()
	plan, records := synthetic{blocks: 6, levels: []string{"select", "epoll"}, touch: func(r *Record) {
		r.Metrics["achieved_rps"] = 1000 + 10*float64(r.Block) + r.Factors["idle_connections"].(float64)
		if r.Block == 6 {
			delete(r.Metrics, "achieved_rps")
		}
	}}.run()
	series, err := Analyse(plan, records).Points(Figure{ID: "f", X: "achieved_rps", Y: Columns{costColumn}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := outline(series), "select 1030=8 3030=12 9030=24\nepoll 1030=8 3030=8 9030=8"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, d := range series[0].Points[1].Dots {
		if want := 3000 + 10*float64(d.Block); d.X != want {
			t.Errorf("block %d stands at %v, want %v", d.Block, d.X, want)
		}
	}
}

func TestMedianPoint(t *testing.T) {
	t.Parallel()
	const column = "response_p99_ms"
	for _, c := range []struct {
		name  string
		touch func(r *Record)
		check func(pt Point) bool
	}{
		{"plain", func(r *Record) {}, func(pt Point) bool {
			return pt.N == 6 && pt.Y == 3.5 && pt.Lo == 1 && pt.Hi == 6 && pt.Interval && pt.Coverage == 0.96875 && !pt.Censored && !pt.HiCensored && !pt.Open && !pt.Saturated
		}},
		{"the highest is censored", censorFrom(6, column), func(pt Point) bool {
			return pt.Y == 3.5 && !pt.Censored && pt.HiCensored && pt.Hi == 500 && len(pt.Dots) == 6 && pt.Dots[5].Censored
		}},
		{"the median is censored", censorFrom(4, column), func(pt Point) bool { return pt.Censored && pt.Y == (3+500)/2.0 && pt.HiCensored }},
		{"all are censored", censorFrom(1, column), func(pt Point) bool { return pt.Censored && pt.Y == 500 }},
		{"open", func(r *Record) { r.Open = []string{column} }, func(pt Point) bool { return pt.Open && pt.Dots[0].Open }},
		{"mostly saturated", func(r *Record) {
			if r.Block > 2 {
				r.Verdict = VerdictSaturated
			}
		}, func(pt Point) bool { return pt.Saturated && pt.N == 6 }},
		{"half saturated", func(r *Record) {
			if r.Block > 3 {
				r.Verdict = VerdictSaturated
			}
		}, func(pt Point) bool { return !pt.Saturated }},
		{"one excluded", func(r *Record) {
			if r.Block == 6 {
				r.Verdict = VerdictClientLimited
			}
		}, func(pt Point) bool {
			return pt.N == 5 && pt.Y == 3 && !pt.Interval && len(pt.Excluded) == 1 && pt.Excluded[0].Y == 6 && pt.Excluded[0].Verdict == VerdictClientLimited
		}},
		{"inconsistent is never shown", func(r *Record) {
			if r.Block == 6 {
				r.Verdict = VerdictInconsistent
			}
		}, func(pt Point) bool { return pt.N == 5 && len(pt.Excluded) == 0 }},
		{"all excluded", func(r *Record) { r.Verdict = VerdictNoisy }, func(pt Point) bool {
			return pt.N == 0 && math.IsNaN(pt.Y) && len(pt.Excluded) == 6 && !pt.Interval
		}},
	} {
		plan, records := synthetic{blocks: 6, levels: []string{"epoll"}, idle: []float64{0, 1}, touch: func(r *Record) {
			r.Metrics[column] = float64(r.Block)
			c.touch(r)
		}}.run()
		a := Analyse(plan, records)
		series, err := a.Points(Figure{ID: "f", X: "idle_connections", Y: Columns{column}})
		if err != nil || len(series) != 1 || len(series[0].Points) != 2 {
			t.Fatalf("%s: %v %v", c.name, series, err)
		}
		if pt := series[0].Points[1]; !c.check(pt) || pt.X != 1 {
			t.Errorf("%s: %+v", c.name, pt)
		}
		if pt, ok := a.Cell("idle", []Setting{{"idle_connections", 0.0}}, "epoll", column); !ok || !c.check(pt) {
			t.Errorf("%s: Cell %+v", c.name, pt)
		}
	}
}

func censorFrom(block int, column string) func(r *Record) {
	return func(r *Record) {
		if r.Block >= block {
			delete(r.Metrics, column)
			r.Censored = map[string]float64{column: 500}
		}
	}
}

func TestRatioPoint(t *testing.T) {
	t.Parallel()
	plan, records := synthetic{blocks: 6, states: true, seed: 4, levels: []string{"select", "epoll"}}.run()
	series, err := Analyse(plan, records).Points(Figure{ID: "f", X: "idle_connections", Y: Columns{costColumn}, RatioTo: "epoll"})
	if err != nil || len(series) != 1 {
		t.Fatal(series, err)
	}
	pt := series[0].Points[2]
	if math.Abs(pt.Y-3) > 1e-9 || !pt.Interval || math.Abs(pt.Lo-3) > 1e-9 || math.Abs(pt.Hi-3) > 1e-9 || pt.N != 6 || len(pt.Dots) != 6 {
		t.Errorf("the machine's state is common to a pair and leaves the ratio alone: %+v", pt)
	}
}

func TestCellUnknown(t *testing.T) {
	t.Parallel()
	a := synthetic{blocks: 6}.analyse()
	for _, c := range []struct {
		grid, level string
		idle        float64
	}{{"other", "epoll", 0}, {"idle", "kqueue", 0}, {"idle", "epoll", 17}} {
		if _, ok := a.Cell(c.grid, []Setting{{"idle_connections", c.idle}}, c.level, costColumn); ok {
			t.Errorf("%+v is a cell", c)
		}
	}
}
