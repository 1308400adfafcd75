package results

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"medusa/results/stats"
)

// RunsComparison compares two runs. Their blocks did not run side by side, so
// nothing of one pairs with anything of the other, and a raw ratio between them
// says as much about the machines as about the servers. Both can be compared
// with an anchor that ran in every mini-block of both: the ratio of a level to
// the anchor in A over that in B.
type RunsComparison struct {
	A, B         string // run folders
	Anchor       string // "" when the runs have none in common
	Column, Unit string
	Margin       float64
	Differences  []Difference
	Rows         []RunsRow
	Notes        []string
}

// RunsRow is one level in both runs at one setting.
type RunsRow struct {
	Grid  string
	At    []Setting
	Level string
	// NA and NB are the pairs of the level with the anchor in each run.
	NA, NB int
	// Censored are the pairs of both runs of which only a bound is known.
	Censored int
	// Ratio is (level / anchor in A) / (level / anchor in B): the quotient of
	// each run's Hodges-Lehmann estimate, its interval that of
	// stats.Difference. NaN without an anchor and for the anchor itself; Lo
	// and Hi also where either run has too few pairs for its interval. There
	// is no p: a rank-sum test takes both runs to scatter alike, which two
	// machines do not, and then calls equal ones different too often.
	Ratio, Lo, Hi, Coverage float64
	Smallest                float64
	Outcome                 stats.Outcome // of A against B
	// Raw is the quotient of the medians of the level, A over B: unpaired, of
	// two machines or two states of one, so it has no p.
	Raw float64
	// Missing says why pairs are missing, "A: 2 noisy".
	Missing []string
	// Floor says why the wake floor of a run took back an outcome; "" where
	// it did not.
	Floor string

	site *site
}

// CompareRuns compares run A with run B. The query's By and Baseline are
// ignored but for one: a baseline names the anchor in place of the suites'.
func CompareRuns(runA, runB *Run, q CompareQuery) (*RunsComparison, error) {
	a, b := runA.Analyse(), runB.Analyse()
	out := &RunsComparison{A: runA.Dir, B: runB.Dir, Margin: q.Margin, Differences: Differences(runA, runB)}
	if out.Margin == 0 {
		out.Margin = Margin
	}
	if a.Compare != b.Compare {
		return nil, fmt.Errorf("the runs compare different factors: %s compares %s, %s compares %s", runA.Dir, a.Compare, runB.Dir, b.Compare)
	}
	column, err := a.comparedColumn(q)
	if err != nil {
		return nil, err
	}
	out.Column, out.Unit = column.Name, column.Unit
	if err := a.checkPlaces(q.Where); err != nil {
		return nil, err
	}
	out.Anchor, err = commonAnchor(a, b, q.Baseline)
	if err != nil {
		return nil, err
	}
	for _, p := range a.sites {
		if other := b.sameSite(p); other != nil && p.fulfils(q.Where) {
			out.Rows = append(out.Rows, out.rowsAt(a, b, p, other)...)
		}
	}
	if len(out.Rows) == 0 {
		return nil, errors.New("the runs have no cell in common" + where(q.Where) + ": the same grid, factors and level")
	}
	if runA.Stamp == runB.Stamp {
		out.Notes = append(out.Notes, "A and B are the same run: nothing is compared but a run with itself")
	}
	out.annotate(a, b)
	return out, nil
}

// commonAnchor is the level through which both runs are compared; "" without.
func commonAnchor(a, b *Analysis, wanted string) (string, error) {
	if wanted != "" {
		for _, run := range []*Analysis{a, b} {
			if !run.plans(run.Compare, wanted) {
				return "", fmt.Errorf("%s cannot be the anchor: it did not run in both", wanted)
			}
		}
		return wanted, nil
	}
	anchor := a.Plan.anchor()
	if anchor != b.Plan.anchor() || !a.plans(a.Compare, anchor) || !b.plans(b.Compare, anchor) {
		return "", nil
	}
	return anchor, nil
}

// sameSite finds the place of another run that has the same grid and factors.
func (a *Analysis) sameSite(p *site) *site {
	for _, other := range a.sites {
		if other.grid.Name == p.grid.Name && AtText(other.factors) == AtText(p.factors) {
			return other
		}
	}
	return nil
}

