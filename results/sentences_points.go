package results

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// describedColumns bounds how many columns of a grid without claims are told.
const describedColumns = 3

// describe tells the medians of a grid that has too few blocks for a claim: one
// sentence for each column of its figures.
func (a *Analysis) describe(g *GridPlan) []Sentence {
	var out []Sentence
	var told []string
	for _, f := range a.Plan.Figures {
		if levels := g.Factors[f.X]; f.Grid != g.Name && f.Grid != "" || len(levels) == 0 {
			continue
		}
		for _, column := range f.Y {
			if slices.Contains(told, column) || len(told) == describedColumns {
				continue
			}
			one := f
			one.Grid, one.Y, one.RatioTo, one.Facet = g.Name, Columns{column}, "", nil
			for _, name := range f.Facet {
				if name != a.Compare {
					one.Facet = append(one.Facet, name)
				}
			}
			series, err := a.Points(one)
			if err != nil || len(series) == 0 {
				continue
			}
			told = append(told, column)
			text := seriesText(g, f.X, column, series)
			if f.X == a.Compare {
				text = acrossText(g, column, series)
			}
			out = append(out, Sentence{Kind: KindPoints, Text: capital(heldAt(f.Where) + text)})
		}
	}
	if len(out) == 0 {
		out = append(out, Sentence{Kind: KindNote, Text: fmt.Sprintf("The grid %s has %s: no claim is made; its points are in the figures and data.", g.Name, countOf(g.Blocks, "block", "blocks"))})
	}
	return out
}

// heldAt says before a sentence where all of a figure holds; "" for everywhere.
func heldAt(where map[string]any) string {
	text := ""
	for _, factor := range sortedKeys(where) {
		text += circumstance(Setting{factor, where[factor]}) + ", "
	}
	return text
}

// seriesText lists the medians of one column. Levels of the compared factor
// that hardly differ share one list, of ranges.
func seriesText(g *GridPlan, x, column string, series []Series) string {
	c, _ := find(column, registry)
	var at []Setting
	for _, s := range series {
		for _, pt := range s.Points {
			setting := Setting{x, pt.X}
			if pt.XText != "" {
				setting.Level = pt.XText
			}
			if !slices.Contains(at, setting) {
				at = append(at, setting)
			}
		}
	}
	var xs []string
	for _, s := range at {
		if n, ok := s.Level.(float64); ok {
			xs = append(xs, thousands(n))
		} else {
			xs = append(xs, LevelText(s.Level))
		}
	}
	var rows []string
	for _, group := range byFacet(series) {
		facet := ""
		if len(group[0].Facet) > 0 {
			facet = AtText(group[0].Facet) + " "
		}
		if !slices.ContainsFunc(group, Series.measured) {
			rows = append(rows, facet+"no clean trial")
			continue
		}
		if ranges, ok := medianRanges(group, at, c.Unit); ok {
			var levels []string
			for _, s := range group {
				levels = append(levels, s.Level)
			}
			rows = append(rows, facet+joinWords(levels)+" "+ranges)
			continue
		}
		for _, s := range group {
			list := "no clean trial"
			if s.measured() {
				list = medianList(s, at, c.Unit)
			}
			rows = append(rows, facet+s.Level+" "+list)
		}
	}
	return fmt.Sprintf("%s at %s %s: %s (medians of %s, points only, no claim).", spoken(column), spoken(x), joinWords(xs),
		strings.Join(rows, "; "), countOf(g.Blocks, "block", "blocks"))
}

// acrossText is seriesText of a figure that has the compared factor on its x axis:
// each series has one point there.
func acrossText(g *GridPlan, column string, series []Series) string {
	c, _ := find(column, registry)
	var rows, without []string
	for _, group := range byFacet(series) {
		facet := AtText(group[0].Facet)
		var levels []string
		for _, s := range group {
			for _, pt := range s.Points {
				if pt.N == 0 {
					continue
				}
				value := quantity(pt.Y, c.Unit)
				if pt.Censored {
					value = "over " + value
				}
				levels = append(levels, s.Level+" "+value)
			}
		}
		switch {
		case len(levels) > 0 && facet != "":
			rows = append(rows, facet+": "+strings.Join(levels, ", "))
		case len(levels) > 0:
			rows = append(rows, strings.Join(levels, ", "))
		default:
			without = append(without, facet)
		}
	}
	switch {
	case len(rows) == 0:
		rows = append(rows, "no clean trial")
	case len(without) > 0:
		rows = append(rows, "no clean trial at "+joinWords(without))
	}
	return fmt.Sprintf("%s: %s (medians of %s, points only, no claim).", spoken(column), strings.Join(rows, "; "), countOf(g.Blocks, "block", "blocks"))
}

// byFacet groups series that differ in level only.
func byFacet(series []Series) [][]Series {
	var out [][]Series
	for _, s := range series {
		if n := len(out); n > 0 && AtText(out[n-1][0].Facet) == AtText(s.Facet) {
			out[n-1] = append(out[n-1], s)
			continue
		}
		out = append(out, []Series{s})
	}
	return out
}

// measured says whether any point of a series has a trial.
func (s Series) measured() bool {
	return slices.ContainsFunc(s.Points, func(pt Point) bool { return pt.N > 0 })
}

// pointAt finds a series' point at a level of x.
func pointAt(s Series, at Setting) (Point, bool) {
	for _, pt := range s.Points {
		if pt.XText != "" && pt.XText == at.Level || pt.XText == "" && pt.X == at.Level {
			return pt, pt.N > 0
		}
	}
	return Point{}, false
}

// medianList writes a series as "50 %, 51 %, none".
func medianList(s Series, at []Setting, unit string) string {
	parts := make([]string, len(at))
	for i, x := range at {
		pt, ok := pointAt(s, x)
		switch {
		case !ok:
			parts[i] = "no clean trial"
		case pt.Censored:
			parts[i] = "over " + quantity(pt.Y, unit)
		default:
			parts[i] = quantity(pt.Y, unit)
		}
	}
	return strings.Join(parts, ", ")
}

// medianRanges writes "49-51 %, 50 %" when the levels lie within a tenth of each
// other at every x, all with a value or all censored; false otherwise.
func medianRanges(group []Series, at []Setting, unit string) (string, bool) {
	if len(group) < 2 {
		return "", false
	}
	parts := make([]string, len(at))
	for i, x := range at {
		least, most, censored := math.Inf(1), math.Inf(-1), 0
		for _, s := range group {
			pt, ok := pointAt(s, x)
			if !ok {
				return "", false
			}
			least, most = min(least, pt.Y), max(most, pt.Y)
			if pt.Censored {
				censored++
			}
		}
		if censored != 0 && censored != len(group) || most-least > 0.1*math.Abs(most) {
			return "", false
		}
		low, high := quantity(least, unit), quantity(most, unit)
		switch {
		case censored > 0:
			parts[i] = "over " + low
		case low == high:
			parts[i] = low
		default:
			parts[i] = low + " to " + high
		}
	}
	return strings.Join(parts, ", "), true
}
