package results

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Kinds of figures.
const (
	kindLines   = "lines"
	kindDots    = "dots"
	kindStacked = "stacked_share"
	kindHeat    = "heat"
)

// rendered is one figure of a run, ready to be written in any format.
type rendered struct {
	file string // without extension
	spec Figure
	csv  []byte
	draw func(width float64) drawing
	// words of the report
	caption string
	read    string // how to read it
	err     error  // why there is nothing to draw; the rest is then empty
}

// Plot draws one figure of a run and writes it to the file out, as its
// extension says (.svg, .png or .pdf), with the numbers behind it in a .csv
// file of the same name beside it.
func Plot(run *Run, f Figure, out string) error {
	if err := CheckFigureName(out); err != nil {
		return err
	}
	format := strings.TrimPrefix(strings.ToLower(filepath.Ext(out)), ".")
	r := renderFigure(run, run.Analyse(), f)
	if r.err != nil {
		return r.err
	}
	b, err := r.draw(wideFigure).encode(format)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, b, 0o644); err != nil {
		return fmt.Errorf("cannot write the figure: %w", err)
	}
	if err := os.WriteFile(strings.TrimSuffix(out, filepath.Ext(out))+".csv", r.csv, 0o644); err != nil {
		return fmt.Errorf("cannot write the figure's numbers: %w", err)
	}
	return nil
}

// PlotTo draws one figure of a run as SVG.
func PlotTo(w io.Writer, run *Run, f Figure) error {
	r := renderFigure(run, run.Analyse(), f)
	if r.err != nil {
		return r.err
	}
	b, err := r.draw(wideFigure).encode("svg")
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("cannot write the figure: %w", err)
	}
	return nil
}

// FigureCSVs returns the numbers behind every figure of a run's report, by
// file name relative to the run folder ("figures/cost.csv"). The same plan and
// records give the same bytes.
func FigureCSVs(run *Run) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, r := range renderAll(run, run.Analyse()) {
		if r.err == nil {
			out[figuresFolder+"/"+r.file+".csv"] = r.csv
		}
	}
	return out, nil
}

const figuresFolder = "figures"

// renderAll prepares every figure of the plan and the run strip, which is last.
func renderAll(run *Run, a *Analysis) []rendered {
	var out []rendered
	used := map[string]int{stripFile: 1}
	for _, f := range run.Plan.Figures {
		r := renderFigure(run, a, f)
		r.file = fileName(f.ID)
		if used[r.file]++; used[r.file] > 1 {
			r.file += "-" + strconv.Itoa(used[r.file])
		}
		out = append(out, r)
	}
	return append(out, renderStrip(run, a))
}

// fileName keeps what every file system takes.
func fileName(id string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, id)
	if name == "" {
		return "figure"
	}
	return name
}

// renderFigure prepares one figure.
func renderFigure(run *Run, a *Analysis, f Figure) rendered {
	if f.Kind == "" {
		f.Kind = kindLines
	}
	if f.RatioTo != "" && f.YScale == "" {
		f.YScale = "log" // twice and half are equally far from the same
	}
	r := rendered{spec: f}
	c, series, err := newChart(run, a, f)
	if err != nil {
		r.err = fmt.Errorf("figure %s: %w", f.ID, err)
		return r
	}
	r.draw = c.draw
	r.csv = figureCSV(c, f, series)
	r.caption = c.caption
	r.read = c.howToRead()
	return r
}

