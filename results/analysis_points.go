package results

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"medusa/results/stats"
)

// Points returns the series of a figure: for each y column, each combination
// of facet levels and each level of `by` one series, in the suite's order of
// levels. Facets may name the `by` factor itself; then Level is "".
//
// Without Grid the figure shows every grid in which X varies (every grid, when
// X is a metric). A factor that has several levels in the cells shown, and is
// neither x, by, facet nor fixed by where, is an error when X is a factor: its
// cells would stand at one place. With RatioTo each y is the ratio to that
// level, over pairs inside mini-blocks, and `by` must be the compared factor.
func (a *Analysis) Points(f Figure) ([]Series, error) {
	by := f.By
	if by == "" {
		by = a.Compare
	}
	w, err := a.plot(f, by)
	if err != nil {
		return nil, fmt.Errorf("figure %s: %w", f.ID, err)
	}
	var out []Series
	for _, column := range f.Y {
		at := map[string]int{}
		from := len(out)
		for _, c := range w.cells {
			key := AtText(c.facet) + "\x00" + c.level
			i, ok := at[key]
			if !ok {
				i = len(out)
				at[key] = i
				out = append(out, Series{Column: column, Facet: c.facet, By: by, Level: c.level})
			}
			point, ok := w.point(c, column)
			if ok {
				out[i].Points = append(out[i].Points, point)
			}
		}
		w.sort(out[from:])
	}
	for i := range out {
		slices.SortStableFunc(out[i].Points, func(p, q Point) int {
			switch {
			case p.X < q.X:
				return -1
			case p.X > q.X:
				return 1
			}
			return 0
		})
	}
	return slices.DeleteFunc(out, func(s Series) bool { return len(s.Points) == 0 }), nil
}

// plot is a figure on its way to points.
type plot struct {
	a       *Analysis
	f       Figure
	by      string
	xFactor bool     // x is a factor (or setting), not a metric
	xNames  []string // levels of x in order, when they are no numbers
	cells   []figureCell
	order   map[string]int // of facet and by levels
}

// figureCell is one level of the compared factor at one place.
type figureCell struct {
	place *site
	name  string // level of the compared factor
	level string // of by; "" when by is a facet
	facet []Setting
	rest  []Setting
}

// plot finds the cells of a figure.
func (a *Analysis) plot(f Figure, by string) (*plot, error) {
	w := &plot{a: a, f: f, by: by, order: map[string]int{}}
	column, err := a.Plan.LookupColumn(f.X)
	if err != nil {
		return nil, err
	}
	places := a.shown(f)
	if len(places) == 0 {
		return nil, fmt.Errorf("no cell of the plan has %s", strings.TrimSpace(f.X+" "+AtText(settingsOf(f.Where, ""))))
	}
	w.xFactor = column.Kind == Factor
	if f.RatioTo != "" && by != a.Compare {
		return nil, fmt.Errorf("ratio_to needs pairs, and pairs are formed between levels of %s, not of %s", a.Compare, by)
	}
	known := append([]string{f.X}, f.Facet...)
	if by != f.X {
		known = append(known, by)
	}
	for name := range f.Where {
		known = append(known, name)
	}
	several := map[string][]string{}
	for _, p := range places {
		for _, level := range a.levels(p.grid) {
			if !p.plans(level) || !levelIn(level, w.wanted(level)) {
				continue
			}
			if f.RatioTo != "" && f.RatioTo != Best && (level == f.RatioTo || !p.plans(level, f.RatioTo)) {
				continue
			}
			c := figureCell{place: p, name: level}
			if !slices.Contains(f.Facet, by) {
				c.level = w.text(c, by)
			}
			for _, name := range f.Facet {
				v, _ := w.levelOf(c, name)
				c.facet = append(c.facet, Setting{name, v})
			}
			for _, s := range append(p.at(), Setting{a.Compare, level}) {
				text := LevelText(s.Level)
				w.rank(s.Factor, text, p.grid)
				if s.Factor == by || slices.Contains(f.Facet, s.Factor) {
					continue
				}
				c.rest = append(c.rest, s)
				if !slices.Contains(known, s.Factor) && !slices.Contains(several[s.Factor], text) {
					several[s.Factor] = append(several[s.Factor], text)
				}
			}
			w.cells = append(w.cells, c)
		}
	}
	if w.xFactor {
		for _, name := range sortedKeys(several) {
			if levels := several[name]; len(levels) > 1 {
				return nil, fmt.Errorf("%s has several levels (%s): name it in where, facet or by", name, strings.Join(levels, ", "))
			}
		}
		w.nameX()
	}
	return w, nil
}

