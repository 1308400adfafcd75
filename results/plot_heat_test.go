package results

import (
	"encoding/csv"
	"strings"
	"testing"
)

// The scale of a heat map is white at 1, the same on both sides of it, and turned
// over where more is better.
func TestHeatColor(t *testing.T) {
	if c := heatColor(1, false); c != white {
		t.Errorf("1 is %v", c)
	}
	if heatColor(2, false) != heatColor(.5, true) || heatColor(.5, false) != heatColor(2, true) {
		t.Error("more is better is not the scale turned over")
	}
	if heatColor(heatFull, false) != heatColor(100*heatFull, false) {
		t.Error("beyond its end the scale goes on")
	}
	for _, higher := range []bool{false, true} {
		last := 2.0
		for _, r := range []float64{1, 1.1, 1.5, 2, 4} {
			up, down := luminance(heatColor(r, higher)), luminance(heatColor(1/r, higher))
			if up >= last {
				t.Errorf("%v is not darker than what is nearer to 1", r)
			}
			if d := up - down; d > .25 || d < -.25 {
				t.Errorf("%v and its inverse differ in grey: %.2f, %.2f", r, up, down)
			}
			last = up
			for _, c := range []float64{r, 1 / r} {
				fill := heatColor(c, higher)
				if on := luminance(heatInk(fill)); (on+.05)/(luminance(fill)+.05) < 3 && (luminance(fill)+.05)/(on+.05) < 3 {
					t.Errorf("the number %v is not readable on its colour", c)
				}
			}
		}
	}
}

// The best level is chosen on odd blocks among those that are not apart; it is 1,
// and the others are ratios to it on even blocks.
func TestHeatOfBest(t *testing.T) {
	run := heatRun(t)
	f := Figure{ID: "heat", Kind: kindHeat, X: "idle_connections", Y: Columns{"server_cpu_us_per_request"}, RatioTo: Best, Strip: Columns{"poll"}}
	rows, err := csv.NewReader(strings.NewReader(string(renderFigure(run, run.Analyse(), f).csv))).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	ones, less := 0, 0
	for _, r := range rows[1:] {
		if r[0] != "ratio" {
			continue
		}
		if r[4] == "1" && r[1] != "poll" {
			ones++
		}
		if r[1] == "poll" && strings.HasPrefix(r[4], "0.") {
			less++
		}
	}
	if ones == 0 || less == 0 {
		t.Errorf("%d levels are the best, %d times the one apart is better:\n%v", ones, less, rows)
	}
	r := renderFigure(run, run.Analyse(), f)
	if r.err != nil || !strings.Contains(r.read, "odd blocks") || !strings.Contains(r.read, "Poll stands apart") {
		t.Errorf("%v: %s", r.err, r.read)
	}
	for _, w := range []float64{wideFigure, narrowFigure} {
		if b, err := r.draw(w).encode("svg"); err != nil || !strings.Contains(string(b), "best") {
			t.Errorf("at %v points: %d bytes, %v", w, len(b), err)
		}
	}
}

func TestHeatRefused(t *testing.T) {
	run := heatRun(t)
	for _, f := range []Figure{
		{ID: "a", Kind: kindHeat, X: "idle_connections", Y: Columns{"server_cpu_us_per_request"}},
		{ID: "b", Kind: kindHeat, X: "idle_connections", Y: Columns{"server_cpu_us_per_request", "total_cpu_us_per_request"}, RatioTo: "epoll"},
		{ID: "c", Kind: kindDots, X: "idle_connections", Y: Columns{"server_cpu_us_per_request"}, RatioTo: "epoll", Strip: Columns{"poll"}},
	} {
		if r := renderFigure(run, run.Analyse(), f); r.err == nil {
			t.Errorf("%+v is drawn", f)
		}
	}
}

// heatRun is a run in which poll is the cheapest level everywhere, and epoll the
// cheapest of the others beside idle connections.
func heatRun(t *testing.T) *Run {
	t.Helper()
	plan, records := synthetic{blocks: 12, noise: .01, seed: 5, cost: func(level string, idle float64) float64 {
		if level == "poll" {
			return 6
		}
		return costOfSelect(level, idle)
	}}.run()
	return &Run{Plan: plan, Planned: plan, Records: records}
}
