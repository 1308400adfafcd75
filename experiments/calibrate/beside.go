package calibrate

import (
	"math"
	"slices"

	"medusa/experiments/truthd"
)

// beside is what a part with a limit on the quantile q is held against when it
// fails: what the machine alone does to whoever has to be on time.
type beside struct {
	q       float64
	limit   int64                 // nanoseconds
	n       int                   // requests that a share is of
	late    func(x int64) float64 // share of the requests that are more than x late
	machine func(x int64) float64 // share of moments at which the machine alone makes late by more than x
}

// multiples of the limit at which the tail is held against the machine's: a
// machine that takes 0.4 ms away does not excuse who is late by 50 ms.
var multiples = []int64{1, 2, 5, 20}

const (
	// machineMost bounds what is taken for a floor: a machine that takes its
	// CPUs away more often than that is disturbed.
	machineMost = 0.02
	// clusters is by how much the requests of a window may meet more pauses
	// than bare loops beside it, as pauses come in clusters.
	clusters = 1.5
)

// fits says whether the requests are late no more often, and no later, than
// the limit and the machine allow.
func (b beside) fits() bool {
	if m := b.machine(b.limit); m <= 0 || m > machineMost {
		return false
	}
	for _, k := range multiples {
		if x := k * b.limit; b.late(x) > allowed(b.q, b.machine(x), b.n) {
			return false
		}
	}
	return true
}

// allowed is the share of n requests that may be late when the limit binds the
// quantile q and the machine alone makes the share machine late: with what
// three standard errors of that share come to.
func allowed(q, machine float64, n int) float64 {
	if machine <= 0 || machine > machineMost {
		return 1 - q
	}
	return 1 - q + clusters*machine + 3*math.Sqrt(clusters*machine/float64(max(n, 1)))
}

// partBeside adds a number like part. For one that lies outside it names the
// machine's floor if its requests are late as the machine alone makes them: the
// part does not pass, but says nothing against the instrument.
func (b *builder) partBeside(name, unit string, measured float64, in bound, m beside) {
	b.part(name, unit, measured, in)
	p := &b.Parts[len(b.Parts)-1]
	if !p.Pass && !math.IsNaN(measured) && m.fits() {
		share := m.machine(m.limit)
		p.Machine = &share
	}
}

// pausesOf sums the late shares of threads that a request meets.
func pausesOf(all ...truthd.Away) func(x int64) float64 {
	return func(x int64) (sum float64) {
		for _, a := range all {
			sum += a.LateShare(x)
		}
		return sum
	}
}

// over is the share of a sorted list that is over x.
func over(sorted []int64, x int64) float64 {
	at, _ := slices.BinarySearch(sorted, x+1)
	return share(len(sorted)-at, len(sorted))
}
