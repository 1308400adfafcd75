package loop

import (
	"fmt"
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

// TestShed: who comes beyond the bound gets the refusal and FIN, also when he has
// spoken first, and no Handler hears of him; when a place is free the next has it.
func TestShed(t *testing.T) {
	const bound, offered = 3, 40
	onEvery(t, Config{MaxConnections: bound, OnFull: Shed}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		l.listeners[0].options.Refusal = []byte("full")
		heard := 0
		var held []*Conn
		serve(func(c *Conn) Handler {
			heard++
			held = append(held, c)
			return &handler{received: func(c *Conn, p []byte) int { c.Write([]byte("hello")); return len(p) }}
		})
		refused, said := 0, map[string]int{}
		var next func()
		last := false
		next = func() {
			got := ""
			l.Dial(DialOptions{Address: at}, &handler{
				opened: func(c *Conn) { c.Write([]byte("x")) },
				received: func(c *Conn, p []byte) int {
					if got += string(p); got == "hello" {
						said[got]++
						if last {
							l.Stop()
						} else {
							next()
						}
					}
					return len(p)
				},
				ended: func(c *Conn) {
					c.CloseWhenDone()
					if got == "hello" {
						return // it was the server who made a place
					}
					said[got]++
					if refused++; refused == offered-bound {
						last = true
						held[0].CloseWhenDone()
						l.At(l.Now().Add(50*time.Millisecond), next)
						return
					}
					next()
				},
				closed: func(c *Conn, err error) {
					if err != nil && err != ErrStopped {
						t.Errorf("a client ended with %v after %q", err, got)
						l.Stop()
					}
				},
			})
		}
		next()
		t.Cleanup(func() {
			if heard != bound+1 || said["full"] != offered-bound || said["hello"] != bound+1 || len(said) != 2 {
				t.Errorf("Handlers heard of %d, clients got %v", heard, said)
			}
			if c := l.Counts(); c.Shed != offered-bound || c.Accepted != bound+1 || c.ListenPauses != 0 {
				t.Errorf("%d shed, %d accepted, %d pauses", c.Shed, c.Accepted, c.ListenPauses)
			}
			if c := l.Counts(); c.BytesOut < uint64((offered-bound)*(len("full")+len("x"))+len("hello")*(bound+1)) {
				t.Errorf("%d bytes sent: those of refusals are not counted", c.BytesOut)
			}
		})
	})
}

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
					l.Dial(DialOptions{Address: at}, &handler{})
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

