package experiments

import (
	"strings"

	"medusa/results"
)

var (
	designKeys  = []string{"blocks", "compare", "baseline", "same_schedule", "seed", "repeat_noisy", "anchor"}
	metricsKeys = []string{"primary", "primary_at", "slope", "also"}
	figureKeys  = []string{"id", "title", "kind", "grid", "x", "xscale", "y", "yscale", "by", "facet", "where", "ratio_to", "strip", "floor",
		"censored_at", "marks"}
	figureKinds = []string{"lines", "dots", "stacked_share", "heat"}
	xScales     = []string{"linear", "log", "log2", "log1p", "even"}
	yScales     = []string{"linear", "log"}
)

func (s *Suite) readDesign(p place) error {
	pairs, err := p.pairs("design")
	if err != nil {
		return err
	}
	d := results.Design{SameSchedule: true, Seed: 1}
	var compareAt, baselineAt, anchorAt place
	for _, e := range pairs {
		var n float64
		switch e.key {
		case "blocks":
			d.Blocks, err = e.value.integer(e.key, 1, 1000)
		case "compare":
			compareAt = e.at
			d.Compare, err = e.value.text(e.key)
		case "baseline":
			baselineAt = e.at
			var v any
			v, err = e.value.scalar(e.key)
			d.Baseline = levelName(v)
		case "anchor":
			anchorAt = e.at
			var v any
			v, err = e.value.scalar(e.key)
			d.Anchor = levelName(v)
		case "same_schedule":
			d.SameSchedule, err = e.value.boolean(e.key)
		case "seed":
			n, err = e.value.number(e.key, 0, 1<<53)
			d.Seed = uint64(n)
		case "repeat_noisy":
			d.RepeatNoisy, err = e.value.integer(e.key, 0, 2)
		default:
			err = e.unknown("key of design", designKeys...)
		}
		if err != nil {
			return err
		}
	}
	if d.Blocks == 0 || d.Compare == "" || d.Baseline == "" {
		return p.fail("design needs blocks, compare and baseline")
	}
	for i := range s.Grids {
		g := &s.Grids[i]
		if g.Blocks == 0 {
			g.Blocks = d.Blocks
		}
		f := g.factor(d.Compare)
		if f == nil {
			return compareAt.fail("compare: %q is no factor of grid %s; the nearest is %q", d.Compare, g.Name, results.Nearest(d.Compare, factorNamesOf(*g)))
		}
		if _, ok := f.level(d.Baseline); !ok && !f.Here {
			return baselineAt.fail("baseline: %q is no level of %s; the nearest is %q", d.Baseline, d.Compare, results.Nearest(d.Baseline, f.names()))
		}
		if f.Here {
			s.backends = append(s.backends, backendName{"baseline", d.Baseline, baselineAt})
		}
		if err := s.checkAnchor(f, d.Anchor, anchorAt); err != nil {
			return err
		}
		for _, c := range g.Collapse {
			if c.Factor == d.Compare {
				return compareAt.fail("grid %s collapses %s, which is compared: a pair would lose its partner", g.Name, d.Compare)
			}
		}
	}
	s.Design = d
	return nil
}

func (s *Suite) readMetrics(p place) error {
	pairs, err := p.pairs("metrics")
	if err != nil {
		return err
	}
	for _, e := range pairs {
		switch e.key {
		case "primary":
			if s.Metrics.Primary, err = e.value.text(e.key); err == nil {
				err = s.checkMetric(e.value, s.Metrics.Primary)
			}
		case "primary_at":
			s.Metrics.PrimaryAt, err = s.readWhere(e.value)
		case "slope":
			if s.Metrics.Slope, err = e.value.text(e.key); err == nil {
				err = s.checkSlope(e.value, s.Metrics.Slope)
			}
		case "also":
			if s.Metrics.Also, err = e.value.texts(e.key); err != nil {
				break
			}
			for _, name := range s.Metrics.Also {
				if err = s.checkMetric(e.value, name); err != nil {
					break
				}
			}
		default:
			err = e.unknown("key of metrics", metricsKeys...)
		}
		if err != nil {
			return err
		}
	}
	if s.Metrics.Primary == "" {
		return p.fail("metrics needs primary")
	}
	return nil
}

