package results

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"medusa/results/stats"
)

// answer are the sentences that answer the suite's question, grid by grid.
func (a *Analysis) answer() []Sentence {
	var out []Sentence
	for i := range a.Plan.Grids {
		g := &a.Plan.Grids[i]
		var sentences []Sentence
		switch {
		case a.Grids[i].Run == 0:
			sentences = []Sentence{{Kind: KindNote, Text: fmt.Sprintf("No trial of the grid %s was run.", g.Name)}}
		case !g.Claims:
			sentences = a.describe(g)
		default:
			sentences = a.claims(g)
		}
		for _, s := range sentences {
			s.Grid = g.Name
			out = append(out, s)
		}
	}
	return out
}

// claims are the sentences of a grid with enough blocks: the contrasts at the
// largest setting, the slopes, the contrasts at the smallest setting. What lies
// between stands in the table.
func (a *Analysis) claims(g *GridPlan) []Sentence {
	if g.Slope != nil {
		return a.slopeSentences(g)
	}
	levels := a.levels(g)
	if !slices.Contains(levels, a.Baseline) {
		return []Sentence{{Kind: KindNote, Text: fmt.Sprintf("The baseline %s did not run here: nothing is compared.", a.Baseline)}}
	}
	if len(levels) == 1 {
		return []Sentence{{Kind: KindNote, Text: fmt.Sprintf("Only %s ran: nothing is compared.", a.Baseline)}}
	}
	axis, least, most := a.ends(g)
	var out []Sentence
	ends := []float64{most, least}
	if !(least < most) {
		ends = ends[:1]
	}
	for i, end := range ends {
		for _, p := range a.sites {
			if p.grid != g || !p.matches(a.Plan.Metrics.PrimaryAt) || axis != "" && p.number(axis) != end {
				continue
			}
			out = append(out, a.contrastSentences(p, axis)...)
		}
		if i == 0 {
			out = append(out, a.slopeSentences(g)...)
		}
	}
	return out
}

// ends are the lowest and highest level of a grid's axis at which the primary
// metric is declared.
func (a *Analysis) ends(g *GridPlan) (axis string, least, most float64) {
	axis = a.axis(g)
	least, most = math.Inf(1), math.Inf(-1)
	for _, p := range a.sites {
		if p.grid == g && p.matches(a.Plan.Metrics.PrimaryAt) {
			x := p.number(axis)
			least, most = min(least, x), max(most, x)
		}
	}
	return axis, least, most
}

// axis is the numeric factor along which a grid is told: the one whose slope
// the suite claims, else the x of a figure, else the first that has several
// levels; "" when there is none.
func (a *Analysis) axis(g *GridPlan) string {
	numeric := func(name string) bool {
		levels := g.Factors[name]
		return len(levels) > 1 && name != a.Compare && !slices.ContainsFunc(levels, func(v any) bool {
			_, ok := levelNumber(v)
			return !ok
		})
	}
	if numeric(a.Plan.Metrics.Slope) {
		return a.Plan.Metrics.Slope
	}
	for _, f := range a.Plan.Figures {
		if (f.Grid == "" || f.Grid == g.Name) && numeric(f.X) {
			return f.X
		}
	}
	for _, name := range sortedKeys(g.Factors) {
		if numeric(name) {
			return name
		}
	}
	return ""
}

// contrastSentences tell the contrasts at one place: one sentence for all that
// are faster or slower, one for all that are the same, and one for each that is
// not resolved.
func (a *Analysis) contrastSentences(p *site, axis string) []Sentence {
	at := p.at()
	slices.SortStableFunc(at, func(x, y Setting) int { // the axis comes first
		return boolOrder(y.Factor == axis) - boolOrder(x.Factor == axis)
	})
	lead := a.lead(p, at, false)
	var decided, small, same, beyond []string
	var open []openContrast
	for i, c := range a.Contrasts {
		if c.Grid != p.grid.Name || AtText(c.At) != AtText(p.at()) {
			continue
		}
		switch {
		case c.Beyond > 0 && c.Beyond == c.N && c.Coverage > 0:
			beyond = append(beyond, c.Level)
		case c.Outcome == stats.Faster || c.Outcome == stats.Slower:
			decided = append(decided, c.Level+" "+ratioText(c.Ratio, c.Lo, c.Hi))
			if c.Within {
				small = append(small, c.Level)
			}
		case c.Outcome == stats.Same:
			same = append(same, c.Level)
		default:
			open = append(open, openContrast{c.Level, unresolved(c, a.KeptContrasts[i], a.leastPairs())})
		}
	}
	var out []Sentence
	if len(decided) > 0 {
		text := fmt.Sprintf(costText(a.Primary), joinWords(decided), a.Baseline)
		if len(small) > 0 {
			text += fmt.Sprintf("; for %s that is certain, and less than %s", joinWords(small), percentText(Margin))
		}
		out = append(out, Sentence{Kind: KindClaim, Text: begin(a.lead(p, at, true), text+".")})
	}
	if len(same) > 0 {
		verb := "is"
		if len(same) > 1 {
			verb = "are"
		}
		text := fmt.Sprintf("%s %s the SAME as %s within %s.", joinWords(same), verb, a.Baseline, percentText(Margin))
		out = append(out, Sentence{Kind: KindClaim, Text: begin(lead, text)})
	}
	if len(beyond) > 0 {
		out = append(out, Sentence{Kind: KindUnresolved, Text: begin(a.lead(p, at, true), a.beyondText(p, beyond)+".")})
	}
	if len(open) > 0 {
		out = append(out, Sentence{Kind: KindUnresolved, Text: begin(lead, openText(open, a.Baseline))})
	}
	return out
}

