package results

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Difference is something in which two runs differ besides what they measured.
type Difference struct {
	What string `json:"what"` // "kernel", "grid idle: blocks", ...
	A    string `json:"a"`    // "" where the run does not have it
	B    string `json:"b"`
}

// Differences returns in what two runs differ: the machine first, then what
// was asked. None when only the measurements can differ.
func Differences(a, b *Run) []Difference {
	var out []Difference
	out = append(out, a.Environment.Before.differences(b.Environment.Before)...)
	asked := func(r *Run) map[string]string {
		d := r.Plan.Design
		return map[string]string{
			"suite": r.Plan.Suite, "compared factor": d.Compare, "baseline": d.Baseline, "anchor": r.Plan.anchor(),
			"primary metric": r.Plan.Metrics.Primary, "seed": fmt.Sprint(d.Seed), "same schedule": fmt.Sprint(d.SameSchedule),
		}
	}
	compareText(&out, "", asked(a), asked(b), nil)
	gridsA, gridsB := gridTexts(a.Plan), gridTexts(b.Plan)
	for _, name := range unionKeys(gridsA, gridsB) {
		left, right := gridsA[name], gridsB[name]
		if left == nil || right == nil {
			out = append(out, Difference{What: "grid " + name, A: presence(left != nil), B: presence(right != nil)})
			continue
		}
		compareText(&out, "grid "+name+": ", left, right, nil)
	}
	return out
}

func presence(is bool) string {
	if is {
		return "run"
	}
	return "not run"
}

// compareText appends what differs between two sets of texts, in the order
// given, or that of their names.
func compareText(out *[]Difference, prefix string, a, b map[string]string, order []string) {
	if order == nil {
		order = unionKeys(a, b)
	}
	for _, name := range order {
		if a[name] != b[name] {
			*out = append(*out, Difference{prefix + name, a[name], b[name]})
		}
	}
}

func unionKeys[V any](a, b map[string]V) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// earlier are settings that are in force in every trial and that plans of earlier
// versions lack, with what was the case then.
var earlier = map[string]string{"server_processes": "1"}

// gridTexts are what each grid of a plan asks: blocks, levels of each factor,
// and each setting in force with all its values.
func gridTexts(p Plan) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, g := range p.Grids {
		asked := map[string]string{"blocks": fmt.Sprint(g.Blocks)}
		for name, levels := range g.Factors {
			asked["levels of "+name] = levelList(levels)
		}
		for name, v := range g.Phases {
			asked["phase "+name] = LevelText(v)
		}
		values := map[string][]string{}
		for i := range p.Trials {
			t := &p.Trials[i]
			if t.Grid != g.Name || t.Role != roleTrial {
				continue
			}
			for name, v := range t.Settings {
				if text := LevelText(v); g.Factors[name] == nil && !slices.Contains(values[name], text) {
					values[name] = append(values[name], text)
				}
			}
		}
		for name, all := range values {
			slices.Sort(all)
			asked[name] = strings.Join(all, " ")
		}
		for name, was := range earlier {
			if len(values) > 0 && asked[name] == "" && g.Factors[name] == nil {
				asked[name] = was
			}
		}
		out[g.Name] = asked
	}
	return out
}

func levelList(levels []any) string {
	texts := make([]string, len(levels))
	for i, v := range levels {
		texts[i] = LevelText(v)
	}
	return strings.Join(texts, " ")
}

// anchor is the level through which a run is compared with another.
func (p Plan) anchor() string {
	if p.Design.Anchor != "" {
		return p.Design.Anchor
	}
	return p.Design.Baseline
}
