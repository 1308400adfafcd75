package results

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestVerdictsInFigures: how a figure shows trials of each verdict. One of six
// trials of epoll without idle connections has it, or all of them.
func TestVerdictsInFigures(t *testing.T) {
	t.Parallel()
	const odd = 77.5 // the value of these trials, which no other has
	for _, c := range []struct {
		verdict    string
		mark       string // of the odd trial in the numbers; "" if it is not there
		key, state string // in the figure's key, and of the median, when all trials are so
	}{
		{VerdictValid, "block", "", ""},
		{VerdictUnverified, "block", "", ""},
		{VerdictSaturated, "block", "saturated", "saturated"},
		{VerdictUnsteady, "block", "most blocks unsteady", ""},
		{VerdictClientLimited, "excluded", "client-limited, does not enter", "none"},
		{VerdictNoisy, "excluded", "noisy, does not enter", "none"},
		{VerdictInconsistent, "", "", "none"},
		{VerdictFailed, "", "", "none"},
	} {
		for _, all := range []bool{false, true} {
			for _, kind := range []string{kindLines, kindDots} {
				t.Run(fmt.Sprintf("%s %s all=%v", c.verdict, kind, all), func(t *testing.T) {
					t.Parallel()
					plan, records := synthetic{blocks: 6, seed: 2, touch: func(r *Record) {
						if r.Level == "epoll" && r.Factors["idle_connections"] == 0.0 && (all || r.Block == 3) {
							r.Verdict, r.Metrics[costColumn] = c.verdict, odd
						}
					}}.run()
					run := &Run{Plan: plan, Records: records}
					r := renderFigure(run, run.Analyse(), Figure{ID: "f", X: "idle_connections", Y: Columns{costColumn}, Kind: kind})
					if r.err != nil {
						t.Fatal(r.err)
					}
					rows, err := csv.NewReader(strings.NewReader(string(r.csv))).ReadAll()
					if err != nil {
						t.Fatal(err)
					}
					at := func(name string) int { return slices.Index(rows[0], name) }
					marks, state := map[string]int{}, "none"
					for _, row := range rows[1:] {
						if row[at("mark")] != "median" && row[at("y")] == csvNumber(odd) {
							marks[row[at("mark")]]++
							if row[at("verdict")] != c.verdict {
								t.Errorf("the odd trial is shown as %s", row[at("verdict")])
							}
						}
						if row[at("mark")] == "median" && row[at("backend")] == "epoll" && row[at("idle_connections")] == "0" {
							state = row[at("state")]
						}
					}
					want := map[string]int{}
					if c.mark != "" {
						if want[c.mark] = 1; all {
							want[c.mark] = 6
						}
					}
					if fmt.Sprint(marks) != fmt.Sprint(want) {
						t.Errorf("marks %v, want %v", marks, want)
					}
					if all && state != c.state {
						t.Errorf("the median's state is %q, want %q", state, c.state)
					}
					svg, err := r.draw(wideFigure).encode("svg")
					if err != nil {
						t.Fatal(err)
					}
					shown := c.key != "" && (all || c.mark == "excluded")
					for _, key := range []string{"saturated", "most blocks unsteady", "client-limited, does not enter", "noisy, does not enter"} {
						if said := strings.Contains(string(svg), ">"+key+"<"); said != (shown && key == c.key) {
							t.Errorf("the key has %q: %v", key, said)
						}
					}
				})
			}
		}
	}
}

// TestClientLimitedLooksApart: its mark is no other's, and neither is that of a
// saturated point.
func TestClientLimitedLooksApart(t *testing.T) {
	t.Parallel()
	look := lookOf("epoll", 0)
	drawings := map[string]string{}
	for name, draw := range map[string]func(p *pen){
		"client-limited": func(p *pen) { crossMark(p, 5, 5, 3, VerdictClientLimited) },
		"noisy":          func(p *pen) { crossMark(p, 5, 5, 3, VerdictNoisy) },
		"saturated":      func(p *pen) { pointMarker(p, look, 5, 5, 3, Point{Saturated: true}) },
		"unsteady":       func(p *pen) { pointMarker(p, look, 5, 5, 3, Point{Unsteady: true}) },
		"open":           func(p *pen) { pointMarker(p, look, 5, 5, 3, Point{Open: true}) },
		"near the floor": func(p *pen) { pointMarker(p, look, 5, 5, 3, Point{Y: 1, Floor: 1}) },
		"near and saturated": func(p *pen) {
			pointMarker(p, look, 5, 5, 3, Point{Y: 1, Floor: 1, Saturated: true})
		},
		"plain": func(p *pen) { pointMarker(p, look, 5, 5, 3, Point{}) },
	} {
		svg, err := drawing{w: 10, h: 10, draw: draw}.encode("svg")
		if err != nil {
			t.Fatal(err)
		}
		for other, drawn := range drawings {
			if drawn == string(svg) {
				t.Errorf("%s looks like %s", name, other)
			}
		}
		drawings[name] = string(svg)
	}
}

// TestRunStrip: it ends every report, whole or not, and shows each trial by its
// verdict.
func TestRunStrip(t *testing.T) {
	t.Parallel()
	for _, blocks := range []int{6, 3, 1} {
		if html := page(t, sampleRun(blocks)); !strings.Contains(html, `<figure id="figure-run-strip">`) {
			t.Errorf("the report of %d blocks has no run strip", blocks)
		}
	}
	none := sampleRun(6)
	none.Plan.Figures = nil
	if html := page(t, none); !strings.Contains(html, `<figure id="figure-run-strip">`) {
		t.Error("the report of a suite without figures has no run strip")
	}

	run := sampleRun(6)
	for i := range run.Records {
		run.Records[i].Verdict, run.Records[i].Reasons = verdictOrder[i%len(verdictOrder)], nil
	}
	run.Records = run.Records[:3*len(verdictOrder)]
	r := renderStrip(run, run.Analyse())
	rows := strings.Split(strings.TrimSpace(string(r.csv)), "\n")
	if len(rows) != 1+len(run.Records) {
		t.Errorf("%d rows for %d trials", len(rows)-1, len(run.Records))
	}
	for _, width := range []float64{wideFigure, narrowFigure} {
		svg, err := r.draw(width).encode("svg")
		if err != nil {
			t.Fatal(err)
		}
		checkSVG(t, svg)
		drawn := map[string]bool{}
		for _, v := range verdictOrder {
			if n := strings.Count(string(r.csv), ","+v+"\n"); !strings.Contains(string(svg), fmt.Sprintf(">%s (%d)<", v, n)) || n == 0 {
				t.Errorf("the key does not count the %d %s trials", n, v)
			}
			look := verdictLooks[v]
			one, err := drawing{w: 10, h: 10, draw: func(p *pen) { look.draw(p, 5, 5, look.color) }}.encode("svg")
			if err != nil {
				t.Fatal(err)
			}
			drawn[string(one)] = true
		}
		if len(drawn) != len(verdictOrder) {
			t.Errorf("%d verdicts have %d looks", len(verdictOrder), len(drawn))
		}
	}
}
