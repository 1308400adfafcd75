package loadgen

import (
	"math/bits"
	"time"

	"medusa/poller/loop"
)

const (
	// onsetSlot is how long each of the first onsetFine slots of an Onset is;
	// after them a slot is twice as long every onsetFine/2 slots, so that none
	// is longer than 1/32 of the time before it.
	onsetSlot = time.Millisecond
	onsetFine = 64
	// onsetSlots reach over the first 4.096 s of a window.
	onsetSlots = onsetFine + 6*onsetFine/2
)

// Onset counts the replies from the beginning of the window on. A server that is
// another program counts none, and its CPU time is read a little after the
// window began, or late where many processes want its CPUs, when it may have
// been much faster or slower than on the mean: how many replies that reading
// missed is counted, not reckoned.
type Onset struct {
	SlotNs   int64    `json:"slot_ns"`  // the length of one of the first Fine slots
	Fine     int      `json:"fine"`     // after these a slot is twice as long every Fine/2 slots
	Answered []uint32 `json:"answered"` // of the window's requests, answered well in each slot since it began
}

func newOnset() Onset {
	return Onset{SlotNs: int64(onsetSlot), Fine: onsetFine, Answered: make([]uint32, onsetSlots)}
}

// add counts a reply that came a time after the window began.
func (o *Onset) add(after loop.Time) {
	slot := uint(after / loop.Time(onsetSlot))
	if slot >= onsetFine {
		const half = onsetFine / 2
		shift := bits.Len(slot/half) - 1
		slot = onsetFine + uint(shift-1)*half + slot>>shift - half
	}
	if slot < onsetSlots {
		o.Answered[slot]++
	}
}
