package faults

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// server is a simulated one that ends silent connections after a time.
type server struct {
	l        *loop.Loop
	patience time.Duration
	size     int // of a reply
	open     int
	most     int // open at one moment
	accepted int
	heads    int // whole ones
	bytes    int
	first    loop.Time // of the first and the last byte that came
	last     loop.Time
	resets   int
}

type serverConn struct {
	s      *server
	active loop.Time
}

func (h *serverConn) Opened(c *loop.Conn) {
	h.s.accepted++
	h.s.open++
	h.s.most = max(h.s.most, h.s.open)
	c.SetDeadline(h.s.patience)
}

func (h *serverConn) Received(c *loop.Conn, p []byte) int {
	s := h.s
	if s.bytes == 0 {
		s.first = s.l.Now()
	}
	s.last = s.l.Now()
	s.bytes += len(p)
	h.active = s.last
	for range bytes.Count(p, []byte("\r\n\r\n")) {
		s.heads++
		c.Write(make([]byte, s.size))
	}
	if bytes.Contains(p, []byte("Connection: close")) {
		c.CloseWhenDone()
	}
	return len(p)
}
func (h *serverConn) Ended(c *loop.Conn)   { c.CloseWhenDone() }
func (h *serverConn) Drained(c *loop.Conn) {}
func (h *serverConn) Expired(c *loop.Conn) { c.CloseWhenDone() }
func (h *serverConn) Closed(c *loop.Conn, err error) {
	h.s.open--
	if loop.Kind(err) == "reset" {
		h.s.resets++
	}
}

var at = netip.MustParseAddrPort("127.0.0.1:80")

