package results

import (
	"cmp"
	"slices"
	"sort"
)

// roleTrial is the role of records that are evidence; others set a rate.
const roleTrial = "trial"

// site is a cell without the compared factor: all mini-blocks at one setting
// of one grid, one a block.
type site struct {
	grid     *GridPlan
	factors  []Setting      // all but the compared one, sorted by name
	settings map[string]any // in force there, from its first planned trial
	minis    []*mini        // by block
}

// mini is one mini-block with its attempts.
type mini struct {
	block, id int
	planned   []string   // levels
	attempts  []*attempt // ascending by number
}

// attempt is one execution of a mini-block.
type attempt struct {
	number  int
	noisy   bool
	cut     bool // the run was cut off in it, and resumed with another attempt
	byLevel map[string]*Record
}

// enters reports whether a trial enters an analysis. The machine's noise and
// the generator's limits keep a trial out of the main analysis only; a trial
// that failed or contradicts itself enters none.
func enters(verdict string, everyTrial bool) bool {
	switch verdict {
	case VerdictValid, VerdictSaturated, VerdictUnsteady, VerdictUnverified:
		return true
	case VerdictNoisy, VerdictClientLimited:
		return everyTrial
	}
	return false
}

// index sorts the planned trials and the records into places and mini-blocks.
func (a *Analysis) index() {
	grids := map[string]*GridPlan{}
	order := map[string]int{}
	for i := range a.Plan.Grids {
		g := &a.Plan.Grids[i]
		grids[g.Name], order[g.Name] = g, i
	}
	byKey := map[string]*site{}
	minis := map[int]*mini{}
	for i := range a.Plan.Trials {
		t := &a.Plan.Trials[i]
		g := grids[t.Grid]
		if t.Role != roleTrial || g == nil {
			continue
		}
		factors := settingsOf(t.Factors, a.Compare)
		key := t.Grid + " " + AtText(factors)
		p := byKey[key]
		if p == nil {
			p = &site{grid: g, factors: factors, settings: t.Settings}
			byKey[key] = p
			a.sites = append(a.sites, p)
		}
		m := minis[t.MiniBlock]
		if m == nil {
			m = &mini{block: t.Block, id: t.MiniBlock}
			minis[t.MiniBlock] = m
			p.minis = append(p.minis, m)
		}
		m.planned = append(m.planned, t.Level)
	}
	for i := range a.Records {
		if r := &a.Records[i]; r.Role == roleTrial && minis[r.MiniBlock] != nil {
			minis[r.MiniBlock].add(r)
		}
	}
	for _, m := range minis {
		slices.SortFunc(m.attempts, func(x, y *attempt) int { return cmp.Compare(x.number, y.number) })
		for i, at := range m.attempts {
			// The first one is all that a run has that was cut off in it.
			at.cut = (i > 0 || len(m.attempts) > 1) && len(at.byLevel) < len(m.planned)
		}
	}
	for _, p := range a.sites {
		slices.SortFunc(p.minis, func(x, y *mini) int { return cmp.Compare(x.block, y.block) })
	}
	sort.SliceStable(a.sites, func(i, j int) bool {
		x, y := a.sites[i], a.sites[j]
		if x.grid != y.grid {
			return order[x.grid.Name] < order[y.grid.Name]
		}
		return slices.Compare(x.ranks(), y.ranks()) < 0
	})
}

func (m *mini) add(r *Record) {
	for _, at := range m.attempts {
		if at.number == r.Attempt {
			at.byLevel[r.Level] = r
			at.noisy = at.noisy || r.Verdict == VerdictNoisy
			return
		}
	}
	m.attempts = append(m.attempts, &attempt{number: r.Attempt, noisy: r.Verdict == VerdictNoisy, byLevel: map[string]*Record{r.Level: r}})
}

// settingsOf lists factors by name, but the one left out.
func settingsOf(factors map[string]any, without string) []Setting {
	var out []Setting
	for _, name := range sortedKeys(factors) {
		if name == without {
			continue
		}
		level := factors[name]
		if n, ok := levelNumber(level); ok {
			level = n
		}
		out = append(out, Setting{name, level})
	}
	return out
}

