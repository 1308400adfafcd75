package results

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"medusa/results/stats"
)

// A run may go on until it knows enough (Design.Until). It is looked at after
// certain numbers of blocks (Design.Looks) and ends at the first look at which
// the goal is reached. What it then says was looked at several times, so that
// each interval and each p has to hold over all the looks that could have been:
// see stats.PerLook.

// Precision is how well a run knows its contrasts.
type Precision struct {
	Contrasts int
	// HalfWidth is the widest interval's relative half-width
	// (stats.Interval.HalfWidth): 0.05 says that every ratio is known to
	// within a factor of 1.05 about the middle of its interval, each
	// interval corrected for the looks. +Inf without contrasts, and while
	// one has no interval or one that is open to a side.
	HalfWidth float64
	Widest    string // the contrast that it is, such as "select at idle_connections=8000"
}

// Reached reports whether a goal such as Design.Until is reached.
func (p Precision) Reached(goal float64) bool { return p.HalfWidth <= goal }

// PrecisionOf returns how well the records know the contrasts of the primary
// metric in the grids with claims.
func PrecisionOf(plan Plan, records []Record) Precision {
	a := newAnalysis(plan, records, instrument{})
	out := Precision{}
	for _, c := range a.contrasts(a.Primary, a.Plan.Metrics.PrimaryAt, false) {
		out.Contrasts++
		width := math.Inf(1)
		if c.Coverage > 0 && c.Lo > 0 {
			width = stats.Interval{Lo: math.Log(c.Lo), Hi: math.Log(c.Hi), Coverage: c.Coverage}.HalfWidth()
		}
		if out.Widest == "" || width > out.HalfWidth {
			out.HalfWidth, out.Widest = width, c.Level+where(c.At)
		}
	}
	if out.Contrasts == 0 {
		out.HalfWidth = math.Inf(1)
	}
	return out
}

// upToStop returns the plan as far as it was to be run: of a run that ended
// because its goal was reached the blocks up to there, as those after it are
// not missing. Whether it was reached is recomputed from the records, so that
// nothing has to be believed. Of any other run it is the plan.
func (p Plan) upToStop(records []Record) Plan {
	if p.Design.Until <= 0 {
		return p
	}
	have, last, planned := map[place]bool{}, 0, 0
	for i := range records {
		have[records[i].planned()] = true
		last = max(last, records[i].Block)
	}
	for i := range p.Trials {
		planned = max(planned, p.Trials[i].Block)
		if p.Trials[i].Block <= last && !have[p.Trials[i].place()] {
			return p // cut off inside a block
		}
	}
	if last >= planned || !slices.Contains(p.Design.Looks, last) || !PrecisionOf(p, records).Reached(p.Design.Until) {
		return p
	}
	return p.upTo(last)
}

// upTo returns the plan without the blocks after one.
func (p Plan) upTo(last int) Plan {
	p.Design.Blocks = min(p.Design.Blocks, last)
	p.Grids = slices.Clone(p.Grids)
	for i := range p.Grids {
		p.Grids[i].Blocks = min(p.Grids[i].Blocks, last)
	}
	p.Trials = slices.DeleteFunc(slices.Clone(p.Trials), func(t PlannedTrial) bool { return t.Block > last })
	return p
}

// looks is how often the run could have ended: 1 for a run of a fixed length.
func (a *Analysis) looks() int { return max(1, len(a.Plan.Design.Looks)) }

// coverage is what an interval has to cover so that all looks together err no
// more often than 1 - level.
func (a *Analysis) coverage(level float64) float64 { return 1 - stats.PerLook(1-level, a.looks()) }

// leastPairs is how many pairs a claim needs: with fewer no interval reaches the
// coverage that each of several looks has to have.
func (a *Analysis) leastPairs() int { return leastPairs(a.looks()) }

func leastPairs(looks int) int { return max(MinPairs, stats.LeastPairs(looks, Alpha)) }

// aims is the coverage that intervals aim at, in words: "95 %", or more in a run
// that was looked at several times.
func (a *Analysis) aims() string { return coverageText(a.coverage(Coverage)) }

// coverageText writes a coverage with three digits: "95 %", "98.3 %".
func coverageText(v float64) string { return shortest(roundDigits(100*v, 3)) + " %" }

// corrected is a p for being looked at several times.
func (a *Analysis) corrected(p float64) float64 { return min(1, p*float64(a.looks())) }

// looksText says that the run went on until it knew enough, and what that
// costs; "" for a run of a fixed length.
func (a *Analysis) looksText() string {
	d := a.Plan.Design
	if d.Until <= 0 {
		return ""
	}
	done := 0
	for _, g := range a.Grids {
		done = max(done, g.Done)
	}
	at := make([]string, len(d.Looks))
	for i, n := range d.Looks {
		at[i] = fmt.Sprint(n)
	}
	text := fmt.Sprintf(", sequential (until every interval is within %s: looks at %s blocks, ended after %d", percentText(d.Until), strings.Join(at, ", "), done)
	if n := a.looks(); n > 1 {
		text += fmt.Sprintf("; so p is %d times the exact one and intervals aim at %s", n, a.aims())
	}
	return text + ")"
}

// leastPText is the smallest p that so many pairs can have.
func (a *Analysis) leastPText(pairs int) string {
	p := shortest(roundDigits(float64(a.looks())*math.Pow(2, float64(1-pairs)), 2))
	if n := a.looks(); n > 1 {
		return fmt.Sprintf("%d x 2/%d = %s", n, 1<<pairs, p)
	}
	return fmt.Sprintf("2/%d = %s", 1<<pairs, p)
}
