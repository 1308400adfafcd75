package loop

import (
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

// sampled counts what each turn moves. A turn ends with the engine's, so what
// is sent before the wait belongs to it.
type sampled struct {
	engine
	l                 *Loop
	last              Counts
	out, in, accepted uint64 // the most in one turn
	lone              uint64 // as out, where the turn was about one connection; these are not in out
}

func sample(l *Loop) *sampled {
	s := &sampled{engine: l.eng, l: l}
	l.eng = s
	return s
}

func (s *sampled) turn(until Time) error {
	out := &s.out
	if s.l.lone != nil { // it is for what has been sent before the wait
		out = &s.lone
	}
	err := s.engine.turn(until)
	now := s.l.counts
	*out = max(*out, now.BytesOut-s.last.BytesOut)
	s.in = max(s.in, now.BytesIn-s.last.BytesIn)
	s.accepted = max(s.accepted, now.Accepted-s.last.Accepted)
	s.last = now
	return err
}

// endless is a producer without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestTurnsAreBounded: one connection that sends or takes without end, by every
// way there is to send, moves at most turnBytes in a turn in each direction,
// and others are answered meanwhile: if they were not, the test would not end.
// It counts bytes and turns, not time. (On goroutines a turn of the loop is
// nothing; that others are answered is all that can be seen.)
func TestTurnsAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	const huge = 1 << 30
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(huge); err != nil {
		t.Fatal(err)
	}
	slice := make([]byte, 64<<20)
	for _, way := range []struct {
		name string
		sinks,
		sources uint64 // connections without end, on this loop
		serve func(c *Conn)
		dial  func(c *Conn)
	}{
		{"file", 1, 1, func(c *Conn) { c.SendFile(file, 0, huge, nil) }, nil},
		{"slice", 1, 1, func(c *Conn) { c.WriteShared(slice) }, nil},
		{"producer", 1, 1, func(c *Conn) { c.Push(endless{}) }, nil},
		{"upload", 1, 1, nil, func(c *Conn) { c.Push(endless{}) }},
		{"both ways", 2, 2, func(c *Conn) { c.Push(io.LimitReader(endless{}, huge)) }, func(c *Conn) { c.Push(io.LimitReader(endless{}, huge)) }},
	} {
		t.Run(way.name, func(t *testing.T) {
			// The biggest buffers, so that it is not they that bound a turn.
			cfg := Config{In: MaxBuffer, Out: MaxBuffer, Sim: &SimConfig{Window: 4 << 20}}
			onEvery(t, cfg, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
				s := sample(l)
				serve(func(*Conn) Handler {
					return &handler{received: func(c *Conn, p []byte) int {
						switch p[0] {
						case 'x':
							c.Write(p[:1])
						case 'D':
							if way.serve != nil {
								way.serve(c)
							}
						}
						return len(p)
					}}
				})
				l.Dial(DialOptions{Address: at}, &handler{opened: func(c *Conn) {
					c.Write([]byte("D"))
					if way.dial != nil {
						way.dial(c)
					}
				}})
				const others, enough = 3, 20
				left := others
				for range others {
					replies := 0
					l.Dial(DialOptions{Address: at, NoDelay: true}, &handler{
						opened: func(c *Conn) { c.Write([]byte("x")) },
						received: func(c *Conn, p []byte) int {
							switch replies++; {
							case replies < enough:
								c.Write([]byte("x"))
							case replies == enough:
								if left--; left == 0 {
									l.Stop()
								}
							}
							return len(p)
						},
					})
				}
				t.Cleanup(func() {
					const small = 2 * (others + 1) // what the others move, and the D
					if l.Engine() == "goroutines" {
						return
					}
					if s.out > way.sources*turnBytes+small {
						t.Errorf("%d bytes were sent in a turn", s.out)
					}
					if s.lone > loneBytes+(way.sources-1)*turnBytes+small {
						t.Errorf("%d bytes were sent in a turn that was about one connection", s.lone)
					}
					if s.in > way.sinks*turnBytes+small {
						t.Errorf("%d bytes were read in a turn", s.in)
					}
				})
			})
		})
	}
}

