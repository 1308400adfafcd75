package results

import (
	"strings"
	"testing"
)

// Levels that would lie on each other are spaced evenly, and the axis says so,
// unless the figure asks for a scale, or marks places on it.
func TestCrowdedLevels(t *testing.T) {
	t.Parallel()
	run := sampleRun(6)
	for i := range run.Plan.Grids {
		if g := &run.Plan.Grids[i]; g.Name == "fd-limits" {
			g.Factors["nofile"] = []any{64.0, 256.0, 1024.0, 4096.0}
		}
	}
	base := Figure{ID: "l", Kind: kindLines, Grid: "fd-limits", X: "nofile", Y: Columns{"response_p99_ms"}, YScale: "log"}
	linear, marked, wide := base, base, base
	linear.XScale = "linear"
	marked.Marks = map[string]string{"64": "Windows 95"}
	wide.Grid, wide.X, wide.Y = "idle", "idle_connections", Columns{"server_cpu_us_per_request"}
	for _, c := range []struct {
		name string
		f    Figure
		even bool
	}{{"64 to 4,096 on a line", base, true}, {"asked for", linear, false}, {"marked", marked, false}, {"0, 2,000 and 8,000", wide, false}} {
		chart, _, err := newChart(run, run.Analyse(), c.f)
		if err != nil {
			t.Fatal(err)
		}
		if even := chart.x.kind == "even"; even != c.even || even != strings.Contains(chart.x.label, "levels evenly spaced") {
			t.Errorf("%s: kind %q, label %q; evenly spaced should be %v", c.name, chart.x.kind, chart.x.label, c.even)
		}
	}
}

// A list of what lies above the axis does not cover the one beside it.
func TestListsAboveTheAxis(t *testing.T) {
	t.Parallel()
	e := listEnd{right: -1}
	for i, c := range []struct{ left, y float64 }{
		{10, 5},   // 10 to 60
		{70, 5},   // clear of it, to 120
		{100, 15}, // would cover the second
		{110, 25}, // and the third
		{170, 5},
	} {
		if y := e.next(c.left, 50, 5, 10); y != c.y {
			t.Errorf("list %d begins at %v, want %v", i, y, c.y)
		}
	}
}
