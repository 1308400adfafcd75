package experiments

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sort"
	"strings"
	"time"

	"medusa/loadgen"
	"medusa/results"
	"medusa/results/stats"
)

// Request is what a user asks of a suite beside the suite itself.
type Request struct {
	Only   []string      `json:"only,omitempty"`      // factor=level[,level...]: only these levels; grid=name: only these grids
	Set    []string      `json:"set,omitempty"`       // setting=value: instead of what the suite fixes
	Blocks int           `json:"blocks,omitempty"`    // of every grid; 0: as the suite says
	Seed   *uint64       `json:"seed,omitempty"`      // nil: as the suite says
	Budget time.Duration `json:"budget_ns,omitempty"` // blocks are reduced until the run fits; 0: no bound
	// Until, when not 0, ends the run at the first of several looks at which
	// every contrast is known to within this relative half-width (see
	// results.PrecisionOf): 0.05 for 5 %.
	Until float64 `json:"until,omitempty"`
	// Command is the command line that makes this run again; it goes into
	// the plan.
	Command string `json:"-"`
}

// Planned is a plan with what only the runner needs.
type Planned struct {
	results.Plan
	// Notes are sentences for the user: what was reduced, what is risky.
	Notes []string
	// Effect is the smallest relative difference that the grid with most
	// blocks can find at a pair sd of 5 %; NaN with one block.
	Effect float64

	suite        *Suite
	host         Host
	phases       map[string]Phases // by grid
	repeatWithin time.Duration     // noisy mini-blocks are repeated while the run ends within; 0: no bound
}

// miniBlock is what stands together: all levels of the compared factor at one
// setting of the others.
type miniBlock struct {
	grid  *Grid
	block int
	cells []cell // in order of execution
	probe *cell  // the capacity probe, if any
}

// MakePlan expands a suite for a machine. The same suite, request and machine
// give the same plan.
func MakePlan(s *Suite, r Request, h Host) (*Planned, error) {
	h, err := s.withServers(h)
	if err != nil {
		return nil, err
	}
	grids, notes, err := s.selected(r, h)
	if err != nil {
		return nil, err
	}
	design := s.Design
	if r.Seed != nil {
		design.Seed = *r.Seed
	}
	if r.Blocks > 0 {
		design.Blocks = r.Blocks
		for i := range grids {
			grids[i].Blocks = r.Blocks
		}
	}
	if r.Until > 0 {
		if err := s.untilPrecise(grids, r); err != nil {
			return nil, err
		}
	}
	var skipped skips
	traces := &traceFiles{dir: s.Dir, read: map[string]*loadgen.Trace{}}
	cells := make([][]cell, len(grids))
	total := 0
	for i := range grids {
		if cells[i], err = runnable(&grids[i], design.Compare, h, &skipped, traces); err != nil {
			return nil, err
		}
		total += len(cells[i])
	}
	if total == 0 {
		why := ""
		if list := skipped.all(); len(list) > 0 {
			why = ": " + list[0].Why
		}
		return nil, fmt.Errorf("suite %s: no cell can be run here%s", s.Name, why)
	}
	build := func(most int) *Planned {
		return assemble(s, r, h, design, grids, cells, most)
	}
	p := build(0)
	if r.Budget > 0 {
		if p, notes, err = fit(p, grids, r.Budget, build, notes); err != nil {
			return nil, err
		}
	}
	p.Skipped, p.NotHere = skipped.all(), s.notHere(r, h, grids)
	p.Notes = append(notes, p.warnings()...)
	return p, nil
}

// fit reduces blocks until the plan's estimate is within the budget.
func fit(p *Planned, grids []Grid, budget time.Duration, build func(int) *Planned, notes []string) (*Planned, []string, error) {
	most := 0
	for _, g := range grids {
		most = max(most, g.Blocks)
	}
	full, want := p.EstimateNs, most
	for time.Duration(p.EstimateNs) > budget {
		most--
		if most == 0 {
			return nil, nil, fmt.Errorf("the budget %v is too short: one block of each grid takes about %v", budget, round(time.Duration(p.EstimateNs)))
		}
		p = build(most)
	}
	if most < want {
		notes = append(notes, fmt.Sprintf("budget %v: %s instead of %d (all would take about %v)%s", budget, plural(most, "block"), want, round(time.Duration(full)),
			map[bool]string{true: "; fewer than 6 blocks carry no interval and no claim", false: ""}[most < results.MinPairs]))
	}
	return p, notes, nil
}

