package main

import (
	"bytes"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"medusa/results"
)

var figureCommand = regexp.MustCompile(`<code>(medusa plot [^<]*)</code>`)

// TestFigureCommands types the command below each figure of a report and gets
// the figure again, byte for byte. The run is the kept one of schema version 1
// with figures that use every flag.
func TestFigureCommands(t *testing.T) {
	kept, err := results.Open("results/testdata/v1")
	if err != nil {
		t.Fatal(err)
	}
	plan, dir := kept.Plan, filepath.Join(t.TempDir(), "run")
	cost := results.Columns{"server_cpu_us_per_request"}
	plan.Figures = []results.Figure{
		{ID: "odd", Title: `-It's "odd" & <so> $HOME`, Grid: "idle", X: "idle_connections", Y: cost, By: "backend", YScale: "log",
			Where: map[string]any{"backend": "select"}, Marks: map[string]string{"100": "a = b, 'c'", "2000": "-", "-5": "below"}, Floor: "2.5"},
		{ID: "wake", Grid: "idle", X: "idle_connections", Y: results.Columns{"response_p50_us", "response_p99_us"}, Floor: "wake"},
		{ID: "ratio", Grid: "idle", X: "idle_connections", XScale: "log1p", Y: cost, RatioTo: "epoll"},
		{ID: "rows", Kind: "dots", Grid: "idle", X: "idle_connections", Y: cost, RatioTo: "epoll", YScale: "linear", Facet: results.Columns{"backend"}},
		{ID: "fate", Kind: "stacked_share", X: "idle_connections", XScale: "log2",
			Y: results.Columns{"ok_share", "error_share"}, Facet: results.Columns{"backend"}},
	}
	w, err := results.Create(dir, results.Manifest{SuiteYAML: kept.SuiteYAML, Plan: plan, Before: kept.Environment.Before})
	if err != nil {
		t.Fatal(err)
	}
	for i := range kept.Records {
		if err := w.Append(&kept.Records[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(*kept.Environment.After); err != nil {
		t.Fatal(err)
	}
	path, err := writeReport(dir)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	commands := figureCommand.FindAllSubmatch(page, -1)
	if len(commands) != len(plan.Figures) {
		t.Fatalf("%d commands for %d figures", len(commands), len(plan.Figures))
	}
	env := append(os.Environ(), "PATH="+typed(t)+":"+os.Getenv("PATH"))
	for i, m := range commands {
		line, name := html.UnescapeString(string(m[1])), plan.Figures[i].ID
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir, cmd.Env = dir, env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", line, err, bytes.TrimSpace(out))
			continue
		}
		for _, ext := range []string{".svg", ".csv"} {
			want, err := os.ReadFile(filepath.Join(dir, "figures", name+ext))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(dir, name+ext)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s draws another %s than the report has (%v)", line, name+ext, err)
			}
		}
	}
}

// typed returns a folder in which this test binary is the command medusa.
func typed(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "medusa")); err != nil {
		t.Fatal(err)
	}
	return dir
}
