package loop

import (
	"net/netip"
	"testing"
	"time"
)

// TestPauseSleeps: with clients in the backlog and no traffic the loop does nothing.
func TestPauseSleeps(t *testing.T) {
	onEvery(t, Config{MaxConnections: 3}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		serve(func(*Conn) Handler { return &handler{} })
		for range 20 {
			l.Dial(DialOptions{Address: at}, &handler{})
		}
		turns := uint64(0)
		l.At(l.Now().Add(50*time.Millisecond), func() { turns = l.Counts().Turns })
		l.At(l.Now().Add(350*time.Millisecond), func() {
			if c := l.Counts(); c.Accepted != 3 || c.Turns-turns > 5 {
				t.Errorf("%d accepted, %d turns in 300 ms", c.Accepted, c.Turns-turns)
			}
			l.Stop()
		})
	})
}

// TestSetMaxConnections: a bound that is raised lets in who waits, one that is lowered
// closes nobody.
func TestSetMaxConnections(t *testing.T) {
	onEvery(t, Config{MaxConnections: 5}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		l.SetMaxConnections(2)
		var held []*Conn
		serve(func(c *Conn) Handler { held = append(held, c); return &handler{} })
		for range 8 {
			l.Dial(DialOptions{Address: at}, &handler{})
		}
		steps := []struct {
			bound, end, want int
		}{{4, 0, 2}, {1, 0, 4}, {6, 2, 4}, {0, 0, 8}, {0, 0, 8}}
		i := 0
		var step func()
		step = func() {
			s := steps[i]
			if len(held) != s.want {
				t.Errorf("before step %d %d have come, want %d", i, len(held), s.want)
			}
			if i++; i == len(steps) {
				l.Stop()
				return
			}
			l.SetMaxConnections(s.bound)
			for _, c := range held[:s.end] {
				c.Abort()
			}
			l.At(l.Now().Add(50*time.Millisecond), step)
		}
		l.At(l.Now().Add(50*time.Millisecond), step)
	})
}

// TestUnbounded: where no place is left, an Unbounded listener accepts nevertheless;
// who came by it takes no place, and nobody goes for him.
func TestUnbounded(t *testing.T) {
	for _, policy := range []OnFull{Pause, Shed, Reap} {
		onEvery(t, Config{MaxConnections: 2, OnFull: policy}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
			bounded := 0
			var free []*Conn
			serve(func(*Conn) Handler { bounded++; return &handler{} })
			other, err := l.Listen(ListenOptions{Address: netip.AddrPortFrom(at.Addr(), 0), Unbounded: true}, func(c *Conn) Handler {
				free = append(free, c)
				return &handler{}
			})
			if err != nil {
				t.Fatal(err)
			}
			dial := func(n int, to netip.AddrPort) {
				for range n {
					l.Dial(DialOptions{Address: to}, &handler{})
				}
			}
			later := func(f func()) { l.At(l.Now().Add(50*time.Millisecond), f) }
			dial(2, at)
			later(func() {
				dial(5, other.Addr())
				later(func() {
					if c := l.Counts(); bounded != 2 || len(free) != 5 || c.Shed+c.Reaped != 0 {
						t.Errorf("%v: %d and %d were accepted, %d shed, %d reaped", policy, bounded, len(free), c.Shed, c.Reaped)
					}
					for _, c := range free {
						c.Abort()
					}
					dial(1, at)
					later(func() {
						if bounded != 2 {
							t.Errorf("%v: the end of the others has made a place", policy)
						}
						l.Stop()
					})
				})
			})
		})
	}
}

// TestAcceptsPerTurn: no turn accepts more than the listener may, and all come.
func TestAcceptsPerTurn(t *testing.T) {
	const crowd = 30
	for _, perTurn := range []int{1, 7, MaxAcceptsPerTurn} {
		onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
			l.listeners[0].options.AcceptsPerTurn = perTurn
			came, inTurn, most := 0, 0, 0
			turn := uint64(0)
			serve(func(*Conn) Handler {
				if l.counts.Turns != turn {
					turn, inTurn = l.counts.Turns, 0
				}
				inTurn++
				most = max(most, inTurn)
				if came++; came == crowd {
					l.Stop()
				}
				return &handler{}
			})
			for range crowd {
				l.Dial(DialOptions{Address: at}, &handler{})
			}
			t.Cleanup(func() {
				if came != crowd || l.Engine() != "goroutines" && most > perTurn {
					t.Errorf("%d came, %d in a turn; want at most %d", came, most, perTurn)
				}
			})
		})
	}
	l, err := New(Config{Backend: "sim"})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []int{-1, MaxAcceptsPerTurn + 1} {
		if _, err := l.Listen(ListenOptions{AcceptsPerTurn: bad}, nil); err == nil {
			t.Errorf("%d accepts in a turn were allowed", bad)
		}
	}
}

// TestParseOnFull: names are read as they are written, and nothing else is.
func TestParseOnFull(t *testing.T) {
	for _, f := range []OnFull{Pause, Shed, Reap} {
		if got, err := ParseOnFull(f.String()); got != f || err != nil {
			t.Errorf("%v: %v, %v", f, got, err)
		}
	}
	if got, err := ParseOnFull(""); got != Pause || err != nil {
		t.Errorf("nothing: %v, %v", got, err)
	}
	for _, bad := range []string{"Pause", "drop", " shed"} {
		if _, err := ParseOnFull(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	if _, err := New(Config{Backend: "sim", OnFull: Reap + 1}); err == nil {
		t.Error("a policy that does not exist was taken")
	}
}
