package results

import (
	"fmt"
	"strings"
)

// The bounds of a quiet machine.
const (
	MaxProbeEdge = 0.05  // between the speed probes before and after
	stealMost    = 0.005 // of all CPUs' time
	foreignMost  = 0.02  // of all CPUs' time
	socketsMost  = 100   // TCP sockets of other programs that came or went
)

// noisy finds a machine that was disturbed, by the signals of the trial alone.
func noisy(m *MachinePart) []finding {
	if m == nil {
		return nil
	}
	var out []finding
	if m.probes() != nil {
		for cpu := range m.ProbeBeforeNs {
			before, after := m.ProbeBeforeNs[cpu], m.ProbeAfterNs[cpu]
			if apart := max(before, after)/min(before, after) - 1; apart > MaxProbeEdge {
				out = append(out, found(VerdictNoisy, "speed probe %d differs by %.1f %% between before and after; 5 %% are allowed", cpu, 100*apart))
			}
		}
	}
	if m.StealShare != nil && *m.StealShare > stealMost {
		out = append(out, found(VerdictNoisy, "the hypervisor stole %.2f %% of the CPUs; 0.5 %% are allowed", 100**m.StealShare))
	}
	if m.ForeignShare != nil && *m.ForeignShare > foreignMost {
		out = append(out, found(VerdictNoisy, "other programs used %.1f %% of the CPUs; 2 %% are allowed", 100**m.ForeignShare))
	}
	// Both counts are taken while no process of the trial lives.
	if m.SocketsBefore != nil && m.SocketsAfter != nil {
		if n := *m.SocketsAfter - *m.SocketsBefore; n > socketsMost || -n > socketsMost {
			out = append(out, found(VerdictNoisy, "the system had %d TCP sockets in use before the trial and %d after it: other programs had more than 100", *m.SocketsBefore, *m.SocketsAfter))
		}
	}
	return out
}

// unverified finds signals that a rule needs and this system does not supply.
func unverified(m *MachinePart) []finding {
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
	if len(unknown) == 0 {
		return nil
	}
	return []finding{{VerdictUnverified, fmt.Sprintf("unknown on this system: %s", strings.Join(unknown, ", "))}}
}
