package results

import (
	"slices"
	"strings"
)

// checkRatio decides a check of a ratio: it agrees where the whole interval is
// beyond the bound, and disagrees where the whole is on the other side. Where
// several places fulfil the conditions, all have to.
func (a *Analysis) checkRatio(c FindingCheck) (outcome, because string) {
	c.Factor = a.Compare
	level := c.Levels[0]
	var found []string
	outcome = undecided
	places := slices.DeleteFunc(slices.Clone(a.sites), func(p *site) bool {
		return !p.plans(level, c.Base) || !a.meets(p.grid.Name, p.at(), level, c.Where)
	})
	if slices.ContainsFunc(places, func(p *site) bool { return p.grid.Claims }) {
		places = slices.DeleteFunc(places, func(p *site) bool { return !p.grid.Claims })
	}
	for _, p := range places {
		one := a.ask(p, level, question{base: c.Base, column: c.Column, margin: Margin})
		part := undecided
		switch {
		case one.Coverage == 0, one.Floor != "":
		case one.Lo > c.Bound && !c.Falls, one.Hi < c.Bound && c.Falls:
			part = agrees
		case one.Lo > c.Bound, one.Hi < c.Bound:
			part = disagrees
		}
		outcome = both(outcome, part, len(found) == 0)
		if one.N < a.leastPairs() {
			found = append(found, level+" "+lacks(one.N, "pairs", one.Missing))
			continue
		}
		v := ratioView(one)
		text := strings.TrimSpace(level + where(one.At) + " " + v.Main + " " + v.Small)
		if one.Floor != "" {
			text += ", but " + one.Floor
		}
		found = append(found, text)
	}
	if len(found) == 0 {
		return undecided, a.absence(c)
	}
	return outcome, strings.Join(found, "; ")
}
