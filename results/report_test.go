package results

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// page is the report of a run, without its files.
func page(t *testing.T, run *Run) string {
	t.Helper()
	run.Dir = t.TempDir()
	a := run.Analyse()
	b, err := reportPage(run, a, renderAll(run, a))
	if err != nil {
		t.Fatal(err)
	}
	checkHTML(t, b)
	return string(b)
}

var reference = regexp.MustCompile(`(?i)\s(?:src|href|srcset|action|data|xlink:href)\s*=\s*["']?([^"'>\s]*)`)

// checkHTML: elements nest and end, nothing is loaded, nothing is run.
func checkHTML(t *testing.T, b []byte) {
	t.Helper()
	void := map[string]bool{"meta": true, "br": true, "link": true, "img": true, "hr": true, "input": true}
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("<!DOCTYPE html>"))))
	d.Strict, d.Entity = false, xml.HTMLEntity
	var open []string
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if name := tok.Name.Local; !void[name] {
				open = append(open, name)
			}
			for _, a := range tok.Attr {
				if strings.HasPrefix(strings.ToLower(a.Name.Local), "on") {
					t.Errorf("an element has %s", a.Name.Local)
				}
			}
		case xml.EndElement:
			if name := tok.Name.Local; len(open) == 0 || open[len(open)-1] != name {
				t.Fatalf("</%s> closes %v", name, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("never closed: %v", open)
	}
	for _, m := range reference.FindAllSubmatch(b, -1) {
		if target := string(m[1]); strings.Contains(target, ":") || strings.HasPrefix(target, "//") {
			t.Errorf("the page refers to %s", target)
		}
	}
	for _, bad := range []string{"<script", "<link", "<iframe", "@import", "url(", "javascript:", "http://", "https://", "NaN", "%!"} {
		if i := bytes.Index(bytes.ToLower(b), []byte(strings.ToLower(bad))); i >= 0 {
			t.Errorf("the page has %q: %s", bad, b[max(0, i-60):min(len(b), i+60)])
		}
	}
}

func TestReportSaysWhatAStrangerAsks(t *testing.T) {
	t.Parallel()
	html, last := page(t, sampleRun(6)), 0
	for _, part := range []string{
		"<h1>What does a reply cost when most open connections are silent?</h1>",
		"4 backends · 12 cells × 6 blocks, 16 cells × 3 blocks · 6 min 12 s",
		"<h2>Answer</h2>", "1.97 ns", "<h2>Can I believe it?</h2>", "<h2>Figure 1</h2>", "<svg", "How to read it", "medusa plot . --x idle_connections",
		"<h2>The numbers</h2>", "against epoll", "slower", "Why?", "<h2>What this does not show</h2>", "real networks", "loopback", "one at a time",
		"<h2>Literature</h2>", "agrees", "Banga &amp; Mogul", "<h2>Machine</h2>", "AMD EPYC 9B14", "Linux 6.18.5", "cubic", "limit 20,000", "not on this system", "io_uring: the kernel refuses io_uring_setup: operation not permitted; kqueue: only on macOS and the BSDs", "GOMAXPROCS",
		"<h2>Again</h2>", "medusa run quick --seed 1998", "<h2>Data</h2>", "<h2>More figures</h2>", "run-strip.svg", "<h2>Every comparison</h2>",
		"<h2>Every cell</h2>", "&gt; 1,000", "<h2>Every trial, by verdict</h2>", "35 saturated", "4 noisy", "the hypervisor stole 1.20 %", "1 failed",
		"<h2>What failed</h2>", "signal: killed", "&lt;out of&gt; memory &amp; gone", "<h2>What was skipped</h2>", "io_uring_setup", "<h2>Environment</h2>", "Enhanced IBRS",
	} {
		i := strings.Index(html[last:], part)
		if part == "1.97 ns" { // the estimate of this sample
			i = strings.Index(html[last:], " ns (")
		}
		if i < 0 {
			t.Errorf("%q is missing, or stands before %q", part, html[max(0, last-40):last])
			continue
		}
		last += i
	}
	if strings.Contains(html, `class="partial"`) {
		t.Error("a whole run is called partial")
	}
	for _, name := range []string{"cost", "ratio", "dots", "limits", "fate", "run-strip"} {
		for _, ext := range []string{".svg", ".png", ".csv"} {
			if !strings.Contains(html, `href="figures/`+name+ext+`"`) {
				t.Errorf("the page does not offer figures/%s%s", name, ext)
			}
		}
	}
}

