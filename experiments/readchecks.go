package experiments

import (
	"slices"

	"medusa/results"
)

// checkFindings refuses checks of published findings that no run of the suite
// could decide: a report that says "not checked" of a slip of the pen would
// come an hour too late.
func (s *Suite) checkFindings() error {
	for i, r := range s.Reproduces {
		if r.Check == "" {
			continue
		}
		at := s.checks[i]
		c, err := results.ParseCheck(r.Check)
		if err != nil {
			return at.locate(err)
		}
		switch {
		case c.Bound > 0:
			err = s.checkRatio(at, c)
		case c.At > 0:
			err = s.checkStep(at, c)
		case c.Column != "":
			err = s.checkGrowth(at, c)
		default:
			err = s.checkSameness(at, c)
		}
		if err != nil {
			return err
		}
		for _, w := range c.Where {
			if err := s.checkCondition(at, w.Factor, w.Level.(string)); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkGrowth wants the slope to be one that a grid claims.
func (s *Suite) checkGrowth(at place, c results.FindingCheck) error {
	if err := s.checkMetric(at, c.Column); err != nil {
		return err
	}
	if err := s.checkSlope(at, c.Factor); err != nil {
		return err
	}
	for i := range s.Grids {
		g := &s.Grids[i]
		switch {
		case g.factor(c.Factor) == nil:
		case g.Slope == nil && c.Column == s.Metrics.Primary && c.Factor == s.Metrics.Slope,
			g.Slope != nil && slices.Contains(g.Slope.Y, c.Column) && c.Factor == g.Slope.X:
			return nil
		}
	}
	return at.fail("check: no grid claims a slope of %s with %s: name them as metrics.primary and metrics.slope, or as the slope of a grid", c.Column, c.Factor)
}

// checkStep wants a grid that has two levels of the factor on each side of the
// step, near enough to be looked at.
func (s *Suite) checkStep(at place, c results.FindingCheck) error {
	if err := s.checkMetric(at, c.Column); err != nil {
		return err
	}
	if err := s.checkSlope(at, c.Factor); err != nil {
		return err
	}
	for i := range s.Grids {
		f := s.Grids[i].factor(c.Factor)
		if f == nil {
			continue
		}
		below, above := 0, 0
		for _, l := range f.Levels {
			switch x, ok := l.Value.(float64); {
			case !ok || !results.NearStep(x, c.At):
			case x <= c.At:
				below++
			default:
				above++
			}
		}
		if below >= 2 && above >= 2 {
			return nil
		}
	}
	return at.fail("check: no grid has two levels of %s on each side of %s, from a quarter of it to four times", c.Factor, results.LevelText(c.At))
}

// checkSameness wants the levels to be such as the suite compares.
func (s *Suite) checkSameness(at place, c results.FindingCheck) error {
	if c.Factor != s.Design.Compare {
		return at.fail("check: the suite compares levels of %s, not of %s", s.Design.Compare, c.Factor)
	}
	if c.Base != s.Design.Baseline {
		return at.fail("check: the suite compares with its baseline %s, not with %s", s.Design.Baseline, c.Base)
	}
	for _, level := range c.Levels {
		if level == c.Base {
			return at.fail("check: %s is the baseline itself", level)
		}
		if err := s.checkCondition(at, c.Factor, level); err != nil {
			return err
		}
	}
	return nil
}

// checkRatio wants a metric, and two levels of the compared factor.
func (s *Suite) checkRatio(at place, c results.FindingCheck) error {
	if err := s.checkMetric(at, c.Column); err != nil {
		return err
	}
	if c.Levels[0] == c.Base {
		return at.fail("check: a ratio of %s to itself", c.Base)
	}
	for _, level := range []string{c.Levels[0], c.Base} {
		if err := s.checkCondition(at, s.Design.Compare, level); err != nil {
			return err
		}
	}
	return nil
}

// checkCondition wants a level of a factor, or the value that a grid fixes a
// setting to.
func (s *Suite) checkCondition(at place, name, level string) error {
	factors := s.factorNames()
	if contains(factors, name) {
		return s.checkLevel(pair{key: name, at: at, value: at}, level)
	}
	if !isSetting(name) {
		return at.fail("check: %q is neither a factor nor a setting; the nearest factor is %q", name, results.Nearest(name, factors))
	}
	for _, g := range s.Grids {
		if v, ok := g.Fixed[name]; ok && sameLevel(levelName(v), level) {
			return nil
		}
	}
	return at.fail("check: no grid fixes %s to %s", name, level)
}

// checkAnchor wants the anchor, where there is one, to be a level of the
// compared factor: then it runs in every mini-block.
func (s *Suite) checkAnchor(f *Factor, anchor string, at place) error {
	if anchor == "" {
		return nil
	}
	if f.Here {
		s.backends = append(s.backends, backendName{"anchor", anchor, at})
		return nil
	}
	if _, ok := f.level(anchor); !ok {
		return at.fail("anchor: %q is no level of %s; the nearest is %q", anchor, f.Name, results.Nearest(anchor, f.names()))
	}
	return nil
}
