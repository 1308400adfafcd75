package loop

import (
	"net/netip"
	"testing"
	"time"
)

// TestMultishotFarFromTheBound: with a bound the ring keeps its multishot accept while
// more places are left than clients can wait, takes single ones nearer than that,
// and never holds more than the bound and the one in hand.
func TestMultishotFarFromTheBound(t *testing.T) {
	const bound, backlog, crowd = 100, 16, 130
	onRing(t, Config{MaxConnections: bound}, groupBuffers, func(t *testing.T, l *Loop, e *completion, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		n := l.listeners[0]
		n.options.Backlog = backlog
		var held []*Conn
		serve(func(c *Conn) Handler { held = append(held, c); return &handler{} })
		check := func(when string, multishot bool) {
			b := n.io.(*backlogged)
			if b.armed == 0 || b.multishot != multishot || multishot && b.armed != 1 {
				t.Errorf("%s: %d accepts in flight, multishot %v; %d held", when, b.armed, b.multishot, len(held))
			}
		}
		dialled := 0
		offer := func(most int) {
			for ; dialled < most; dialled++ {
				l.Dial(DialOptions{Address: at}, &handler{ended: (*Conn).CloseWhenDone})
			}
		}
		soon := func(f func()) { l.At(l.Now().Add(30*time.Millisecond), f) }
		offer(bound - backlog - 1)
		soon(func() {
			check("many places", true)
			offer(bound - backlog)
			soon(func() {
				check("as many as may wait", false)
				offer(crowd)
				soon(func() {
					if b := n.io.(*backlogged); len(held) != bound || len(b.fds)+b.armed > 1 {
						t.Errorf("full: %d held, %d in hand, %d accepts in flight", len(held), len(b.fds), b.armed)
					}
					for _, c := range held {
						c.CloseWhenDone()
					}
					soon(func() {
						if len(held) != crowd {
							t.Errorf("%d of %d came", len(held), crowd)
						}
						offer(crowd + singleAccepts) // uses the single ones up
						soon(func() { check("many places again", true); l.Stop() })
					})
				})
			})
		})
	})
}

// TestAcceptsInFlight: on a ring AcceptsPerTurn up to singleAccepts is the number of
// accepts in flight.
func TestAcceptsInFlight(t *testing.T) {
	for _, test := range []struct {
		perTurn, armed int
		multishot      bool
	}{{1, 1, false}, {5, 5, false}, {singleAccepts, singleAccepts, false}, {singleAccepts + 1, 1, true}, {MaxAcceptsPerTurn, 1, true}} {
		onRing(t, Config{}, groupBuffers, func(t *testing.T, l *Loop, e *completion, at netip.AddrPort, serve func(func(*Conn) Handler)) {
			l.listeners[0].options.AcceptsPerTurn = test.perTurn
			came := 0
			serve(func(*Conn) Handler {
				if came++; came == 40 {
					l.At(l.Now().Add(10*time.Millisecond), func() {
						if b := l.listeners[0].io.(*backlogged); b.armed != test.armed || b.multishot != test.multishot {
							t.Errorf("%d per turn: %d in flight, multishot %v", test.perTurn, b.armed, b.multishot)
						}
						l.Stop()
					})
				}
				return &handler{}
			})
			for range 40 {
				l.Dial(DialOptions{Address: at}, &handler{})
			}
		})
	}
}
