package calibrate

import (
	"testing"
	"time"

	"medusa/experiments/truthd"
	"medusa/loadgen"
	"medusa/poller/loop"
)

// away is a thread that was away for so long, once in each so many nanoseconds.
func away(pause, every time.Duration) truthd.Away {
	return truthd.Away{WholeNs: int64(every), Pauses: []int64{int64(pause)}}
}

// What a bare loop beside the windows meets as well is named as the machine's
// floor, and nothing else is. It is never a pass.
func TestMachineFloorIsNamed(t *testing.T) {
	t.Parallel()
	const late = 400 * time.Microsecond
	for name, c := range map[string]struct {
		every int           // one request in so many is late
		late  time.Duration // 0 for the usual
		bare  truthd.Away
		pass  bool
		floor bool
	}{
		"nobody is late":                {every: 1 << 30, pass: true},
		"late, and no loop is":          {every: 60},
		"late as a bare loop is":        {every: 60, bare: away(time.Millisecond, 50*time.Millisecond), floor: true},
		"later than a bare loop":        {every: 30, bare: away(time.Millisecond, 100*time.Millisecond)},
		"far later than a bare loop":    {every: 60, late: 50 * time.Millisecond, bare: away(400*time.Microsecond, 15*time.Millisecond)},
		"a machine over the cap":        {every: 62, bare: away(time.Millisecond, 2*time.Millisecond)},
		"p99.9 is not excused as p97.9": {every: 60, bare: away(400*time.Microsecond, 60*time.Millisecond)},
		"a machine that proves nothing": {every: 25, bare: away(time.Millisecond, 10*time.Millisecond)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var windows []*Window
			for _, w := range simNulls(t) {
				n := 0
				m := changed(w, func(q *loadgen.Logged) bool {
					if n++; n%c.every == 0 {
						d := loop.Time(late)
						if c.late > 0 {
							d = loop.Time(c.late)
						}
						q.Sent += d
						q.End += d
					}
					return true
				})
				m.Bare = c.bare
				windows = append(windows, m)
			}
			truth := CheckLag(windows)
			if truth.Pass != c.pass || truth.AtFloor() != c.floor {
				t.Errorf("pass %v, floor %v: %+v", truth.Pass, truth.AtFloor(), truth.Parts)
			}
		})
	}
}