// runnable expands a grid and skips what the machine cannot do. A place that
// loses some of its levels keeps the others.
func runnable(g *Grid, compare string, h Host, skipped *skips, traces *traceFiles) ([]cell, error) {
	var out []cell
	for _, c := range g.expand(compare) {
		h.complete(c.settings)
		if wrong := g.wrong(c.settings); wrong != "" {
			return nil, fmt.Errorf("grid %s, at %s: %s", g.Name, describe(c), wrong)
		}
		if err := traces.complete(c.settings); err != nil {
			return nil, g.at.fail("grid %s: %s", g.Name, err)
		}
		why, err := h.impossible(c.settings)
		if err != nil {
			return nil, g.at.fail("grid %s: %s", g.Name, err)
		}
		if why != "" {
			what := g.Name
			if c.place != "" {
				what += " " + c.place
			}
			if b := c.settings.text("backend"); strings.Contains(why, "the backend "+b) {
				what = g.Name + " backend=" + b
			}
			skipped.add(what, why, 1)
			continue
		}
		out = append(out, c)
	}
	return out, nil
}

// assemble orders the trials. most bounds the blocks of each grid; 0: none.
func assemble(s *Suite, r Request, h Host, d results.Design, grids []Grid, cells [][]cell, most int) *Planned {
	p := &Planned{suite: s, host: h, phases: map[string]Phases{}, repeatWithin: r.repeatWithin(s)}
	p.Plan = results.Plan{
		SchemaVersion: results.SchemaVersion, Suite: s.Name, Question: s.Question, NotShown: s.NotShown, Reproduces: s.Reproduces,
		Design: d, Metrics: s.Metrics, Command: r.Command,
	}
	grids = append([]Grid(nil), grids...)
	if most > 0 {
		p.Design.Blocks = min(d.Blocks, most)
		for i := range grids {
			grids[i].Blocks = min(grids[i].Blocks, most)
		}
	}
	blocks := 0
	for i := range grids {
		if len(cells[i]) == 0 {
			continue
		}
		blocks = max(blocks, grids[i].Blocks)
		p.phases[grids[i].Name] = grids[i].Phases
		p.Grids = append(p.Grids, gridPlan(&grids[i], cells[i]))
	}
	for block := 1; block <= blocks; block++ {
		var minis []miniBlock
		for i := range grids {
			if block <= grids[i].Blocks {
				minis = append(minis, blockOf(&grids[i], block, cells[i], d)...)
			}
		}
		// The same settings in every block, in a fresh order: a drift of the
		// machine does not fall on the same ones.
		rng := rand.New(rand.NewPCG(d.Seed, uint64(block)))
		rng.Shuffle(len(minis), func(i, j int) { minis[i], minis[j] = minis[j], minis[i] })
		for _, m := range minis {
			p.addMiniBlock(m, d)
		}
	}
	if r.Until > 0 {
		p.Design.Until, p.Design.Looks = r.Until, stats.Looks(blocks)
	}
	p.Figures = p.figuresOf(s.Figures)
	p.Effect = stats.SmallestEffectAt(blocks, 0.05, stats.PerLook(results.Alpha, len(p.Design.Looks)))
	p.EstimateNs = int64(p.estimate())
	return p
}

// figuresOf are the figures that do not ask for a grid that is left out.
func (p *Planned) figuresOf(all []results.Figure) []results.Figure {
	var out []results.Figure
	for _, f := range all {
		ran := f.Grid == ""
		for _, g := range p.Grids {
			ran = ran || f.Grid == g.Name
		}
		if ran {
			out = append(out, f)
		}
	}
	return out
}

// gridPlan describes a grid. Of its levels those stand in it that are run.
func gridPlan(g *Grid, cells []cell) results.GridPlan {
	factors := map[string][]any{}
	for _, f := range g.Factors {
		for _, l := range f.Levels {
			for _, c := range cells {
				if c.factors[f.Name] == l.Value {
					factors[f.Name] = append(factors[f.Name], l.Value)
					break
				}
			}
		}
	}
	return results.GridPlan{Name: g.Name, Blocks: g.Blocks, Factors: factors, Fixed: g.Fixed, Cells: len(cells), Claims: g.Blocks >= results.MinPairs, Slope: g.Slope, Phases: g.Phases.told()}
}

