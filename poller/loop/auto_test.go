package loop

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// source is a producer of so many bytes that notes how many it is asked for.
type source struct {
	left  int
	asked []int
}

func (s *source) Read(p []byte) (int, error) {
	s.asked = append(s.asked, len(p))
	if s.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), s.left)
	s.left -= n
	return n, nil
}

// slowly reads at a rate in bytes a second, an in size at a time.
func slowly(rate int) *handler {
	return &handler{received: func(c *Conn, p []byte) int {
		c.Pause()
		c.Loop().At(c.Loop().Now().Add(time.Duration(len(p))*time.Second/time.Duration(rate)), c.Resume)
		return len(p)
	}}
}

// autoWorld serves each client of a simulated loop an endless file from buffers
// that adjust themselves. Clients have windows of 64 KiB.
func autoWorld(t *testing.T, budget int64) (l *Loop, dial func(h *handler) *source) {
	t.Helper()
	l, err := New(Config{Backend: "sim", Auto: true, AutoBudget: budget, Sim: &SimConfig{Latency: 100 * time.Microsecond, Window: 64 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	sources := map[netip.Addr]*source{}
	n, err := l.Listen(ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:80")}, func(c *Conn) Handler {
		return &handler{opened: func(c *Conn) { c.Push(sources[c.RemoteAddr().Addr()]) }}
	})
	if err != nil {
		t.Fatal(err)
	}
	from := netip.MustParseAddr("10.0.0.0")
	return l, func(h *handler) *source {
		from = from.Next()
		s := &source{left: 1 << 40}
		sources[from] = s
		l.Dial(DialOptions{Address: n.Addr(), Source: from}, h)
		return s
	}
}

// TestAutoGrows: the buffers of a peer who takes everything at once become as
// large as they may, by steps, and begin with the least.
func TestAutoGrows(t *testing.T) {
	l, dial := autoWorld(t, 0)
	s := dial(&handler{})
	l.At(Time(time.Second), l.Stop)
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if len(s.asked) < 100 || s.asked[0] != AutoLeast || s.asked[len(s.asked)-1] != AutoMost {
		t.Fatalf("asked %d times for %v ... %d", len(s.asked), s.asked[:min(len(s.asked), 8)], s.asked[len(s.asked)-1])
	}
	for i := range s.asked[1:] {
		if a, b := s.asked[i], s.asked[i+1]; b != a && b != 4*a {
			t.Fatalf("asked for %d bytes after %d", b, a)
		}
	}
}

// TestAutoShrinks: a modem has the least buffers soon, whatever its window took
// at first, and again when it was a fast peer for a time.
func TestAutoShrinks(t *testing.T) {
	l, dial := autoWorld(t, 0)
	const modem = 56_000 / 8
	slow := slowly(modem)
	fast := false
	s := dial(&handler{received: func(c *Conn, p []byte) int {
		if fast {
			return len(p)
		}
		return slow.received(c, p)
	}})
	check := func(what string, want int) {
		if last := s.asked[len(s.asked)-1]; last != want {
			t.Errorf("%s: asked for %d bytes at a time, want %d: %v", what, last, want, s.asked[max(0, len(s.asked)-10):])
		}
		if want == AutoLeast && l.buffers.held > AutoLeast+DefaultBuffer { // and what the client reads into
			t.Errorf("%s: %d bytes in hand", what, l.buffers.held)
		}
	}
	l.At(Time(60*time.Second), func() { check("a modem", AutoLeast); fast = true })
	l.At(Time(70*time.Second), func() { check("on a fast line", AutoMost); fast = false })
	l.At(Time(200*time.Second), func() { check("a modem again", AutoLeast); l.Stop() })
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
}

// TestAutoFollows: a peer has what it takes in autoTime, to a step.
func TestAutoFollows(t *testing.T) {
	for _, c := range []struct{ rate, want int }{
		{7_000, AutoLeast}, {100_000, AutoLeast}, {300_000, 4 * AutoLeast}, {1_000_000, 16 * AutoLeast}, {10_000_000, AutoMost},
	} {
		l, dial := autoWorld(t, 0)
		s := dial(slowly(c.rate))
		l.At(Time(30*time.Second), l.Stop)
		if err := l.Run(); err != nil {
			t.Fatal(err)
		}
		tail := slices.Clone(s.asked[len(s.asked)/2:])
		slices.Sort(tail)
		if got := tail[len(tail)/2]; got != c.want {
			t.Errorf("at %d bytes/s: asked for %d bytes at a time, want %d", c.rate, got, c.want)
		}
	}
}

// TestAutoBudget: those who want more than there is share what there is, those
// who want little have it, and the budget holds but for the least buffers.
func TestAutoBudget(t *testing.T) {
	const greedy, modest, budget = 15, 5, 1 << 20
	l, dial := autoWorld(t, budget)
	var all []*source
	for i := range greedy + modest {
		rate := 4_000_000
		if i < modest {
			rate = 7_000
		}
		all = append(all, dial(slowly(rate)))
	}
	most := int64(0)
	var watch func()
	watch = func() {
		most = max(most, l.buffers.auto)
		l.At(l.Now().Add(time.Millisecond), watch)
	}
	watch()
	l.At(Time(30*time.Second), l.Stop)
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if most > budget || most < budget/2 {
		t.Errorf("%d bytes of %d were in hand at most", most, budget)
	}
	mean := func(s *source) (sum int) {
		tail := s.asked[len(s.asked)/2:]
		for _, n := range tail {
			sum += n
		}
		return sum / len(tail)
	}
	low, high := 1<<30, 0
	for i, s := range all {
		if i < modest {
			if m := mean(s); m != AutoLeast {
				t.Errorf("a modem was asked for %d bytes at a time", m)
			}
			continue
		}
		low, high = min(low, mean(s)), max(high, mean(s))
	}
	if low*2 < high || low < budget/(greedy+1)/4 {
		t.Errorf("shares of %d to %d bytes among %d", low, high, greedy)
	}
}

// TestAutoHabit: a connection begins where another with the same peer has come to.
func TestAutoHabit(t *testing.T) {
	onEvery(t, Config{Auto: true, Networks: []NetworkBuffers{{Network: netip.MustParsePrefix("127.0.0.9/32")}}}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		var learnt Habit
		n := 0
		serve(func(c *Conn) Handler {
			s := &source{left: 3 << 20}
			fixed := !c.Buffers().Auto
			return &handler{
				opened: func(c *Conn) {
					if c.Assume(learnt); fixed && c.Habit() != 0 {
						t.Error("buffers that are fixed have learnt something")
					}
					c.Push(s)
					c.CloseWhenDone()
				},
				closed: func(c *Conn, _ error) {
					n++
					switch want := autoSize(int(learnt & (autoSteps - 1))); n {
					case 1:
						if learnt = c.Habit(); learnt == 0 || s.asked[0] != AutoLeast {
							t.Errorf("learnt %d; asked for %v", learnt, s.asked[:3])
						}
						l.Dial(DialOptions{Address: at}, &handler{})
					case 2:
						if s.asked[0] != want {
							t.Errorf("the next connection is asked for %d bytes first, want %d", s.asked[0], want)
						}
						l.Dial(DialOptions{Address: at, Source: netip.MustParseAddr("127.0.0.9")}, &handler{})
					case 3:
						if !fixed || s.asked[0] != DefaultBuffer {
							t.Errorf("one of other buffers is asked for %d bytes", s.asked[0])
						}
						l.Stop()
					}
				},
			}
		})
		l.Dial(DialOptions{Address: at}, &handler{})
	})
}

// TestAutoWhole: what is sent from buffers that adjust themselves arrives as it
// is, to slow readers and fast, on every engine.
func TestAutoWhole(t *testing.T) {
	content := make([]byte, 3<<20+1)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range content {
		content[i] = byte(r.Uint32())
	}
	for _, budget := range []int64{0, 10_000} {
		onEvery(t, Config{Auto: true, AutoBudget: budget}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
			serve(func(*Conn) Handler {
				return &handler{opened: func(c *Conn) { c.Push(bytes.NewReader(content)); c.CloseWhenDone() }}
			})
			left := 2
			for _, rate := range []int{0, 30 << 20} {
				var got bytes.Buffer
				h := &handler{closed: func(_ *Conn, err error) {
					if err != nil || !bytes.Equal(got.Bytes(), content) {
						t.Errorf("%d bytes of %d came, or others: %v", got.Len(), len(content), err)
					}
					if left--; left == 0 {
						l.Post(func() {
							if l.buffers.auto != 0 && !errors.Is(l.fatal, errQuiet) && l.table.live == 0 {
								t.Errorf("%d bytes of buffers in hand", l.buffers.auto)
							}
							l.Stop()
						})
					}
				}}
				slow := slowly(max(rate, 1))
				h.received = func(c *Conn, p []byte) int {
					got.Write(p)
					if rate > 0 {
						slow.received(c, p)
					}
					return len(p)
				}
				l.Dial(DialOptions{Address: at}, h)
			}
		})
	}
}
