package loop

import "time"

// clock is the system's monotonic clock, for engines with real sockets.
type clock struct{ start time.Time }

func newClock() clock { return clock{start: time.Now()} }

// now costs a read of the monotonic clock only, half of time.Now.
func (c clock) now() Time { return Time(time.Since(c.start)) }

func (c clock) wall() time.Time { return time.Now() }

// patience is how long an engine may wait: less than to until by the time to be
// spun. If that is spun, it returns when this began, otherwise never.
func (l *Loop) patience(until Time) (polled Time, d time.Duration) {
	switch {
	case l.cfg.Busy:
		return l.eng.now(), 0
	case until == never:
		return never, -1
	case until <= 0:
		return never, 0
	}
	now := l.eng.now()
	switch d := until.Sub(now); {
	case d <= 0:
		return never, 0
	case d <= l.cfg.Spin:
		return now, 0
	default:
		return never, d - l.cfg.Spin
	}
}