// TestLoneHasMore: a download that nobody else is beside is given to the kernel in
// larger parts than one that has company, and in no larger ones than the bound.
func TestLoneHasMore(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const size = 256 << 20
	if err := file.Truncate(size); err != nil {
		t.Fatal(err)
	}
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		if l.Engine() == "goroutines" || l.Engine() == "sim" {
			l.Stop() // a goroutine that sends keeps nobody waiting; sim has no others
			return
		}
		s := sample(l)
		serve(func(*Conn) Handler {
			return &handler{received: func(c *Conn, p []byte) int {
				c.SendFile(file, 0, size, nil)
				return len(p)
			}}
		})
		// The client is not of this loop, whose turns would be about both ends.
		go func() {
			defer l.Stop()
			c, err := net.Dial("tcp", at.String())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if _, err := c.Write([]byte("D")); err != nil {
				t.Error(err)
				return
			}
			if _, err := io.CopyN(io.Discard, c, size); err != nil {
				t.Error(err)
			}
		}()
		t.Cleanup(func() {
			if s.lone <= turnBytes || s.lone > loneBytes {
				t.Errorf("the most in a turn were %d bytes", s.lone)
			}
		})
	})
}

// TestDrainedIsBounded: a Handler that queues more whenever all is sent has no
// more of a turn for that than another.
func TestDrainedIsBounded(t *testing.T) {
	cfg := Config{Sim: &SimConfig{Window: 4 << 20}}
	onEvery(t, cfg, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		s := sample(l)
		block := make([]byte, 100<<10)
		serve(func(*Conn) Handler {
			return &handler{
				opened:  func(c *Conn) { c.WriteShared(block) },
				drained: func(c *Conn) { c.WriteShared(block) },
			}
		})
		got := 0
		l.Dial(DialOptions{Address: at}, &handler{received: func(_ *Conn, p []byte) int {
			if got += len(p); got > 8<<20 {
				l.Stop()
			}
			return len(p)
		}})
		t.Cleanup(func() {
			if l.Engine() != "goroutines" && s.out > turnBytes {
				t.Errorf("%d bytes were sent in a turn", s.out)
			}
			if l.Engine() != "goroutines" && s.lone > loneBytes {
				t.Errorf("%d bytes were sent in a turn that was about one connection", s.lone)
			}
		})
	})
}

// TestEveryoneHasATurn: of many connections that are all ready all the time,
// each moves as much as another, within what TCP makes of it: they go round.
func TestEveryoneHasATurn(t *testing.T) {
	const many, enough = 12, 32 << 20
	onEvery(t, Config{Sim: &SimConfig{}}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		got := map[*Conn]int{}
		// Nobody begins before all are there, at both ends: the first would be
		// done alone.
		var open []*Conn
		accepted := 0
		begin := func() {
			if len(open) < many || accepted < many {
				return
			}
			for _, c := range open {
				c.Push(endless{})
			}
		}
		serve(func(*Conn) Handler {
			return &handler{opened: func(*Conn) {
				accepted++
				begin()
			}, received: func(c *Conn, p []byte) int {
				if got[c] += len(p); got[c] > enough {
					l.Stop()
				}
				return len(p)
			}}
		})
		for range many {
			l.Dial(DialOptions{Address: at}, &handler{opened: func(c *Conn) {
				open = append(open, c)
				begin()
			}})
		}
		t.Cleanup(func() {
			least := enough
			for _, n := range got {
				least = min(least, n)
			}
			// How much a turn moves is up to each socket's window, which the
			// system tunes by itself. Goroutines are Go's to order; with them it
			// is only that none waits for ever.
			share := 16
			if l.Engine() == "goroutines" {
				share = enough
			}
			if len(got) != many || least < enough/share {
				t.Errorf("%d of %d moved something, the least %d KiB of the most's 32 MiB", len(got), many, least>>10)
			}
		})
	})
}

// TestAcceptsAreBounded: a crowd is accepted in portions, and all of it: on an
// edge backend there is one report for all.
func TestAcceptsAreBounded(t *testing.T) {
	const crowd = 3*DefaultAcceptsPerTurn + 5
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		s := sample(l)
		n := 0
		serve(func(*Conn) Handler {
			if n++; n == crowd {
				l.Stop()
			}
			return &handler{}
		})
		for range crowd {
			l.Dial(DialOptions{Address: at}, &handler{})
		}
		t.Cleanup(func() {
			if n != crowd {
				t.Errorf("%d of %d were accepted", n, crowd)
			}
			if l.Engine() != "goroutines" && s.accepted > DefaultAcceptsPerTurn {
				t.Errorf("%d were accepted in a turn", s.accepted)
			}
		})
	})
}