// run puts a fault on a simulated server, in virtual time.
func run(t *testing.T, s Spec, srv *server) (did Did, began, ended, gone loop.Time) {
	t.Helper()
	l, err := loop.New(loop.Config{Backend: "sim", Sim: &loop.SimConfig{Latency: 100 * time.Microsecond}})
	if err != nil {
		t.Fatal(err)
	}
	if srv != nil {
		srv.l = l
		if _, err := l.Listen(loop.ListenOptions{Address: at}, func(*loop.Conn) loop.Handler { return &serverConn{s: srv} }); err != nil {
			t.Fatal(err)
		}
	}
	s.URL = "http://127.0.0.1/"
	request := "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	if Closes(s.Kind) {
		request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	}
	gone = -1
	var f *Fault
	f, err = New(l, s, at, []byte(request), func(e Event) {
		switch e.Stage {
		case Began:
			began = e.At
		case Ended:
			ended = e.At
		case Gone:
			gone, did = e.At, f.Did()
			l.At(e.At.Add(time.Second), l.Stop) // the server sees them go
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Post(f.Begin)
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if gone < 0 {
		t.Fatal("it never ended")
	}
	if srv != nil && srv.open != 0 {
		t.Errorf("the server is left with %d connections", srv.open)
	}
	return did, began, ended, gone
}

func spec(kind string, n int) Spec {
	s := Default()
	s.Kind, s.Connections, s.Duration = kind, n, 2*time.Second
	return s
}

// Silent clients are replaced when the server has enough of them, and all leave
// at the end.
func TestSilent(t *testing.T) {
	srv := &server{patience: 600 * time.Millisecond}
	did, began, ended, _ := run(t, spec(Silent, 100), srv)
	if ended.Sub(began) != 2*time.Second {
		t.Errorf("it lasted %v", ended.Sub(began))
	}
	if srv.most < 100 || srv.bytes != 0 || did.OpenMost != 100 {
		t.Errorf("%d connections at once and %d bytes, or as told %+v", srv.most, srv.bytes, did)
	}
	// Three times 600 ms go by in 2 s.
	if did.Begun != 400 || did.Opened != 400 || did.Ended != 300 || did.Left != 100 || srv.accepted != 400 {
		t.Errorf("%+v, %d accepted", did, srv.accepted)
	}
}

// Each connection of slowloris sends a byte when it opens and then one each
// time, and never a whole head.
func TestSlowloris(t *testing.T) {
	srv := &server{patience: time.Hour}
	s := spec(Slowloris, 10)
	s.Every = 50 * time.Millisecond
	did, _, _, _ := run(t, s, srv)
	// The wheel may call up to 2 ms late, and so may each that follows.
	if least, most := 10*38, 10*40; srv.heads != 0 || srv.bytes < least || srv.bytes > most || did.BytesOut != uint64(srv.bytes) {
		t.Errorf("%d heads, %d bytes (want %d to %d), told %+v", srv.heads, srv.bytes, least, most, did)
	}
}

// Who resets has asked, has seen the reply begin, and is seen as reset by the
// server, again and again.
func TestReset(t *testing.T) {
	srv := &server{patience: time.Hour, size: 70_000}
	s := spec(Reset, 5)
	s.Duration = 100 * time.Millisecond
	did, _, _, _ := run(t, s, srv)
	if did.Begun < 1000 || did.Requests < did.Begun-5 || srv.heads < int(did.Answered) || srv.resets < int(did.Answered) || did.Ended+did.Reset > 0 {
		t.Errorf("%+v; the server saw %d heads and %d resets", did, srv.heads, srv.resets)
	}
}

// A burst comes at one moment and once.
func TestBurst(t *testing.T) {
	srv := &server{patience: time.Hour, size: 10}
	did, _, _, _ := run(t, spec(Burst, 3000), srv)
	if did.Begun != 3000 || did.Answered != 3000 || srv.most != 3000 || srv.heads != 3000 || srv.last.Sub(srv.first) != 0 {
		t.Errorf("%+v; %d open, %d heads over %v", did, srv.most, srv.heads, srv.last.Sub(srv.first))
	}
}

// Who has stopped reading takes no byte.
func TestStoppedReader(t *testing.T) {
	srv := &server{patience: time.Hour, size: 1 << 20}
	did, _, _, _ := run(t, spec(StoppedReader, 20), srv)
	// Both ends are on one loop here: what came in came to the server.
	if did.BytesIn != uint64(srv.bytes) || did.Answered != 0 || srv.heads != 20*16 || did.Requests != 20*16 || did.Left != 20 {
		t.Errorf("%+v; %d heads", did, srv.heads)
	}
}

// Short connections are so many in all, 64 at a time, and end by themselves.
func TestShortConnections(t *testing.T) {
	srv := &server{patience: time.Hour, size: 10}
	did, began, ended, _ := run(t, spec(ShortConnections, 1000), srv)
	if did.Begun != 1000 || did.Answered != 1000 || did.Ended != 1000 || did.OpenMost > 64 || srv.heads != 1000 {
		t.Errorf("%+v; %d heads", did, srv.heads)
	}
	if ended.Sub(began) >= 2*time.Second {
		t.Errorf("it went on for %v", ended.Sub(began))
	}
}

// A rate is kept.
func TestRate(t *testing.T) {
	srv := &server{patience: time.Hour, size: 10}
	s := spec(ShortConnections, 1_000_000)
	s.Rate = 500
	did, _, _, _ := run(t, s, srv)
	if did.Begun < 998 || did.Begun > 1002 {
		t.Errorf("%d connections in 2 s at 500 a second", did.Begun)
	}
}

// A server that is not there is not asked in a spin.
func TestRefused(t *testing.T) {
	did, _, _, _ := run(t, spec(Silent, 10), nil)
	if most := uint64(10 * 2 * 100); did.Begun == 0 || did.Begun > most || did.Refused+did.Left != did.Begun || did.Opened != 0 {
		t.Errorf("%+v; want at most %d", did, most)
	}
}

func TestCheck(t *testing.T) {
	good := spec(Silent, 1)
	good.URL = "http://a/"
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		words  string
		change func(*Spec)
	}{
		{"no fault \"sleepy\": give one of silent, slowloris", func(s *Spec) { s.Kind = "sleepy" }},
		{"URL \"raw://a:1\"", func(s *Spec) { s.URL = "raw://a:1" }},
		{"--connections 0", func(s *Spec) { s.Connections = 0 }},
		{"--rate -1", func(s *Spec) { s.Rate = -1 }},
		{"--duration 0s", func(s *Spec) { s.Duration = 0 }},
		{"--every 1µs", func(s *Spec) { s.Every = time.Microsecond }},
	} {
		s := good
		c.change(&s)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", c.words, err)
		}
	}
}
