package results

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goldenFigures = "testdata/figures"

// TestFigureNumbers compares the numbers behind each figure with those that
// were looked at and committed. They may change only with the rules of the
// analysis.
func TestFigureNumbers(t *testing.T) {
	t.Parallel()
	run := sampleRun(6)
	got, err := FigureCSVs(run)
	if err != nil {
		t.Fatal(err)
	}
	again, err := FigureCSVs(sampleRun(6))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(run.Plan.Figures)+1 {
		t.Errorf("%d files for %d figures and the run strip", len(got), len(run.Plan.Figures))
	}
	for _, name := range sortedKeys(got) {
		if !bytes.Equal(got[name], again[name]) {
			t.Errorf("%s differs when it is made again", name)
		}
		golden := filepath.Join(goldenFigures, filepath.Base(name))
		if *update {
			if err := os.MkdirAll(goldenFigures, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, got[name], 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if line := firstDifference(want, got[name]); !bytes.Equal(want, got[name]) {
			t.Errorf("%s differs from %s, first in line %d", name, golden, line)
		}
	}
}

// TestFigureNumbersSayEverything reads two of the files as a stranger would.
func TestFigureNumbersSayEverything(t *testing.T) {
	t.Parallel()
	files, err := FigureCSVs(sampleRun(6))
	if err != nil {
		t.Fatal(err)
	}
	rows := func(name string) []map[string]string {
		all, err := csv.NewReader(bytes.NewReader(files[name])).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var out []map[string]string
		for _, fields := range all[1:] {
			row := map[string]string{}
			for i, f := range fields {
				row[all[0][i]] = f
			}
			out = append(out, row)
		}
		return out
	}
	count := map[string]int{}
	for _, r := range rows("figures/cost.csv") {
		count[r["mark"]]++
		if r["mark"] == "excluded" && (r["verdict"] != VerdictNoisy || r["block"] != "2" || r["idle_connections"] != "2000") {
			t.Errorf("an excluded trial is %v", r)
		}
		if r["mark"] == "median" && (r["lo"] == "" || r["hi"] == "" || r["coverage"] != "0.96875" || r["n"] != "6") {
			t.Errorf("a median is %v", r)
		}
	}
	if count["median"] != 12 || count["block"] != 72 || count["excluded"] != 4 {
		t.Errorf("cost.csv has %v, want 12 medians, 72 blocks and 4 excluded", count)
	}
	for _, r := range rows("figures/limits.csv") {
		if r["mark"] != "median" {
			continue
		}
		if r["lo"] != "" {
			t.Errorf("three blocks have an interval: %v", r)
		}
		if late := r["nofile"] != "4096"; late != strings.Contains(r["state"], "censored") || late && r["y"] != "1000" {
			t.Errorf("a median is %v; below 4096 it is known to be 1000 ms at least", r)
		}
	}
}

func TestFigureErrors(t *testing.T) {
	t.Parallel()
	run := sampleRun(6)
	for _, c := range []struct {
		f    Figure
		says string
	}{
		{Figure{ID: "a", X: "idle_connections", Y: Columns{"server_cpu_us_per_reqest"}}, "server_cpu_us_per_request"},
		{Figure{ID: "b", X: "idle_conections", Y: Columns{"capacity_rps"}}, "idle_connections"},
		{Figure{ID: "c", X: "idle_connections"}, "no y column"},
		{Figure{ID: "d", X: "idle_connections", Y: Columns{"capacity_rps"}, Kind: "pie"}, `"pie"`},
		{Figure{ID: "e", X: "idle_connections", Y: Columns{"capacity_rps", "response_p50_us"}}, "different units"},
		{Figure{ID: "f", X: "idle_connections", Y: Columns{"capacity_rps"}, Kind: kindStacked}, "not a share"},
		{Figure{ID: "g", X: "idle_connections", Y: Columns{"capacity_rps"}, XScale: "cubic"}, `"cubic"`},
		{Figure{ID: "h", X: "idle_connections", Y: Columns{"capacity_rps"}, YScale: "log2"}, `"log2"`},
		{Figure{ID: "i", X: "nofile", Y: Columns{"capacity_rps"}}, "no trial"},
	} {
		err := Plot(run, c.f, filepath.Join(t.TempDir(), "x.svg"))
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("figure %s: error %v, want one line with %s", c.f.ID, err, c.says)
		}
	}
	if err := Plot(run, run.Plan.Figures[0], filepath.Join(t.TempDir(), "x.gif")); err == nil || !strings.Contains(err.Error(), ".svg") {
		t.Errorf("a GIF: error %v, want the formats", err)
	}
}

func TestPlotWritesNumbersBeside(t *testing.T) {
	t.Parallel()
	run := sampleRun(6)
	dir := t.TempDir()
	for _, ext := range []string{"svg", "PDF"} {
		if err := Plot(run, run.Plan.Figures[0], filepath.Join(dir, "out."+ext)); err != nil {
			t.Fatal(err)
		}
	}
	csvs, err := FigureCSVs(run)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "out.csv"))
	if err != nil || !bytes.Equal(got, csvs["figures/cost.csv"]) {
		t.Errorf("out.csv is not the figure's numbers (%v)", err)
	}
	var b bytes.Buffer
	if err := PlotTo(&b, run, run.Plan.Figures[0]); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, "out.svg"))
	if err != nil || !bytes.Equal(b.Bytes(), file) {
		t.Errorf("on a writer the SVG is another one than in a file (%v)", err)
	}
	for _, word := range []string{"select", "poll", "epoll", "goroutines", "AMD EPYC 9B14", "Linux 6.18.5", "8,000", "96.9 %"} {
		if !bytes.Contains(file, []byte(word)) {
			t.Errorf("the figure does not say %q", word)
		}
	}
}

func TestFigureWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ f, title string }{
		{"server_cpu_us_per_request", "Server CPU per request by idle connections"},
		{"response_p99_ms", "Response p99 by idle connections"},
		{"capacity_rps", "Capacity by idle connections"},
		{"server_rss_bytes_per_connection", "Server RSS per connection by idle connections"},
		{"ok_share", "OK share by idle connections"},
	} {
		if got := defaultTitle(Figure{X: "idle_connections", Y: Columns{c.f}}); got != c.title {
			t.Errorf("title of %s is %q, want %q", c.f, got, c.title)
		}
	}
	f := Figure{X: "nofile", XScale: "log2", Y: Columns{"response_p99_ms"}, YScale: "log", Facet: Columns{"on_full"}, Where: map[string]any{"offered_share": .9, "load": "a b"}, RatioTo: "epoll", Title: "It's late",
		Marks: map[string]string{"64": "Windows 95", "1024": "FD_SETSIZE", "-1": "below", "none": "no number"}, Floor: "wake"}
	want := `medusa plot . --x nofile --y response_p99_ms --by backend --facet on_full --where 'load=a b' --where offered_share=0.9 --ratio-to epoll --xscale log2 --yscale log --marks=-1=below --marks 1024=FD_SETSIZE --marks '64=Windows 95' --floor wake --title 'It'\''s late' --out x.svg`
	if got := plotCommand(f, "backend", "x.svg"); got != want {
		t.Errorf("the command is\n%s\nwant\n%s", got, want)
	}
	for id, want := range map[string]string{"../../etc/passwd": "------etc-passwd", "": "figure", "cost_2-b": "cost_2-b"} {
		if got := fileName(id); got != want {
			t.Errorf("the file of figure %q is %q, want %q", id, got, want)
		}
	}
}

// TestFiguresWithOneName do not overwrite each other, nor the run strip.
func TestFiguresWithOneName(t *testing.T) {
	t.Parallel()
	run := sampleRun(6)
	run.Plan.Figures = []Figure{run.Plan.Figures[0], run.Plan.Figures[0], {ID: stripFile, X: "idle_connections", Y: Columns{"capacity_rps"}}}
	got, err := FigureCSVs(run)
	if err != nil {
		t.Fatal(err)
	}
	if names := strings.Join(sortedKeys(got), " "); names != "figures/cost-2.csv figures/cost.csv figures/run-strip-2.csv figures/run-strip.csv" {
		t.Errorf("files %s", names)
	}
}

// TestFiguresDoNotMislead: rules that hold whatever is asked for.
func TestFiguresDoNotMislead(t *testing.T) {
	t.Parallel()
	run := sampleRun(6)
	a := Analyse(run.Plan, run.Records)
	r := renderFigure(run, a, Figure{ID: "both", X: "capacity_rps", Y: Columns{"server_cpu_us_per_request"}})
	if r.err != nil {
		t.Errorf("closed loops only: %v", r.err)
	}
	r = renderFigure(run, a, Figure{ID: "both", X: "achieved_rps", Y: Columns{"server_cpu_us_per_request"}})
	if r.err == nil || !strings.Contains(r.err.Error(), "closed and open") {
		t.Errorf("costs under saturation and at a fixed rate on one axis: error %v", r.err)
	}
	for _, c := range []struct {
		f    Figure
		says string
	}{
		{Figure{Grid: "fd-limits", X: "nofile", Y: Columns{"response_ok_p99_us"}}, "50 % to 99.6 % of all"},
		{Figure{Grid: "idle", X: "idle_connections", Y: Columns{"response_ok_p50_us"}}, "100 % of all"},
		{Figure{Grid: "fd-limits", X: "nofile", Y: Columns{"error_share"}, YScale: "log"}, "lower edge"},
		{Figure{Grid: "idle", X: "idle_connections", Y: Columns{"response_p50_us"}, Floor: "wake"}, "was not measured"},
		{Figure{Grid: "idle", X: "idle_connections", Y: Columns{"response_p50_us"}, Floor: "80"}, "floor 80 µs"},
	} {
		r := renderFigure(run, a, c.f)
		if r.err != nil {
			t.Errorf("%v: %v", c.f.Y, r.err)
			continue
		}
		svg, err := r.draw(wideFigure).encode("svg")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(svg, []byte(c.says)) {
			t.Errorf("a figure of %v does not say %q", c.f.Y, c.says)
		}
	}
}
