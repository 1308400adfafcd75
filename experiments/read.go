package experiments

import (
	"maps"
	"sort"

	"medusa/results"
)

// suiteKeys and the like are what may stand at each level of a suite file.
var (
	suiteKeys = []string{"schema", "name", "question", "not_shown", "reproduces", "factors", "grids", "collapse", "fixed", "trial",
		"phases", "design", "metrics", "figures", "repeat_budget_s", "servers", "generators"}
	gridKeys  = []string{"name", "factors", "collapse", "blocks", "slope", "fixed", "trial", "phases"}
	trialKeys = []string{"warmup_s", "window_s"}
	phaseKeys = []string{"fill_s", "quiet_s", "hold_s", "leave_share", "recover_max_s"}
)

// scope holds the parts that a suite and each of its grids may have.
type scope struct {
	factors               []Factor
	collapse              []Collapse
	fixed                 map[string]any
	phases                map[string]float64 // as phasesOf takes them
	recoverAt             place              // of recover_max_s
	factorsAt, collapseAt place
}

// Parse reads a suite file. file names it in messages. Any error is one line:
// the file, the line, what is wrong and, for an unknown name, the nearest one.
func Parse(file string, text []byte) (*Suite, error) { return parseIn("", file, text) }

// parseIn is Parse for a file in a folder, where files that it names may be.
func parseIn(folder, file string, text []byte) (*Suite, error) {
	root, err := parseFile(file, text)
	if err != nil {
		return nil, err
	}
	pairs, err := root.pairs("a suite")
	if err != nil {
		return nil, err
	}
	s := &Suite{Source: file, YAML: text, Dir: folder}
	parts := map[string]place{}
	for _, p := range pairs {
		if !contains(suiteKeys, p.key) {
			return nil, p.unknown("key", suiteKeys...)
		}
		parts[p.key] = p.value
	}
	for _, key := range []string{"schema", "name", "question", "design", "metrics"} {
		if _, ok := parts[key]; !ok {
			return nil, root.fail("the suite has no %s", key)
		}
	}
	if _, err := parts["schema"].integer("schema", 1, 1); err != nil {
		return nil, err
	}
	if err := s.readHead(parts); err != nil {
		return nil, err
	}
	if p, ok := parts["servers"]; ok {
		if err := s.readServers(p); err != nil {
			return nil, err
		}
	}
	if p, ok := parts["generators"]; ok {
		if err := s.readGenerators(p); err != nil {
			return nil, err
		}
	}
	if err := s.readGrids(root, parts); err != nil {
		return nil, err
	}
	if err := s.readDesign(parts["design"]); err != nil {
		return nil, err
	}
	if err := s.readMetrics(parts["metrics"]); err != nil {
		return nil, err
	}
	if p, ok := parts["figures"]; ok {
		if err := s.readFigures(p); err != nil {
			return nil, err
		}
	}
	if err := s.checkFindings(); err != nil {
		return nil, err
	}
	return s, s.checkGrids()
}

func (s *Suite) readHead(parts map[string]place) (err error) {
	if s.Name, err = parts["name"].text("name"); err != nil {
		return err
	}
	for _, r := range s.Name {
		if !(r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9') {
			return parts["name"].fail("name %q: a suite's name names a folder and may have a-z, 0-9, - and _ only", s.Name)
		}
	}
	if s.Question, err = parts["question"].text("question"); err != nil {
		return err
	}
	if p, ok := parts["not_shown"]; ok {
		if s.NotShown, err = p.texts("not_shown"); err != nil {
			return err
		}
	}
	if p, ok := parts["repeat_budget_s"]; ok {
		if s.RepeatBudget, err = p.number("repeat_budget_s", 1, 1e7); err != nil {
			return err
		}
	}
	p, ok := parts["reproduces"]
	if !ok {
		return nil
	}
	items, err := p.list("reproduces")
	if err != nil {
		return err
	}
	for _, item := range items {
		var r results.Reproduces
		at, err := item.textsOf("reproduces", map[string]*string{"cite": &r.Cite, "finding": &r.Finding, "check": &r.Check})
		if err != nil {
			return err
		}
		if r.Cite == "" || r.Finding == "" {
			return item.fail("each of reproduces needs cite and finding")
		}
		s.Reproduces, s.checks = append(s.Reproduces, r), append(s.checks, at["check"])
	}
	return nil
}

// textsOf reads a mapping of texts and returns where each stands.
func (p place) textsOf(what string, into map[string]*string) (map[string]place, error) {
	pairs, err := p.pairs(what)
	if err != nil {
		return nil, err
	}
	at := map[string]place{}
	known := make([]string, 0, len(into))
	for k := range into {
		known = append(known, k)
	}
	sort.Strings(known)
	for _, e := range pairs {
		target, ok := into[e.key]
		if !ok {
			return nil, e.unknown("key", known...)
		}
		at[e.key] = e.value
		if *target, err = e.value.text(e.key); err != nil {
			return nil, err
		}
	}
	return at, nil
}

