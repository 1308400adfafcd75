package loop

import (
	"net/netip"
	"testing"
	"time"
)

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