// shown are the places of a figure.
func (a *Analysis) shown(f Figure) []*site {
	where := map[string]any{}
	for name, v := range f.Where {
		if name != a.Compare { // a level, not a place
			where[name] = v
		}
	}
	var out []*site
	for _, p := range a.sites {
		_, varies := p.grid.Factors[f.X]
		metric := false
		if c, ok := find(f.X, registry); ok {
			metric = c.Kind != Factor
		}
		if (f.Grid == p.grid.Name || f.Grid == "" && (varies || metric)) && p.matches(where) {
			out = append(out, p)
		}
	}
	return out
}

// wanted is what where says of the compared factor; any level without it.
func (w *plot) wanted(level string) any {
	if v, ok := w.f.Where[w.a.Compare]; ok {
		return v
	}
	return level
}

// levelOf is the level of a factor or setting in a cell.
func (w *plot) levelOf(c figureCell, name string) (any, bool) {
	if name == w.a.Compare {
		return c.name, true
	}
	return c.place.level(name)
}

func (w *plot) text(c figureCell, name string) string {
	v, _ := w.levelOf(c, name)
	return LevelText(v)
}

// rank remembers the position of a level in its grid's list.
func (w *plot) rank(factor, text string, g *GridPlan) {
	if _, ok := w.order[factor+"="+text]; !ok {
		w.order[factor+"="+text] = slices.IndexFunc(g.Factors[factor], func(v any) bool { return LevelText(v) == text })
	}
}

// nameX lists the levels of an x that is not numeric.
func (w *plot) nameX() {
	for _, c := range w.cells {
		v, _ := w.levelOf(c, w.f.X)
		if _, ok := levelNumber(v); ok {
			continue
		}
		if text := LevelText(v); !slices.Contains(w.xNames, text) {
			w.xNames = append(w.xNames, text)
		}
	}
	sort.SliceStable(w.xNames, func(i, j int) bool {
		return w.order[w.f.X+"="+w.xNames[i]] < w.order[w.f.X+"="+w.xNames[j]]
	})
}

// sort puts series in the order of their levels, facets first.
func (w *plot) sort(series []Series) {
	ranks := func(s Series) []int {
		var out []int
		for _, at := range s.Facet {
			out = append(out, w.order[at.Factor+"="+LevelText(at.Level)])
		}
		return append(out, w.order[w.by+"="+s.Level])
	}
	sort.SliceStable(series, func(i, j int) bool { return slices.Compare(ranks(series[i]), ranks(series[j])) < 0 })
}

// point computes a cell's point; false when nothing of it can be drawn.
func (w *plot) point(c figureCell, column string) (Point, bool) {
	var pt Point
	switch w.f.RatioTo {
	case "":
		pt = w.a.medianPoint(c.place, c.name, column)
	case Best:
		pt = w.a.bestPoint(c.place, c.name, column, w.f.Strip)
	default:
		pt = w.a.ratioPoint(c.place, c.name, w.f.RatioTo, column)
	}
	pt.Cell = c.rest
	if pt.N == 0 && len(pt.Excluded) == 0 {
		return pt, false
	}
	if !w.xFactor {
		return w.atMetric(c, pt)
	}
	v, _ := w.levelOf(c, w.f.X)
	x, ok := levelNumber(v)
	if !ok {
		pt.XText = LevelText(v)
		x = float64(slices.Index(w.xNames, pt.XText))
	}
	pt.X = x
	for i := range pt.Dots {
		pt.Dots[i].X = x
	}
	for i := range pt.Excluded {
		pt.Excluded[i].X = x
	}
	return pt, true
}

// atMetric places a point, and each dot, at the value of a metric.
func (w *plot) atMetric(c figureCell, pt Point) (Point, bool) {
	byTrial := map[int]*Record{}
	for _, m := range c.place.minis {
		for _, at := range m.attempts {
			if r := at.byLevel[c.name]; r != nil {
				byTrial[r.Trial] = r
			}
		}
	}
	var xs []float64
	place := func(dots []Dot) []Dot {
		return slices.DeleteFunc(dots, func(d Dot) bool {
			_, ok := byTrial[d.Trial].Value(w.f.X)
			return !ok
		})
	}
	pt.Dots, pt.Excluded = place(pt.Dots), place(pt.Excluded)
	for _, dots := range [][]Dot{pt.Dots, pt.Excluded} {
		for i := range dots {
			dots[i].X, _ = byTrial[dots[i].Trial].Value(w.f.X)
		}
	}
	for _, d := range pt.Dots {
		xs = append(xs, d.X)
	}
	if len(xs) == 0 {
		for _, d := range pt.Excluded {
			xs = append(xs, d.X)
		}
	}
	pt.X = stats.Median(xs)
	return pt, !math.IsNaN(pt.X)
}
