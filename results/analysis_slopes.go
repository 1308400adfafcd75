package results

import (
	"fmt"
	"math"
	"slices"

	"medusa/results/stats"
)

// slopes are the growth of the primary metric with the factor that the suite
// names, and that of a grid's own columns, for every level of the compared
// factor (the baseline too), in grids with claims that have at least two levels
// of the factor.
func (a *Analysis) slopes(everyTrial bool) []Slope {
	var out []Slope
	for i := range a.Plan.Grids {
		if g := &a.Plan.Grids[i]; g.Claims {
			out = append(out, a.gridSlopes(g, everyTrial)...)
		}
	}
	return out
}

// gridSlopes are the slopes of a grid, whether it has the blocks for a claim or
// not.
func (a *Analysis) gridSlopes(g *GridPlan, everyTrial bool) []Slope {
	columns, factor, where := Columns{a.Primary}, a.Plan.Metrics.Slope, a.Plan.Metrics.PrimaryAt
	if g.Slope != nil {
		columns, factor, where = g.Slope.Y, g.Slope.X, nil
	}
	var out []Slope
	for _, column := range columns {
		for _, group := range a.lines(g, factor, where) {
			for _, level := range a.levels(g) {
				out = append(out, a.slope(group, level, column, factor, everyTrial))
			}
		}
	}
	return out
}

// lines groups the places of a grid that differ in one numeric factor only.
func (a *Analysis) lines(g *GridPlan, factor string, where map[string]any) [][]*site {
	if len(g.Factors[factor]) < 2 {
		return nil
	}
	var out [][]*site
	at := map[string]int{}
	for _, p := range a.sites {
		if p.grid != g || !p.matches(where) {
			continue
		}
		key := AtText(p.at(factor))
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], p)
	}
	return slices.DeleteFunc(out, func(line []*site) bool { return len(line) < 2 })
}

// slope fits a line inside each block, and estimates over the blocks. A block
// counts when it has the lowest and the highest setting: a line through a part
// of the range would be another slope wherever the truth is curved.
func (a *Analysis) slope(line []*site, level, column, factor string, everyTrial bool) Slope {
	s := Slope{
		Grid: line[0].grid.Name, At: line[0].at(factor), Level: level, Column: column, Factor: factor,
		Lo: math.NaN(), Hi: math.NaN(), P: math.NaN(), PHolm: math.NaN(), Outcome: GrowthUnknown,
	}
	least, most := math.Inf(1), math.Inf(-1)
	for _, p := range line {
		x := p.number(factor)
		least, most = min(least, x), max(most, x)
	}
	var slopes []float64
	var missing reasons
	for block := 1; block <= line[0].grid.Blocks; block++ {
		xs, ys, why := points(line, factor, block, level, column, everyTrial, least, most)
		if why != "" {
			missing.add(why)
			continue
		}
		slopes = append(slopes, stats.Slope(xs, ys))
	}
	s.N, s.Estimate, s.Missing = len(slopes), stats.HodgesLehmann(slopes), missing.list()
	if s.N < a.leastPairs() {
		return s
	}
	i := stats.SignedRankInterval(slopes, a.coverage(Coverage))
	s.Lo, s.Hi, s.Coverage = i.Lo, i.Hi, i.Coverage
	s.P = a.corrected(stats.SignFlipP(slopes, a.Plan.Design.Seed))
	switch {
	case i.Lo > 0:
		s.Outcome = Grows
	case i.Hi < 0:
		s.Outcome = Falls
	default:
		s.Outcome = NoGrowth
	}
	if s.Outcome != NoGrowth {
		// What the whole range adds must be more than waking scatters.
		if s.Floor = a.floorAt(line[0]).hides(column, math.Abs(s.Estimate)*(most-least), "%s"); s.Floor != "" {
			s.Outcome = GrowthUnknown
		}
	}
	return s
}

// points are a line's values in one block, over a numeric factor. why says what
// is missing of the points that must not be.
func points(line []*site, factor string, block int, level, column string, everyTrial bool, must ...float64) (xs, ys []float64, why string) {
	for _, p := range line {
		x := p.number(factor)
		y, reason := p.valueOf(block, level, column, everyTrial)
		switch {
		case reason == "":
			xs, ys = append(xs, x), append(ys, y)
		case slices.Contains(must, x):
			why = fmt.Sprintf("%s at %s=%s", reason, factor, LevelText(x))
		}
	}
	return xs, ys, why
}

// number is a place's level of a numeric factor.
func (p *site) number(factor string) float64 {
	v, _ := p.level(factor)
	n, ok := levelNumber(v)
	if !ok {
		return math.NaN()
	}
	return n
}

// valueOf returns the value of a level in one block of a place: of the trial
// that enters, or with every trial the mean over the attempts. A censored
// value is none: half a line has no slope.
func (p *site) valueOf(block int, level, column string, everyTrial bool) (v float64, why string) {
	for _, m := range p.minis {
		if m.block != block {
			continue
		}
		var taken []*Record
		why = "not run"
		for _, at := range m.attempts {
			if r := at.byLevel[level]; r != nil {
				if enters(r.Verdict, everyTrial) {
					taken = append(taken, r)
				} else {
					why = r.Verdict
				}
			}
		}
		if !everyTrial {
			r := m.entered(level)
			if r == nil {
				if at := m.choose(level); at != nil && at.byLevel[level] != nil {
					why = at.byLevel[level].Verdict
				}
				return 0, why
			}
			taken = []*Record{r}
		}
		var sum, n float64
		for _, r := range taken {
			if v, ok := r.Value(column); ok {
				sum, n = sum+v, n+1
			} else {
				why = "without a value (" + r.Why(column) + ")"
			}
		}
		if n == 0 {
			return 0, why
		}
		return sum / n, ""
	}
	return 0, "not planned"
}
