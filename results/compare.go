package results

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"medusa/results/stats"
)

// Best, as a baseline, is at each setting the level that is best on the odd
// blocks; the others are compared with it on the even ones (see stats.Best).
const Best = "best"

// CompareQuery is what a comparison is asked for.
type CompareQuery struct {
	// By is the factor whose levels are compared; "" for the one that the
	// suite compares, which is the only one that has pairs.
	By string
	// Baseline is the level that others are compared with; "" for the
	// suite's. Best is chosen by the data.
	Baseline string
	// Metric is a column; "" for the suite's primary metric.
	Metric string
	// Margin is the relative difference that counts as the same, in (0, 1);
	// 0 for the declared one (Margin).
	Margin float64
	// Where are the places that are compared, levels as text; none for all.
	// A name is a factor, a setting, or "grid".
	Where []Setting
}

// Comparison is every level against the baseline at every setting.
type Comparison struct {
	By, Baseline, Column, Unit string
	Margin                     float64
	// Declared: the suite declared this metric and baseline before the run.
	// Rows outside of where it declared them are exploratory all the same.
	Declared bool
	// Looks is how often the run could have ended; 1 for a fixed length.
	Looks int
	Rows  []CompareRow
	Notes []string // what a reader has to know about the whole
}

// CompareRow is one level against the baseline at one setting.
type CompareRow struct {
	Contrast
	// Declared rows were named before the run; others are exploratory and
	// never starred. PHolm of the first is corrected over all contrasts of
	// the run, that of others over the exploratory rows shown.
	Declared bool
	// Chosen: the baseline is the best of the odd blocks, and N are pairs of
	// even ones.
	Chosen   bool
	Unpaired Unpaired

	site *site
}

// Compare compares levels inside one run. Errors are one line: a name that
// does not exist is told with the nearest one.
func Compare(run *Run, q CompareQuery) (*Comparison, error) {
	a := run.Analyse()
	column, err := a.comparedColumn(q)
	if err != nil {
		return nil, err
	}
	out := &Comparison{By: a.Compare, Baseline: q.Baseline, Column: column.Name, Unit: column.Unit, Margin: q.Margin, Looks: a.looks(), Notes: slices.Clone(run.Notes)}
	if out.Baseline == "" {
		out.Baseline = a.Baseline
	}
	if out.Margin == 0 {
		out.Margin = Margin
	}
	if err := a.checkCompared(q, out.Baseline); err != nil {
		return nil, err
	}
	out.Declared = column.Name == a.Primary && out.Baseline == a.Baseline
	for _, p := range a.sites {
		if p.fulfils(q.Where) {
			out.Rows = append(out.Rows, a.compareAt(p, out)...)
		}
	}
	if len(out.Rows) == 0 {
		return nil, fmt.Errorf("nothing to compare with %s%s: the run has no level beside it there", out.Baseline, where(q.Where))
	}
	out.correct()
	out.annotate(a)
	return out, nil
}

// comparedColumn is the metric of a query, checked.
func (a *Analysis) comparedColumn(q CompareQuery) (Column, error) {
	if q.By != "" && q.By != a.Compare {
		return Column{}, fmt.Errorf("this run compares levels of %s: only they ran side by side, so only they have pairs; levels of %q do not", a.Compare, q.By)
	}
	if q.Margin < 0 || q.Margin >= 1 {
		return Column{}, fmt.Errorf("a margin of %s is none: it must lie between 0 and 100 %%", percentText(q.Margin))
	}
	name := q.Metric
	if name == "" {
		name = a.Primary
	}
	column, err := a.Plan.LookupColumn(name)
	if err == nil && column.Kind != Metric {
		err = fmt.Errorf("%s is a %s, not a metric", name, column.Kind)
	}
	return column, err
}

// checkCompared wants the baseline and every condition to be in the run.
func (a *Analysis) checkCompared(q CompareQuery, baseline string) error {
	var levels []string
	for i := range a.Plan.Grids {
		levels = append(levels, a.levels(&a.Plan.Grids[i])...)
	}
	if baseline != Best && !slices.Contains(levels, baseline) {
		return fmt.Errorf("this run has no %s %q; the nearest is %q", a.Compare, baseline, Nearest(baseline, append(levels, Best)))
	}
	return a.checkPlaces(q.Where)
}

// checkPlaces wants each condition to hold somewhere.
func (a *Analysis) checkPlaces(where []Setting) error {
	for _, w := range where {
		var names, levels []string
		for _, p := range a.sites {
			names = append(names, "grid")
			for _, s := range p.factors {
				names = append(names, s.Factor)
			}
			if v, ok := p.placed(w.Factor); ok {
				levels = append(levels, v)
			}
		}
		text := LevelText(w.Level)
		switch {
		case w.Factor == a.Compare:
			return fmt.Errorf("%s is what is compared: it names no place", w.Factor)
		case len(levels) == 0:
			return fmt.Errorf("this run has no factor or setting %q; the nearest factor is %q", w.Factor, Nearest(w.Factor, names))
		case !slices.ContainsFunc(levels, func(v string) bool { return sameText(v, text) }):
			return fmt.Errorf("this run has no %s=%s; the nearest is %q", w.Factor, text, Nearest(text, levels))
		}
	}
	return nil
}

