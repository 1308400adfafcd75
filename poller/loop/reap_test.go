package loop

import (
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// idler is a handler whose connection may be idle.
type idler struct {
	handler
	busy bool
}

func (h *idler) Idle(*Conn) bool { return !h.busy }

// speak is how a client is no newcomer any more.
func speak(c *Conn) { c.Write([]byte("x")) }

// TestReap: who comes has the place of who has been silent for longest; who is
// busy, or has just spoken, stays. Each Closed comes once, and its client gets FIN.
func TestReap(t *testing.T) {
	const bound, offered = 4, 60
	onEvery(t, Config{MaxConnections: bound, OnFull: Reap}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		closed := map[int]int{}
		count := 0
		serve(func(c *Conn) Handler {
			i := count
			count++
			h := &idler{busy: i == 0} // the first never rests
			h.received = func(c *Conn, p []byte) int { c.Write(p); return len(p) }
			h.ended = (*Conn).CloseWhenDone
			h.closed = func(_ *Conn, err error) {
				closed[i]++
				if err != nil && err != ErrStopped {
					t.Errorf("%d was closed with %v", i, err)
				}
			}
			return h
		})
		var second *Conn // speaks before each new one comes
		var wake func()
		n := 0
		var next func()
		next = func() {
			i := n
			n++
			c := l.Dial(DialOptions{Address: at}, &handler{
				opened: func(c *Conn) { c.Write([]byte("x")) },
				received: func(c *Conn, p []byte) int {
					switch {
					case i == 1 && wake != nil:
						f := wake
						wake = nil
						f()
					case n == offered:
						l.Stop()
					case i < 1:
						next()
					default:
						wake = next
						second.Write([]byte("y"))
					}
					return len(p)
				},
				ended: func(c *Conn) {
					if i < 2 {
						t.Errorf("client %d was closed", i)
						l.Stop()
					}
					c.CloseWhenDone()
				},
			})
			if i == 1 {
				second = c
				wake = next
			}
		}
		next()
		t.Cleanup(func() {
			if n != offered || count != offered {
				t.Errorf("%d of %d clients, %d served", n, offered, count)
			}
			for i, k := range closed {
				if k != 1 {
					t.Errorf("Closed of %d came %d times", i, k)
				}
			}
			if c := l.Counts(); c.Reaped != offered-bound || c.Shed != 0 {
				t.Errorf("%d reaped, %d shed; want %d, 0", c.Reaped, c.Shed, offered-bound)
			}
			if l.order.first != 0 || l.order.last != 0 || len(l.leaving) != 0 || l.accepted != 0 {
				t.Errorf("left behind: %+v, %d leaving, %d accepted", l.order, len(l.leaving), l.accepted)
			}
		})
	})
}

// TestReapNobodyIdle: where nobody is idle who comes waits, without a spin, until
// somebody ends or becomes idle.
func TestReapNobodyIdle(t *testing.T) {
	for _, how := range []string{"ends", "rests", "is none"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			onEvery(t, Config{MaxConnections: 2, OnFull: Reap}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
				var held []*Conn
				var idlers []*idler
				serve(func(c *Conn) Handler {
					held = append(held, c)
					if how == "is none" {
						return &handler{}
					}
					h := &idler{busy: true}
					idlers = append(idlers, h)
					return h
				})
				for range 3 {
					l.Dial(DialOptions{Address: at}, &handler{opened: speak})
				}
				turns := uint64(0)
				l.At(l.Now().Add(50*time.Millisecond), func() {
					turns = l.Counts().Turns
				})
				l.At(l.Now().Add(350*time.Millisecond), func() {
					if n := l.Counts().Turns - turns; n > 20 {
						t.Errorf("%d turns in 300 ms", n)
					}
					if len(held) != 2 {
						t.Errorf("%d have a place", len(held))
					}
					if how == "rests" {
						idlers[1].busy = false
					} else {
						held[0].Abort()
					}
					l.At(l.Now().Add(300*time.Millisecond), l.Stop)
				})
				t.Cleanup(func() {
					if len(held) != 3 || l.Counts().Reaped != map[string]uint64{"rests": 1}[how] {
						t.Errorf("%d had a place, %d reaped", len(held), l.Counts().Reaped)
					}
				})
			})
		})
	}
}

