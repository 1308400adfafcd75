package loop

import (
	"io"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
)

// Tests of bugs that were found, each named by what went wrong.

// TestCloserQueuesMore: a producer whose Close writes to the same connection
// was closed twice, because the queue had moved under it.
func TestCloserQueuesMore(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		z := &chatty{}
		got := ""
		serve(func(*Conn) Handler {
			return &handler{
				received: func(_ *Conn, p []byte) int { got += string(p); return len(p) },
				closed: func(*Conn, error) {
					if z.closed != 1 || got != "helloxxxx" {
						t.Errorf("closed %d times, sent %q", z.closed, got)
					}
					l.Stop()
				},
			}
		})
		l.Dial(DialOptions{Address: at}, &handler{
			opened:  func(c *Conn) { z.conn = c; c.Push(z) },
			drained: func(c *Conn) { c.CloseWhenDone() },
		})
	})
}

type chatty struct {
	conn          *Conn
	reads, closed int
}

func (z *chatty) Read(p []byte) (int, error) {
	if z.reads++; z.reads > 1 {
		return 0, io.EOF
	}
	return copy(p, "hello"), nil
}

func (z *chatty) Close() error {
	if z.closed++; z.closed == 1 {
		for range 4 {
			z.conn.WriteShared([]byte("x"))
		}
	}
	return nil
}

// TestFullInputIsNoFIN: closing with a full buffer of unused input read into an
// empty slice and took the 0 for the peer's FIN.
func TestFullInputIsNoFIN(t *testing.T) {
	onEvery(t, Config{In: MinBuffer}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		serve(func(*Conn) Handler {
			return &handler{received: func(c *Conn, p []byte) int {
				if len(p) < MinBuffer {
					return 0
				}
				c.WriteShared(make([]byte, 16<<20))
				c.CloseWhenDone()
				l.At(l.Now().Add(50*time.Millisecond), func() {
					if c.fin {
						t.Error("FIN was seen, and none was sent")
					}
					l.Stop()
				})
				return 0
			}}
		})
		l.Dial(DialOptions{Address: at}, &handler{opened: func(c *Conn) {
			c.Pause()
			c.Write(make([]byte, 4*MinBuffer))
		}})
	})
}

// TestClosedWakesOthers: what a Handler writes to another connection when it is
// told of a reset that ended a blocked send was not sent until something else
// happened.
func TestClosedWakesOthers(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		var witness *Conn
		serve(func(*Conn) Handler {
			return &handler{
				received: func(c *Conn, p []byte) int {
					if p[0] == 'w' {
						witness = c
					}
					return len(p)
				},
				ended: func(c *Conn) {
					if c != witness {
						c.WriteShared(make([]byte, 16<<20))
					}
				},
				closed: func(c *Conn, _ error) {
					if c != witness && !l.stopping {
						witness.Write([]byte("it left"))
					}
				},
			}
		})
		l.Dial(DialOptions{Address: at}, &handler{
			opened:   func(c *Conn) { c.Write([]byte("w")) },
			received: func(_ *Conn, p []byte) int { l.Stop(); return len(p) },
		})
		l.At(l.Now().Add(20*time.Millisecond), func() {
			l.Dial(DialOptions{Address: at}, &handler{opened: func(c *Conn) {
				c.Pause()
				c.Write([]byte("b"))
				c.CloseWrite()
				l.At(l.Now().Add(50*time.Millisecond), c.Abort)
			}})
		})
	})
}

// TestAbortBeforeOpened: a connection aborted before it was established was
// opened first.
func TestAbortBeforeOpened(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		serve(func(c *Conn) Handler { return &handler{} })
		l.Dial(DialOptions{Address: at}, &handler{
			opened: func(*Conn) { t.Error("Opened was called") },
			closed: func(_ *Conn, err error) {
				if Kind(err) != "aborted" {
					t.Errorf("closed with %v", err)
				}
				l.Stop()
			},
		}).Abort()
	})
}

// TestContinueInsideRead: a producer that called Continue from its own Read,
// before it returned ErrLater, was never asked again.
func TestContinueInsideRead(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		got := ""
		serve(func(*Conn) Handler {
			return &handler{
				received: func(_ *Conn, p []byte) int { got += string(p); return len(p) },
				closed: func(*Conn, error) {
					if got != "ab" {
						t.Errorf("received %q", got)
					}
					l.Stop()
				},
			}
		})
		l.Dial(DialOptions{Address: at}, &handler{opened: func(c *Conn) {
			c.Push(&hasty{conn: c})
			c.CloseWhenDone()
		}})
	})
}

// hasty has something every third time, and always says at once that it has.
type hasty struct {
	conn  *Conn
	asked int
}

