package results

import (
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// reportView is everything that the report says, in words.
type reportView struct {
	CSS             template.CSS
	Suite, Question string
	Size            string
	Partial         string   // loud: how much of the plan is there; "" for a whole run
	Notes           []string // what reading the folder had to tolerate
	Answer          []Sentence
	Believe         []Line
	First           *figureView
	Front           *tableView
	Why             []Sentence
	NotShown        []string
	Literature      []literatureView
	Machine         []Line
	Again           []string // commands
	Data            []dataView
	Figures         []figureView // but the first
	Faults          []tableView  // what faults did; none where there were none
	Cells           []tableView
	Contrasts       *tableView
	Slopes          *tableView
	Verdicts        []verdictView
	Failures        []failureView
	Skipped         []Skipped
	Instrument      *instrumentView // nil: the machine was never calibrated
	Environment     []environmentRow
	Made            string
	Aims            string // the coverage that intervals aim at
}

// figureView is a figure of the report.
type figureView struct {
	Number               int
	ID, Title            string
	Wide, Narrow         template.HTML
	Caption, Read        string
	Command              string
	SVG, PNG, CSV, Error string // files; why there is no figure
}

// literatureView is a published finding and what this run says of it.
type literatureView struct {
	Cite, Finding, Outcome, Because string
}

// dataView is a file of the run folder.
type dataView struct {
	File, What string
}

func newReportView(run *Run, a *Analysis, figures []rendered) (*reportView, error) {
	v := &reportView{
		CSS: template.CSS(reportCSS), Suite: run.Plan.Suite, Question: run.Plan.Question,
		Size: sizeLine(run, a), Partial: partialText(run, a), Notes: run.Notes,
		Answer: a.Answer, Believe: a.Believe, Why: a.Why,
		NotShown: notShown(run), Literature: literature(a),
		Machine: machineLines(run), Again: againCommands(run), Data: dataFiles(run),
		Front: frontTable(a), Cells: cellTables(a), Contrasts: contrastTable(a), Slopes: slopeTable(a),
		Faults:   faultTables(run, a),
		Verdicts: verdictViews(a), Failures: failureViews(a), Skipped: run.Plan.Skipped,
		Instrument:  newInstrumentView(a),
		Environment: environmentRows(run.Environment), Aims: a.aims(),
	}
	if run.Stamp.CreatedUnixNs != 0 {
		v.Made = time.Unix(0, run.Stamp.CreatedUnixNs).UTC().Format("2 January 2006, 15:04 UTC")
	}
	for i, f := range figures {
		fv, err := newFigureView(a, f, i+1)
		if err != nil {
			return nil, err
		}
		if i == 0 && len(figures) > 1 && f.err == nil {
			v.First = &fv
			continue
		}
		v.Figures = append(v.Figures, fv)
	}
	return v, nil
}

func newFigureView(a *Analysis, f rendered, number int) (figureView, error) {
	v := figureView{Number: number, ID: f.file, Caption: f.caption, Read: f.read}
	if f.err != nil {
		v.Error = f.err.Error()
		return v, nil
	}
	wide := f.draw(wideFigure)
	v.Title = wide.title
	var err error
	if v.Wide, err = inlineSVG(wide, "wide"); err != nil {
		return v, err
	}
	if v.Narrow, err = inlineSVG(f.draw(narrowFigure), "narrow"); err != nil {
		return v, err
	}
	base := figuresFolder + "/" + f.file
	v.SVG, v.PNG, v.CSV = base+".svg", base+".png", base+".csv"
	v.Command = "medusa report ."
	if f.file != stripFile {
		v.Command = plotCommand(f.spec, a.Compare, f.file+".svg")
	}
	return v, nil
}

// sizeLine says how much was measured: "4 backends · 12 cells x 6 blocks,
// 16 cells x 3 blocks · 4 min 41 s".
func sizeLine(run *Run, a *Analysis) string {
	levels := map[string]bool{}
	for _, t := range run.Plan.Trials {
		levels[t.Level] = true
	}
	var grids []string
	for _, g := range run.Plan.Grids {
		grids = append(grids, fmt.Sprintf("%s × %s", countOf(g.Cells, "cell", "cells"), countOf(g.Blocks, "block", "blocks")))
	}
	parts := []string{countOf(len(levels), spoken(a.Compare), spoken(a.Compare)+"s"), strings.Join(grids, ", ")}
	if d := runTime(run); d > 0 {
		parts = append(parts, durationText(d))
	}
	return strings.Join(parts, " · ")
}

// runTime is from the first trial's start to the last one's end.
func runTime(run *Run) time.Duration {
	var from, to int64
	for i := range run.Records {
		r := &run.Records[i]
		if from == 0 || r.StartedUnixNs < from {
			from = r.StartedUnixNs
		}
		to = max(to, r.StartedUnixNs+r.DurationNs)
	}
	return time.Duration(to - from)
}

// durationText writes "4 min 41 s" or "2 h 21 min".
func durationText(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	switch {
	case s >= 3600:
		return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
	case s >= 60:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	}
	return fmt.Sprintf("%d s", s)
}

// partialText is the warning of a run that is not whole.
func partialText(run *Run, a *Analysis) string {
	if a.Tally.Run >= a.Tally.Planned && run.Environment.After != nil {
		return ""
	}
	s := fmt.Sprintf("This run is partial: %s of %s planned trials were run.",
		plainNumber(float64(a.Tally.Run)), plainNumber(float64(a.Tally.Planned)))
	if a.Tally.Run >= a.Tally.Planned {
		s = "This run was cut off after its last trial: the machine was not looked at again."
	}
	return s
}

// notShown are the limits of what a run can say: the suite's own, and those
// that come with how every suite is measured.
func notShown(run *Run) []string {
	out := slices.Clone(run.Plan.NotShown)
	if len(out) == 0 {
		out = []string{"real networks", "more than one server CPU", "TLS", "the absolute speed of any machine"}
	}
	if strings.Contains(run.Plan.Metrics.Primary, "cpu") {
		out = append(out, "where CPU time would be billed on a network: over loopback the client's receive path runs on the server's account")
	}
	for _, t := range run.Plan.Trials {
		if t.Level == "goroutines" || t.Level == "threads" {
			out = append(out, "parallel handlers: "+t.Level+" do their I/O in parallel and enter the handlers one at a time, as every backend here does")
			break
		}
	}
	return out
}

// againCommands repeat the run and check this one.
func againCommands(run *Run) []string {
	var out []string
	if run.Plan.Command != "" {
		out = append(out, run.Plan.Command)
	}
	return append(out, "medusa verify .")
}

// dataFiles are the files of the run that are there.
func dataFiles(run *Run) []dataView {
	all := []dataView{
		{trialsFile, "one record a trial: everything that both ends and the machine reported"},
		{trialsFile + packedSuffix, "one record a trial: everything that both ends and the machine reported (gzip)"},
		{"plan.json", "every trial that was to be run, in order"},
		{"suite.yaml", "what was asked"},
		{"environment.json", "the machine before and after"},
		{certificateFile, "what the instrument was proved to be, when the run began"},
		{"latency", "a HdrHistogram log for each trial"},
		{"benchfmt.txt", "for benchstat"},
		{figuresFolder, "each figure as SVG and PNG, with the numbers behind it as CSV"},
	}
	return slices.DeleteFunc(all, func(d dataView) bool {
		_, err := os.Stat(filepath.Join(run.Dir, d.File))
		return err != nil
	})
}
