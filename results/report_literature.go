package results

import (
	"fmt"
	"regexp"
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

// Checks that a suite may write for a finding:
//
//	slope(COLUMN ~ FACTOR | FACTOR=LEVEL, ...) > 0        (or < 0)
//	same_within(5%, FACTOR in [LEVEL, ...] vs LEVEL, FACTOR=LEVEL, ...)
var (
	slopeCheck = regexp.MustCompile(`^slope\(\s*(\w+)\s*~\s*(\w+)\s*(?:\|([^)]*))?\)\s*([<>])\s*0$`)
	sameCheck  = regexp.MustCompile(`^same_within\(\s*([\d.]+)\s*%\s*,\s*(\w+)\s+in\s+\[([^\]]*)\]\s+vs\s+([^,)\s]+)\s*(?:,([^)]*))?\)$`)
)

// literature compares each published finding with what this run found.
func literature(a *Analysis) []literatureView {
	var out []literatureView
	for _, r := range a.Plan.Reproduces {
		v := literatureView{Cite: r.Cite, Finding: r.Finding, Outcome: notCheckable}
		check := strings.TrimSpace(r.Check)
		if m := slopeCheck.FindStringSubmatch(check); m != nil {
			v.Outcome, v.Because = a.checkSlope(m[1], m[2], conditions(m[3]), m[4])
		} else if m := sameCheck.FindStringSubmatch(check); m != nil {
			v.Outcome, v.Because = a.checkSame(m[1], m[2], m[3], m[4], conditions(m[5]))
		} else if check == "" {
			v.Because = "the suite gives no check"
		} else {
			v.Because = "the suite's check is not understood: " + check
		}
		out = append(out, v)
	}
	return out
}

// conditions reads "a=1, b=x" into factor and level.
func conditions(s string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(s, ",") {
		if name, level, ok := strings.Cut(part, "="); ok {
			out[strings.TrimSpace(name)] = strings.TrimSpace(level)
		}
	}
	return out
}

// meets says whether a cell fulfils conditions: by the level of the compared
// factor, by the settings that vary in its grid, or by those that are fixed
// there.
func (a *Analysis) meets(grid string, at []Setting, level string, want map[string]string) bool {
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
	for name, text := range want {
		if have[name] != text {
			return false
		}
	}
	return true
}

func (a *Analysis) checkSlope(column, factor string, where map[string]string, sign string) (outcome, because string) {
	var found []string
	outcome = undecided
	for _, s := range a.Slopes {
		if s.Column != column || s.Factor != factor || !a.meets(s.Grid, s.At, s.Level, where) {
			continue
		}
		one := undecided
		switch {
		case s.Outcome == Grows && sign == ">", s.Outcome == Falls && sign == "<":
			one = agrees
		case s.Outcome == Grows, s.Outcome == Falls:
			one = disagrees
		}
		outcome = both(outcome, one, len(found) == 0)
		scale, unit := slopeUnit(abs(s.Estimate), columnUnit(a, column))
		if s.N < MinPairs {
			found = append(found, s.Level+" has too few clean blocks")
			continue
		}
		found = append(found, fmt.Sprintf("%s: %s for each", s.Level, slopeText(s, scale, spaced(unit))))
	}
	if len(found) == 0 {
		return undecided, "this run has no such slope"
	}
	return outcome, strings.Join(found, "; ")
}

func (a *Analysis) checkSame(margin, factor, levels, base string, where map[string]string) (outcome, because string) {
	limit, err := strconv.ParseFloat(margin, 64)
	if err != nil || factor != a.Compare || base != a.Baseline {
		return notCheckable, fmt.Sprintf("this run compares %s with %s", a.Compare, a.Baseline)
	}
	var want []string
	for level := range strings.SplitSeq(levels, ",") {
		want = append(want, strings.TrimSpace(level))
	}
	var found []string
	outcome = undecided
	for _, c := range a.Contrasts {
		if !slices.Contains(want, c.Level) || !a.meets(c.Grid, c.At, c.Level, where) {
			continue
		}
		one := undecided
		switch {
		case c.N < MinPairs:
		case c.Lo90 > 1-limit/100 && c.Hi90 < 1+limit/100:
			one = agrees
		case c.Lo > 1+limit/100, c.Hi < 1-limit/100:
			one = disagrees
		}
		outcome = both(outcome, one, len(found) == 0)
		if !finite(c.Ratio) {
			found = append(found, c.Level+" has no pair")
			continue
		}
		v := ratioView(c)
		found = append(found, strings.TrimSpace(c.Level+" "+v.Main+" "+v.Small))
	}
	if len(found) == 0 {
		return undecided, "this run has no such pair"
	}
	return outcome, strings.Join(found, "; ")
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
