package calibrate

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"medusa/results"
)

// WriteTable writes a certificate as people read it: each truth with its
// numbers, what they had to be, and how often a correct instrument fails.
func WriteTable(out io.Writer, c *results.Certificate) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "WAKE FLOOR\tp50\tp90\tp99\tp99.9\tROUND TRIPS\n")
	for _, f := range []struct {
		name string
		f    results.Floor
	}{{"blocking", c.Floor.Block}, {"polling", c.Floor.Poll}} {
		fmt.Fprintf(w, "%s\t%s us\t%s us\t%s us\t%s us\t%d\n", f.name, number(us(f.f.P50)), number(us(f.f.P90)), number(us(f.f.P99)), number(us(f.f.P999)), f.f.Count)
	}
	fmt.Fprintf(w, "\nQUIET\t%s\n\n", quietText(c.Quiet))
	for _, t := range c.Truths {
		// A line without columns, so that those of each truth stand by themselves.
		fmt.Fprintf(w, "%s  %s (%s)", verdictOf(&t), t.Title, t.ID)
		if t.FalseFail != nil {
			fmt.Fprintf(w, "; a correct generator fails this: %s", rate(*t.FalseFail))
		}
		fmt.Fprintln(w)
		for _, p := range t.Parts {
			mark := ""
			if p.Lo != nil || p.Hi != nil {
				mark = verdict(p.Pass)
				if p.Machine != nil {
					mark = fmt.Sprintf("floor: the machine alone makes %s late", quantity(*p.Machine, "share"))
				}
			}
			fmt.Fprintf(w, "      %s\t%s\t%s\t%s\n", p.Name, quantity(p.Measured, p.Unit), boundText(p), mark)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, t := range c.Truths {
		if t.Note != "" {
			fmt.Fprintf(out, "\n%s: %s", t.ID, t.Note)
		}
	}
	_, err := fmt.Fprintf(out, "\n\n%s, in %v\n", c.Came(), time.Duration(c.DurationNs).Round(time.Second))
	return err
}

// verdictOf is "floor" for a truth that did not come out because of what the
// machine alone does.
func verdictOf(t *results.Truth) string {
	if t.AtFloor() {
		return "floor"
	}
	return verdict(t.Pass)
}

func verdict(pass bool) string {
	if pass {
		return "pass"
	}
	return "FAIL"
}

// boundText says where a part had to lie.
func boundText(p results.Part) string {
	var s string
	switch {
	case p.Lo == nil && p.Hi == nil:
		return ""
	case p.Lo == nil:
		s = "at most " + quantity(*p.Hi, p.Unit)
	case p.Hi == nil:
		s = "at least " + quantity(*p.Lo, p.Unit)
	case *p.Lo == *p.Hi:
		return quantity(*p.Lo, p.Unit)
	default:
		s = quantity(*p.Lo, p.Unit) + " to " + quantity(*p.Hi, p.Unit)
	}
	if p.Truth != nil {
		s += " (true: " + quantity(*p.Truth, p.Unit)
		if *p.Truth != 0 && *p.Truth != p.Measured {
			s += fmt.Sprintf(", error %+.2g %%", 100*(p.Measured / *p.Truth - 1))
		}
		s += ")"
	}
	return s
}

// quantity writes a number with its unit.
func quantity(v float64, unit string) string {
	switch unit {
	case "share":
		return number(100*v) + " %"
	case "us", "ms":
		return number(v) + " " + unit
	}
	return number(v)
}

// number writes at least three significant digits, whole numbers whole.
func number(v float64) string {
	a := math.Abs(v)
	switch {
	case v == math.Trunc(v) && a < 1e12, a >= 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// rate writes a small chance.
func rate(p float64) string {
	switch {
	case p == 0:
		return "never"
	case p < 1e-6:
		return "under 0.0001 %"
	case p >= .01:
		return strconv.FormatFloat(100*p, 'f', 0, 64) + " %"
	}
	return strconv.FormatFloat(100*p, 'g', 2, 64) + " %"
}

func quietText(q results.Quiet) string {
	var list []string
	for _, s := range []struct {
		name string
		v    *float64
	}{{"CPU pressure", q.PSISomeShare}, {"server's run delay", q.RunDelayShare}, {"steal", q.StealShare}, {"foreign CPU", q.ForeignShare}} {
		text := "unknown"
		if s.v != nil {
			text = strconv.FormatFloat(100**s.v, 'g', 3, 64) + " %"
		}
		list = append(list, s.name+" "+text)
	}
	return strings.Join(list, ", ") + " (the most of any null window)"
}
