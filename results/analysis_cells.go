package results

import (
	"math"
	"slices"

	"medusa/results/stats"
)

// repeated marks a trial that is set aside because its mini-block was run
// again, as the machine was disturbed or the run was cut off in it, and that
// stands for it.
const repeated = "repeated"

// Cell returns the median of a column over the trials of one level at one
// place of a grid that enter the main analysis, with its interval and dots. At
// names the factors that tell places apart; false when the plan has no such
// cell. X is not set.
func (a *Analysis) Cell(grid string, at []Setting, level, column string) (Point, bool) {
	where := map[string]any{}
	for _, s := range at {
		where[s.Factor] = s.Level
	}
	for _, p := range a.sites {
		if p.grid.Name == grid && p.matches(where) && p.plans(level) {
			pt := a.medianPoint(p, level, column)
			pt.Cell = p.at()
			return pt, true
		}
	}
	return Point{}, false
}

// medianPoint is the median over the blocks of a cell.
func (a *Analysis) medianPoint(p *site, level, column string) Point {
	pt := Point{Y: math.NaN(), Lo: math.NaN(), Hi: math.NaN(), Floor: a.floorOf(p, column)}
	var lower, upper []float64
	saturated, unsteady := 0, 0
	for _, m := range p.minis {
		in := m.entered(level)
		for _, at := range m.attempts {
			r := at.byLevel[level]
			if r == nil {
				continue
			}
			v, ok := r.span(column)
			if !ok {
				continue
			}
			d := Dot{Y: v.lo, Block: r.Block, Trial: r.Trial, Verdict: r.Verdict, Censored: v.lo != v.hi, Open: slices.Contains(r.Open, column), Unsteady: r.Verdict == VerdictUnsteady}
			if r != in {
				if enters(r.Verdict, false) {
					d.Verdict = repeated
				}
				if enters(r.Verdict, true) {
					pt.Excluded = append(pt.Excluded, d)
				}
				continue
			}
			pt.Dots = append(pt.Dots, d)
			lower, upper = append(lower, v.lo), append(upper, v.hi)
			pt.Open = pt.Open || d.Open
			if r.Verdict == VerdictSaturated {
				saturated++
			}
			if d.Unsteady {
				unsteady++
			}
		}
	}
	pt.N = len(pt.Dots)
	pt.Saturated, pt.Unsteady = 2*saturated > pt.N, 2*unsteady > pt.N
	pt.Y = stats.Median(lower)
	pt.Censored = math.IsInf(stats.Median(upper), 1)
	if pt.N >= a.leastPairs() && p.grid.Claims {
		low, high := stats.MedianInterval(lower, a.coverage(Coverage)), stats.MedianInterval(upper, a.coverage(Coverage))
		pt.Interval, pt.Lo, pt.Hi, pt.Coverage = true, low.Lo, high.Hi, low.Coverage
		if pt.HiCensored = math.IsInf(pt.Hi, 1); pt.HiCensored {
			pt.Hi = low.Hi
		}
	}
	return pt
}

// bestPoint is the ratio to the level that is best at a place, apart from some, on
// the even blocks, which had no part in the choice. The best one itself is 1.
func (a *Analysis) bestPoint(p *site, level, column string, apart []string) Point {
	base := a.bestAt(p, column, apart...)
	even := p.even()
	switch {
	case base == "":
		return Point{Y: math.NaN(), Lo: math.NaN(), Hi: math.NaN()}
	case base == level:
		n := 0
		for _, m := range even.minis {
			if m.entered(level) != nil {
				n++
			}
		}
		return Point{Y: 1, Lo: 1, Hi: 1, N: n, Best: true}
	}
	return a.ratioPoint(even, level, base, column)
}

// even is a place without the blocks that choose the best level.
func (p *site) even() *site {
	even := *p
	even.minis = nil
	for _, m := range p.minis {
		if !stats.Chooses(m.block) {
			even.minis = append(even.minis, m)
		}
	}
	return &even
}

// ratioPoint is the Hodges-Lehmann ratio to a level over the blocks of a cell.
func (a *Analysis) ratioPoint(p *site, level, base, column string) Point {
	pt := Point{Y: math.NaN(), Lo: math.NaN(), Hi: math.NaN()}
	pairs, _ := a.mainPairs(p, level, base, column)
	var lower, upper, near []float64
	saturated, unsteady, censored := 0, 0, 0
	for _, one := range pairs {
		lower, upper, near = append(lower, one.lo), append(upper, one.hi), append(near, one.near)
		d := Dot{Y: math.Exp(one.near), Block: one.block, Trial: one.level.Trial, Verdict: one.level.Verdict, Censored: one.censored}
		d.Open = slices.Contains(one.level.Open, column) || slices.Contains(one.base.Open, column)
		d.Unsteady = one.level.Verdict == VerdictUnsteady || one.base.Verdict == VerdictUnsteady
		pt.Dots = append(pt.Dots, d)
		pt.Open = pt.Open || d.Open
		if d.Unsteady {
			unsteady++
		}
		if one.level.Verdict == VerdictSaturated || one.base.Verdict == VerdictSaturated {
			saturated++
		}
		if one.censored {
			censored++
		}
	}
	pt.N = len(pairs)
	pt.Saturated, pt.Unsteady = 2*saturated > pt.N, 2*unsteady > pt.N
	pt.Y = math.Exp(stats.HodgesLehmann(near))
	pt.Censored = 2*censored > pt.N
	if pt.N >= a.leastPairs() && p.grid.Claims {
		i := stats.CensoredInterval(lower, upper, a.coverage(Coverage))
		pt.Lo, pt.Hi, pt.Coverage = math.Exp(i.Lo), math.Exp(i.Hi), i.Coverage
		if pt.HiCensored = math.IsInf(i.Hi, 1); pt.HiCensored {
			pt.Hi = math.Exp(stats.SignedRankInterval(near, a.coverage(Coverage)).Hi)
		}
		// An interval that reaches down to 0 has no place on the axis.
		pt.Interval = pt.Lo > 0
	}
	return pt
}
