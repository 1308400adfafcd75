package loadgen

import (
	"testing"
	"time"

	"medusa/poller/loop"
)

// A reply counts in the slot in which it came, later ones in none.
func TestOnset(t *testing.T) {
	t.Parallel()
	o := newRecorder(time.Second, true).onset
	if o.SlotNs != 500_000 {
		t.Errorf("a slot of %d ns", o.SlotNs)
	}
	for _, after := range []time.Duration{0, onsetSlot - 1, onsetSlot, onsetSlots*onsetSlot - 1, onsetSlots * onsetSlot, time.Hour} {
		o.add(loop.Time(after))
	}
	if o.Answered[0] != 2 || o.Answered[1] != 1 || o.Answered[onsetSlots-1] != 1 {
		t.Errorf("counted %v", o.Answered)
	}
}
