package results

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// The bounds of a quiet machine.
const (
	MaxProbeEdge = 0.05  // between the speed probes before and after
	stealMost    = 0.005 // of all CPUs' time
	foreignMost  = 0.02  // of all CPUs' time
	socketsMost  = 100   // TCP sockets of other programs that came or went
	quietMargin  = 0.02  // of the window, over what the certificate found on a quiet machine
)

// noisy finds a machine that was disturbed, by the signals of the trial alone.
func noisy(r *Record) []finding {
	m := r.Machine
	if m == nil {
		return nil
	}
	var out []finding
	fire := func(format string, args ...any) { out = append(out, found(VerdictNoisy, format, args...)) }
	if m.probes() != nil {
		for cpu := range m.ProbeBeforeNs {
			before, after := m.ProbeBeforeNs[cpu], m.ProbeAfterNs[cpu]
			if apart := max(before, after)/min(before, after) - 1; apart > MaxProbeEdge {
				fire("speed probe %d differs by %.1f %% between before and after; 5 %% are allowed", cpu, 100*apart)
			}
		}
	}
	if m.StealShare != nil && *m.StealShare > stealMost {
		fire("the hypervisor stole %.2f %% of the CPUs; 0.5 %% are allowed", 100**m.StealShare)
	}
	if m.ForeignShare != nil && *m.ForeignShare > foreignMost {
		who := ""
		if m.ForeignMost != "" {
			who = ", " + m.ForeignMost + " alone"
		}
		fire("other programs used %.1f %% of the CPUs%s; 2 %% are allowed", 100**m.ForeignShare, who)
	}
	for _, s := range r.waiting() {
		if others := m.othersTime(); s.share != nil && min(*s.share-*s.quiet, others) > quietMargin {
			used := fmt.Sprintf("other programs used a CPU for %.1f %%", 100*others)
			if math.IsInf(others, 1) {
				used = "what other programs used is not known"
			}
			fire("%s %.1f %% of the window, and %s; %.1f %% are allowed (2 points over the certificate's quiet machine)",
				s.what, 100**s.share, used, 100*(*s.quiet+quietMargin))
		}
	}
	// Both counts are taken while no process of the trial lives.
	if m.SocketsBefore != nil && m.SocketsAfter != nil {
		if n := *m.SocketsAfter - *m.SocketsBefore; n > socketsMost || -n > socketsMost {
			fire("the system had %d TCP sockets in use before the trial and %d after it: other programs had more than 100", *m.SocketsBefore, *m.SocketsAfter)
		}
	}
	return out
}

// waitingSignal is a share of the window in which somebody waited for a CPU, and
// what it is when nothing but a trial runs.
type waitingSignal struct {
	name, what   string
	share, quiet *float64
}

// oneRunner are the engines that run one thread of the server at a time on each
// of its CPUs. The threads of others wait for each other, which says nothing of
// the machine.
var oneRunner = []string{"readiness", "completion", "goroutines", "sim"}

// othersTime is the CPU time of other programs, of the window. The threads of a
// trial wait for each other too, and how much depends on the backend: with nobody
// else about, CPU pressure was 11 % with poll and 9 % with select and io_uring
// where they turned connections away, 5 % with epoll and 1 % with goroutines
// (medians of psi_some_share in results/reference/quick). Waiting that other programs had
// not the time to cause says nothing of the machine, and would exclude trials by
// their result. Infinite where that time is not known.
func (m *MachinePart) othersTime() float64 {
	if m.ForeignShare == nil || m.CPUs == 0 {
		return math.Inf(1)
	}
	return *m.ForeignShare * float64(m.CPUs)
}

// waiting are the signals of waiting that have something to be compared with: a
// certificate that told what is quiet, and an engine without a crowd of its own.
func (r *Record) waiting() []waitingSignal {
	m := r.Machine
	if m == nil || r.Server == nil || !slices.Contains(oneRunner, r.Server.Engine) {
		return nil
	}
	return slices.DeleteFunc([]waitingSignal{
		{"CPU pressure", "some program waited for a CPU (PSI) in", m.PSISomeShare, m.PSIQuietShare},
		{"run delay", "the server was ready and waited for its CPU (run delay) in", m.RunDelayShare, m.RunDelayQuietShare},
	}, func(s waitingSignal) bool { return s.quiet == nil })
}

// unverified finds signals that a rule needs and this system does not supply.
func unverified(r *Record) []finding {
	m := r.Machine
	var unknown []string
	if m.probes() == nil || len(m.ProbeBeforeNs) == 0 {
		unknown = append(unknown, "the speed probe")
	}
	if m == nil || m.StealShare == nil {
		unknown = append(unknown, "steal")
	}
	if m == nil || m.ForeignShare == nil {
		unknown = append(unknown, "foreign CPU")
	}
	for _, s := range r.waiting() {
		if s.share == nil {
			unknown = append(unknown, s.name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return []finding{{VerdictUnverified, fmt.Sprintf("unknown on this system: %s", strings.Join(unknown, ", "))}}
}
