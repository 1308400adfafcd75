package loop

import (
	"errors"
	"fmt"
	"math"
)

// Burn makes a loop slower by a known share of its own work, so that it can be
// tried whether a comparison finds such a difference: every burnEvery events it
// spins until the CPU clock has moved on by Share of what it moved between.
// What was spun too long is taken off the next time, so the share holds on
// average, but for the last burnEvery events. Less than a read of the clock
// for burnEvery events cannot be burned.
type Burn struct {
	// Share is what is burned over what is used, from 0 to 1. 0 burns nothing,
	// and never reads the clock.
	Share float64
	// Clock reads the CPU time, in nanoseconds, of what is to be slowed:
	// the process, if its collector's work is to count as well. It must not tell
	// Go's scheduler that it calls the system, or burning wakes sysmon, whose
	// work is then burned for as well.
	Clock func() int64
}

// burnEvery is after how many events a loop burns. The clock is a system call
// (1 to 2 us), which after each request would be a burden of its own.
const burnEvery = 64

// burnLearn is how often the clock is read to learn what that costs: a single
// read may be the one that the collector ran beside.
const burnLearn = 32

// check refuses what cannot be burned.
func (b Burn) check(c Config, engine string) error {
	switch {
	case !(b.Share >= 0 && b.Share <= 1):
		return fmt.Errorf("burn of %v: give a share from 0 to 1", b.Share)
	case b.Share == 0:
		return nil
	case b.Clock == nil:
		return errors.New("burn without a clock to burn by")
	case engine == "goroutines":
		return fmt.Errorf("backend %s cannot burn: its work is done outside of the loop's turns", c.Backend)
	case c.Busy:
		return errors.New("a loop that polls without sleeping cannot burn: a share of its polling would be none of its work")
	}
	return nil
}

// burner is what a loop knows of its burning.
type burner struct {
	last int64   // the CPU clock when the last burning ended
	next uint64  // events after which the next is due
	debt float64 // CPU nanoseconds to be burned yet; negative: burned too many
	read int64   // what a read of the clock costs at least, as seen
}

// burn is called once a turn, when its work is done.
func (l *Loop) burn() {
	c, b := &l.cfg.Burn, &l.burner
	if c.Share == 0 || l.counts.Events < b.next {
		return
	}
	first := b.next == 0
	b.next = l.counts.Events + burnEvery
	now := c.Clock()
	if first {
		b.read = math.MaxInt64
		for range burnLearn {
			b.last, now = now, c.Clock()
			b.read = min(b.read, now-b.last)
		}
		b.last = now
		return
	}
	// Between two readings of a clock lies the cost of one read, which is burned
	// and no work of the server.
	b.read = min(b.read, now-b.last)
	b.debt += c.Share*float64(now-b.last-b.read) - float64(b.read)
	start := now
	for float64(now-start) < b.debt {
		then := now
		now = c.Clock()
		b.read = min(b.read, now-then)
	}
	b.debt -= float64(now - start)
	b.last = now
}
