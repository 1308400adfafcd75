package results

import (
	"fmt"
	"math"
	"strings"
)

// Rules that a figure must keep whatever it was asked for: what would mislead
// is refused or said.

// oneMode refuses to draw the cost under saturation and the cost at a fixed
// rate in one panel.
func (c *chart) oneMode(a *Analysis) error {
	for _, panel := range c.panels {
		byColumn := map[string]map[int]bool{}
		for _, s := range panel.series {
			if byColumn[s.Column] == nil {
				byColumn[s.Column] = map[int]bool{}
			}
			for _, pt := range s.Points {
				for _, d := range pt.Dots {
					byColumn[s.Column][d.Trial] = true
				}
			}
		}
		for _, column := range sortedKeys(byColumn) {
			var records []Record
			for i := range a.Records {
				if byColumn[column][a.Records[i].Trial] {
					records = append(records, a.Records[i])
				}
			}
			if err := OneMode(column, records); err != nil {
				return err
			}
		}
	}
	return nil
}

// noteSurvivors says beside a latency of requests answered well how many these
// were: without that it flatters a server that refuses.
func (c *chart) noteSurvivors(a *Analysis, f Figure) error {
	survivors := false
	for _, name := range f.Y {
		survivors = survivors || strings.HasPrefix(name, "response_ok_")
	}
	if !survivors {
		return nil
	}
	f.Y, f.RatioTo, f.Kind = Columns{"ok_share"}, "", kindLines
	series, err := a.Points(f)
	if err != nil {
		return err
	}
	least, most := math.Inf(1), math.Inf(-1)
	for _, s := range series {
		for _, pt := range s.Points {
			if finite(pt.Y) {
				least, most = min(least, pt.Y), max(most, pt.Y)
			}
		}
	}
	switch {
	case least > most:
		c.notes = append(c.notes, "Only requests answered well are in this figure; how many these were is not known (ok_share).")
	case least == most:
		c.notes = append(c.notes, fmt.Sprintf("Only requests answered well are in this figure: %s of all (ok_share).", quantity(least, "share")))
	default:
		c.notes = append(c.notes, fmt.Sprintf("Only requests answered well are in this figure: %s to %s of all, by cell (ok_share).", quantity(least, "share"), quantity(most, "share")))
	}
	return nil
}

// noteLost says how many values a log axis has no place for.
func (c *chart) noteLost() {
	if c.y.kind != "log" {
		return
	}
	lost := 0
	for _, panel := range c.panels {
		for _, s := range panel.series {
			for _, pt := range s.Points {
				if pt.Y <= 0 {
					lost++
				}
			}
		}
	}
	if lost > 0 {
		c.notes = append(c.notes, countOf(lost, "value that is 0 or less stands", "values that are 0 or less stand")+" on the lower edge of the log axis.")
	}
}
