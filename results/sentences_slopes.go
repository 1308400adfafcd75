package results

import (
	"fmt"
	"math"
	"strings"
)

// slopeSentences tell the growth of each level in one sentence a group:
// "Each idle connection adds to the server CPU of a reply: 1.97 ns (1.93-2.01)
// under select, ...".
func (a *Analysis) slopeSentences(g *GridPlan) []Sentence {
	var out []Sentence
	var groups []string
	byGroup := map[string][]int{}
	for i, s := range a.Slopes {
		if s.Grid != g.Name {
			continue
		}
		key := s.Column + " " + AtText(s.At)
		if byGroup[key] == nil {
			groups = append(groups, key)
		}
		byGroup[key] = append(byGroup[key], i)
	}
	for _, key := range groups {
		out = append(out, a.slopeGroup(byGroup[key])...)
	}
	return out
}

func (a *Analysis) slopeGroup(group []int) []Sentence {
	first := a.Slopes[group[0]]
	column, _ := find(first.Column, registry)
	largest := 0.0
	for _, i := range group {
		if s := a.Slopes[i]; s.Coverage > 0 {
			largest = max(largest, math.Abs(s.Estimate))
		}
	}
	scale, unit := slopeUnit(largest, column.Unit)
	if unit != "" {
		unit = " " + unit
	}
	var told []string
	var out []Sentence
	lead := circumstances(first.At)
	if p := a.siteOf(first); p != nil && first.Column == a.Primary {
		lead = a.lead(p, first.At, false)
	}
	for _, i := range group {
		s := a.Slopes[i]
		if s.Floor != "" {
			text := fmt.Sprintf("growth%s with %s under %s: NOT RESOLVED (%s; over the whole range %s).", a.growthOf(s), several(first.Factor), s.Level, slopeText(s, scale, unit), s.Floor)
			out = append(out, Sentence{Kind: KindUnresolved, Text: begin(lead, text)})
			continue
		}
		if s.Coverage > 0 {
			told = append(told, slopeText(s, scale, unit)+" under "+s.Level)
			continue
		}
		text := fmt.Sprintf("growth%s with %s under %s: NOT RESOLVED (%s", a.growthOf(s), several(first.Factor), s.Level, tooFew(s.N, "block", "blocks", s.Missing, a.leastPairs()))
		if kept := a.KeptSlopes[i]; kept.Coverage > 0 {
			text += "; with every trial kept: " + slopeText(kept, scale, unit)
		}
		out = append(out, Sentence{Kind: KindUnresolved, Text: begin(lead, text+").")})
	}
	if len(told) == 0 {
		return out
	}
	each := "each one more of " + first.Factor
	if words, ok := counted[first.Factor]; ok {
		each = "each " + words.one
	}
	text := fmt.Sprintf("%s %s: %s.", each, adds(first.Column), strings.Join(told, ", "))
	return append([]Sentence{{Kind: KindClaim, Text: begin(lead, text)}}, out...)
}

// siteOf returns a place of the line that a slope was fitted to.
func (a *Analysis) siteOf(s Slope) *site {
	for _, p := range a.sites {
		if p.grid.Name == s.Grid && AtText(p.at(s.Factor)) == AtText(s.At) {
			return p
		}
	}
	return nil
}

// adds is what one more of a factor does to a column.
func adds(column string) string {
	switch column {
	case "server_cpu_us_per_request":
		return "adds to the server CPU of a reply"
	case "server_settled_bytes":
		return "holds in the server's own memory, its garbage returned"
	case "kernel_slab_bytes":
		return "holds in the kernel, both of its ends together"
	case "load_settled_bytes":
		return "holds in the load process's own memory, its garbage returned"
	case "machine_taken_bytes":
		return "takes of the machine's memory, both ends and the kernel together"
	}
	return "adds to the " + spoken(column)
}

// growthOf names the column of a slope that is not of the primary metric.
func (a *Analysis) growthOf(s Slope) string {
	if s.Column == a.Primary {
		return ""
	}
	return " of " + spoken(s.Column)
}

// several is the word for many of what a factor counts; its name where there
// is none.
func several(factor string) string {
	if words, ok := counted[factor]; ok {
		return words.several
	}
	return factor
}

// slopeUnit is unitFor, but that what a connection holds is told in bytes: who
// compares 526 bytes with 10,296 should not have to convert.
func slopeUnit(size float64, unit string) (scale float64, name string) {
	if unit == "bytes" && size < 1<<20 {
		return 1, unit
	}
	return unitFor(size, unit)
}

// slopeText writes a slope with its interval: "1.97 ns (1.93-2.01)", or with
// signs when a bound is not positive: "0.00 ns (-0.02 to +0.03)".
func slopeText(s Slope, scale float64, unit string) string {
	v, lo, hi := s.Estimate*scale, s.Lo*scale, s.Hi*scale
	d := decimalsFor(hi - lo)
	if lo > 0 {
		for d < 4 && roundsToZero(lo, d) {
			d++
		}
		return fmt.Sprintf("%s%s (%s-%s)", grouped(v, d), unit, grouped(lo, d), grouped(hi, d))
	}
	for d < 4 && hi < 0 && roundsToZero(hi, d) {
		d++
	}
	return fmt.Sprintf("%s%s (%s to %s)", strings.TrimPrefix(signed(v, d), "+"), unit, signed(lo, d), signed(hi, d))
}

// roundsToZero reports whether a number other than 0 would be printed as 0.
func roundsToZero(v float64, decimals int) bool {
	return v != 0 && math.Round(v*math.Pow(10, float64(decimals))) == 0
}