// TestAcceptErrors: whatever accept fails with, under each policy: the loop does not
// spin, and who waits is served, or refused, in the end.
func TestAcceptErrors(t *testing.T) {
	client := []syscall.Errno{syscall.EINTR, syscall.ECONNABORTED, syscall.EPROTO, syscall.EPERM, syscall.ENETDOWN, syscall.ENOPROTOOPT,
		syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.EOPNOTSUPP, syscall.ENETUNREACH}
	if noNetwork != 0 {
		client = append(client, noNetwork)
	}
	descriptors := []syscall.Errno{syscall.EMFILE, syscall.ENFILE}
	others := []syscall.Errno{syscall.ENOBUFS, syscall.ENOMEM, syscall.EINVAL}
	const times, clients = 3, 8
	for _, policy := range []OnFull{Pause, Shed, Reap} {
		for kind, list := range map[string][]syscall.Errno{"client": client, "descriptors": descriptors, "other": others} {
			for _, errno := range list {
				t.Run(fmt.Sprintf("%v/%s", policy, errnoName(errno)), func(t *testing.T) {
					t.Parallel()
					onEvery(t, Config{OnFull: policy}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
						accepted, refused, failed := 0, 0, 0
						over := func() bool { return accepted+refused == clients }
						serve(func(*Conn) Handler {
							return &handler{opened: func(*Conn) {
								if accepted++; over() {
									l.Stop()
								}
							}}
						})
						// They wait before the first accept: of an error that comes
						// to one in flight the seam knows nothing.
						for range clients {
							l.Dial(DialOptions{Address: at}, &handler{ended: func(c *Conn) {
								c.CloseWhenDone()
								if refused++; over() {
									l.Stop()
								}
							}})
						}
						l.acceptError = func() syscall.Errno {
							if failed == times || !l.eng.pending(l.listeners[0]) {
								return 0
							}
							failed++
							return errno
						}
						l.At(l.Now().Add(5*time.Second), l.Stop)
						t.Cleanup(func() {
							c := l.Counts()
							pauses, shed := uint64(0), 0
							switch {
							case policy == Shed && kind == "descriptors":
								shed = times
							case kind != "client":
								pauses = times
							}
							if !over() || failed != times || c.ListenPauses != pauses || refused != shed || int(c.Shed) != shed || c.Reaped != 0 {
								t.Errorf("%d accepted, %d refused, %d failures; %d pauses, %d shed, %d reaped; want %d pauses, %d shed",
									accepted, refused, failed, c.ListenPauses, c.Shed, c.Reaped, pauses, shed)
							}
							if d := l.Now().Sub(0); pauses > 0 && d < times*acceptRetry {
								t.Errorf("%d pauses in %v", pauses, d)
							}
							if c.Turns > 150 {
								t.Errorf("%d turns", c.Turns)
							}
						})
					})
				})
			}
		}
	}
}

// TestReapForADescriptor: when there is no descriptor for who comes, who has been
// idle longest gives his.
func TestReapForADescriptor(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE} {
		onEvery(t, Config{OnFull: Reap}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
			l.listeners[0].options.AcceptsPerTurn = 1 // few in flight
			var order []int
			served := 0
			serve(func(*Conn) Handler {
				i := served
				served++
				h := &idler{}
				h.closed = func(_ *Conn, err error) {
					if err == nil {
						order = append(order, i)
					} else if err != ErrStopped {
						t.Errorf("%d ended with %v", i, err)
					}
				}
				return h
			})
			dial := func() {
				l.Dial(DialOptions{Address: at}, &handler{ended: (*Conn).CloseWhenDone})
			}
			for range 3 {
				dial()
			}
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
				l.At(l.Now().Add(60*time.Millisecond), l.Stop) // before it tries again by itself
			})
			t.Cleanup(func() {
				if served != 7 || len(order) != 1 || order[0] != 0 || l.Counts().Reaped != 1 {
					t.Errorf("%v: %d served, %v gave their places, %d counted", errno, served, order, l.Counts().Reaped)
				}
			})
		})
	}
}

func errnoName(e syscall.Errno) string { return fmt.Sprintf("errno %d", int(e)) }

// TestEndlessErrors: an error that never goes away costs no CPU.
func TestEndlessErrors(t *testing.T) {
	for _, policy := range []OnFull{Pause, Shed, Reap} {
		for _, errno := range []syscall.Errno{syscall.EPERM, syscall.EINVAL, syscall.EMFILE, syscall.ENOMEM} {
			if errno == syscall.EMFILE && policy == Shed {
				continue // everybody is refused then
			}
			t.Run(fmt.Sprintf("%v/%s", policy, errnoName(errno)), func(t *testing.T) {
				t.Parallel()
				onEvery(t, Config{OnFull: policy}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
					serve(func(*Conn) Handler { return &handler{} })
					asked := 0
					l.acceptError = func() syscall.Errno { asked++; return errno }
					for range 3 {
						l.Dial(DialOptions{Address: at}, &handler{})
					}
					l.At(l.Now().Add(350*time.Millisecond), func() {
						if n := l.Counts().Turns; n > 200 || asked > 12*failuresInRow {
							t.Errorf("%d turns, %d accepts in 350 ms", n, asked)
						}
						l.Stop()
					})
				})
			})
		}
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