// openContrast is a level whose contrast is not resolved, and why.
type openContrast struct{ level, why string }

// openText is one sentence for all contrasts at a place that are not resolved.
func openText(open []openContrast, baseline string) string {
	if len(open) == 1 {
		return fmt.Sprintf("%s against %s: NOT RESOLVED %s.", open[0].level, baseline, open[0].why)
	}
	var parts []string
	for _, o := range open {
		parts = append(parts, o.level+" "+o.why)
	}
	return fmt.Sprintf("NOT RESOLVED against %s are %s.", baseline, joinWords(parts))
}

func boolOrder(b bool) int {
	if b {
		return 1
	}
	return 0
}

// begin puts the circumstances before a clause and makes a sentence of both.
func begin(lead []string, clause string) string {
	switch len(lead) {
	case 0:
		return capital(clause)
	case 1:
		return capital(lead[0] + " " + clause)
	}
	return capital(strings.Join(lead, ", ") + ", " + clause)
}

// lead says in words where a sentence on the primary metric holds: the
// settings, and with mode how the load was applied. A named load that says no
// more than that ("load saturated, under saturation") is told as that only.
func (a *Analysis) lead(p *site, at []Setting, mode bool) []string {
	words := modeText(p, a.Primary)
	if len(words) == 0 {
		return circumstances(at)
	}
	var kept []Setting
	for _, s := range at {
		if a.saidByMode(p, s) {
			mode = true
			continue
		}
		kept = append(kept, s)
	}
	if !mode {
		words = nil
	}
	return append(circumstances(kept), words...)
}

// saidByMode reports whether a declared setting is the only one of its factor
// under which the load was applied as at this place.
func (a *Analysis) saidByMode(p *site, s Setting) bool {
	if _, declared := a.Plan.Metrics.PrimaryAt[s.Factor]; !declared {
		return false
	}
	if _, numeric := levelNumber(s.Level); numeric {
		return false
	}
	for _, other := range a.sites {
		level, _ := other.level(s.Factor)
		if other.grid == p.grid && LevelText(level) != LevelText(s.Level) && slices.Equal(modeText(other, a.Primary), modeText(p, a.Primary)) {
			return false
		}
	}
	return true
}

// costText is the sentence for ratios of a metric: the levels with their
// ratios, and the baseline.
func costText(column string) string {
	switch column {
	case "server_cpu_us_per_request":
		return "a reply costs %s the server CPU of %s"
	case "total_cpu_us_per_request":
		return "a reply costs %s the CPU of %s, server and generator together"
	}
	return "the " + strings.ReplaceAll(spoken(column), "%", "%%") + " is for %s that of %s"
}

// modeText says how the load was applied, for metrics whose meaning depends on
// it; none for others.
func modeText(p *site, column string) []string {
	c, _ := find(column, registry)
	mode, _ := p.level("mode")
	switch {
	case !c.ByMode:
		return nil
	case LevelText(mode) == "open":
		return []string{"at a fixed rate"}
	case LevelText(mode) == modeClosed && p.number("active_connections") == 1:
		return []string{"one request at a time"}
	case LevelText(mode) == modeClosed:
		return []string{"under saturation"}
	}
	return nil
}

// unresolved says why a contrast is not resolved, and what the second analysis
// would say.
func unresolved(c, kept Contrast, needed int) string {
	if c.Coverage > 0 {
		text := changeText(c.Lo, c.Hi)
		if c.Floor != "" {
			return fmt.Sprintf("(%s; %s)", text, c.Floor)
		}
		if c.Censored > 0 {
			return fmt.Sprintf("(%s; in %d of %s the value falls among failed requests)", text, c.Censored, countOf(c.N, "pair", "pairs"))
		}
		return fmt.Sprintf("(%s; this run could find %s)", text, percentText(c.Smallest))
	}
	text := "(" + tooFew(c.N, "pair", "pairs", c.Missing, needed)
	switch {
	case kept.Coverage > 0:
		text += "; with every trial kept: " + ratioText(kept.Ratio, kept.Lo, kept.Hi)
	case kept.N > c.N:
		text += fmt.Sprintf("; %d with every trial kept", kept.N)
	}
	return text + ")"
}

// tooFew says how many clean pairs or blocks there are, why not more, and how
// many a claim needs.
func tooFew(n int, one, several string, missing []string, needed int) string {
	text := "no clean " + one
	if n > 0 {
		text = countOf(n, "clean "+one, "clean "+several)
	}
	if len(missing) > 0 {
		text += ", " + strings.Join(missing, ", ")
	}
	return text + fmt.Sprintf("; a claim needs %d", needed)
}
