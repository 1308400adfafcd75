package results

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"medusa/results/stats"
)

// WriteText writes a comparison as a table for people: one line a level and
// setting, then what has to be known about it.
func (c *Comparison) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%s%s: %s against %s, pair by pair\n\n", c.Column, inUnit(c.Unit), c.By, c.Baseline)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "AT\t%s\tRATIO (%s)\tPAIRS\tP (HOLM)\tOUTCOME\n", strings.ToUpper(c.By), c.aims())
	var explained []string
	for _, r := range c.Rows {
		level := r.Level
		if c.Baseline == Best {
			level += " / " + r.Baseline
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\n", dash(c.Place(r)), level, ratioOf(r.Ratio, r.Lo, r.Hi), r.N, pText(r.PHolm), c.outcomeText(r))
		if r.Unpaired.Disagrees != "" {
			explained = append(explained, strings.TrimSpace(r.Level+" "+c.Place(r))+": "+r.Unpaired.Disagrees)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return writeNotes(w, explained, c.Notes)
}

// aims is the coverage that the intervals aim at.
func (c *Comparison) aims() string {
	return coverageText(1 - stats.PerLook(1-Coverage, c.Looks))
}

// outcomeText says what a row says, and what it could have found.
func (c *Comparison) outcomeText(r CompareRow) string {
	text := string(r.Outcome)
	switch {
	case r.Outcome == stats.Same:
		return text + " within " + percentText(c.Margin)
	case r.Coverage == 0:
		return text + ": " + tooFew(r.N, "pair", "pairs", r.Missing, leastPairs(c.Looks))
	case r.Floor != "":
		return text + ": " + r.Floor
	case r.Outcome == stats.NotResolved && r.Censored > 0:
		return fmt.Sprintf("%s: in %d pairs the value falls among failed requests", text, r.Censored)
	case r.Outcome == stats.NotResolved:
		return text + couldFind(r.Smallest)
	}
	if r.Starred {
		text += " *"
	}
	if r.Within {
		text += ", by less than " + percentText(c.Margin)
	}
	return text
}

// couldFind says what an unresolved row could have found.
func couldFind(smallest float64) string {
	if !finite(smallest) {
		return ""
	}
	return ": could find " + percentText(smallest)
}

// WriteText writes a comparison of two runs: first in what they differ, then
// the ratios through the anchor.
func (c *RunsComparison) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "A %s\nB %s\n\n", c.A, c.B)
	if len(c.Differences) == 0 {
		fmt.Fprint(w, "Machine and suite are the same.\n")
	} else {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "DIFFERS\tA\tB")
		for _, d := range c.Differences {
			fmt.Fprintf(t, "%s\t%s\t%s\n", d.What, dash(d.A), dash(d.B))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "\n%s%s: A against B\n\n", c.Column, inUnit(c.Unit))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if c.Anchor == "" {
		fmt.Fprintln(t, "AT\tLEVEL\tRAW A/B, UNPAIRED")
	} else {
		fmt.Fprintln(t, "AT\tLEVEL\tANCHORED A/B\tBLOCKS A+B\tOUTCOME\tRAW A/B, UNPAIRED")
	}
	for _, r := range c.Rows {
		raw := "–"
		if finite(r.Raw) {
			raw = threeDigits(r.Raw) + "x"
		}
		switch {
		case c.Anchor == "":
			fmt.Fprintf(t, "%s\t%s\t%s\n", dash(c.Place(r)), r.Level, raw)
		case r.Level == c.Anchor:
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", dash(c.Place(r)), r.Level, "anchor", "–", "–", raw)
		default:
			fmt.Fprintf(t, "%s\t%s\t%s\t%d+%d\t%s\t%s\n", dash(c.Place(r)), r.Level, ratioOf(r.Ratio, r.Lo, r.Hi), r.NA, r.NB, c.outcomeText(r), raw)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return writeNotes(w, nil, c.Notes)
}

func (c *RunsComparison) outcomeText(r RunsRow) string {
	text := string(r.Outcome)
	switch {
	case r.Coverage == 0:
		text += ": too few clean pairs"
		if len(r.Missing) > 0 {
			text += " (" + strings.Join(r.Missing, ", ") + ")"
		}
	case r.Outcome == stats.Same:
		text += " within " + percentText(c.Margin)
	case r.Floor != "":
		text += ": " + r.Floor
	case r.Censored > 0:
		text += fmt.Sprintf(": in %d pairs the value falls among failed requests", r.Censored)
	case r.Outcome == stats.NotResolved:
		text += couldFind(r.Smallest)
	}
	return text
}

func writeNotes(w io.Writer, explained, notes []string) error {
	for _, lines := range [][]string{explained, notes} {
		if len(lines) > 0 {
			if _, err := fmt.Fprintf(w, "\n%s\n", strings.Join(lines, "\n")); err != nil {
				return err
			}
		}
	}
	return nil
}

// ratioOf writes a ratio with its interval, where it has one.
func ratioOf(ratio, lo, hi float64) string {
	switch {
	case math.IsNaN(ratio):
		return "–"
	case math.IsNaN(lo):
		return threeDigits(ratio) + "x"
	}
	return ratioText(ratio, lo, hi)
}

// pText writes a p with two digits; a dash where there is none.
func pText(p float64) string {
	if math.IsNaN(p) {
		return "–"
	}
	return shortest(roundDigits(p, 2))
}

func inUnit(unit string) string {
	if unit == "" {
		return ""
	}
	return " (" + unit + ")"
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
