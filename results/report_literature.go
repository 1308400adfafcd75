package results

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What a run says of a published finding.
const (
	agrees       = "agrees"
	disagrees    = "disagrees"
	undecided    = "not resolved"
	notCheckable = "not checked"
)

// literature compares each published finding with what this run found.
func literature(a *Analysis) []literatureView {
	var out []literatureView
	for _, r := range a.Plan.Reproduces {
		v := literatureView{Cite: r.Cite, Finding: r.Finding, Outcome: notCheckable}
		c, err := ParseCheck(r.Check)
		switch {
		case r.Check == "":
			v.Because = "the suite gives no check"
		case err != nil: // the suite of an earlier version
			v.Because = "the suite's check is not understood: " + strings.TrimSpace(r.Check)
		case c.Bound > 0:
			v.Outcome, v.Because = a.checkRatio(c)
		case c.At > 0:
			v.Outcome, v.Because = a.checkStep(c)
		case c.Column != "":
			v.Outcome, v.Because = a.checkGrowth(c)
		default:
			v.Outcome, v.Because = a.checkSameness(c)
		}
		out = append(out, v)
	}
	return out
}

// meets says whether a cell fulfils conditions: by the level of the compared
// factor, by the settings that vary in its grid, or by those that are fixed
// there.
func (a *Analysis) meets(grid string, at []Setting, level string, want []Setting) bool {
	have := map[string]string{}
	for _, g := range a.Plan.Grids {
		if g.Name != grid {
			continue
		}
		for name, v := range g.Fixed {
			have[name] = LevelText(v)
		}
		for name, levels := range g.Factors {
			if len(levels) == 1 {
				have[name] = LevelText(levels[0])
			}
		}
	}
	for _, s := range at {
		have[s.Factor] = LevelText(s.Level)
	}
	have[a.Compare] = level
	for _, w := range want {
		if !sameText(have[w.Factor], LevelText(w.Level)) {
			return false
		}
	}
	return true
}

// sameText compares levels as they are written; 1 and 1.0 are the same.
func sameText(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return a == b || errX == nil && errY == nil && x == y
}

// checkGrowth decides a check of a slope. Where no grid claims it, those with
// too few blocks for a claim are looked at: what they lack is the answer.
func (a *Analysis) checkGrowth(c FindingCheck) (outcome, because string) {
	other := func(s Slope) bool {
		return s.Column != c.Column || s.Factor != c.Factor || !a.meets(s.Grid, s.At, s.Level, c.Where)
	}
	all := slices.DeleteFunc(slices.Clone(a.Slopes), other)
	if len(all) == 0 {
		for i := range a.Plan.Grids {
			all = append(all, a.gridSlopes(&a.Plan.Grids[i], false)...)
		}
		all = slices.DeleteFunc(all, other)
	}
	var found []string
	outcome = undecided
	for _, s := range all {
		one := undecided
		switch {
		case s.Outcome == Grows && !c.Falls, s.Outcome == Falls && c.Falls:
			one = agrees
		case s.Outcome == Grows, s.Outcome == Falls:
			one = disagrees
		}
		outcome = both(outcome, one, len(found) == 0)
		if s.N < a.leastPairs() {
			found = append(found, s.Level+" "+lacks(s.N, "blocks", s.Missing))
			continue
		}
		scale, unit := slopeUnit(abs(s.Estimate), columnUnit(a, c.Column))
		found = append(found, fmt.Sprintf("%s: %s for each", s.Level, slopeText(s, scale, spaced(unit))))
	}
	if len(found) == 0 {
		return undecided, a.absence(c)
	}
	return outcome, strings.Join(found, "; ")
}

