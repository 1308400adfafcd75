package rawd

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// counted feeds pieces to one connection and adds up what it counts.
func counted(pieces ...[]byte) (k int) {
	var h conn
	for _, p := range pieces {
		k += h.count(p)
	}
	return k
}

func TestCount(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "\r\n\r": 0, "\r\n\r\n": 1, "GET / HTTP/1.1\r\nHost: a\r\n\r\n": 1, "\n\r\n\r\n": 1,
		"\r\n\r\n\r\n": 1, "\r\n\r\n\r\n\r\n": 2, "\r\r\n\r\n": 1, "\r\n\r\r\n\r\n": 1, "\r\n\r\r\n": 0, "a\r\n\r\nb\r\n\r\n": 2,
		"\n\n": 0, "\r\nx\r\n": 0, strings.Repeat("\r\n\r\n", 1000): 1000,
	} {
		if got := counted([]byte(text)); got != want {
			t.Errorf("%.40q: %d, want %d", text, got, want)
		}
	}
}

// FuzzCount: however the input is cut, the count is the same.
func FuzzCount(f *testing.F) {
	f.Add([]byte("\r\n\r\n\r\n\r\n"), 3)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\nGET"), 17)
	f.Add([]byte("\r\r\n\r\r\n\r\n\n"), 2)
	f.Fuzz(func(t *testing.T, p []byte, cut int) {
		want := bytes.Count(p, []byte("\r\n\r\n"))
		if got := counted(p); got != want {
			t.Errorf("%q: %d, want %d", p, got, want)
		}
		if cut >= 0 && cut < len(p) {
			if got := counted(p[:cut], p[cut:]); got != want {
				t.Errorf("%q, cut at %d: %d, want %d", p, cut, got, want)
			}
		}
		var bytewise [][]byte
		for i := range p {
			bytewise = append(bytewise, p[i:i+1])
		}
		if got := counted(bytewise...); got != want {
			t.Errorf("%q, byte by byte: %d, want %d", p, got, want)
		}
	})
}

// TestResponseSize: what it is compared with sends this.
func TestResponseSize(t *testing.T) {
	reference := "HTTP/1.1 200 OK\r\nServer: climit\r\nDate: Sun, 22 Nov 2026 08:00:00 GMT\r\nContent-Type: text/plain\r\n" +
		"Content-Length: 13\r\nConnection: keep-alive\r\n\r\nHello, World!"
	if len(response) != len(reference) {
		t.Errorf("a response has %d bytes, the reference's has %d", len(response), len(reference))
	}
}

// asker sends text, then its FIN, and keeps what comes.
type asker struct {
	text string
	got  []byte
	err  error
}

func (a *asker) Opened(c *loop.Conn) {
	c.Write([]byte(a.text))
	c.CloseWrite()
}

func (a *asker) Received(_ *loop.Conn, p []byte) int {
	a.got = append(a.got, p...)
	return len(p)
}

func (a *asker) Ended(c *loop.Conn)             { c.CloseWhenDone() }
func (a *asker) Expired(*loop.Conn)             {}
func (a *asker) Drained(*loop.Conn)             {}
func (a *asker) Closed(_ *loop.Conn, err error) { a.err = err }

func TestAnswers(t *testing.T) {
	address := netip.MustParseAddrPort("127.0.0.1:80")
	for _, requests := range []int{0, 1, burst - 1, burst, burst + 1, 2*burst + 7} {
		for _, chunk := range []int{0, 3, 100} {
			l, err := loop.New(loop.Config{Backend: "sim", Sim: &loop.SimConfig{MaxChunk: chunk, Latency: time.Microsecond}})
			if err != nil {
				t.Fatal(err)
			}
			s := New(l)
			if _, err := l.Listen(loop.ListenOptions{Address: address}, s.Accept); err != nil {
				t.Fatal(err)
			}
			a := &asker{text: strings.Repeat("x\r\n\r\n", requests) + "\r\n"}
			l.Dial(loop.DialOptions{Address: address}, a)
			if err := l.Run(); err != nil {
				t.Fatal(err)
			}
			if a.err != nil || string(a.got) != strings.Repeat(response, requests) || s.Requests() != uint64(requests) {
				t.Errorf("%d requests in chunks up to %d: %d bytes, %d counted, %v", requests, chunk, len(a.got), s.Requests(), a.err)
			}
		}
	}
}

// TestDrain: queued responses arrive before the end, and idle connections do
// not delay it.
func TestDrain(t *testing.T) {
	address := netip.MustParseAddrPort("127.0.0.1:80")
	l, err := loop.New(loop.Config{Backend: "sim", Sim: &loop.SimConfig{Window: 5000, Latency: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	s := New(l)
	if _, err := l.Listen(loop.ListenOptions{Address: address}, s.Accept); err != nil {
		t.Fatal(err)
	}
	busy := &keeper{asker{text: strings.Repeat("\r\n\r\n", 100)}}
	l.Dial(loop.DialOptions{Address: address}, busy)
	l.Dial(loop.DialOptions{Address: address}, &keeper{})
	drained := false
	l.At(loop.Time(3500*time.Millisecond), func() {
		s.Drain(func() { drained = true; l.Stop() })
		if drained {
			t.Error("it did not wait for what was queued")
		}
	})
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if !drained || len(busy.got) != 100*len(response) {
		t.Errorf("drained: %t, %d bytes arrived", drained, len(busy.got))
	}
}

// keeper does not end by itself.
type keeper struct{ asker }

func (k *keeper) Opened(c *loop.Conn) { c.Write([]byte(k.text)) }

func BenchmarkCount(b *testing.B) {
	p := []byte("GET /fixed/13 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
	var h conn
	for b.Loop() {
		h.count(p)
	}
}
