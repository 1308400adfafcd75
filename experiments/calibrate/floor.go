package calibrate

import (
	"slices"
	"time"

	"medusa/results"
)

// What the wake floor is made of: thread A, on the generator's CPU, writes to
// an eventfd that thread B, on the server's CPU, reads, and B writes to another
// one that A reads. A round trip is from just before A's write to just after its
// read has returned: two hand-overs, and two wakes where both sleep.
//
// Blocking, A sleeps for blockGap between rounds, so that both CPUs are idle
// and go as deep to sleep as they do between two requests at low load; while A
// waits for the answer its CPU may sleep again. Polling, both threads try
// without blocking and never leave their CPUs.
const (
	blockRounds = 10_000
	pollRounds  = 100_000
	blockGap    = 200 * time.Microsecond
)

// floorOf sums rounds up, which are nanoseconds.
func floorOf(rounds []int64) results.Floor {
	slices.Sort(rounds)
	return results.Floor{
		Count: uint64(len(rounds)), P50: rank(rounds, .5), P90: rank(rounds, .9), P99: rank(rounds, .99), P999: rank(rounds, .999),
	}
}
