package loop

import (
	"net/netip"
	"testing"
	"time"
)

// TestOverdraft: with several listeners the descriptors held for who has no place,
// and those on the way, are no more than Overdraft says.
func TestOverdraft(t *testing.T) {
	const bound, listeners, each = 4, 3, 20
	for _, policy := range []OnFull{Pause, Shed, Reap} {
		t.Run(policy.String(), func(t *testing.T) {
			for _, name := range everyBackend() {
				t.Run(name, func(t *testing.T) {
					l, err := newOn(name, Config{MaxConnections: bound, OnFull: policy})
					if err != nil {
						t.Fatal(err)
					}
					ring, ok := l.eng.(*completion)
					if !ok {
						t.Skip("accepts nobody before there is a place or he is refused")
					}
					for range listeners {
						n, err := l.Listen(ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:0")}, func(*Conn) Handler { return &idler{} })
						if err != nil {
							t.Fatal(err)
						}
						for range each {
							l.Dial(DialOptions{Address: n.Addr()}, &handler{opened: speak, ended: (*Conn).CloseWhenDone})
						}
					}
					most, samples := 0, 0
					end := l.Now().Add(300 * time.Millisecond)
					var sample func()
					sample = func() {
						held := ring.loop.accepted
						for _, n := range l.listeners {
							b := n.io.(*backlogged)
							held += b.armed + len(b.fds)
						}
						most = max(most, held)
						if samples++; l.Now() >= end {
							l.Stop()
							return
						}
						l.At(l.Now().Add(100*time.Microsecond), sample)
					}
					l.Post(sample)
					if err := l.Run(); err != nil {
						t.Fatal(err)
					}
					if most > bound+Overdraft(listeners) || most < bound || samples < 20 {
						t.Errorf("up to %d descriptors in %d samples; %d connections may be open, and %d more", most, samples, bound, Overdraft(listeners))
					}
				})
			}
		})
	}
}