func (h *hasty) Read(p []byte) (int, error) {
	h.asked++
	h.conn.Continue()
	switch h.asked {
	case 3:
		return copy(p, "a"), ErrLater
	case 6:
		return copy(p, "b"), nil
	case 8:
		return 0, io.EOF
	}
	return 0, ErrLater
}

// TestFarDeadline: now and a huge duration made a time in the past.
func TestFarDeadline(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		const huge = time.Duration(1<<63 - 1)
		serve(func(*Conn) Handler { return &handler{} })
		l.Dial(DialOptions{Address: at, Timeout: huge}, &handler{
			opened: func(c *Conn) {
				for _, d := range []time.Duration{huge, huge - 1<<wheelTick, huge / 2, 1 << 56, 1<<56 - 1} {
					c.SetDeadline(d)
				}
				c.SetDeadline(huge)
				l.At(l.Now().Add(5*time.Millisecond), l.Stop)
				l.At(l.Now().Add(huge), func() { t.Error("a far timer came") })
			},
			expired: func(*Conn) { t.Error("a far deadline expired") },
			closed: func(_ *Conn, err error) {
				if Kind(err) != "stopped" {
					t.Errorf("closed with %v", err)
				}
			},
		})
	})
}

// TestTimerInThePast: a timer that renewed itself at a time in the past stood
// before all others, and none of them came.
func TestTimerInThePast(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, _ netip.AddrPort, _ func(func(*Conn) Handler)) {
		again := 0
		var stopped, renewed Timer
		var renew func()
		renew = func() {
			if again++; again > 10 {
				t.Error("the other timer does not come")
				l.Stop()
				return
			}
			turn := l.counts.Turns
			stopped = l.At(-1, func() { t.Error("a stopped timer came") })
			renewed = l.At(-1, func() {
				if l.counts.Turns == turn {
					t.Error("a timer made in the past came in the same turn")
				}
				renew()
			})
			if !stopped.Stop() || stopped.Stop() {
				t.Error("Stop must say true once")
			}
		}
		l.At(-1, renew)
		l.At(0, func() {
			renewed.Stop()
			l.Stop()
		})
	})
}

// TestStopDropsWork: a job that had not begun when the loop stopped was run,
// and Run waited for it.
func TestStopDropsWork(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, _ netip.AddrPort, _ func(func(*Conn) Handler)) {
		if l.Engine() == "sim" {
			l.Stop() // jobs take no time there
			return
		}
		var begun, done atomic.Int32
		release := make(chan struct{})
		for range 3 * Workers {
			l.Work(func() error {
				if begun.Add(1) == Workers {
					l.Stop()
				}
				<-release
				return nil
			}, func(error) { done.Add(1) })
		}
		go func() {
			<-l.work.stopped
			close(release)
		}()
		t.Cleanup(func() {
			if begun.Load() != Workers || done.Load() != 0 {
				t.Errorf("%d jobs began and %d were reported; want %d and none", begun.Load(), done.Load(), Workers)
			}
		})
	})
}

// TestBusyTakesTheWake: with Busy a wake was left in its channel, so that every
// later wait of goroutines ended at once.
func TestBusyTakesTheWake(t *testing.T) {
	l, err := New(Config{Backend: "goroutines", Busy: true})
	if err != nil {
		t.Fatal(err)
	}
	var turns uint64
	l.At(l.Now().Add(2*time.Millisecond), func() {
		turns = l.counts.Turns
		l.At(l.Now().Add(20*time.Millisecond), func() {
			turns = l.counts.Turns - turns
			l.Stop()
		})
	})
	l.Post(func() {}) // leaves a token
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if turns > 5 {
		t.Errorf("the loop turned %d times to wait for one timer", turns)
	}
}

// TestEndedBehindTheRest: a Handler that paused and resumed in the same call of
// Received, the peer's FIN being there already, was told of the FIN before it was
// shown again what it had left.
func TestEndedBehindTheRest(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		got := ""
		serve(func(*Conn) Handler {
			shown := 0
			return &handler{
				opened: func(c *Conn) {
					c.Pause()
					l.At(l.Now().Add(5*time.Millisecond), c.Resume)
				},
				received: func(c *Conn, p []byte) int {
					if shown++; shown < 5 {
						c.Pause()
						c.Resume()
						return 0
					}
					got += string(p[:1])
					c.Pause()
					c.Resume()
					return 1
				},
				ended: func(c *Conn) {
					got += "."
					c.CloseWhenDone()
				},
				closed: func(*Conn, error) { l.Stop() },
			}
		})
		l.Dial(DialOptions{Address: at}, &handler{opened: func(c *Conn) {
			c.Write([]byte("abc"))
			c.CloseWrite()
		}})
		t.Cleanup(func() {
			if got != "abc." {
				t.Errorf("shown %q", got)
			}
		})
	})
}
