package results

import (
	"fmt"
	"strings"
	"time"
)

// instrumentView is the certificate in the report: what is known to be so, and
// what the instrument made of it.
type instrumentView struct {
	Lines []Line
	Table tableView
}

// newInstrumentView is nil without a certificate.
func newInstrumentView(a *Analysis) *instrumentView {
	c := a.instrument.certificate
	if c == nil {
		return nil
	}
	v := &instrumentView{Table: truthTable(c)}
	add := func(label, text string) {
		if text != "" {
			v.Lines = append(v.Lines, Line{label, text})
		}
	}
	add("certificate", strings.TrimPrefix(a.instrument.text(), "certificate "))
	add("made", strings.TrimSpace(time.Unix(0, c.CreatedUnixNs).UTC().Format("2 January 2006, 15:04 UTC")+madeIn(c)))
	add("on", strings.Join(machineShort(c.Machine), ", "))
	if c.Floor.Block.Count > 0 {
		add("floor, both sleep", floorLine(&c.Floor.Block))
	}
	if c.Floor.Poll.Count > 0 {
		add("floor, both poll", floorLine(&c.Floor.Poll))
	}
	var quiet []string
	for _, q := range []struct {
		name  string
		share *float64
	}{{"CPU pressure", c.Quiet.PSISomeShare}, {"run delay", c.Quiet.RunDelayShare}, {"steal", c.Quiet.StealShare}, {"foreign CPU", c.Quiet.ForeignShare}} {
		if q.share != nil {
			quiet = append(quiet, q.name+" "+quantity(roundDigits(*q.share, 2), "share"))
		}
	}
	add("quiet", strings.Join(quiet, ", "))
	return v
}

func madeIn(c *Certificate) string {
	text := ""
	if c.DurationNs > 0 {
		text = ", in " + durationText(time.Duration(c.DurationNs))
	}
	if c.Command != "" {
		text += ", by " + c.Command
	}
	return text
}

// floorLine is a floor in words.
func floorLine(f *Floor) string {
	us := func(ns int64) string { return rough(float64(ns)/1e3, "us") }
	return fmt.Sprintf("p50 %s, p90 %s, p99 %s, p99.9 %s of %s there and back", us(f.P50), us(f.P90), us(f.P99), us(f.P999), countOf(int(f.Count), "wake", "wakes"))
}

// truthTable lists the truths, each number of them in a row.
func truthTable(c *Certificate) tableView {
	t := tableView{ID: "truths", Head: []headView{
		{Name: "truth", Text: true}, {Name: "true"}, {Name: "measured"}, {Name: "bound"}, {Name: "pass", Text: true},
		{Name: "false fail", Meaning: "share of correct instruments that would fail this check by chance"},
	}}
	var why absences
	for _, truth := range c.Truths {
		t.Rows = append(t.Rows, rowView{Group: capital(truth.Title)})
		for i, part := range truth.Parts {
			name := part.Name
			if part.Unit != "" && part.Unit != "share" { // which is written as a percentage
				name += " (" + unitText(part.Unit) + ")"
			}
			row := rowView{Cells: []cellView{{Main: name, Text: true}, {Main: "–"}, {Main: truthNumber(part.Measured, part.Unit)}, {Main: boundsText(part.Lo, part.Hi, part.Unit)}, passCell(part.Pass, part.Machine), {}}}
			if part.Truth != nil {
				row.Cells[1].Main = truthNumber(*part.Truth, part.Unit)
			}
			if i == 0 {
				row.Cells[5] = falseFailCell(truth, &why)
			}
			t.Rows = append(t.Rows, row)
		}
		if len(truth.Parts) == 0 {
			t.Rows = append(t.Rows, rowView{Cells: []cellView{{Main: truth.ID, Text: true}, {Main: "–"}, {Main: "–"}, {Main: "–"}, passCell(truth.Pass, nil), falseFailCell(truth, &why)}})
		}
		if truth.Note != "" {
			why.notes = append(why.notes, capital(truth.ID)+": "+truth.Note)
		}
	}
	t.Notes = why.notes
	return t
}

func passCell(pass bool, machine *float64) cellView {
	if machine != nil {
		return cellView{Main: "floor: the machine alone makes " + percentText(*machine) + " late", Text: true}
	}
	if pass {
		return cellView{Main: "yes", Text: true, Class: "good"}
	}
	return cellView{Main: "NO", Text: true, Class: "bad"}
}

// falseFailCell is how often chance alone fails a truth, with a letter for how
// that is known.
func falseFailCell(truth Truth, why *absences) cellView {
	if truth.FalseFail == nil {
		return cellView{Main: "–"}
	}
	cell := cellView{Main: quantity(roundDigits(*truth.FalseFail, 2), "share")}
	if truth.FalseFailHow != "" {
		cell.Small = why.mark("false fail", truth.FalseFailHow)
	}
	return cell
}

// boundsText is a range of which either end may be open.
func boundsText(lo, hi *float64, unit string) string {
	switch {
	case lo != nil && hi != nil && *lo == *hi:
		return "exactly " + truthNumber(*lo, unit)
	case lo != nil && hi != nil:
		return truthNumber(*lo, unit) + " to " + truthNumber(*hi, unit)
	case lo != nil:
		return "at least " + truthNumber(*lo, unit)
	case hi != nil:
		return "at most " + truthNumber(*hi, unit)
	}
	return "–"
}

// truthNumber writes up to four digits, so that what is just over a bound does
// not look as if it were on it. A share is a percentage.
func truthNumber(v float64, unit string) string {
	if unit == "share" {
		return shortest(roundDigits(100*v, 4)) + " %"
	}
	return thousands(roundDigits(v, 4))
}
