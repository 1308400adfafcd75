package loadgen

import (
	"time"

	"medusa/poller/loop"
)

const (
	// onsetSlot is the resolution of an Onset, and onsetSlots how many of them
	// it has: 50 ms in all, in which the runner has read the server's counters
	// unless the machine is very busy.
	onsetSlot  = 500 * time.Microsecond
	onsetSlots = 100
)

// Onset counts the replies at the beginning of the window. A server that is
// another program counts none, and its CPU time is read a little after the
// window began, perhaps late on a busy machine, when the server may have been
// much faster or slower than on the mean: how many replies that reading missed
// is counted, not reckoned.
type Onset struct {
	SlotNs   int64              `json:"slot_ns"`  // the length of a slot
	Answered [onsetSlots]uint32 `json:"answered"` // of the window's requests, answered well in each slot since it began
}

// add counts a reply that came a time after the window began.
func (o *Onset) add(after loop.Time) {
	if after < loop.Time(onsetSlots*onsetSlot) {
		o.Answered[after/loop.Time(onsetSlot)]++
	}
}
