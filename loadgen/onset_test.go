package loadgen

import (
	"testing"
	"time"

	"medusa/poller/loop"
)

// A reply counts in the slot in which it came, later ones in none: 64 of a
// millisecond, and 32 of each length after them.
func TestOnset(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, c := range []struct {
		after time.Duration
		slot  int
	}{
		{0, 0}, {ms - 1, 0}, {ms, 1}, {64*ms - 1, 63}, {64 * ms, 64}, {66*ms - 1, 64}, {66 * ms, 65},
		{128*ms - 1, 95}, {128 * ms, 96}, {132 * ms, 97}, {256 * ms, 128}, {512 * ms, 160}, {1024 * ms, 192},
		{2048*ms - 1, 223}, {2048 * ms, 224}, {4096*ms - 1, 255}, {4096 * ms, -1}, {time.Hour, -1},
	} {
		o := newOnset()
		o.add(loop.Time(c.after))
		for i, n := range o.Answered {
			if (n == 1) != (i == c.slot) {
				t.Errorf("%v: %d in slot %d, want it in %d", c.after, n, i, c.slot)
			}
		}
	}
}
