package echod

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"medusa/poller/loop"
)

var address = netip.MustParseAddrPort("127.0.0.1:7")

// world is a server on a simulated loop.
func world(t *testing.T, size int, cfg loop.Config) (*loop.Loop, *Server) {
	t.Helper()
	cfg.Backend = "sim"
	l, err := loop.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := New(l, size)
	if _, err := l.Listen(loop.ListenOptions{Address: address}, s.Accept); err != nil {
		t.Fatal(err)
	}
	return l, s
}

// client sends text, then its FIN unless it keeps the connection, and takes what
// comes. With deaf it reads nothing until it is told to. It never has more than
// its out buffer queued, over which its own loop would stop reading: then neither
// end would read.
type client struct {
	text       []byte
	sent       int
	keep, deaf bool
	got        []byte
	ended      bool
	err        error
	c          *loop.Conn
}

func (a *client) Opened(c *loop.Conn) {
	a.c = c
	if a.deaf {
		c.Pause()
	}
	a.Drained(c)
}

func (a *client) Drained(c *loop.Conn) {
	if a.sent == len(a.text) {
		if !a.keep {
			c.CloseWrite()
		}
		return
	}
	n := min(len(a.text)-a.sent, c.Loop().Config().Out)
	c.Write(a.text[a.sent : a.sent+n])
	a.sent += n
}

func (a *client) Received(_ *loop.Conn, p []byte) int {
	a.got = append(a.got, p...)
	return len(p)
}

func (a *client) Ended(c *loop.Conn)             { a.ended = true; c.CloseWhenDone() }
func (a *client) Expired(*loop.Conn)             {}
func (a *client) Closed(_ *loop.Conn, err error) { a.err = err }

func noise(n int) []byte {
	r := rand.New(rand.NewPCG(862, uint64(n)))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// What came before the client's FIN is echoed, then ours follows; whole messages
// are counted however the input is cut.
func TestEcho(t *testing.T) {
	for _, n := range []int{0, 1, 99, 100, 101, 16 << 10, 300_000} {
		for _, size := range []int{1, 100, MaxMessage} {
			for _, chunk := range []int{0, 3, 1000} {
				if chunk == 3 && n > 100_000 {
					continue // nothing new, a byte at a time
				}
				t.Run(fmt.Sprintf("%d bytes, messages of %d, in chunks up to %d", n, size, chunk), func(t *testing.T) {
					l, s := world(t, size, loop.Config{Sim: &loop.SimConfig{MaxChunk: chunk, Latency: time.Microsecond}})
					a := &client{text: noise(n)}
					l.Dial(loop.DialOptions{Address: address}, a)
					if err := l.Run(); err != nil {
						t.Fatal(err)
					}
					if a.err != nil || !a.ended || !bytes.Equal(a.got, a.text) {
						t.Errorf("%d bytes came back, ended %v, %v", len(a.got), a.ended, a.err)
					}
					if want := uint64(n / size); s.Requests() != want {
						t.Errorf("%d messages, want %d", s.Requests(), want)
					}
				})
			}
		}
	}
}

// Each connection has its own messages: halves on two connections are none.
func TestMessagesByConnection(t *testing.T) {
	l, s := world(t, 100, loop.Config{})
	for _, n := range []int{50, 50, 199, 250} {
		l.Dial(loop.DialOptions{Address: address}, &client{text: noise(n)})
	}
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if s.Requests() != 3 {
		t.Errorf("%d messages, want 1 and 2", s.Requests())
	}
}

// A client that sends and does not read is not read from once the out buffer is
// full; what it sent comes back when it reads, after its FIN as well.
func TestBackPressure(t *testing.T) {
	const in, out, window, sent = 1024, 4096, 8192, 1 << 20
	l, s := world(t, 1, loop.Config{In: in, Out: out, Sim: &loop.SimConfig{Window: window, Latency: time.Microsecond}})
	a := &client{text: noise(sent), deaf: true}
	l.Dial(loop.DialOptions{Address: address}, a)
	most := 0
	l.At(loop.Time(time.Second), func() {
		l.Each(func(c *loop.Conn) {
			if _, ok := c.Handler().(*conn); ok {
				most = c.Queued()
			}
		})
		// A window is on its way to the client; the rest is queued here.
		if got := s.Requests(); got > window+out+in || got <= out {
			t.Errorf("%d bytes were read from a client that does not read", got)
		}
		if len(a.got) > 0 || a.ended {
			t.Error("the client was to read nothing")
		}
		a.c.Resume()
	})
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if most <= out || most > out+in {
		t.Errorf("%d bytes were queued, want over %d and at most one input buffer more", most, out)
	}
	if !bytes.Equal(a.got, a.text) || !a.ended || a.err != nil || s.Requests() != sent {
		t.Errorf("%d of %d bytes came back, %d counted, ended %v, %v", len(a.got), sent, s.Requests(), a.ended, a.err)
	}
}

// A draining server sends what is queued; idle connections do not delay it.
func TestDrain(t *testing.T) {
	l, s := world(t, 1, loop.Config{Sim: &loop.SimConfig{Window: 5000, Latency: time.Second}})
	busy := &client{text: noise(15_000), keep: true}
	l.Dial(loop.DialOptions{Address: address}, busy)
	l.Dial(loop.DialOptions{Address: address}, &client{keep: true})
	// An echo server queues only for a client that does not read.
	l.At(loop.Time(2500*time.Millisecond), func() { busy.c.Pause() })
	l.At(loop.Time(20*time.Second), func() {
		queued := 0
		l.Each(func(c *loop.Conn) {
			if _, ok := c.Handler().(*conn); ok {
				queued += c.Queued()
			}
		})
		if queued == 0 {
			t.Error("nothing is queued to wait for")
		}
		s.Drain(func() { l.Stop() })
		if s.drained == nil {
			t.Error("it did not wait for what was queued")
		}
		busy.c.Resume()
	})
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if s.awaited != 0 || !bytes.Equal(busy.got, busy.text[:len(busy.got)]) || uint64(len(busy.got)) != s.Requests() || !busy.ended {
		t.Errorf("%d of %d bytes echoed before the end", len(busy.got), s.Requests())
	}
}

func TestDrainWithNothingQueued(t *testing.T) {
	l, s := world(t, 1, loop.Config{})
	l.Dial(loop.DialOptions{Address: address}, &client{text: noise(10), keep: true})
	drained := false
	l.At(loop.Time(time.Second), func() { s.Drain(func() { drained = true; l.Stop() }) })
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if !drained {
		t.Error("it waits for a connection that has nothing to send")
	}
}
