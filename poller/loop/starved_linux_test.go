package loop

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestCrowdOnFewBuffers: a thousand clients that all speak at once, twice, are all
// answered although there are four buffers; those who wait read slowly.
func TestCrowdOnFewBuffers(t *testing.T) {
	const crowd, rounds = 1000, 2
	onRing(t, Config{}, 4, func(t *testing.T, l *Loop, e *completion, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		serve(func(*Conn) Handler {
			return &handler{received: func(c *Conn, p []byte) int { c.Write(p); return len(p) }}
		})
		open, answered := 0, 0
		var clients []*Conn
		for i := range crowd {
			message := fmt.Sprintf("client %d\n", i)
			got := ""
			clients = append(clients, l.Dial(DialOptions{Address: at, NoDelay: true}, &handler{
				opened: func(*Conn) {
					if open++; open == crowd {
						for i, c := range clients { // all in one turn
							c.Write([]byte(fmt.Sprintf("client %d\n", i)))
						}
					}
				},
				received: func(c *Conn, p []byte) int {
					got += string(p)
					if n := strings.Count(got, "\n"); n > 0 && strings.HasSuffix(got, "\n") {
						if got != strings.Repeat(message, n) {
							t.Errorf("client %d received %q", i, got)
							l.Stop()
						}
						if n < rounds {
							c.Write([]byte(message))
						} else if answered++; answered == crowd {
							l.At(l.Now().Add(5*time.Millisecond), func() {
								if n := missingBuffers(t, e); n != 0 {
									t.Errorf("%d buffers are gone", n)
								}
								l.Stop()
							})
						}
					}
					return len(p)
				},
			}))
		}
		t.Cleanup(func() {
			if answered != crowd {
				t.Errorf("%d of %d were answered", answered, crowd)
			}
		})
	})
}

// TestSlowReaders: a thousand clients ask for much and read nothing for a while;
// another is answered at once meanwhile, and in the end all have everything.
func TestSlowReaders(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	const slow, size = 1000, 1 << 20
	onRing(t, Config{}, 8, func(t *testing.T, l *Loop, e *completion, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		block := pattern(size)
		serve(func(*Conn) Handler {
			return &handler{received: func(c *Conn, p []byte) int {
				if p[0] == 'b' {
					c.WriteShared(block)
				} else {
					c.Write(p)
				}
				return len(p)
			}}
		})
		var clients []*Conn
		left, answers := slow, 0
		for range slow {
			got := 0
			clients = append(clients, l.Dial(DialOptions{Address: at}, &handler{
				opened: func(c *Conn) { c.Write([]byte("b")); c.Pause() },
				received: func(c *Conn, p []byte) int {
					for i := 0; i < len(p); i += 997 {
						if p[i] != block[got+i] {
							t.Errorf("byte %d is wrong", got+i)
							l.Stop()
							return len(p)
						}
					}
					if got += len(p); got == size {
						if left--; left == 0 {
							l.Stop()
						}
					}
					return len(p)
				},
			}))
		}
		l.Dial(DialOptions{Address: at, NoDelay: true}, &handler{
			opened: func(c *Conn) { c.Write([]byte("x")) },
			received: func(c *Conn, p []byte) int {
				if answers++; answers == 200 {
					for _, other := range clients {
						other.Resume()
					}
					return len(p)
				}
				c.Write([]byte("x"))
				return len(p)
			},
		})
		t.Cleanup(func() {
			if left != 0 || answers < 200 {
				t.Errorf("%d of %d have not got all, %d answers", left, slow, answers)
			}
		})
	})
}

// TestHogs: three peers that send without end leave buffers to others, who had to
// wait for one for ever.
func TestHogs(t *testing.T) {
	for _, most := range []int{1, 2} {
		onRing(t, Config{In: 2048}, most, func(t *testing.T, l *Loop, e *completion, at netip.AddrPort, serve func(func(*Conn) Handler)) {
			serve(func(*Conn) Handler {
				return &handler{received: func(c *Conn, p []byte) int {
					if p[0] == 'p' {
						c.Write(p)
					}
					return len(p)
				}}
			})
			for range 3 {
				l.Dial(DialOptions{Address: at}, &handler{opened: func(c *Conn) { c.Push(endless{}) }})
			}
			left := 50
			for range left {
				rounds := 0
				l.Dial(DialOptions{Address: at, NoDelay: true}, &handler{
					opened: func(c *Conn) { c.Write([]byte("p")) },
					received: func(c *Conn, p []byte) int {
						if rounds++; rounds == 40 {
							if left--; left == 0 {
								l.Stop()
							}
							return len(p)
						}
						c.Write([]byte("p"))
						return len(p)
					},
				})
			}
			t.Cleanup(func() {
				if left != 0 {
					t.Errorf("%d starved", left)
				}
			})
		})
	}
}
