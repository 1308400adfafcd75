package results

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"medusa/results/stats"
)

// stepSpan is how far from its threshold a step is looked for: where x is
// between a stepSpan-th of it and stepSpan times it. Farther away what bends the
// line, such as a cache that is full, would be taken for a step.
const stepSpan = 4

// NearStep reports whether a step at a number is looked for at x, too.
func NearStep(x, at float64) bool { return x >= at/stepSpan && x <= at*stepSpan }

// checkStep decides a check of a step: it agrees where the whole interval of
// the steps of the blocks is on the side that the finding says, and disagrees
// where it is on the other. All lines that fulfil the conditions have to.
func (a *Analysis) checkStep(c FindingCheck) (outcome, because string) {
	var found []string
	outcome = undecided
	for i := range a.Plan.Grids {
		g := &a.Plan.Grids[i]
		for _, line := range a.lines(g, c.Factor, nil) {
			for _, level := range a.levels(g) {
				if !a.meets(g.Name, line[0].at(c.Factor), level, c.Where) {
					continue
				}
				one, text := a.step(line, level, c)
				outcome = both(outcome, one, len(found) == 0)
				found = append(found, level+where(line[0].at(c.Factor))+text)
			}
		}
	}
	if len(found) == 0 {
		return undecided, a.absence(c)
	}
	return outcome, strings.Join(found, "; ")
}

// step estimates the step of one line over its blocks. A block counts when it
// has the nearest point and another on each side of the threshold.
func (a *Analysis) step(line []*site, level string, c FindingCheck) (outcome, text string) {
	line = slices.DeleteFunc(slices.Clone(line), func(p *site) bool {
		return !NearStep(p.number(c.Factor), c.At)
	})
	under, over := math.Inf(-1), math.Inf(1)
	for _, p := range line {
		if x := p.number(c.Factor); x <= c.At {
			under = max(under, x)
		} else {
			over = min(over, x)
		}
	}
	if math.IsInf(under, -1) || math.IsInf(over, 1) {
		return undecided, fmt.Sprintf(": this run has no points on both sides of %s = %s", c.Factor, LevelText(c.At))
	}
	var steps []float64
	var missing reasons
	for block := 1; block <= line[0].grid.Blocks; block++ {
		xs, ys, why := points(line, c.Factor, block, level, c.Column, false, under, over)
		step := stats.Step(xs, ys, c.At)
		if why == "" && math.IsNaN(step) {
			why = "too few points"
		}
		if why != "" {
			missing.add(why)
			continue
		}
		steps = append(steps, step)
	}
	if len(steps) < a.leastPairs() {
		return undecided, " " + lacks(len(steps), "blocks", missing.list())
	}
	s := Slope{Estimate: stats.HodgesLehmann(steps), N: len(steps)}
	i := stats.SignedRankInterval(steps, a.coverage(Coverage))
	s.Lo, s.Hi, s.Coverage = i.Lo, i.Hi, i.Coverage
	outcome = undecided
	switch {
	case i.Lo > 0 && !c.Falls, i.Hi < 0 && c.Falls:
		outcome = agrees
	case i.Lo > 0, i.Hi < 0:
		outcome = disagrees
	}
	scale, unit := slopeUnit(abs(s.Estimate), columnUnit(a, c.Column))
	text = fmt.Sprintf(": %s at %s = %s", slopeText(s, scale, spaced(unit)), c.Factor, LevelText(c.At))
	if outcome != undecided {
		if floor := a.floorAt(line[0]).hides(c.Column, abs(s.Estimate), "%s"); floor != "" {
			return undecided, text + ", but " + floor
		}
	}
	return outcome, text
}