// placed is the level of a factor, a setting or the grid at a place, as text.
func (p *site) placed(name string) (string, bool) {
	if name == "grid" {
		return p.grid.Name, true
	}
	v, ok := p.level(name)
	return LevelText(v), ok
}

// fulfils reports whether all conditions hold at a place.
func (p *site) fulfils(where []Setting) bool {
	for _, w := range where {
		if v, ok := p.placed(w.Factor); !ok || !sameText(v, LevelText(w.Level)) {
			return false
		}
	}
	return true
}

// compareAt are the rows of one place.
func (a *Analysis) compareAt(p *site, c *Comparison) []CompareRow {
	q := question{base: c.Baseline, column: c.Column, margin: c.Margin}
	if c.Baseline == Best {
		q.evenBlocks = true
		if q.base = a.bestAt(p, c.Column); q.base == "" {
			return nil
		}
	}
	var out []CompareRow
	for _, level := range a.levels(p.grid) {
		if level == q.base || !p.plans(level, q.base) {
			continue
		}
		row := CompareRow{Contrast: a.ask(p, level, q), Chosen: q.evenBlocks, site: p}
		if c.Declared && !row.Chosen {
			if declared := contrastAt(a, p, level); declared != nil {
				row.Declared, row.PHolm, row.Starred = true, declared.PHolm, declared.Starred
			}
		}
		row.Unpaired = unpaired(p, row.Contrast, q)
		out = append(out, row)
	}
	return out
}

// bestAt is the level that is best on the odd blocks of a place, apart from some.
func (a *Analysis) bestAt(p *site, column string, apart ...string) string {
	levels := slices.DeleteFunc(slices.Clone(a.levels(p.grid)), func(level string) bool { return slices.Contains(apart, level) })
	values := make([][]float64, len(levels))
	for k, level := range levels {
		values[k] = make([]float64, p.grid.Blocks)
		for i := range values[k] {
			values[k][i] = math.NaN()
		}
		for _, m := range p.minis {
			r := m.entered(level)
			if r == nil || m.block < 1 || m.block > len(values[k]) {
				continue
			}
			// A censored value is later than all, and must not be left out.
			if s, ok := r.span(column); ok {
				values[k][m.block-1] = s.hi
			}
		}
	}
	k := stats.Best(values, lowerIsBetter(column))
	if k < 0 {
		return ""
	}
	return levels[k]
}

// correct corrects the exploratory rows for being tested together.
func (c *Comparison) correct() {
	var p []float64
	var at []int
	for i, row := range c.Rows {
		if !row.Declared {
			p, at = append(p, row.P), append(at, i)
		}
	}
	for k, corrected := range stats.Holm(p) {
		c.Rows[at[k]].PHolm = corrected
	}
}

// annotate says what stands behind the rows.
func (c *Comparison) annotate(a *Analysis) {
	note := func(format string, args ...any) { c.Notes = append(c.Notes, fmt.Sprintf(format, args...)) }
	declared := 0
	for _, row := range c.Rows {
		if row.Declared {
			declared++
		}
	}
	switch {
	case declared > 0:
		note("* holds with all %s of the primary metric corrected together (Holm, 5 %%)", countOf(len(a.Contrasts), "contrast", "contrasts"))
		if left := len(c.Rows) - declared; left > 0 {
			note("%s outside of where the suite declared its primary metric: exploratory, never starred", countOf(left, "row is", "rows are"))
		}
	case len(a.Contrasts) == 0:
		note("exploratory: no grid of this run has the blocks for a claim (%d) on contrasts", a.leastPairs())
	default:
		note("exploratory: before the run %s against %s was declared, so nothing here is starred; p is corrected over these rows (Holm)", a.Primary, a.Baseline)
	}
	if c.Margin != Margin {
		note("same means within %s here; before the run it was %s", percentText(c.Margin), percentText(Margin))
	}
	if c.Looks > 1 {
		note("sequential: the run could end at %d looks, so p is %d times the exact one and intervals aim at %s", c.Looks, c.Looks, a.aims())
	}
	if c.Baseline == Best {
		note("the baseline is at each setting the level that is best on the odd blocks; pairs are of the even ones")
	}
	if column, _ := find(c.Column, registry); column.Better == Neither {
		note("%s has no good side: faster means less of it", c.Column)
	}
}

// Place writes where a row stands: "idle_connections=2000 load=ping", with the
// grid before it where the rows are of several; "" for the only place.
func (c *Comparison) Place(row CompareRow) string {
	several := slices.ContainsFunc(c.Rows, func(r CompareRow) bool { return r.Grid != row.Grid })
	return placeText(several, row.Grid, row.At)
}

func placeText(several bool, grid string, at []Setting) string {
	if !several {
		return AtText(at)
	}
	return strings.TrimSpace("grid=" + grid + " " + AtText(at))
}
