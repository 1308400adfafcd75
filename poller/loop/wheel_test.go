package loop

import (
	"testing"

	"pgregory.net/rapid"
)

// TestWheel: under any sequence of set, off and advance, every connection
// expires exactly when it is due: never early, and no later than the first
// run at or after its tick.
func TestWheel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &Loop{eng: &sim{}}
		fired := map[*Conn]int{}
		conns := make([]*Conn, 5)
		for i := range conns {
			c := &Conn{loop: l, state: stateOpen}
			c.timer.due = never
			c.handler = &handler{expired: func(c *Conn) { fired[c]++ }}
			conns[i] = c
		}
		due := map[*Conn]Time{}
		now := Time(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			c := rapid.SampledFrom(conns).Draw(t, "conn")
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0, 1:
				at := now + Time(rapid.Int64Range(1, 1<<rapid.IntRange(10, 45).Draw(t, "magnitude")).Draw(t, "after"))
				l.wheel.set(c, at)
				due[c] = at
			case 2:
				c.timer.due = never
				delete(due, c)
			default:
				now += Time(rapid.Int64Range(0, 1<<rapid.IntRange(10, 45).Draw(t, "leap")).Draw(t, "pass"))
				if next := l.wheel.next(); len(due) > 0 {
					for c, at := range due {
						if next > Time(ticks(at)<<wheelTick) {
							t.Fatalf("the wheel would sleep until %d, past %d of %p", next, at, c)
						}
					}
				}
				clear(fired)
				l.wheel.run(l, now)
				for _, c := range conns {
					at, set := due[c]
					want := 0
					if set && Time(ticks(at)<<wheelTick) <= now>>wheelTick<<wheelTick {
						want = 1
						delete(due, c)
					}
					if fired[c] != want {
						t.Fatalf("at %d a connection due at %d (set %v) expired %d times, not %d", now, at, set, fired[c], want)
					}
				}
			}
		}
	})
}

// TestTimers: calls come in order of time, then of At; a stopped one does not
// come, and a handle to one that has come stops nothing else.
func TestTimers(t *testing.T) {
	l, err := New(Config{Backend: "sim"})
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	add := func(at Time, n int) Timer { return l.At(at, func() { got = append(got, n) }) }
	add(30, 3)
	first := add(10, 1)
	add(10, 2)
	cancelled := add(20, 99)
	if !cancelled.Stop() || cancelled.Stop() {
		t.Error("Stop must say true once")
	}
	l.At(25, func() {
		if first.Stop() {
			t.Error("a timer that has come was still pending")
		}
		add(l.Now(), 4)
		if first.Stop() {
			t.Error("an old handle stopped a timer that uses its entry again")
		}
	})
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if want := []int{1, 2, 4, 3}; len(got) != 4 || got[0] != 1 || got[1] != 2 || got[2] != 4 || got[3] != 3 {
		t.Errorf("calls came as %v, not %v", got, want)
	}
	if l.Now() != 30 {
		t.Errorf("the virtual clock stands at %d, not 30", l.Now())
	}
}