// TestReapNeedsAClient: as long as nobody waits nobody is closed, full as it is.
func TestReapNeedsAClient(t *testing.T) {
	onEvery(t, Config{MaxConnections: 3, OnFull: Reap}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		serve(func(*Conn) Handler { return &idler{} })
		for range 3 {
			l.Dial(DialOptions{Address: at}, &handler{closed: func(_ *Conn, err error) {
				if err != ErrStopped {
					t.Errorf("a client was closed: %v", err)
				}
			}})
		}
		turns := uint64(0)
		l.At(l.Now().Add(50*time.Millisecond), func() { turns = l.Counts().Turns })
		l.At(l.Now().Add(350*time.Millisecond), func() {
			if c := l.Counts(); c.Accepted != 3 || c.Reaped != 0 || c.Turns-turns > 20 {
				t.Errorf("%d accepted, %d reaped, %d turns in 300 ms", c.Accepted, c.Reaped, c.Turns-turns)
			}
			l.Stop()
		})
	})
}

// TestReapForADescriptor: when there is no descriptor for who comes, who has been
// idle longest gives his.
func TestReapForADescriptor(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE} {
		onEvery(t, Config{OnFull: Reap}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
			l.listeners[0].options.AcceptsPerTurn = 1 // few in flight
			var order []int
			served := 0
			dial := func() {
				l.Dial(DialOptions{Address: at}, &handler{opened: speak, ended: (*Conn).CloseWhenDone})
			}
			serve(func(*Conn) Handler {
				i := served
				served++
				h := &idler{}
				h.received = func(_ *Conn, p []byte) int {
					if i < 2 {
						dial() // one after the other
					}
					return len(p)
				}
				h.closed = func(_ *Conn, err error) {
					if err == nil {
						order = append(order, i)
					} else if err != ErrStopped {
						t.Errorf("%d ended with %v", i, err)
					}
				}
				return h
			})
			dial()
			l.At(l.Now().Add(30*time.Millisecond), func() {
				failed := false
				l.acceptError = func() syscall.Errno {
					if failed || !l.eng.pending(l.listeners[0]) {
						return 0
					}
					failed = true
					return errno
				}
				for range 4 {
					dial()
				}
				l.At(l.Now().Add(60*time.Millisecond), l.Stop) // before acceptRetry
			})
			t.Cleanup(func() {
				if served != 7 || len(order) != 1 || order[0] != 0 || l.Counts().Reaped != 1 {
					t.Errorf("%v: %d served, %v gave their places, %d counted", errno, served, order, l.Counts().Reaped)
				}
			})
		})
	}
}

// TestReapSparesNewcomers: of a crowd that has spoken before it is accepted each is
// heard, few as the places are.
func TestReapSparesNewcomers(t *testing.T) {
	const bound, crowd = 4, 60
	onEvery(t, Config{MaxConnections: bound, OnFull: Reap}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		serve(func(*Conn) Handler {
			h := &idler{}
			h.received = func(c *Conn, p []byte) int { c.Write(p); return len(p) }
			return h
		})
		answered := 0
		for range crowd {
			l.Dial(DialOptions{Address: at}, &handler{
				opened: speak,
				received: func(_ *Conn, p []byte) int {
					if answered++; answered == crowd {
						l.Stop()
					}
					return len(p)
				},
				ended: (*Conn).CloseWhenDone,
			})
		}
		l.At(l.Now().Add(15*time.Second), l.Stop)
		t.Cleanup(func() {
			if answered != crowd {
				t.Errorf("%d of %d were answered", answered, crowd)
			}
		})
	})
}

// TestReapLooksFurther: many who are busy do not hide one who is idle for long.
func TestReapLooksFurther(t *testing.T) {
	const busy = 3 * reapLooks
	l, err := New(Config{Backend: "sim", MaxConnections: busy + 1, OnFull: Reap})
	if err != nil {
		t.Fatal(err)
	}
	came := 0
	var at Time // when the last has come
	n, err := l.Listen(ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:80"), AcceptsPerTurn: 1000}, func(*Conn) Handler {
		came++
		at = l.Now()
		return &idler{busy: came <= busy}
	})
	if err != nil {
		t.Fatal(err)
	}
	for range busy + 1 {
		l.Dial(DialOptions{Address: n.Addr()}, &handler{opened: speak, ended: (*Conn).CloseWhenDone})
	}
	dialled := Time(2 * time.Second)
	l.At(dialled, func() {
		for c := range l.table.slots { // whoever is busy is also the one who has been silent for longest
			if conn := l.table.slots[c].conn; conn != nil && conn.accepted() && !conn.handler.(*idler).busy {
				l.order.active(conn)
			}
		}
		l.Dial(DialOptions{Address: n.Addr()}, &handler{opened: speak})
	})
	l.At(dialled.Add(time.Second), l.Stop)
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if came != busy+2 || at.Sub(dialled) > 10*time.Millisecond || l.Counts().Reaped != 1 {
		t.Errorf("%d came, the last after %v; %d reaped", came, at.Sub(dialled), l.Counts().Reaped)
	}
}
