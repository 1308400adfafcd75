package experiments

import "medusa/results"

// probeRetries is how often a probe that seems slow is made again.
const probeRetries = 2

// probe measures the machine's speed beside a trial. A probe that is slower
// than the one before it by more than the bound of the verdict is made again,
// up to probeRetries times, and the fastest counts for each CPU: a hypervisor
// takes a CPU away for some milliseconds now and then, which says nothing
// about the trial, while a machine that has changed its state is slow in all of
// them.
func (b *bench) probe(cpus []int) []float64 {
	best := b.speed(cpus)
	for range probeRetries {
		if !slower(best, b.lastProbe) {
			break
		}
		for i, ns := range b.speed(cpus) {
			best[i] = min(best[i], ns)
		}
	}
	b.lastProbe = best
	return best
}

// slower says whether a CPU was slower than in the reference by more than two
// probes of one trial may differ.
func slower(probe, reference []float64) bool {
	if len(probe) != len(reference) {
		return false
	}
	for i := range probe {
		if probe[i] > reference[i]*(1+results.MaxProbeEdge) {
			return true
		}
	}
	return false
}