// rowsAt are the levels that both runs have at one place.
func (c *RunsComparison) rowsAt(a, b *Analysis, inA, inB *site) []RunsRow {
	var out []RunsRow
	nan := math.NaN()
	for _, level := range a.levels(inA.grid) {
		if !inA.plans(level) || !inB.plans(level) {
			continue
		}
		q := question{base: c.Anchor, column: c.Column}
		row := RunsRow{
			Grid: inA.grid.Name, At: inA.at(), Level: level, Ratio: nan, Lo: nan, Hi: nan, Smallest: nan, Outcome: stats.NotResolved,
			Raw: stats.Median(trialValues(inA, level, q)) / stats.Median(trialValues(inB, level, q)), site: inA,
		}
		if c.Anchor != "" && level != c.Anchor {
			x, whyA := a.mainPairs(inA, level, q.base, q.column)
			y, whyB := b.mainPairs(inB, level, q.base, q.column)
			row.NA, row.NB = len(x), len(y)
			for _, why := range whyA {
				row.Missing = append(row.Missing, "A: "+why)
			}
			for _, why := range whyB {
				row.Missing = append(row.Missing, "B: "+why)
			}
			row.judge(anchoredOf(x), anchoredOf(y), c.Margin, a.looks()*b.looks(), inA.grid.Claims && inB.grid.Claims, lowerIsBetter(c.Column))
			row.limit(a.floorAt(inA), levelMedian(x, c.Column), c)
			row.limit(b.floorAt(inB), levelMedian(y, c.Column), c)
		}
		out = append(out, row)
	}
	return out
}

// anchored are the log ratios of a level to the anchor in one run, one a block,
// with what is known of those that are censored.
type anchored struct {
	lower, upper, near []float64
	censored           int
}

func anchoredOf(pairs []pair) anchored {
	var out anchored
	for _, one := range pairs {
		out.lower, out.upper, out.near = append(out.lower, one.lo), append(out.upper, one.hi), append(out.near, one.near)
		if one.censored {
			out.censored++
		}
	}
	return out
}

// levelMedian is the median of a level's values in its pairs; a censored value
// stands at its bound.
func levelMedian(pairs []pair, column string) float64 {
	var values []float64
	for _, one := range pairs {
		s, _ := one.level.span(column)
		values = append(values, s.lo)
	}
	return stats.Median(values)
}

// judge estimates a row from the log ratios of both runs. Each run has its own
// scatter, so each gets its own interval; one that cannot reach its level with
// so few pairs is none.
func (r *RunsRow) judge(x, y anchored, margin float64, looks int, claims, lowerIsBetter bool) {
	atX, atY := stats.HodgesLehmann(x.near), stats.HodgesLehmann(y.near)
	r.Ratio, r.Censored = math.Exp(atX-atY), x.censored+y.censored
	r.Smallest = stats.SmallestShift(len(x.near), stats.SD(x.near), len(y.near), stats.SD(y.near), stats.PerLook(Alpha, looks))
	if min(len(x.near), len(y.near)) < leastPairs(looks) || !claims {
		return
	}
	difference := func(alpha float64) stats.Interval {
		level := 1 - stats.PerLook(alpha, looks)
		return stats.Difference(atY, stats.CensoredInterval(y.lower, y.upper, level), atX, stats.CensoredInterval(x.lower, x.upper, level))
	}
	i95, i90 := difference(1-Coverage), difference(0.10)
	r.Lo, r.Hi, r.Coverage = math.Exp(i95.Lo), math.Exp(i95.Hi), i95.Coverage
	r.Outcome = stats.Decide(i95, i90, margin, lowerIsBetter)
}

// limit takes back what the wake floor of one of the runs does not let be said
// of a level with this median.
func (r *RunsRow) limit(f *Floor, median float64, c *RunsComparison) {
	if why := f.Resolves(c.Column, r.Outcome, median, r.Ratio, c.Margin); why != "" {
		r.Outcome, r.Floor = stats.NotResolved, why
	}
}

// Place writes where a row stands, like Comparison.Place.
func (c *RunsComparison) Place(row RunsRow) string {
	several := slices.ContainsFunc(c.Rows, func(r RunsRow) bool { return r.Grid != row.Grid })
	return placeText(several, row.Grid, row.At)
}

// annotate says what stands behind the rows.
func (c *RunsComparison) annotate(a, b *Analysis) {
	note := func(format string, args ...any) { c.Notes = append(c.Notes, fmt.Sprintf(format, args...)) }
	if c.Anchor == "" {
		note("the runs have no anchor in common (A has %s, B has %s): raw ratios only, unpaired, without an interval; name a level that is the same in both with --baseline", a.Plan.anchor(), b.Plan.anchor())
		return
	}
	note("anchored: (level / %s in A) / (level / %s in B), over blocks; this takes %s for the same server in both", c.Anchor, c.Anchor, c.Anchor)
	note("raw is A over B without the anchor: unpaired, of two machines or two states of one, so without an interval")
	note("exploratory: nothing between runs was declared before; each interval is of its row alone, so of many rows some err")
	if looks := a.looks() * b.looks(); looks > 1 {
		note("sequential: the runs could end at %d pairs of looks, so intervals aim at %s", looks, coverageText(1-stats.PerLook(1-Coverage, looks)))
	}
	short := slices.ContainsFunc(c.Rows, func(r RunsRow) bool { return r.Level != c.Anchor && r.Coverage == 0 })
	if short {
		note("a row without an interval has fewer than %d clean pairs in one of the runs", leastPairs(a.looks()*b.looks()))
	}
}
