package results

import (
	"math"

	"medusa/results/stats"
)

// question is what is asked of a level at a place.
type question struct {
	base, column string
	margin       float64 // the relative difference that counts as the same
	everyTrial   bool    // of the second analysis
	// evenBlocks leaves out the blocks that chose the base.
	evenBlocks bool
}

// contrast compares a level with the baseline at a place.
func (a *Analysis) contrast(p *site, level, column string, everyTrial bool) Contrast {
	return a.ask(p, level, question{base: a.Baseline, column: column, margin: Margin, everyTrial: everyTrial})
}

// ask compares a level with another at a place. Estimate, scatter and medians
// need pairs; interval, p and outcome need leastPairs of them and a grid with
// claims. In a run that was looked at several times all of these are corrected
// for the looks.
func (a *Analysis) ask(p *site, level string, q question) Contrast {
	column := q.column
	pairs, missing := a.pairsFor(p, level, q)
	nan := math.NaN()
	c := Contrast{
		Grid: p.grid.Name, At: p.at(), Level: level, Baseline: q.base, Column: column, N: len(pairs), Missing: missing,
		Lo: nan, Hi: nan, Lo90: nan, Hi90: nan, P: nan, PHolm: nan, PWilcoxon: nan, Outcome: stats.NotResolved,
	}
	var lower, upper, near, levels, bases []float64
	for _, one := range pairs {
		lower, upper, near = append(lower, one.lo), append(upper, one.hi), append(near, one.near)
		if one.censored {
			c.Censored++
		}
		if math.IsInf(one.lo, -1) && math.IsInf(one.hi, 1) {
			c.Beyond++
		}
		l, _ := one.level.span(column)
		b, _ := one.base.span(column)
		levels, bases = append(levels, l.lo), append(bases, b.lo)
	}
	c.LevelMedian, c.BaselineMedian = stats.Median(levels), stats.Median(bases)
	c.Ratio = math.Exp(stats.HodgesLehmann(near))
	c.PairSD = stats.SD(near)
	c.Smallest = stats.SmallestEffectAt(len(near), c.PairSD, stats.PerLook(Alpha, a.looks()))
	if len(pairs) < a.leastPairs() || !p.grid.Claims {
		return c
	}
	i95, i90 := stats.CensoredInterval(lower, upper, a.coverage(Coverage)), stats.CensoredInterval(lower, upper, a.coverage(0.90))
	c.Lo, c.Hi, c.Coverage = math.Exp(i95.Lo), math.Exp(i95.Hi), i95.Coverage
	c.Lo90, c.Hi90 = math.Exp(i90.Lo), math.Exp(i90.Hi)
	c.Outcome = stats.Decide(i95, i90, q.margin, lowerIsBetter(column))
	c.Within = stats.Within(i90, q.margin)
	c.P = a.corrected(stats.SignFlipP(near, a.Plan.Design.Seed))
	c.PHolm = c.P // until Holm knows how many are tested together
	c.PWilcoxon = stats.SignedRankP(near)
	a.limit(p, &c, q.margin)
	return c
}

// pairsFor are the pairs that a question is about.
func (a *Analysis) pairsFor(p *site, level string, q question) ([]pair, []string) {
	pick := a.mainPairs
	if q.everyTrial {
		pick = a.keptPairs
	}
	if q.evenBlocks {
		p = p.even()
	}
	return pick(p, level, q.base, q.column)
}

// lowerIsBetter holds for every metric of which the registry does not say the
// contrary; of those that explain rather than judge, faster means less.
func lowerIsBetter(column string) bool {
	c, _ := find(column, registry)
	return c.Better != Higher
}

// contrasts are those of a column at every place of grids that pass, in the
// plan's order: places, and in each the levels but the baseline.
func (a *Analysis) contrasts(column string, where map[string]any, everyTrial bool) []Contrast {
	var out []Contrast
	for _, p := range a.sites {
		if p.grid.Claims {
			out = append(out, a.siteContrasts(p, column, where, everyTrial)...)
		}
	}
	return out
}