// checkSameness decides a check of equality, like checkGrowth.
func (a *Analysis) checkSameness(c FindingCheck) (outcome, because string) {
	if c.Factor != a.Compare || c.Base != a.Baseline {
		return notCheckable, fmt.Sprintf("this run compares %s with %s", a.Compare, a.Baseline)
	}
	other := func(one Contrast) bool {
		return !slices.Contains(c.Levels, one.Level) || !a.meets(one.Grid, one.At, one.Level, c.Where)
	}
	all := slices.DeleteFunc(slices.Clone(a.Contrasts), other)
	if len(all) == 0 {
		for _, p := range a.sites {
			all = append(all, a.siteContrasts(p, a.Primary, a.Plan.Metrics.PrimaryAt, false)...)
		}
		all = slices.DeleteFunc(all, other)
	}
	var found []string
	outcome = undecided
	for _, one := range all {
		part := undecided
		switch {
		case one.N < a.leastPairs(), one.Floor != "":
		case one.Lo90 > 1-c.Margin && one.Hi90 < 1+c.Margin:
			// The floor was asked at the suite's margin, not at this one.
			if one.Floor = a.floorUnder(one, c.Margin); one.Floor == "" {
				part = agrees
			}
		case one.Lo > 1+c.Margin, one.Hi < 1-c.Margin:
			part = disagrees
		}
		outcome = both(outcome, part, len(found) == 0)
		if one.N < a.leastPairs() {
			found = append(found, one.Level+" "+lacks(one.N, "pairs", one.Missing))
			continue
		}
		v := ratioView(one)
		text := strings.TrimSpace(one.Level + " " + v.Main + " " + v.Small)
		if one.Floor != "" {
			text += ", but " + one.Floor
		}
		found = append(found, text)
	}
	// A level of which nothing is known leaves the whole undecided.
	for _, level := range c.Levels {
		if slices.ContainsFunc(all, func(one Contrast) bool { return one.Level == level }) {
			continue
		}
		alone := c
		alone.Levels = []string{level}
		outcome = both(outcome, undecided, len(found) == 0)
		if why := a.absence(alone); !slices.Contains(found, why) {
			found = append(found, why)
		}
	}
	return outcome, strings.Join(found, "; ")
}

// lacks says how many of the pairs or blocks that a claim needs are there, and
// why others are not.
func lacks(n int, what string, missing []string) string {
	have := "none"
	if n > 0 {
		have = strconv.Itoa(n)
	}
	text := fmt.Sprintf("has %s of the %d clean %s that a claim needs", have, MinPairs, what)
	if len(missing) > 0 {
		text += " (" + strings.Join(missing, ", ") + ")"
	}
	return text
}

// absence says which part of a check no cell of the run has.
func (a *Analysis) absence(c FindingCheck) string {
	parts := slices.Clone(c.Where)
	for _, level := range append(slices.Clone(c.Levels), c.Base) {
		if level != "" {
			parts = append(parts, Setting{c.Factor, level})
		}
	}
	for _, part := range parts {
		text := LevelText(part.Level)
		if a.plans(part.Factor, text) {
			continue
		}
		for _, b := range a.Plan.NotHere {
			if part.Factor == "backend" && b.Backend == text {
				return text + " is not on this system: " + b.Why
			}
		}
		return "this run leaves out " + part.Factor + "=" + text
	}
	if c.Column != "" && c.Bound == 0 {
		most := 0
		for _, g := range a.Plan.Grids {
			most = max(most, len(g.Factors[c.Factor]))
		}
		if most < 2 {
			return "this run has fewer than two levels of " + c.Factor
		}
	}
	return "this run has no cell in which all of it holds"
}

// plans reports whether any cell of the run has a factor's level.
func (a *Analysis) plans(factor, level string) bool {
	return slices.ContainsFunc(a.sites, func(p *site) bool {
		if factor == a.Compare {
			return p.plans(level)
		}
		v, ok := p.level(factor)
		return ok && sameText(LevelText(v), level)
	})
}

// both joins the outcomes of parts of one check: a finding is confirmed when
// every part is, refuted when any is.
func both(so, one string, first bool) string {
	switch {
	case first || so == one:
		return one
	case so == disagrees || one == disagrees:
		return disagrees
	}
	return undecided
}

func abs(v float64) float64 { return max(v, -v) }

func spaced(unit string) string {
	if unit == "" {
		return ""
	}
	return " " + unit
}
