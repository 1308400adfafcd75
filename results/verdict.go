package results

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"medusa/results/stats"
)

// The verdicts on a trial. Their rules are fixed before a run.
const (
	VerdictValid         = "valid"          // none of the others
	VerdictSaturated     = "saturated"      // the server could not keep up: a result, never discarded
	VerdictClientLimited = "client-limited" // the generator could not keep up: drawn apart
	VerdictNoisy         = "noisy"          // the machine was disturbed: the only one that may exclude
	VerdictUnsteady      = "unsteady"       // the window has no single level: shown
	VerdictInconsistent  = "inconsistent"   // both ends disagree: never plotted
	VerdictUnverified    = "unverified"     // a signal that a rule needs is not to be had here: shown
	VerdictFailed        = "failed"         // no result
)

// precedence orders the verdicts: of the rules that fired, the first one here
// names the trial. A failed trial has nothing to judge; an inconsistent one
// cannot be believed in any respect; noise explains a late generator, a late
// generator explains a full queue, and a full queue an unsteady response.
var precedence = []string{
	VerdictFailed, VerdictInconsistent, VerdictNoisy, VerdictClientLimited,
	VerdictSaturated, VerdictUnsteady, VerdictUnverified,
}

// Assessment is a verdict with the reasons of every rule that fired, each
// beginning with the verdict that it speaks for: "noisy: steal 0.8 % ...".
type Assessment struct {
	Verdict string
	Reasons []string
}

// TrialVerdict judges one trial by its raw parts alone. What needs the other
// trials of the run is added by RunVerdicts.
func TrialVerdict(r *Record) (verdict string, reasons []string) {
	a := assess(trialFindings(r))
	return a.Verdict, a.Reasons
}

func trialFindings(r *Record) []finding {
	if f := failed(r); len(f) > 0 {
		return f
	}
	var disturbed []finding
	if !r.timeless() {
		disturbed = noisy(r)
	}
	return slices.Concat(
		inconsistent(r),
		disturbed,
		clientLimited(r.Load),
		saturated(r.Load),
		unsteady(r),
		unverified(r),
	)
}

// timeless says that the trial's numbers are sizes, which no other program and
// no change of speed disturbs: its server settled, so it tells no CPU time. Such
// a trial is not noisy. (The sockets that it closes by the thousand would make
// the next one so: the kernel frees them when their process has ended.)
func (r *Record) timeless() bool { return r.Server != nil && r.Server.Settled != nil }

// finding is one rule that fired.
type finding struct {
	verdict, reason string
}

func found(verdict, format string, args ...any) finding {
	return finding{verdict, fmt.Sprintf(format, args...)}
}

// assess chooses the verdict of the findings and keeps all reasons, those of
// the chosen one first.
func assess(findings []finding) Assessment {
	a := Assessment{Verdict: VerdictValid}
	for _, verdict := range precedence {
		for _, f := range findings {
			if f.verdict != verdict {
				continue
			}
			if a.Verdict == VerdictValid {
				a.Verdict = verdict
			}
			a.Reasons = append(a.Reasons, f.verdict+": "+f.reason)
		}
	}
	return a
}

// findings reads a record's stored reasons back.
func findings(verdict string, reasons []string) []finding {
	var out []finding
	named := false
	for _, reason := range reasons {
		v, text, _ := strings.Cut(reason, ": ")
		out = append(out, finding{v, text})
		named = named || v == verdict
	}
	if !named && verdict != VerdictValid { // another program wrote the record
		out = append(out, finding{verdict, "as recorded"})
	}
	return out
}

// probeFromMedian is the relative distance of a trial's speed probe from its
// mini-block's median above which the trial is noisy.
const probeFromMedian = 0.10