// ranks are the positions of a place's levels in its grid's lists.
func (p *site) ranks() []int {
	out := make([]int, len(p.factors))
	for i, s := range p.factors {
		out[i] = slices.IndexFunc(p.grid.Factors[s.Factor], func(v any) bool { return LevelText(v) == LevelText(s.Level) })
	}
	return out
}

// at are the factors of a place that have several levels in its grid: those
// that a reader needs to tell places apart. Those named are left out.
func (p *site) at(without ...string) []Setting {
	var out []Setting
	for _, s := range p.factors {
		if len(p.grid.Factors[s.Factor]) > 1 && !slices.Contains(without, s.Factor) {
			out = append(out, s)
		}
	}
	return out
}

// level returns the level of a factor or setting at a place.
func (p *site) level(name string) (any, bool) {
	for _, s := range p.factors {
		if s.Factor == name {
			return s.Level, true
		}
	}
	v, ok := p.settings[name]
	return v, ok
}

// matches reports whether a place has the levels that a selection asks for; a
// list stands for any of its members. A name that the place does not have
// matches nothing.
func (p *site) matches(where map[string]any) bool {
	for name, want := range where {
		have, ok := p.level(name)
		if !ok || !levelIn(have, want) {
			return false
		}
	}
	return true
}

func levelIn(have, want any) bool {
	list, ok := want.([]any)
	if !ok {
		list = []any{want}
	}
	return slices.ContainsFunc(list, func(v any) bool { return LevelText(v) == LevelText(have) })
}

// levels are the compared factor's levels that a grid runs, in its order.
func (a *Analysis) levels(g *GridPlan) []string {
	var out []string
	for _, v := range g.Factors[a.Compare] {
		out = append(out, LevelText(v))
	}
	return out
}

// clean returns the attempt that stands for a repeated mini-block: the last
// complete one without a noisy trial; nil when there is none.
func (m *mini) clean() *attempt {
	for _, at := range slices.Backward(m.attempts) {
		if !at.noisy && len(at.byLevel) == len(m.planned) {
			return at
		}
	}
	return nil
}

// choose returns the attempt that the given levels enter the main analysis
// from: the clean one, or where every attempt was disturbed the last in which
// none of these levels' trials was. Only noise decides, never a result; a
// trial that failed in the attempt chosen is not looked for in another. Without
// such an attempt it is the last one that has these levels, nil if none has.
//
// An attempt that was cut off, and made again when the run was resumed, is
// never chosen, though its pairs were back to back: a block would then be of
// two times, some levels of the one and some of the other, and which of them
// would depend on when the run was killed. It enters with every trial kept.
func (m *mini) choose(levels ...string) *attempt {
	if at := m.clean(); at != nil {
		return at
	}
	var last *attempt
	for _, at := range slices.Backward(m.attempts) {
		if at.cut {
			continue
		}
		quiet, there := true, true
		for _, level := range levels {
			r := at.byLevel[level]
			there = there && r != nil
			quiet = quiet && r != nil && r.Verdict != VerdictNoisy
		}
		if quiet {
			return at
		}
		if last == nil && there {
			last = at
		}
	}
	return last
}

// entered returns the record of a level that enters the main analysis, or nil.
func (m *mini) entered(level string) *Record {
	at := m.choose(level)
	if at == nil || at.byLevel[level] == nil || !enters(at.byLevel[level].Verdict, false) {
		return nil
	}
	return at.byLevel[level]
}

// plans reports whether all these levels are planned in the mini-block.
func (m *mini) plans(levels ...string) bool {
	for _, level := range levels {
		if !slices.Contains(m.planned, level) {
			return false
		}
	}
	return true
}

// plans reports whether all these levels are planned in one mini-block of a
// place.
func (p *site) plans(levels ...string) bool {
	return slices.ContainsFunc(p.minis, func(m *mini) bool { return m.plans(levels...) })
}
