package results

import (
	"math"

	"medusa/results/stats"
)

// Analyse computes what the records of a run support. The same plan and
// records give the same analysis. Neither is changed; a run that was cut off
// is analysed as far as it went. A run that has a certificate is analysed by its
// own method, which knows the wake floor.
func Analyse(plan Plan, records []Record) *Analysis {
	return analyse(plan, records, instrument{})
}

// Analyse computes what a run supports: like the function, and no difference of
// a latency that the machine's certificate calls too small is claimed.
func (run *Run) Analyse() *Analysis { return analyse(run.Plan, run.Records, run.instrument()) }

func analyse(plan Plan, records []Record, by instrument) *Analysis {
	a := newAnalysis(plan.upToStop(records), records, by)
	a.tally()
	a.test()
	a.Machine = a.machine()
	a.Generator = a.generator()
	a.Saturation = a.saturation()
	a.Answer = a.answer()
	a.Why = a.why()
	a.Believe = a.believe()
	return a
}

// newAnalysis sorts what was measured, and computes nothing of it yet.
func newAnalysis(plan Plan, records []Record, by instrument) *Analysis {
	a := &Analysis{
		Plan: plan, Primary: plan.Metrics.Primary, Compare: plan.Design.Compare, Baseline: plan.Design.Baseline,
		Records: make([]Record, len(records)),
	}
	copy(a.Records, records)
	for i, verdict := range RunVerdicts(records) {
		a.Records[i].Verdict, a.Records[i].Reasons = verdict.Verdict, verdict.Reasons
	}
	a.instrument = by
	a.index()
	return a
}

// tally counts trials by what became of them.
func (a *Analysis) tally() {
	a.Tally = a.count("")
	for _, g := range a.Plan.Grids {
		t := GridTally{Grid: g.Name, Claims: g.Claims, Blocks: g.Blocks, Tally: a.count(g.Name)}
		blocks := map[int]bool{}
		for i := range a.Records {
			if r := &a.Records[i]; r.Grid == g.Name && r.Role == roleTrial {
				blocks[r.Block] = true
			}
		}
		t.Done = len(blocks)
		a.Grids = append(a.Grids, t)
	}
}

// count is the tally of one grid, or of all for "".
func (a *Analysis) count(grid string) Tally {
	t := Tally{Verdicts: map[string]int{}}
	cut, seen := a.cutOff(), map[place]bool{}
	for i := range a.Records {
		r := &a.Records[i]
		switch {
		case grid != "" && r.Grid != grid:
			continue
		case r.Role != roleTrial:
			t.Probes++
			continue
		case cut[neighboursOf(r)]:
			t.Cut++
		case seen[r.planned()]:
			t.Repeats++
		default:
			t.Run++
			seen[r.planned()] = true
		}
		t.Verdicts[r.Verdict]++
	}
	for _, p := range a.sites {
		if grid != "" && p.grid.Name != grid {
			continue
		}
		for _, m := range p.minis {
			t.Planned += len(m.planned)
			for _, level := range m.planned {
				if m.entered(level) != nil {
					t.Entered++
				}
			}
		}
	}
	return t
}

// cutOff are the attempts in which the run was cut off, and that were made
// again.
func (a *Analysis) cutOff() map[neighbours]bool {
	cut := map[neighbours]bool{}
	for _, p := range a.sites {
		for _, m := range p.minis {
			for _, at := range m.attempts {
				if at.cut {
					cut[neighbours{m.id, at.number}] = true
				}
			}
		}
	}
	return cut
}

// machine reads the speed probes. The state of a trial is the mean over CPUs
// of its probe relative to the run's median on that CPU.
func (a *Analysis) machine() MachineState {
	medians := probeMedians(a.Records)
	state := map[*Record]float64{}
	slowest, fastest := math.Inf(-1), math.Inf(1)
	for i := range a.Records {
		r := &a.Records[i]
		probes := r.Machine.probes()
		if len(probes) == 0 {
			continue
		}
		sum := 0.0
		for cpu, probe := range probes {
			sum += probe / medians[cpu]
		}
		s := sum / float64(len(probes))
		state[r] = s
		slowest, fastest = max(slowest, s), min(fastest, s)
	}
	out := MachineState{Moved: math.NaN(), Straddle: math.NaN()}
	if len(state) == 0 {
		return out
	}
	out.Moved = slowest/fastest - 1
	straddle := 0
	for _, p := range a.sites {
		for _, m := range p.minis {
			for _, level := range m.planned {
				at := m.choose(level, a.Baseline)
				if level == a.Baseline || at == nil {
					continue
				}
				l, b := at.byLevel[level], at.byLevel[a.Baseline]
				if l == nil || b == nil || excludes(l, b) != "" || state[l] == 0 || state[b] == 0 {
					continue
				}
				out.Pairs++
				if max(state[l], state[b])/min(state[l], state[b])-1 > stateChange {
					straddle++
				}
			}
		}
	}
	if out.Pairs > 0 {
		out.Straddle = float64(straddle) / float64(out.Pairs)
	}
	return out
}

// generator reads how late requests of the open loop were sent.
func (a *Analysis) saturation() SaturationState {
	var s SaturationState
	var busy []float64
	for i := range a.Records {
		r := &a.Records[i]
		if r.Load == nil || r.Load.Mode != modeClosed || r.Load.Active <= 1 || r.Role != roleTrial || !enters(r.Verdict, false) {
			continue
		}
		if v, ok := r.Value("server_busy_share"); ok {
			busy = append(busy, v)
			if v < SaturatedFrom {
				s.Idle++
			}
		}
	}
	s.Trials, s.BusyMedian = len(busy), stats.Median(busy)
	return s
}

func (a *Analysis) generator() GeneratorState {
	g := GeneratorState{ClosedOnly: true}
	var lags []float64
	for i := range a.Records {
		r := &a.Records[i]
		if r.Load == nil || r.Load.Mode == modeClosed || r.Role != roleTrial {
			continue
		}
		g.ClosedOnly = false
		if v, ok := r.Value("lag_p99_us"); ok && enters(r.Verdict, false) {
			lags = append(lags, v)
		}
	}
	g.Trials = len(lags)
	g.LagMedianUs = stats.Median(lags)
	g.LagWorstUs = math.NaN()
	for _, v := range lags {
		if !(g.LagWorstUs > v) {
			g.LagWorstUs = v
		}
	}
	return g
}