// siteContrasts are those at one place, whether its grid has the blocks for a
// claim or not.
func (a *Analysis) siteContrasts(p *site, column string, where map[string]any, everyTrial bool) []Contrast {
	if !p.matches(where) || p.grid.Slope != nil && column == a.Primary {
		return nil
	}
	var out []Contrast
	for _, level := range a.levels(p.grid) {
		if level != a.Baseline && p.plans(level, a.Baseline) {
			out = append(out, a.contrast(p, level, column, everyTrial))
		}
	}
	return out
}

// Explore compares every level with the baseline in any column, at every place
// of the grids with claims. These contrasts are exploratory: never starred,
// PHolm is P.
func (a *Analysis) Explore(column string) []Contrast {
	return a.contrasts(column, nil, false)
}

// test computes the contrasts and slopes and corrects each family for its
// size. The slopes of one column with one factor are a family.
func (a *Analysis) test() {
	a.Contrasts = a.contrasts(a.Primary, a.Plan.Metrics.PrimaryAt, false)
	a.KeptContrasts = a.contrasts(a.Primary, a.Plan.Metrics.PrimaryAt, true)
	a.Slopes = a.slopes(false)
	a.KeptSlopes = a.slopes(true)
	for _, family := range [][]Contrast{a.Contrasts, a.KeptContrasts} {
		p := make([]float64, len(family))
		for i := range family {
			p[i] = family[i].P
		}
		for i, corrected := range stats.Holm(p) {
			family[i].PHolm, family[i].Starred = corrected, corrected <= Alpha && (family[i].Outcome == stats.Faster || family[i].Outcome == stats.Slower)
		}
	}
	for _, slopes := range [][]Slope{a.Slopes, a.KeptSlopes} {
		for _, family := range slopeFamilies(slopes) {
			p := make([]float64, len(family))
			for k, i := range family {
				p[k] = slopes[i].P
			}
			for k, corrected := range stats.Holm(p) {
				s := &slopes[family[k]]
				s.PHolm, s.Starred = corrected, corrected <= Alpha && (s.Outcome == Grows || s.Outcome == Falls)
			}
		}
	}
	a.flips()
}

// slopeFamilies are the indices of slopes of one column with one factor, in the
// order in which they come.
func slopeFamilies(slopes []Slope) [][]int {
	var out [][]int
	at := map[[2]string]int{}
	for i, s := range slopes {
		key := [2]string{s.Column, s.Factor}
		k, ok := at[key]
		if !ok {
			k = len(out)
			at[key] = k
			out = append(out, nil)
		}
		out[k] = append(out[k], i)
	}
	return out
}

// flips compares the outcomes of both analyses, which have the same claims in
// the same order.
func (a *Analysis) flips() {
	for i, main := range a.Contrasts {
		if kept := a.KeptContrasts[i]; kept.Outcome != main.Outcome {
			a.Flips = append(a.Flips, Flip{What: main.Level + " against " + main.Baseline + where(main.At), Main: string(main.Outcome), Kept: string(kept.Outcome)})
		}
	}
	for i, main := range a.Slopes {
		if kept := a.KeptSlopes[i]; kept.Outcome != main.Outcome {
			a.Flips = append(a.Flips, Flip{What: a.growthWhat(main), Main: string(main.Outcome), Kept: string(kept.Outcome)})
		}
	}
}

// growthWhat names a slope among others.
func (a *Analysis) growthWhat(s Slope) string {
	what := "growth of "
	if s.Column != a.Primary {
		what += s.Column + " under "
	}
	return what + s.Level + " with " + s.Factor + where(s.At)
}

// where writes settings after a noun: " at idle_connections=2000"; "" for none.
func where(at []Setting) string {
	if len(at) == 0 {
		return ""
	}
	return " at " + AtText(at)
}
