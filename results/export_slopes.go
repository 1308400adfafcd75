package results

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteSlopes writes Markdown tables of what a run says of growth: for each
// level of the compared factor and each column whose growth a grid claims, what
// one more of the factor adds, with its 95 % interval ("-" below MinPairs
// blocks); then the medians that these slopes go through. Where other factors
// vary there are two tables for each of their settings.
func WriteSlopes(w io.Writer, run *Run) error {
	a := run.Analyse()
	var b strings.Builder
	for i := range a.Plan.Grids {
		g := &a.Plan.Grids[i]
		slopes := a.gridSlopes(g, false)
		for len(slopes) > 0 {
			first := slopes[0]
			var here, others []Slope
			for _, s := range slopes {
				if AtText(s.At) == AtText(first.At) {
					here = append(here, s)
				} else {
					others = append(others, s)
				}
			}
			a.slopeTables(&b, g, here)
			slopes = others
		}
	}
	if b.Len() == 0 {
		return fmt.Errorf("the run %s has no grid that claims slopes", a.Plan.Suite)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("cannot write the slopes: %w", err)
	}
	return nil
}

// slopeTables writes the slopes of one line of places, and the medians on it.
func (a *Analysis) slopeTables(b *strings.Builder, g *GridPlan, slopes []Slope) {
	factor, at := slopes[0].Factor, AtText(slopes[0].At)
	var columns []string
	for _, s := range slopes {
		if !slices.Contains(columns, s.Column) {
			columns = append(columns, s.Column)
		}
	}
	title := g.Name
	if at != "" {
		title += ", " + at
	}
	fmt.Fprintf(b, "%s: for each of %s\n\n", title, factor)
	tableHead(b, append([]string{a.Compare}, columns...))
	for _, level := range a.levels(g) {
		row := []string{level}
		for _, column := range columns {
			text := "-"
			for _, s := range slopes {
				if s.Level == level && s.Column == column && s.N >= MinPairs {
					scale, unit := slopeUnit(abs(s.Estimate), columnUnit(a, column))
					text = slopeText(s, scale, spaced(unit))
				}
			}
			row = append(row, text)
		}
		tableRow(b, row)
	}
	fmt.Fprintf(b, "\n%s: medians\n\n", title)
	head := []string{a.Compare, factor}
	for _, column := range columns {
		if unit := columnUnit(a, column); unit != "" && unit != "share" {
			column += " (" + unit + ")"
		}
		head = append(head, column)
	}
	tableHead(b, head)
	for _, line := range a.lines(g, factor, nil) {
		if AtText(line[0].at(factor)) != at {
			continue
		}
		for _, level := range a.levels(g) {
			for _, p := range line {
				size, _ := p.level(factor)
				row := []string{level, LevelText(size)}
				for _, column := range columns {
					text := "-"
					if pt := a.medianPoint(p, level, column); finite(pt.Y) {
						text = threeDigits(pt.Y)
						if columnUnit(a, column) == "share" {
							text = valueText(pt.Y, "share")
						}
					}
					row = append(row, text)
				}
				tableRow(b, row)
			}
		}
	}
	b.WriteString("\n")
}

func tableHead(b *strings.Builder, names []string) {
	tableRow(b, names)
	b.WriteString(strings.Repeat("|---", len(names)) + "|\n")
}

func tableRow(b *strings.Builder, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}
