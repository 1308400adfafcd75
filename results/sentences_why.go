package results

import (
	"fmt"
	"strings"

	"medusa/results/stats"
)

// why explains the largest differences by the server's own counters, only
// where the counters' intervals support it: as many calls, or more calls, for
// the levels that cost more at the far end of the axis.
func (a *Analysis) why() []Sentence {
	if a.Primary != "server_cpu_us_per_request" && a.Primary != "total_cpu_us_per_request" {
		return nil
	}
	calls := a.Explore("syscalls_per_request")
	events := a.Explore("events_per_wait")
	var out []Sentence
	for i := range a.Plan.Grids {
		g := &a.Plan.Grids[i]
		if g.Slope != nil {
			continue
		}
		for _, at := range a.far(g) {
			found := map[explanation]*explained{}
			for _, c := range a.Contrasts {
				if c.Grid == g.Name && AtText(c.At) == AtText(at) && c.Outcome == stats.Slower && !c.Within {
					explain(found, c, like(calls, c), like(events, c))
				}
			}
			for _, kind := range []explanation{dearerCalls, moreCalls, moreWaits} {
				if e := found[kind]; e != nil {
					out = append(out, Sentence{Kind: KindClaim, Grid: g.Name, Text: begin(a.leadAt(g, at), e.text(kind, a.Baseline))})
				}
			}
		}
	}
	return out
}

// far are the places at the largest level of a grid's axis.
func (a *Analysis) far(g *GridPlan) [][]Setting {
	axis, _, most := a.ends(g)
	var out [][]Setting
	for _, p := range a.sites {
		if p.grid == g && (axis == "" || p.number(axis) == most) {
			out = append(out, p.at())
		}
	}
	return out
}

// leadAt is lead for settings of a grid.
func (a *Analysis) leadAt(g *GridPlan, at []Setting) []string {
	for _, p := range a.sites {
		if p.grid == g && AtText(p.at()) == AtText(at) {
			return a.lead(p, at, false)
		}
	}
	return circumstances(at)
}

// like finds the contrast of another column at the same place and level.
func like(all []Contrast, c Contrast) *Contrast {
	for i := range all {
		if all[i].Grid == c.Grid && all[i].Level == c.Level && AtText(all[i].At) == AtText(c.At) {
			return &all[i]
		}
	}
	return nil
}

// callsAlike is the margin inside which two counts of calls explain nothing.
const callsAlike = 0.10

// explanation is what the counters say of a level that costs more.
type explanation int

const (
	dearerCalls explanation = iota // as many calls
	moreCalls                      // more calls
	moreWaits                      // more calls, and fewer events a wait
)

// explained are the levels with one explanation, and their counters' medians.
type explained struct {
	levels, calls, events []string
	baseCalls, baseEvents string
}

// explain files a contrast under what its counters say; nowhere when they do
// not decide.
func explain(found map[explanation]*explained, c Contrast, calls, events *Contrast) {
	if calls == nil || calls.Coverage == 0 {
		return
	}
	var kind explanation
	switch {
	case calls.Lo90 > 1-callsAlike && calls.Hi90 < 1+callsAlike:
		kind = dearerCalls
	case calls.Lo > 1 && events != nil && events.Coverage > 0 && events.Hi < 1:
		kind = moreWaits
	case calls.Lo > 1:
		kind = moreCalls
	default:
		return
	}
	e := found[kind]
	if e == nil {
		e = &explained{}
		found[kind] = e
	}
	e.levels = append(e.levels, c.Level)
	e.calls = append(e.calls, quantity(calls.LevelMedian, ""))
	e.baseCalls = quantity(calls.BaselineMedian, "")
	if kind == moreWaits {
		e.events = append(e.events, quantity(events.LevelMedian, ""))
		e.baseEvents = quantity(events.BaselineMedian, "")
	}
}

// text writes an explanation for all its levels.
func (e *explained) text(kind explanation, baseline string) string {
	makes := "makes"
	if len(e.levels) > 1 {
		makes = "make"
	}
	if kind == dearerCalls {
		return fmt.Sprintf("%s %s as many system calls a request as %s (%s; %s %s): not more calls, but dearer ones, or more work between them.",
			joinWords(e.levels), makes, baseline, strings.Join(e.calls, ", "), baseline, e.baseCalls)
	}
	text := fmt.Sprintf("%s %s more system calls a request than %s (%s; %s %s)", joinWords(e.levels), makes, baseline, strings.Join(e.calls, ", "), baseline, e.baseCalls)
	if kind == moreWaits {
		text += fmt.Sprintf(", and a wait brings fewer events (%s; %s %s)", strings.Join(e.events, ", "), baseline, e.baseEvents)
	}
	return text + "."
}