// readGrids reads either factors (one grid, named after the suite) or grids.
func (s *Suite) readGrids(root place, parts map[string]place) error {
	shared, err := readScope(parts)
	if err != nil {
		return err
	}
	grids, several := parts["grids"]
	if !several {
		if len(shared.factors) == 0 {
			return root.fail("the suite has neither factors nor grids")
		}
		return s.addGrid(s.Name, 0, root, scope{fixed: map[string]any{}}, shared)
	}
	if len(shared.factors) > 0 {
		return shared.factorsAt.fail("a suite has either factors or grids; move factors into the grids")
	}
	if len(shared.collapse) > 0 {
		return shared.collapseAt.fail("with grids, collapse belongs into a grid")
	}
	items, err := grids.list("grids")
	if err != nil {
		return err
	}
	for _, item := range items {
		pairs, err := item.pairs("a grid")
		if err != nil {
			return err
		}
		own := map[string]place{}
		for _, p := range pairs {
			if !contains(gridKeys, p.key) {
				return p.unknown("key of a grid", gridKeys...)
			}
			own[p.key] = p.value
		}
		if _, ok := own["name"]; !ok {
			return item.fail("a grid without a name")
		}
		name, err := own["name"].text("name")
		if err != nil {
			return err
		}
		if s.grid(name) != nil {
			return own["name"].fail("a second grid named %q", name)
		}
		blocks := 0
		if p, ok := own["blocks"]; ok {
			if blocks, err = p.integer("blocks", 1, 1000); err != nil {
				return err
			}
		}
		sc, err := readScope(own)
		if err != nil {
			return err
		}
		if len(sc.factors) == 0 {
			return item.fail("grid %s has no factors", name)
		}
		if err := s.addGrid(name, blocks, item, shared, sc); err != nil {
			return err
		}
		if p, ok := own["slope"]; ok {
			if err := s.readSlope(p, &s.Grids[len(s.Grids)-1]); err != nil {
				return err
			}
		}
	}
	if len(s.Grids) == 0 {
		return grids.fail("grids is empty")
	}
	return nil
}

// addGrid joins what the suite says with what the grid says: the grid's own
// settings and factors win over the suite's.
func (s *Suite) addGrid(name string, blocks int, where place, shared, own scope) error {
	g := Grid{Name: name, Blocks: blocks, Factors: own.factors, Collapse: own.collapse, Fixed: map[string]any{}, at: where}
	for k, v := range shared.fixed {
		g.Fixed[k] = v
	}
	for k, v := range own.fixed {
		g.Fixed[k] = v
	}
	phases, limit := maps.Clone(shared.phases), shared.recoverAt
	if phases == nil {
		phases = map[string]float64{}
	}
	maps.Copy(phases, own.phases)
	if own.phases["recover_max_s"] > 0 {
		limit = own.recoverAt
	}
	if g.Phases = phasesOf(phases); g.Phases.RecoverMax > 0 && g.Phases.Leave == 0 {
		return limit.fail("recover_max_s is how long others may need when some leave: give leave_share")
	}
	setBy := map[string]string{}
	for _, f := range g.Factors {
		for _, setting := range f.sets() {
			if other := setBy[setting]; other != "" {
				return f.at.fail("the factors %s and %s both set %s", other, f.Name, setting)
			}
			setBy[setting] = f.Name
			if _, both := own.fixed[setting]; both {
				return f.at.fail("%s is fixed and also set by the factor %s: remove one", setting, f.Name)
			}
			delete(g.Fixed, setting)
		}
	}
	for _, c := range g.Collapse {
		f := g.factor(c.Factor)
		if f == nil {
			return own.collapseAt.fail("collapse: %q is no factor of grid %s; the nearest is %q", c.Factor, name, results.Nearest(c.Factor, factorNamesOf(g)))
		}
		if _, ok := f.level(c.Level); !ok {
			return own.collapseAt.fail("collapse: %q is no level of %s; the nearest is %q", c.Level, c.Factor, results.Nearest(c.Level, f.names()))
		}
		for _, one := range c.When {
			if g.factor(one.name) == nil && !isSetting(one.name) {
				return own.collapseAt.fail("collapse: %q is neither a factor nor a setting", one.name)
			}
		}
	}
	s.Grids = append(s.Grids, g)
	return nil
}

func factorNamesOf(g Grid) []string {
	var names []string
	for _, f := range g.Factors {
		names = append(names, f.Name)
	}
	return names
}

// sets returns the settings that any level of the factor sets, sorted.
func (f *Factor) sets() []string {
	if f.Here {
		return []string{"backend"}
	}
	seen := map[string]bool{}
	var out []string
	for _, l := range f.Levels {
		for k := range l.Settings {
			if !seen[k] {
				seen[k] = true
				out = append(out, k)
			}
		}
	}
	sort.Strings(out)
	return out
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