// RunVerdicts judges each trial of a run, in the order of the records: its own
// verdict, as recorded, and the one rule that needs other trials. On each CPU
// the speed probe of a trial (mean of before and after) must lie within 10 %
// of the median over the trials of its mini-block.
//
// The reference is the mini-block, not the run: evidence comes from pairs
// inside one, in whatever state the machine is meanwhile, while a reference
// over the whole run throws away sound pairs each time that the machine
// changes its state for some minutes. The report says how far it moved.
func RunVerdicts(records []Record) []Assessment {
	medians := localMedians(records)
	out := make([]Assessment, len(records))
	for i := range records {
		r := &records[i]
		verdict, reasons := r.Verdict, r.Reasons
		if verdict == "" {
			verdict, reasons = TrialVerdict(r)
		}
		all := findings(verdict, reasons)
		if r.timeless() {
			all = slices.DeleteFunc(all, func(f finding) bool { return f.verdict == VerdictNoisy })
		} else if verdict != VerdictFailed {
			for cpu, probe := range r.Machine.probes() {
				if off := probe/medians[neighboursOf(r)][cpu] - 1; math.Abs(off) > probeFromMedian {
					all = append(all, found(VerdictNoisy, "speed probe %d took %.1f %% %s than in the mini-block's median trial; 10 %% are allowed", cpu, 100*math.Abs(off), longer(off)))
				}
			}
		}
		out[i] = assess(all)
	}
	return out
}

// neighbours are the trials that ran back to back with one.
type neighbours struct{ miniBlock, attempt int }

func neighboursOf(r *Record) neighbours { return neighbours{r.MiniBlock, r.Attempt} }

func longer(off float64) string {
	if off > 0 {
		return "longer"
	}
	return "less long"
}

// localMedians returns the median probes of each mini-block.
func localMedians(records []Record) map[neighbours][]float64 {
	groups := map[neighbours][]Record{}
	for _, r := range records {
		groups[neighboursOf(&r)] = append(groups[neighboursOf(&r)], r)
	}
	medians := map[neighbours][]float64{}
	for at, group := range groups {
		medians[at] = probeMedians(group)
	}
	return medians
}

// probeMedians returns for each CPU the median of the probes of the trials.
func probeMedians(records []Record) []float64 {
	var byCPU [][]float64
	for i := range records {
		for cpu, probe := range records[i].Machine.probes() {
			if cpu == len(byCPU) {
				byCPU = append(byCPU, nil)
			}
			byCPU[cpu] = append(byCPU[cpu], probe)
		}
	}
	medians := make([]float64, len(byCPU))
	for cpu, probes := range byCPU {
		medians[cpu] = stats.Median(probes)
	}
	return medians
}

// probes returns for each CPU the mean of both speed probes in nanoseconds;
// none where they are unknown.
func (m *MachinePart) probes() []float64 {
	if m == nil || len(m.ProbeBeforeNs) != len(m.ProbeAfterNs) {
		return nil
	}
	out := make([]float64, len(m.ProbeBeforeNs))
	for cpu := range out {
		if m.ProbeBeforeNs[cpu] <= 0 || m.ProbeAfterNs[cpu] <= 0 {
			return nil
		}
		out[cpu] = (m.ProbeBeforeNs[cpu] + m.ProbeAfterNs[cpu]) / 2
	}
	return out
}

// failed finds trials without a result.
func failed(r *Record) []finding {
	switch {
	case r.Failure != nil:
		return []finding{found(VerdictFailed, "%s: %s", r.Failure.Stage, r.Failure.Reason)}
	case r.Server == nil:
		return []finding{found(VerdictFailed, "report: the server said nothing")}
	case r.Load == nil:
		return []finding{found(VerdictFailed, "report: the generator reported nothing")}
	case r.Load.Mode == modeClosed && r.Load.Requests == 0:
		// An open loop without an answer has its censored latency as a
		// result; a closed one has nothing.
		return []finding{found(VerdictFailed, "window: no request was answered well (%s)", r.Load.failures())}
	}
	return nil
}

// failures lists the errors of the window: "12 reset, 3 timeout".
func (l *LoadReport) failures() string {
	var parts []string
	for kind, n := range l.Errors {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	if len(parts) == 0 {
		return "and none failed"
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
