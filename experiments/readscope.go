package experiments

// readScope reads factors, collapse, fixed, trial and phases, which a suite
// and a grid write alike.
func readScope(parts map[string]place) (scope, error) {
	sc := scope{fixed: map[string]any{}}
	var err error
	if p, ok := parts["factors"]; ok {
		sc.factorsAt = p
		if sc.factors, err = readFactors(p); err != nil {
			return sc, err
		}
	}
	if p, ok := parts["collapse"]; ok {
		sc.collapseAt = p
		if sc.collapse, err = readCollapse(p); err != nil {
			return sc, err
		}
	}
	if p, ok := parts["fixed"]; ok {
		if sc.fixed, err = readSettings("fixed", p); err != nil {
			return sc, err
		}
		if sc.fixed["backend"] == "here" {
			return sc, p.fail("backend: here stands among factors; fixed needs one backend's name")
		}
	}
	if p, ok := parts["trial"]; ok {
		pairs, err := p.pairs("trial")
		if err != nil {
			return sc, err
		}
		for _, e := range pairs {
			if !contains(trialKeys, e.key) {
				return sc, e.unknown("key of trial", trialKeys...)
			}
			if _, both := sc.fixed[e.key]; both {
				return sc, e.at.fail("%s stands both in fixed and in trial", e.key)
			}
			if sc.fixed[e.key], err = readSetting(e); err != nil {
				return sc, err
			}
		}
	}
	if p, ok := parts["phases"]; ok {
		var hold float64
		if sc.phases, hold, sc.recoverAt, err = readPhases(p); err != nil {
			return sc, err
		}
		if hold > 0 {
			if _, both := sc.fixed["window_s"]; both {
				return sc, p.fail("hold_s is another name for window_s: give one of them")
			}
			sc.fixed["window_s"] = hold
		}
	}
	return sc, nil
}

// readPhases reads the phases, how long the window is held if they say so, and
// where recover_max_s stands.
func readPhases(p place) (ph map[string]float64, hold float64, limit place, err error) {
	pairs, err := p.pairs("phases")
	if err != nil {
		return nil, 0, limit, err
	}
	ph = map[string]float64{}
	for _, e := range pairs {
		switch e.key {
		case "fill_s", "quiet_s":
			ph[e.key], err = e.value.number(e.key, 0, 600)
		case "hold_s":
			hold, err = e.value.number(e.key, 0.05, 3600)
		case "leave_share":
			ph[e.key], err = e.value.number(e.key, 0, 1)
		case "recover_max_s":
			limit = e.at
			ph[e.key], err = e.value.number(e.key, 0.001, 600)
		default:
			err = e.unknown("phase", phaseKeys...)
		}
		if err != nil {
			return nil, 0, limit, err
		}
	}
	return ph, hold, limit, nil
}

// readSettings reads a mapping of settings.
func readSettings(what string, p place) (map[string]any, error) {
	pairs, err := p.pairs(what)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, e := range pairs {
		if out[e.key], err = readSetting(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readSetting(e pair) (any, error) {
	setting, err := lookupSetting(e.key)
	if err != nil {
		return nil, e.at.locate(err)
	}
	v, err := e.value.scalar(e.key)
	if err != nil {
		return nil, err
	}
	v, err = setting.check(v)
	return v, e.at.locate(err)
}

func readFactors(p place) ([]Factor, error) {
	pairs, err := p.pairs("factors")
	if err != nil {
		return nil, err
	}
	var out []Factor
	for _, e := range pairs {
		f, err := readFactor(e)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func readFactor(e pair) (Factor, error) {
	f := Factor{Name: e.key, at: e.at}
	if e.value.isMapping() {
		return readBundle(f, e)
	}
	setting, err := lookupSetting(e.key)
	if err != nil {
		return f, e.at.fail("%s; a factor is a setting with a list of levels, or a name with named levels", err)
	}
	if !e.value.isList() {
		word, err := e.value.scalar(e.key)
		if err == nil && e.key == "backend" && word == "here" {
			f.Here = true
			return f, nil
		}
		return f, e.at.fail("the factor %s must have a list of levels, such as [a, b]", e.key)
	}
	items, err := e.value.list(e.key)
	if err != nil {
		return f, err
	}
	for _, item := range items {
		v, err := item.scalar("a level of " + e.key)
		if err != nil {
			return f, err
		}
		if v, err = setting.check(v); err != nil {
			return f, item.locate(err)
		}
		if e.key == "backend" && v == "here" {
			return f, item.fail("backend: here stands alone, not in a list")
		}
		l := Level{Value: v, Settings: map[string]any{e.key: v}}
		if _, isSwitch := v.(bool); isSwitch {
			l.Value = levelName(v)
		}
		if _, twice := f.level(levelName(l.Value)); twice {
			return f, item.fail("the level %s of %s stands twice", show(v), e.key)
		}
		f.Levels = append(f.Levels, l)
	}
	if len(f.Levels) == 0 {
		return f, e.at.fail("the factor %s has no levels", e.key)
	}
	return f, nil
}

// readBundle reads a factor with named levels, each a bundle of settings.
func readBundle(f Factor, e pair) (Factor, error) {
	if isSetting(e.key) {
		return f, e.at.fail("%s is a setting, so its levels are a list of values; give a factor with named levels a name of its own", e.key)
	}
	f.Bundle = true
	levels, err := e.value.pairs(e.key)
	if err != nil {
		return f, err
	}
	for _, l := range levels {
		set, err := readSettings("level "+l.key+" of "+e.key, l.value)
		if err != nil {
			return f, err
		}
		if len(set) == 0 {
			return f, l.at.fail("the level %s of %s sets nothing", l.key, e.key)
		}
		f.Levels = append(f.Levels, Level{Value: l.key, Settings: set})
	}
	if len(f.Levels) == 0 {
		return f, e.at.fail("the factor %s has no levels", e.key)
	}
	return f, nil
}

// readCollapse reads {factor: level, when: condition}, or a list of such.
func readCollapse(p place) ([]Collapse, error) {
	if p.isList() {
		items, err := p.list("collapse")
		if err != nil {
			return nil, err
		}
		var out []Collapse
		for _, item := range items {
			one, err := readCollapse(item)
			if err != nil {
				return nil, err
			}
			out = append(out, one...)
		}
		return out, nil
	}
	pairs, err := p.pairs("collapse")
	if err != nil {
		return nil, err
	}
	var c Collapse
	for _, e := range pairs {
		v, err := e.value.scalar(e.key)
		if err != nil {
			return nil, err
		}
		switch {
		case e.key == "when":
			if c.When, err = parseCondition(levelName(v)); err != nil {
				return nil, e.at.locate(err)
			}
		case c.Factor != "":
			return nil, e.at.fail("collapse names one factor and its level, and when; %s is a second factor", e.key)
		default:
			c.Factor, c.Level = e.key, levelName(v)
		}
	}
	if c.Factor == "" || c.When == nil {
		return nil, p.fail("collapse must be {factor: level, when: condition}")
	}
	return []Collapse{c}, nil
}