// blockOf returns the mini-blocks of one block of a grid, one for each place,
// each with the levels in the order that the Williams square has for this
// block. Each place begins at its own row of the square, so that within a
// block, too, no level is always the first.
func blockOf(g *Grid, block int, cells []cell, d results.Design) []miniBlock {
	byPlace := map[string][]cell{}
	var places []string
	for _, c := range cells {
		if byPlace[c.place] == nil {
			places = append(places, c.place)
		}
		byPlace[c.place] = append(byPlace[c.place], c)
	}
	rng := rand.New(rand.NewPCG(d.Seed, uint64(hash(g.Name))))
	offset := rng.Perm(len(places))
	var out []miniBlock
	for i, place := range places {
		members := byPlace[place]
		rows := stats.Williams(len(members))
		m := miniBlock{grid: g, block: block}
		for _, k := range rows[(block-1+offset[i])%len(rows)] {
			m.cells = append(m.cells, members[k])
		}
		m.probe = probeFor(members, d.Baseline)
		out = append(out, m)
	}
	return out
}

// probeFor returns the capacity probe of a mini-block whose rates are shares
// of a capacity: a closed loop on the baseline, or where that cannot be run on
// the first level.
func probeFor(members []cell, baseline string) *cell {
	needed := false
	for _, c := range members {
		needed = needed || c.settings.has("rate_share")
	}
	if !needed {
		return nil
	}
	base := members[0]
	for _, c := range members {
		if c.level == baseline {
			base = c
		}
	}
	probe := cell{factors: base.factors, settings: base.settings.clone(), level: base.level, place: base.place}
	delete(probe.settings, "rate_share")
	delete(probe.settings, "rate_rps")
	probe.settings["mode"] = "closed"
	return &probe
}

// addMiniBlock appends the trials of a mini-block.
func (p *Planned) addMiniBlock(m miniBlock, d results.Design) {
	number := 1
	if n := len(p.Trials); n > 0 {
		number = p.Trials[n-1].MiniBlock + 1
	}
	seed := rand.New(rand.NewPCG(d.Seed, uint64(number)<<32))
	shared := seed.Uint64() >> 11 // fits a JSON number exactly
	add := func(c cell, position int, role string) {
		t := results.PlannedTrial{
			Index: len(p.Trials) + 1, Grid: m.grid.Name, Block: m.block, MiniBlock: number, Position: position, Role: role,
			Level: c.level, Factors: c.factors, Settings: c.settings, ScheduleSeed: shared,
		}
		if !d.SameSchedule {
			t.ScheduleSeed = seed.Uint64() >> 11
		}
		p.Trials = append(p.Trials, t)
	}
	if m.probe != nil {
		add(*m.probe, 0, closedLoopProbe)
	}
	for i, c := range m.cells {
		add(c, i+1, measured)
	}
}

func hash(s string) uint32 {
	f := fnv.New32a()
	f.Write([]byte(s))
	return f.Sum32()
}

// warnings are what a user should know before the run.
func (p *Planned) warnings() []string {
	var out []string
	if len(p.host.CPUs) < 2 {
		out = append(out, "warning: there is one CPU only, so server and generator share it: latencies will be client-limited; use a machine with two")
	} else if !p.host.Pin {
		out = append(out, "warning: this system cannot tie a process to a CPU: trials will be `unverified`")
	}
	for _, g := range p.Grids {
		if !g.Claims {
			out = append(out, fmt.Sprintf("grid %s has %s: points without intervals (claims need %d)", g.Name, plural(g.Blocks, "block"), results.MinPairs))
		}
		if g.Slope == nil && !contains(levelNames(g.Factors[p.Design.Compare]), p.Design.Baseline) {
			lacks := p.Design.Baseline
			if why, _ := p.host.backend(lacks); why != "" {
				lacks += " (" + why + ")"
			}
			out = append(out, fmt.Sprintf("warning: grid %s runs without its baseline %s: nothing is compared", g.Name, lacks))
		}
	}
	if longest, where := p.longestMiniBlock(); longest > time.Minute {
		out = append(out, fmt.Sprintf("warning: a mini-block of grid %s takes %v: over 60 s the machine may change inside a pair", where, round(longest)))
	}
	sort.SliceStable(out, func(i, j int) bool {
		return strings.HasPrefix(out[i], "warning") && !strings.HasPrefix(out[j], "warning")
	})
	return out
}

func levelNames(levels []any) []string {
	var out []string
	for _, l := range levels {
		out = append(out, levelName(l))
	}
	return out
}