func (s *Suite) checkMetric(p place, name string) error {
	c, err := results.LookupColumn(name)
	if err != nil {
		return p.locate(err)
	}
	if c.Kind != results.Metric {
		return p.fail("%s is a %s, not a metric", name, c.Kind)
	}
	return nil
}

func (s *Suite) checkSlope(p place, name string) error {
	names := s.factorNames()
	if !contains(names, name) {
		return p.fail("slope: %q is no factor; the nearest is %q", name, results.Nearest(name, names))
	}
	for _, g := range s.Grids {
		if f := g.factor(name); f != nil {
			if err := f.numeric(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// numeric refuses a factor along which nothing can have a slope.
func (f *Factor) numeric(p place) error {
	for _, l := range f.Levels {
		if _, ok := l.Value.(float64); !ok {
			return p.fail("slope: the level %s of %s is no number", levelName(l.Value), f.Name)
		}
	}
	if f.Here {
		return p.fail("slope: the levels of %s are no numbers", f.Name)
	}
	return nil
}

// readSlope reads what a grid claims by itself: {y: metrics, x: factor}.
func (s *Suite) readSlope(p place, g *Grid) error {
	pairs, err := p.pairs("slope")
	if err != nil {
		return err
	}
	slope := &results.GridSlope{}
	for _, e := range pairs {
		switch e.key {
		case "x":
			if slope.X, err = e.value.text(e.key); err != nil {
				return err
			}
			f := g.factor(slope.X)
			if f == nil {
				return e.value.fail("slope: %q is no factor of grid %s; the nearest is %q", slope.X, g.Name, results.Nearest(slope.X, factorNamesOf(*g)))
			}
			if err := f.numeric(e.value); err != nil {
				return err
			}
			if len(f.Levels) < 2 {
				return e.value.fail("slope: %s has one level only in grid %s", slope.X, g.Name)
			}
		case "y":
			names, err := e.value.texts(e.key)
			if err != nil {
				return err
			}
			for _, name := range names {
				if err := s.checkMetric(e.value, name); err != nil {
					return err
				}
			}
			slope.Y = names
		default:
			return e.unknown("key of slope", "x", "y")
		}
	}
	if slope.X == "" || len(slope.Y) == 0 {
		return p.fail("slope needs x and y, such as {y: server_settled_bytes, x: idle_connections}")
	}
	g.Slope = slope
	return nil
}

// checkColumn accepts any column and any factor of the suite.
func (s *Suite) checkColumn(p place, name string) error {
	if contains(s.factorNames(), name) {
		return nil
	}
	_, err := results.LookupColumn(name)
	return p.locate(err)
}

// readWhere reads conditions factor: level, and checks that both exist.
func (s *Suite) readWhere(p place) (map[string]any, error) {
	pairs, err := p.pairs("a selection")
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, e := range pairs {
		v, err := e.value.scalar(e.key)
		if err != nil {
			return nil, err
		}
		if err := s.checkLevel(e, levelName(v)); err != nil {
			return nil, err
		}
		if _, isSwitch := v.(bool); isSwitch {
			v = levelName(v)
		}
		out[e.key] = v
	}
	return out, nil
}

func (s *Suite) checkLevel(e pair, level string) error {
	names := s.factorNames()
	if !contains(names, e.key) {
		return e.unknown("factor", names...)
	}
	var known []string
	for _, g := range s.Grids {
		f := g.factor(e.key)
		if f == nil {
			continue
		}
		if _, ok := f.level(level); ok {
			return nil
		}
		if f.Here {
			s.backends = append(s.backends, backendName{e.key, level, e.value})
			return nil
		}
		known = append(known, f.names()...)
	}
	return e.value.fail("%q is no level of %s; the nearest is %q", level, e.key, results.Nearest(level, known))
}

func (s *Suite) readFigures(p place) error {
	items, err := p.list("figures")
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, item := range items {
		f, err := s.readFigure(item)
		if err != nil {
			return err
		}
		if seen[f.ID] {
			return item.fail("a second figure with the id %q", f.ID)
		}
		seen[f.ID] = true
		s.Figures = append(s.Figures, f)
	}
	return nil
}

func (s *Suite) readFigure(item place) (results.Figure, error) {
	var f results.Figure
	pairs, err := item.pairs("a figure")
	if err != nil {
		return f, err
	}
	for _, e := range pairs {
		if !contains(figureKeys, e.key) {
			return f, e.unknown("key of a figure", figureKeys...)
		}
		if err := s.readFigureKey(&f, e); err != nil {
			return f, err
		}
	}
	if f.ID == "" || f.X == "" || len(f.Y) == 0 {
		return f, item.fail("a figure needs id, x and y")
	}
	for _, r := range f.ID {
		if strings.ContainsRune(`/\. `, r) {
			return f, item.fail("the figure's id %q names a file and may not have /, \\, . or spaces", f.ID)
		}
	}
	return f, nil
}

func (s *Suite) readFigureKey(f *results.Figure, e pair) (err error) {
	oneOf := func(into *string, known []string) error {
		if *into, err = e.value.text(e.key); err != nil {
			return err
		}
		if !contains(known, *into) {
			return e.value.fail("%s must be %s, not %q", e.key, orList(known), *into)
		}
		return nil
	}
	column := func(into *string) error {
		if *into, err = e.value.text(e.key); err != nil {
			return err
		}
		return s.checkColumn(e.value, *into)
	}
	columns := func(into *results.Columns) error {
		list, err := e.value.texts(e.key)
		for _, name := range list {
			if err == nil {
				err = s.checkColumn(e.value, name)
			}
		}
		*into = list
		return err
	}
	switch e.key {
	case "id":
		f.ID, err = e.value.text(e.key)
	case "title":
		f.Title, err = e.value.text(e.key)
	case "kind":
		err = oneOf(&f.Kind, figureKinds)
	case "grid":
		var names []string
		for _, g := range s.Grids {
			names = append(names, g.Name)
		}
		err = oneOf(&f.Grid, names)
	case "x":
		err = column(&f.X)
	case "xscale":
		err = oneOf(&f.XScale, xScales)
	case "y":
		err = columns(&f.Y)
	case "yscale":
		err = oneOf(&f.YScale, yScales)
	case "by":
		err = oneOf(&f.By, s.factorNames())
	case "facet":
		err = columns(&f.Facet)
	case "where":
		f.Where, err = s.readWhere(e.value)
	case "ratio_to":
		var v any
		if v, err = e.value.scalar(e.key); err == nil {
			if f.RatioTo = levelName(v); f.RatioTo == results.Best {
				break
			}
			err = s.checkLevel(pair{key: s.Design.Compare, at: e.at, value: e.value}, f.RatioTo)
		}
	case "strip":
		var levels []place
		if levels, err = e.value.list(e.key); err != nil {
			return err
		}
		for _, at := range levels {
			var v any
			if v, err = at.scalar(e.key); err == nil {
				f.Strip = append(f.Strip, levelName(v))
				err = s.checkLevel(pair{key: s.Design.Compare, at: e.at, value: at}, levelName(v))
			}
			if err != nil {
				return err
			}
		}
	case "floor":
		err = oneOf(&f.Floor, []string{"wake"})
	case "censored_at":
		if err = column(&f.CensoredAt); err == nil && !isSetting(f.CensoredAt) {
			err = e.value.fail("censored_at must name a setting, such as request_timeout_ms")
		}
	case "marks":
		f.Marks = map[string]string{}
		var marks []pair
		if marks, err = e.value.pairs(e.key); err != nil {
			return err
		}
		for _, m := range marks {
			if f.Marks[m.key], err = m.value.text("a mark"); err != nil {
				return err
			}
		}
	}
	return err
}
