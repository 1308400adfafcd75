package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"

	"medusa/results"
)

type reportCmd struct {
	Folder string `arg:"" name:"run" help:"Run folder."`
	Open   bool   `help:"Open it in a browser."`
}

func (c reportCmd) Run(s streams) error {
	path, err := writeReport(c.Folder)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, path)
	if !c.Open {
		return nil
	}
	opener := "xdg-open"
	if runtime.GOOS == "darwin" {
		opener = "open"
	}
	if err := exec.Command(opener, path).Start(); err != nil {
		return fmt.Errorf("the report is written, but %s cannot be run to show it: %w", opener, err)
	}
	return nil
}

type plotCmd struct {
	Folder  string   `arg:"" name:"run" help:"Run folder."`
	X       string   `required:"" help:"Column on the horizontal axis; see 'medusa columns'." placeholder:"COLUMN"`
	Y       []string `required:"" help:"Column on the vertical axis; several for --kind stacked_share." placeholder:"COLUMN"`
	By      string   `help:"One line for each level of this factor (the suite's compared factor)." placeholder:"COLUMN"`
	Facet   []string `help:"A panel for each level of this factor." placeholder:"COLUMN"`
	Where   []string `sep:"none" help:"Only trials with this level." placeholder:"KEY=VALUE"`
	Grid    string   `help:"Grid, of a suite with several." placeholder:"NAME"`
	RatioTo string   `help:"Show ratios to this level of --by, pair by pair; best is the one that is best at each place, chosen on the odd blocks and compared on the even ones." placeholder:"LEVEL"`
	Strip   []string `sep:"none" help:"With --ratio-to best: a level that is set beside the best one and cannot be it. Repeatable." placeholder:"LEVEL"`
	Kind    string   `default:"lines" enum:"lines,dots,stacked_share,heat" help:"lines, dots, stacked_share or heat: a map of ratios (${default})." placeholder:"KIND"`
	XScale  string   `name:"xscale" default:"auto" enum:"auto,linear,log,log2,log1p,even" help:"linear, log, log2, log1p or even; auto is linear, or even where levels would lie on each other (${default})." placeholder:"SCALE"`
	YScale  string   `name:"yscale" default:"linear" enum:"linear,log" help:"linear or log (${default})." placeholder:"SCALE"`
	Marks   []string `sep:"none" help:"A labelled line at a value of the horizontal axis. Repeatable." placeholder:"X=LABEL"`
	Floor   string   `help:"What a vertical value says nothing below, as a band: wake, or a number in the column's unit." placeholder:"FLOOR"`
	Title   string   `help:"Title." placeholder:"TEXT"`
	Out     string   `help:"File .svg, .png or .pdf, its numbers beside it as .csv; SVG on standard output, without." placeholder:"FILE"`
}

func (c plotCmd) Run(s streams) error {
	f, err := c.figure()
	if err != nil {
		return usage(err)
	}
	run, err := results.Open(c.Folder)
	if err != nil {
		return err
	}
	if c.Out == "" {
		err = results.PlotTo(s.out, run, f)
	} else {
		err = results.Plot(run, f, c.Out)
	}
	// What cannot be drawn was asked wrongly; what cannot be written was not.
	var file *fs.PathError
	if errors.As(err, &file) {
		return err
	}
	return usage(err)
}

// figure is what the flags ask for.
func (c plotCmd) figure() (results.Figure, error) {
	if c.XScale == "auto" {
		c.XScale = ""
	}
	f := results.Figure{ID: "plot", Title: c.Title, Kind: c.Kind, Grid: c.Grid, X: c.X, XScale: c.XScale, Y: c.Y, YScale: c.YScale,
		By: c.By, Facet: c.Facet, RatioTo: c.RatioTo, Strip: c.Strip, Floor: c.Floor}
	for _, w := range c.Where {
		key, value, ok := strings.Cut(w, "=")
		if !ok {
			return f, fmt.Errorf("--where %q: give KEY=VALUE", w)
		}
		if f.Where == nil {
			f.Where = map[string]any{}
		}
		f.Where[key] = level(value)
	}
	for _, m := range c.Marks {
		x, label, ok := strings.Cut(m, "=")
		if _, err := strconv.ParseFloat(x, 64); err != nil || !ok {
			return f, fmt.Errorf("--marks %q: give X=LABEL, such as 1024=FD_SETSIZE", m)
		}
		if f.Marks == nil {
			f.Marks = map[string]string{}
		}
		f.Marks[x] = label
	}
	if v, err := strconv.ParseFloat(c.Floor, 64); (err != nil || !(v > 0) || math.IsInf(v, 1)) && c.Floor != "" && c.Floor != "wake" {
		return f, fmt.Errorf("--floor %q: give wake, or a number above 0 in the unit of --y", c.Floor)
	}
	return f, nil
}

// level reads a level as the suite files do: a number where it is one.
func level(text string) any {
	var n float64
	if json.Unmarshal([]byte(text), &n) == nil {
		return n
	}
	return text
}

type columnsCmd struct {
	JSON bool `name:"json" help:"As JSON."`
}

func (c columnsCmd) Run(s streams) error {
	all := results.AllColumns()
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		return e.Encode(all)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tUNIT\tKIND\tBETTER\tMEANING")
	for _, col := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", col.Name, col.Unit, col.Kind, col.Better, col.Meaning)
	}
	return w.Flush()
}

type verifyCmd struct {
	Folder string `arg:"" name:"run" help:"Run folder."`
	JSON   bool   `name:"json" help:"As JSON."`
}

func (c verifyCmd) Run(s streams) error {
	v, err := results.Verify(c.Folder)
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		if err := e.Encode(v); err != nil {
			return err
		}
	} else {
		for _, check := range v.Checks {
			fmt.Fprintf(s.out, "%-6s  %-10s  %s\n", check.Status, check.Name, check.Line)
		}
	}
	if !v.OK() {
		return fmt.Errorf("%s does not agree with itself; the lines marked %q say where", c.Folder, results.Fail)
	}
	return nil
}
