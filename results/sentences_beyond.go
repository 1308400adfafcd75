package results

import (
	"math"
	"strings"
)

// beyondText tells of levels whose every value is, like the baseline's, known
// only to be later than a bound: there is no ratio, and what can be said is how
// many of the requests were answered.
func (a *Analysis) beyondText(p *site, levels []string) string {
	c, _ := find(a.Primary, registry)
	all := []string{a.Baseline}
	all = append(all, levels...)
	bound, least, most := math.Inf(1), math.Inf(1), math.Inf(-1)
	for _, level := range all {
		bound = min(bound, a.medianPoint(p, level, a.Primary).Y)
		if ok := a.medianPoint(p, level, "ok_share"); ok.N > 0 {
			least, most = min(least, ok.Y), max(most, ok.Y)
		}
	}
	text := "the " + spoken(a.Primary) + " is over " + quantity(bound, c.Unit) + " for " + joinWords(all) + " alike"
	if !strings.HasPrefix(a.Primary, "response_") || least > most {
		return text + ": in every pair both are known to be later only, so that they cannot be compared"
	}
	low, high := quantity(least, "share"), quantity(most, "share")
	if low != high {
		low += " to " + high
	}
	return text + ", as too many requests fail: " + low + " of them are answered well"
}
