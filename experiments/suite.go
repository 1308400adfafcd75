// Package experiments runs suites: it reads a suite file, expands its factors
// into cells, orders the trials so that what is compared stands side by side,
// runs each in fresh processes and hands the records to package results.
package experiments

import (
	"embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"medusa/loadgen"
	"medusa/results"
)

//go:embed *.yaml
var shipped embed.FS

// Suite is a suite file that has been read and checked. What depends on the
// machine (which backends are here, which limits hold) is checked by MakePlan.
type Suite struct {
	Name       string
	Question   string
	NotShown   []string
	Reproduces []results.Reproduces
	Grids      []Grid // at least one
	Servers    []Server
	Generators []LoadGenerator
	Design     results.Design
	Metrics    results.Metrics
	Figures    []results.Figure
	// RepeatBudget, in seconds, bounds repetition: a noisy mini-block is
	// repeated only while the run is expected to end within it. 0: no bound.
	RepeatBudget float64

	Source string // the file's name, for messages
	Dir    string // where the file is: what it names is relative to that; "": the working directory
	YAML   []byte // the file's bytes

	// backends are names that `here` stands for and that the suite uses
	// elsewhere: whether there are such is known with the machine.
	backends []backendName
	checks   []place // where the check of each of Reproduces stands
}

// backendName is where a suite names a backend, and as what.
type backendName struct {
	what, name string
	at         place
}

// Grid is a full cross of its factors. A suite is a union of grids.
type Grid struct {
	Name     string
	Factors  []Factor
	Collapse []Collapse
	Fixed    map[string]any // settings that all cells share; the suite's and the grid's own
	Phases   Phases
	Blocks   int
	// Slope, when set, is the claim of this grid in place of the suite's
	// primary metric.
	Slope *results.GridSlope

	at place
}

// Factor is what a grid varies.
type Factor struct {
	Name string
	// Here stands for all backends of this system; Levels is then empty
	// until a plan is made.
	Here   bool
	Levels []Level
	// Bundle is true when levels are names for several settings.
	Bundle bool

	at place
}

// Level is one level of a factor.
type Level struct {
	Value    any            // string or float64: what a record's Factors hold
	Settings map[string]any // what it sets
}

// Collapse says that a factor makes no difference under a condition: only the
// given level is then run.
type Collapse struct {
	Factor string
	Level  string
	When   condition
}

// Phases are the parts of a trial outside of warm-up and window.
type Phases struct {
	// Fill is how long, in seconds, connections may stay unanswered once the
	// last one was begun; then the load begins without them. 0: the load
	// process's own limit, 1 s.
	Fill float64
	// Quiet is the time, in seconds, in which all connections are open and
	// silent, after the fill.
	Quiet float64
	// Leave is the share of the served connections whose clients leave after
	// the window, and RecoverMax how long, in seconds, those are waited for who
	// had no place. 0: nobody leaves; the load process's own limit, 5 s.
	Leave, RecoverMax float64
}

// Load reads a suite: the file of that name, or else the shipped suite.
func Load(nameOrPath string) (*Suite, error) {
	if strings.ContainsAny(nameOrPath, `/\`) || strings.HasSuffix(nameOrPath, ".yaml") || strings.HasSuffix(nameOrPath, ".yml") {
		text, err := os.ReadFile(nameOrPath)
		if err != nil {
			return nil, fmt.Errorf("suite %s: %w", nameOrPath, err)
		}
		return parseIn(filepath.Dir(nameOrPath), filepath.Base(nameOrPath), text)
	}
	text, err := shipped.ReadFile(nameOrPath + ".yaml")
	if err != nil {
		names := shippedNames()
		return nil, fmt.Errorf("there is no suite %q; shipped are %s (nearest: %q); a file of your own needs its path, such as ./%s.yaml",
			nameOrPath, strings.Join(names, ", "), results.Nearest(nameOrPath, names), nameOrPath)
	}
	return Parse(nameOrPath+".yaml", text)
}

// List returns the shipped suites, sorted by name.
func List() ([]*Suite, error) {
	var out []*Suite
	for _, name := range shippedNames() {
		s, err := Load(name)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func shippedNames() []string {
	entries, err := shipped.ReadDir(".")
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	sort.Strings(names)
	return names
}

// grid returns the grid of that name.
func (s *Suite) grid(name string) *Grid {
	for i := range s.Grids {
		if s.Grids[i].Name == name {
			return &s.Grids[i]
		}
	}
	return nil
}

// factorNames returns the names of all factors of all grids, each once, in
// their order.
func (s *Suite) factorNames() []string {
	seen := map[string]bool{}
	var names []string
	for _, g := range s.Grids {
		for _, f := range g.Factors {
			if !seen[f.Name] {
				seen[f.Name] = true
				names = append(names, f.Name)
			}
		}
	}
	return names
}

// factor returns the factor of that name, or nil.
func (g *Grid) factor(name string) *Factor {
	for i := range g.Factors {
		if g.Factors[i].Name == name {
			return &g.Factors[i]
		}
	}
	return nil
}

// names returns the levels' names.
func (f *Factor) names() []string {
	out := make([]string, len(f.Levels))
	for i, l := range f.Levels {
		out[i] = levelName(l.Value)
	}
	return out
}

// asks says whether the grid gives a setting, in any of its cells.
func (g *Grid) asks(setting string) bool {
	_, fixed := g.Fixed[setting]
	return fixed || g.setBy(setting) != nil
}

// level returns the level of that name; numbers are compared as numbers.
func (f *Factor) level(name string) (Level, bool) {
	for _, l := range f.Levels {
		if sameLevel(levelName(l.Value), name) {
			return l, true
		}
	}
	return Level{}, false
}

// phasesOf makes phases of what a suite says of them, by name; nil is nothing.
func phasesOf(said map[string]float64) Phases {
	return Phases{Fill: said["fill_s"], Quiet: said["quiet_s"], Leave: said["leave_share"], RecoverMax: said["recover_max_s"]}
}

// told is the inverse of phasesOf, without those that are 0.
func (p Phases) told() map[string]float64 {
	all := map[string]float64{"fill_s": p.Fill, "quiet_s": p.Quiet, "leave_share": p.Leave, "recover_max_s": p.RecoverMax}
	maps.DeleteFunc(all, func(_ string, v float64) bool { return v == 0 })
	if len(all) == 0 {
		return nil
	}
	return all
}

// recoverMax is RecoverMax, or the load process's own limit.
func (p Phases) recoverMax() float64 {
	switch {
	case p.Leave == 0:
		return 0
	case p.RecoverMax == 0:
		return loadgen.Default().RecoverLimit.Seconds()
	}
	return p.RecoverMax
}