// TestWriteReport: the files are there, and those of an earlier report are
// replaced.
func TestWriteReport(t *testing.T) {
	t.Parallel()
	run := sampleRun(6)
	run.Plan.Figures = run.Plan.Figures[:1]
	run.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(run.Dir, reportFile), []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	path, err := WriteReport(run)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	checkHTML(t, b)
	csvs, err := FigureCSVs(run)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"figures/cost", "figures/run-strip"} {
		for ext, magic := range map[string][]byte{".svg": []byte("<?xml"), ".png": []byte("\x89PNG"), ".csv": csvs[name+".csv"]} {
			b, err := os.ReadFile(filepath.Join(run.Dir, name+ext))
			if err != nil || len(b) == 0 || !bytes.HasPrefix(b, magic) {
				t.Errorf("%s%s is not what it should be (%v)", name, ext, err)
			}
		}
	}
	entries, err := os.ReadDir(run.Dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("the folder has %v (%v), want the report, its figures and benchfmt.txt only", entries, err)
	}
	run.Dir = filepath.Join(run.Dir, reportFile) // no folder
	if _, err := WriteReport(run); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("writing into a file: error %v, want one line", err)
	}
}

func TestReportOfAPartialRun(t *testing.T) {
	t.Parallel()
	run := sampleRun(2)
	run.Notes = []string{"the last line of trials.jsonl is torn"}
	html := page(t, run)
	i := strings.Index(html, "This run is partial: 56 of 120 planned trials were run.")
	if i < 0 || i > strings.Index(html, "<h2>Answer</h2>") {
		t.Errorf("the page does not say first that the run is partial (%d)", i)
	}
	for _, part := range []string{"is torn", "NOT RESOLVED", "too few blocks for an interval"} {
		if !strings.Contains(html, part) {
			t.Errorf("%q is missing", part)
		}
	}
	if strings.Contains(html, ">slower") || strings.Contains(html, ">faster") {
		t.Error("two blocks carry a claim")
	}
	run = sampleRun(6)
	run.Environment.After = nil
	if html := page(t, run); !strings.Contains(html, "cut off after its last trial") {
		t.Error("a run without its end is called whole")
	}
}

// TestReportOfWhatIsHardlyARun: no record, no figure, no machine.
func TestReportOfWhatIsHardlyARun(t *testing.T) {
	t.Parallel()
	page(t, &Run{Plan: Plan{Suite: "empty"}})
	run := sampleRun(6)
	run.Records = nil
	if html := page(t, run); !strings.Contains(html, "0 of 120") || !strings.Contains(html, "nothing to draw") {
		t.Error("a run without records does not say so")
	}
	run = sampleRun(6)
	run.Plan.Figures = []Figure{{ID: "odd", X: "nothing", Y: Columns{"capacity_rps"}}}
	run.Plan.Metrics.Primary, run.Plan.Metrics.Slope = "response_p99_us", ""
	run.Environment = Environment{}
	for i := range run.Records {
		run.Records[i].Machine = nil
	}
	if html := page(t, run); !strings.Contains(html, "nothing to draw here: figure odd") {
		t.Error("a figure that cannot be drawn does not say why")
	}
}

// TestReportEscapes puts markup into every name that comes from outside.
func TestReportEscapes(t *testing.T) {
	t.Parallel()
	const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>&`
	run := sampleRun(6)
	run.Plan.Suite, run.Plan.Question, run.Plan.Command = evil, evil, evil
	run.Plan.NotShown, run.Notes = []string{evil}, []string{evil}
	run.Plan.Reproduces = []Reproduces{{Cite: evil, Finding: evil, Check: evil}}
	run.Plan.Skipped = []Skipped{{What: evil, Why: evil}}
	run.Plan.Figures[0].Title, run.Plan.Figures[0].ID = evil, evil
	run.Plan.Figures[3].Marks = map[string]string{"64": evil}
	run.Plan.Grids[1].Name = evil
	for i := range run.Plan.Figures {
		if run.Plan.Figures[i].Grid == "fd-limits" {
			run.Plan.Figures[i].Grid = evil
		}
	}
	run.Environment.Before.CPUModel, run.Environment.Before.Kernel = evil, evil
	run.Environment.Before.Backends = map[string]string{evil: evil}
	rename := func(level *string, factors, settings map[string]any) {
		if *level == "goroutines" {
			*level, factors["backend"], settings["backend"] = evil, evil, evil
		}
	}
	for i := range run.Plan.Trials {
		p := &run.Plan.Trials[i]
		rename(&p.Level, p.Factors, p.Settings)
		if p.Grid == "fd-limits" {
			p.Grid = evil
		}
	}
	for i := range run.Records {
		r := &run.Records[i]
		if r.Level == "goroutines" {
			r.Level = evil
		}
		if r.Grid == "fd-limits" {
			r.Grid = evil
		}
		if r.Failure != nil {
			r.Failure.Stage, r.Failure.Reason, r.Failure.ServerStderr, r.Failure.LoadStderr = evil, evil, evil, evil
		}
	}
	for _, g := range run.Plan.Grids {
		g.Factors["backend"][3] = evil
	}
	html := page(t, run)
	if strings.Contains(html, "<img") {
		t.Error("markup from outside is in the page as markup")
	}
	for _, f := range renderAll(run, Analyse(run.Plan, run.Records)) {
		if f.err != nil {
			t.Fatal(f.err)
		}
		svg, err := f.draw(wideFigure).encode("svg")
		if err != nil {
			t.Fatal(err)
		}
		checkSVG(t, svg)
	}
}
