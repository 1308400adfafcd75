package loop

import (
	"io"
	"net/netip"
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