// newChart finds what a figure shows.
func newChart(run *Run, a *Analysis, f Figure) (*chart, []Series, error) {
	switch f.Kind {
	case kindLines, kindDots, kindStacked, kindHeat:
	default:
		return nil, nil, fmt.Errorf("the kind %q is not known: use %s, %s, %s or %s", f.Kind, kindLines, kindDots, kindStacked, kindHeat)
	}
	switch {
	case f.Kind == kindHeat && (f.RatioTo == "" || len(f.Y) != 1):
		return nil, nil, fmt.Errorf("a heat map shows ratios of one column: give one y column, and ratio_to (a level, or %s)", Best)
	case len(f.Strip) > 0 && f.RatioTo != Best:
		return nil, nil, fmt.Errorf("strip names levels that cannot be the %s one: give ratio_to: %s", Best, Best)
	}
	if !slices.Contains([]string{"", "linear", "log", "log2", "log1p", "even"}, f.XScale) {
		return nil, nil, fmt.Errorf("the xscale %q is not known: use linear, log, log2, log1p or even", f.XScale)
	}
	if !slices.Contains([]string{"", "linear", "log"}, f.YScale) {
		return nil, nil, fmt.Errorf("the yscale %q is not known: use linear or log", f.YScale)
	}
	if len(f.Y) == 0 {
		return nil, nil, fmt.Errorf("it names no y column")
	}
	x, err := run.Plan.LookupColumn(f.X)
	if err != nil {
		return nil, nil, err
	}
	ys := make([]Column, len(f.Y))
	for i, name := range f.Y {
		if ys[i], err = run.Plan.LookupColumn(name); err != nil {
			return nil, nil, err
		}
		if f.Kind != kindStacked && ys[i].Unit != ys[0].Unit {
			return nil, nil, fmt.Errorf("%s and %s have different units and cannot share an axis: draw one figure for each", f.Y[0], name)
		}
		if f.Kind == kindStacked && ys[i].Unit != "share" {
			return nil, nil, fmt.Errorf("%s is not a share and cannot be stacked", name)
		}
	}
	series, err := a.Points(f)
	if err != nil {
		return nil, nil, errors.Unwrap(err) // the caller names the figure
	}
	c := &chart{kind: f.Kind, ratio: f.RatioTo != "", baseline: f.RatioTo, strip: f.Strip, higher: ys[0].Better == Higher, looks: map[string]look{}, aims: a.aims()}
	c.x, c.y = axisSpec{name: f.X, unit: x.Unit, kind: f.XScale}, axisSpec{unit: ys[0].Unit, kind: f.YScale}
	if c.ratio {
		c.y.unit = ""
	}
	c.describe(run, f, x, ys, series)
	if c.addPoints(f, x, series); len(c.panels) == 0 {
		return nil, nil, fmt.Errorf("no trial has a value to draw")
	}
	if f.XScale == "" && len(f.Marks) == 0 && crowded(c.x.levels) {
		c.x.kind = "even"
	}
	if err := c.oneMode(a); err != nil {
		return nil, nil, err
	}
	if err := c.noteSurvivors(a, f); err != nil {
		return nil, nil, err
	}
	c.setLooks(a)
	c.label(f, x, ys)
	c.marks = figureMarks(f.Marks)
	c.setFloor(a, f)
	c.noteLost()
	return c, series, nil
}

// addPoints deals the series to panels and collects what axes need.
func (c *chart) addPoints(f Figure, x Column, series []Series) {
	at := map[string]int{}
	levels, names := map[float64]bool{}, map[float64]string{}
	for _, s := range series {
		title := panelTitle(f, s)
		if s.Level == "" { // the factor is a facet: it keeps its look
			for _, set := range s.Facet {
				if set.Factor == s.By {
					s.Level = LevelText(set.Level)
				}
			}
		}
		i, ok := at[title]
		if !ok {
			i = len(c.panels)
			at[title] = i
			c.panels = append(c.panels, panel{title: title})
		}
		c.panels[i].series = append(c.panels[i].series, s)
		for _, pt := range s.Points {
			if pt.XText != "" {
				names[pt.X] = pt.XText
			}
			levels[pt.X] = true
			if pt.Interval {
				c.coverage = append(c.coverage, pt.Coverage)
			}
		}
	}
	if x.Kind == Factor || len(names) > 0 {
		c.x.levels = sortedKeys(levels)
	}
	if len(names) > 0 {
		for _, v := range c.x.levels {
			c.x.names = append(c.x.names, names[v])
		}
	}
}

// panelTitle names the small multiple that a series belongs to.
func panelTitle(f Figure, s Series) string {
	var parts []string
	for _, set := range s.Facet {
		parts = append(parts, set.Factor+" = "+LevelText(set.Level))
	}
	switch {
	case f.Kind == kindStacked && !slices.Contains(f.Facet, s.By):
		parts = append(parts, s.Level)
	case f.Kind != kindStacked && len(f.Y) > 1:
		parts = append(parts, s.Column)
	}
	return strings.Join(parts, ", ")
}

// setLooks gives each level its look, by its place in the plan.
func (c *chart) setLooks(a *Analysis) {
	for _, panel := range c.panels {
		for _, s := range panel.series {
			if _, ok := c.looks[s.Level]; !ok {
				c.looks[s.Level] = lookOf(s.Level, levelPlace(a, s.By, s.Level, len(c.looks)))
			}
		}
	}
}

// levelPlace is the place of a level in the plan's order of its factor, so
// that it looks the same in figures that leave others out.
func levelPlace(a *Analysis, factor, level string, otherwise int) int {
	for _, g := range a.Plan.Grids {
		for i, v := range g.Factors[factor] {
			if LevelText(v) == level {
				return i
			}
		}
	}
	return otherwise
}

// figureMarks reads a figure's vertical marks, from left to right; what is no
// number cannot stand on the axis and is left out.
func figureMarks(marks map[string]string) []xMark {
	var out []xMark
	for value, label := range marks {
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			out = append(out, xMark{v, label})
		}
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].x < out[j].x || out[i].x == out[j].x && out[i].label < out[j].label
	})
	return out
}
