package loadgen

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"medusa/poller/loop"
)

// hello is the reply of a test server that has nothing special to do.
const hello = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!"

var helloBytes = []byte(hello)

// world is a simulated machine: a server and a generator on one loop in
// virtual time.
type world struct {
	t    *testing.T
	l    *loop.Loop
	addr netip.AddrPort
	// serve answers the n-th request of the server, from 0.
	serve func(c *loop.Conn, n int)
	// accept, when set, is asked for each connection: false leaves it without
	// an answer for ever.
	accept    func(n int) bool
	requests  int
	accepted  int
	onAccept  func()
	left      func(c *loop.Conn) // a client's connection has ended
	listeners []*loop.Listener
	gen       *Generator
}

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func newWorld(t *testing.T, sim *loop.SimConfig) *world {
	t.Helper()
	l, err := loop.New(loop.Config{Backend: "sim", Stamp: true, Sim: sim})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, l: l, addr: addrPort("127.0.0.1:80")}
	w.serve = func(c *loop.Conn, n int) { c.Write([]byte(hello)) }
	n, err := l.Listen(loop.ListenOptions{Address: w.addr}, func(*loop.Conn) loop.Handler {
		w.accepted++
		if w.onAccept != nil {
			w.onAccept()
		}
		return &testConn{w: w, mute: w.accept != nil && !w.accept(w.accepted-1)}
	})
	if err != nil {
		t.Fatal(err)
	}
	w.listeners = append(w.listeners, n)
	return w
}

// after answers with p once d has passed.
func (w *world) after(d time.Duration, c *loop.Conn, p string) {
	w.l.At(w.l.Now().Add(d), func() { c.Write([]byte(p)) })
}

// testConn is the server's end of a connection.
type testConn struct {
	w    *world
	mute bool
}

func (h *testConn) Opened(*loop.Conn) {}
func (h *testConn) Received(c *loop.Conn, p []byte) int {
	used := 0
	for {
		i := bytes.Index(p[used:], headEnd)
		if i < 0 {
			return used
		}
		used += i + len(headEnd)
		if !h.mute {
			n := h.w.requests
			h.w.requests++
			h.w.serve(c, n)
		}
	}
}
func (h *testConn) Ended(c *loop.Conn) { c.CloseWhenDone() }
func (h *testConn) Expired(*loop.Conn) {}
func (h *testConn) Drained(*loop.Conn) {}
func (h *testConn) Closed(c *loop.Conn, _ error) {
	if h.w.left != nil {
		h.w.left(c)
	}
}

// spec is a short open loop without a warm-up.
func (w *world) spec() Spec {
	s := Default()
	s.URL, s.Address = "http://server/", w.addr
	s.Warmup, s.Duration = 0, time.Second
	s.Connections = 8
	s.Schedule.Rate = 1000
	return s
}

// result is what a run in virtual time gave.
type result struct {
	*Report
	g      *Generator
	all    []Request // of the load, in the order in which they ended
	failed error
	events []Stage
}

// run puts the load on and checks what must hold of every load.
func (w *world) run(s Spec) result {
	w.t.Helper()
	var r result
	g, err := New(w.l, s, func(e Event) {
		r.events = append(r.events, e.Stage)
		switch e.Stage {
		case Filled:
			r.g.Go()
		case Failed:
			r.failed = e.Err
			w.l.Stop()
		case Reported:
			w.l.Stop()
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	r.g, w.gen = g, g
	g.Observe(func(q Request) { r.all = append(r.all, q) })
	w.l.Post(g.Start)
	if err := w.l.Run(); err != nil {
		w.t.Fatal(err)
	}
	r.Report = g.Report()
	if r.Report != nil {
		w.consistent(s, r)
	} else if r.failed == nil {
		w.t.Fatal("the loop ended without a report")
	}
	return r
}

// consistent checks the report against what was seen of each request.
func (w *world) consistent(s Spec, r result) {
	w.t.Helper()
	if err := account(r, s.Timeout); err != "" {
		w.t.Error(err)
	}
	if s.Closed {
		return
	}
	count, hash := s.Schedule.Window(loop.Time(s.Warmup), loop.Time(s.Warmup+s.Duration))
	if r.Scheduled != count || r.ScheduleHash != hash {
		w.t.Errorf("scheduled %d requests (hash %s), want %d (%s)", r.Scheduled, r.ScheduleHash, count, hash)
	}
}
