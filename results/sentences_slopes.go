package results

import (
	"fmt"
	"math"
	"strings"
)

// slopeSentences tell the growth of each level in one sentence a group:
// "Each idle connection adds 1.97 ns (1.93-2.01) to a reply's server CPU under
// select, ...".
func (a *Analysis) slopeSentences(g *GridPlan) []Sentence {
	var out []Sentence
	var groups []string
	byGroup := map[string][]int{}
	for i, s := range a.Slopes {
		if s.Grid != g.Name {
			continue
		}
		key := AtText(s.At)
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
		if s := a.Slopes[i]; s.N >= MinPairs {
			largest = max(largest, math.Abs(s.Estimate))
		}
	}
	scale, unit := unitFor(largest, column.Unit)
	if unit != "" {
		unit = " " + unit
	}
	var told []string
	var out []Sentence
	lead := circumstances(first.At)
	for _, i := range group {
		s := a.Slopes[i]
		if s.N >= MinPairs {
			told = append(told, slopeText(s, scale, unit)+" under "+s.Level)
			continue
		}
		text := fmt.Sprintf("growth with %s under %s: NOT RESOLVED (%s", several(first.Factor), s.Level, tooFew(s.N, "block", "blocks", s.Missing))
		if kept := a.KeptSlopes[i]; kept.N >= MinPairs {
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
	to := "the " + spoken(first.Column)
	if first.Column == "server_cpu_us_per_request" {
		to = "the server CPU of a reply"
	}
	text := fmt.Sprintf("%s adds to %s: %s.", each, to, strings.Join(told, ", "))
	return append([]Sentence{{Kind: KindClaim, Text: begin(lead, text)}}, out...)
}

// several is the word for many of what a factor counts; its name where there
// is none.
func several(factor string) string {
	if words, ok := counted[factor]; ok {
		return words.several
	}
	return factor
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
		return fmt.Sprintf("%s%s (%s-%s)", fixed(v, d), unit, fixed(lo, d), fixed(hi, d))
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
