package experiments

import (
	"fmt"
	"strings"

	"medusa/results"
)

// selected returns copies of the suite's grids with `here` expanded and the
// request's --only and --set applied, and notes about what fell away.
func (s *Suite) selected(r Request, h Host) (grids []Grid, notes []string, err error) {
	here := append(h.here(), h.askedFor(r.Only)...)
	usesHere := false
	for _, g := range s.Grids {
		grids = append(grids, g.with(here))
		for _, f := range g.Factors {
			usesHere = usesHere || f.Here
		}
	}
	if usesHere && len(here) == 0 {
		return nil, nil, fmt.Errorf("suite %s: this system has none of the backends", s.Name)
	}
	for i := range grids {
		f := grids[i].factor("backend")
		if f == nil {
			continue
		}
		for _, name := range f.names() {
			if _, err := h.backend(name); err != nil {
				return nil, nil, f.at.locate(err)
			}
		}
	}
	for _, b := range s.backends {
		if _, err := h.backend(b.name); err != nil {
			return nil, nil, b.at.fail("%s: %s", b.what, err)
		}
	}
	if err := set(s, grids, r.Set, h); err != nil {
		return nil, nil, err
	}
	grids, notes, err = only(s, grids, r.Only)
	return grids, notes, err
}

// askedFor are the backends that --only names and that this system does not
// have: where `here` stands for all backends, these are skipped with a reason
// rather than called unknown.
func (h Host) askedFor(only []string) []string {
	var names []string
	for _, w := range only {
		name, text, _ := strings.Cut(w, "=")
		for _, level := range strings.Split(text, ",") {
			if why, err := h.backend(level); name == "backend" && err == nil && why != "" {
				names = append(names, level)
			}
		}
	}
	return unique(names)
}

// notHere are the backends that the suite asks for, after --only, and that
// this system does not have. `here` asks for every one.
func (s *Suite) notHere(r Request, h Host, grids []Grid) []results.NotHere {
	asked := map[string]bool{}
	for i := range grids {
		f := s.grid(grids[i].Name).factor("backend")
		if f != nil && f.Here && !restricts(r.Only, "backend") {
			for _, b := range h.Backends {
				asked[b.Name] = true
			}
		}
		if f = grids[i].factor("backend"); f != nil {
			for _, name := range f.names() {
				asked[name] = true
			}
		}
	}
	var out []results.NotHere
	for _, b := range h.all() {
		if b.Why != "" && asked[b.Name] {
			out = append(out, results.NotHere{Backend: b.Name, Why: b.Why})
		}
	}
	return out
}

// restricts reports whether --only names a factor.
func restricts(only []string, factor string) bool {
	for _, w := range only {
		if strings.HasPrefix(w, factor+"=") {
			return true
		}
	}
	return false
}

// set replaces settings that the suite fixes or leaves at their default, and the
// levels of a factor whose levels are numbers: those of a suite are for machines
// of its time, see relevel.
func set(s *Suite, grids []Grid, assignments []string, h Host) error {
	for i := range grids {
		fixed := map[string]any{}
		for k, v := range grids[i].Fixed {
			fixed[k] = v
		}
		grids[i].Fixed = fixed
	}
	for _, a := range assignments {
		name, text, ok := strings.Cut(a, "=")
		if !ok {
			return fmt.Errorf("--set %s: write setting=value, such as --set window_s=1", a)
		}
		setting, err := lookupSetting(name)
		if err != nil {
			return fmt.Errorf("--set %s: %w", a, err)
		}
		if levels, ok := relevel(s, grids, setting, text); ok {
			for i := range grids {
				if f := grids[i].factor(name); f != nil {
					f.Levels = levels
				}
			}
			continue
		}
		v, err := setting.checkText(text)
		if err == nil && name == "backend" {
			_, err = h.backend(text)
		}
		if err != nil {
			return fmt.Errorf("--set %s: %w", a, err)
		}
		used := false
		for i := range grids {
			if f := grids[i].setBy(name); f != nil {
				continue
			}
			grids[i].Fixed[name] = v
			used = true
		}
		if !used {
			return fmt.Errorf("--set %s: in suite %s %s is varied; choose among its levels with --only", a, s.Name, name)
		}
	}
	return nil
}

