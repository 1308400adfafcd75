package loop

import "time"

// clock is the system's monotonic clock, for engines with real sockets.
type clock struct{ start time.Time }

func newClock() clock { return clock{start: time.Now()} }

// now costs a read of the monotonic clock only, half of time.Now.
func (c clock) now() Time { return Time(time.Since(c.start)) }

func (c clock) wall() time.Time { return time.Now() }