// relevel reads the levels that a factor shall have instead of those of the
// suite, separated by commas. It is not ok where no grid has such a factor, or
// some grid sets the setting in another way, and for the compared factor, whose
// baseline is one of its levels.
func relevel(s *Suite, grids []Grid, setting Setting, text string) (levels []Level, ok bool) {
	if setting.Kind != Integer && setting.Kind != Number || setting.Name == s.Design.Compare {
		return nil, false
	}
	for i := range grids {
		if f := grids[i].setBy(setting.Name); f != nil {
			if f.Name != setting.Name {
				return nil, false
			}
			ok = true
		}
	}
	for one := range strings.SplitSeq(text, ",") {
		v, err := setting.checkText(strings.TrimSpace(one))
		if err != nil {
			return nil, false // the caller says what is wrong with it
		}
		if _, twice := (&Factor{Levels: levels}).level(levelName(v)); twice {
			continue
		}
		levels = append(levels, Level{Value: v, Settings: map[string]any{setting.Name: v}})
	}
	return levels, ok
}

// setBy returns the factor that sets a setting, or nil.
func (g *Grid) setBy(setting string) *Factor {
	for i := range g.Factors {
		if contains(g.Factors[i].sets(), setting) {
			return &g.Factors[i]
		}
	}
	return nil
}

// only restricts factors to levels, and with "grid" the suite to grids. A grid
// without a factor that is asked for falls away: it is not what was meant.
func only(s *Suite, grids []Grid, wishes []string) ([]Grid, []string, error) {
	var order []string
	want := map[string][]string{}
	for _, w := range wishes {
		name, text, ok := strings.Cut(w, "=")
		if !ok || text == "" {
			return nil, nil, fmt.Errorf("--only %s: write factor=level, such as --only backend=epoll", w)
		}
		if want[name] == nil {
			order = append(order, name)
		}
		want[name] = append(want[name], strings.Split(text, ",")...)
	}
	var notes []string
	for _, name := range order {
		var kept []Grid
		known := []string{}
		found := map[string]bool{}
		for _, g := range grids {
			if name == "grid" {
				known = append(known, g.Name)
				if contains(want[name], g.Name) {
					found[g.Name] = true
					kept = append(kept, g)
				}
				continue
			}
			f := g.factor(name)
			if f == nil {
				continue
			}
			known = append(known, f.names()...)
			if g, ok := g.restrict(name, want[name], found); ok {
				kept = append(kept, g)
			}
		}
		if len(known) == 0 {
			names := append(s.factorNames(), "grid")
			return nil, nil, fmt.Errorf("--only %s=%s: suite %s has no factor %q; the nearest is %q", name, strings.Join(want[name], ","), s.Name, name, results.Nearest(name, names))
		}
		for _, level := range want[name] {
			if !found[level] {
				return nil, nil, fmt.Errorf("--only %s=%s: %q is not among %s; the nearest is %q", name, level, level, strings.Join(unique(known), ", "), results.Nearest(level, known))
			}
		}
		for _, g := range grids {
			if !hasGrid(kept, g.Name) {
				notes = append(notes, fmt.Sprintf("grid %s is left out by --only %s=%s", g.Name, name, strings.Join(want[name], ",")))
			}
		}
		grids = kept
	}
	return grids, notes, nil
}

// restrict keeps the wanted levels of one factor; found gathers those met.
func (g Grid) restrict(factor string, want []string, found map[string]bool) (Grid, bool) {
	g.Factors = append([]Factor(nil), g.Factors...)
	f := g.factor(factor)
	var levels []Level
	for _, l := range f.Levels {
		for _, w := range want {
			if sameLevel(levelName(l.Value), w) {
				found[w] = true
				levels = append(levels, l)
				break
			}
		}
	}
	f.Levels = levels
	return g, len(levels) > 0
}

func hasGrid(grids []Grid, name string) bool {
	for _, g := range grids {
		if g.Name == name {
			return true
		}
	}
	return false
}

func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
