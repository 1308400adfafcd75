package loadgen

import (
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// lastReply is hello of a server that then closes the connection.
var lastReply = strings.Replace(hello, "\r\n", "\r\nConnection: close\r\n", 1)

// Requests of clients whose connections ended with a good reply were counted as
// answered although they were never sent; the clients come again.
func TestLastReplies(t *testing.T) {
	t.Parallel()
	for _, assign := range []string{AssignFree, AssignTurn} {
		w := newWorld(t, &loop.SimConfig{Latency: 10 * time.Microsecond})
		asked := uint64(0)
		w.serve = func(c *loop.Conn, n int) {
			asked++
			if n >= 28 && n < 36 {
				c.Write([]byte(lastReply))
				c.CloseWhenDone()
				return
			}
			c.Write([]byte(hello))
		}
		s := full(w)
		s.Assign = assign
		r := w.run(s)
		if asked != r.Sent+8 || r.Requests != r.Sent || r.Redialled != 8 || r.Offered != 16 {
			t.Errorf("%s: the server was asked %d times, %d of the load were sent and %d answered; %d came again, %d offered", assign, asked-8, r.Sent, r.Requests, r.Redialled, r.Offered)
		}
	}
}

// A client that comes again belongs to nobody's turn: one that was refused made
// the load process panic.
func TestComeAgainRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &loop.SimConfig{Latency: 10 * time.Microsecond})
	w.limited(6, true)
	left := w.left
	w.left = func(c *loop.Conn) {
		left(c)
		if w.gen.phase == phaseLeave && len(w.listeners) > 0 {
			w.listeners[0].Close()
			w.listeners = nil
		}
	}
	s := full(w)
	s.Connections, s.Idle, s.FillRate = 5, 5, 100
	s.Leave, s.RecoverLimit = 0.5, time.Second
	if r := w.run(s); r.Recovery == nil || !r.Recovery.Censored || r.Fate["refused"] == 0 {
		t.Errorf("recovery %+v, fates %v", r.Recovery, r.Fate)
	}
}

// Who was served, let go and has come again without a request since waits for
// nothing.
func TestRedialledDoNotWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &loop.SimConfig{Latency: 10 * time.Microsecond})
	w.serve = func(c *loop.Conn, n int) {
		c.Write([]byte(hello))
		if n >= 103 { // among the last
			w.l.At(w.l.Now().Add(time.Millisecond), func() { c.CloseWhenDone() })
		}
	}
	s := full(w)
	s.Connections, s.Idle, s.Schedule.Rate = 5, 5, 100
	s.Leave, s.RecoverLimit = 0.5, time.Second
	if r := w.run(s); r.Redialled == 0 || r.Recovery.Waiting != 0 || r.Recovery.Censored {
		t.Errorf("%d came again; recovery %+v", r.Redialled, r.Recovery)
	}
}

// A client that had its place, and was let go, is counted once and stays away.
func TestPlaceFoundOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &loop.SimConfig{Latency: 10 * time.Microsecond})
	w.limited(6, true)
	before, served := w.serve, 0
	w.serve = func(c *loop.Conn, n int) {
		if w.gen.phase != phaseLeave {
			before(c, n)
			return
		}
		served++
		c.Write([]byte(lastReply))
		c.CloseWhenDone()
	}
	s := full(w)
	s.Connections, s.Idle = 5, 5
	s.Leave, s.RecoverLimit = 1, time.Second
	if r := w.run(s); served != 4 || r.Recovery.Served != 4 || r.Offered != 14 {
		t.Errorf("the server served %d who came again; recovery %+v, %d offered", served, r.Recovery, r.Offered)
	}
}

// Those who come again do not connect all at once either.
func TestComeAgainPaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &loop.SimConfig{Latency: 50 * time.Millisecond})
	w.limited(6, true)
	s := full(w)
	s.Connections, s.Idle = 5, 2000
	s.Timeout, s.FillLimit = time.Second, 3*time.Second
	s.Leave, s.RecoverLimit = 0.5, 2*time.Second
	most := 0
	var look func()
	look = func() {
		n := 0
		w.l.Each(func(lc *loop.Conn) {
			if c, ok := lc.Handler().(*conn); ok && c.state == dialling {
				n++
			}
		})
		if w.gen != nil && w.gen.phase == phaseLeave {
			most = max(most, n)
		}
		if w.gen == nil || w.gen.phase != phaseDone {
			w.l.At(w.l.Now().Add(time.Millisecond), look)
		}
	}
	w.l.Post(look)
	// Those who are turned away once more try again by themselves, after a while.
	if r := w.run(s); most < 10 || most > 2*connectingMost || r.Recovery.Left == 0 {
		t.Errorf("%d connects in flight, recovery %+v", most, r.Recovery)
	}
}

// A process that hears late of its beginning is late itself: not the server.
func TestLateBeginning(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &loop.SimConfig{Latency: 10 * time.Microsecond})
	s := w.spec()
	s.Schedule.Arrivals, s.Connections = Constant, 64
	var g *Generator
	g, err := New(w.l, s, func(e Event) {
		switch e.Stage {
		case Filled:
			g.GoAt(g.l.Now().Add(-20 * time.Millisecond))
		case Reported:
			w.l.Stop()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	w.l.Post(g.Start)
	if err := w.l.Run(); err != nil {
		t.Fatal(err)
	}
	if r := g.Report(); *r.Lag.Max < int64(15*time.Millisecond) || *r.Queue.Max > int64(time.Millisecond) {
		t.Errorf("lag of %s at most, queue of %s", r.Lag.show("max"), r.Queue.show("max"))
	}
}

// A client that is not replaced, as nothing is left to send, has not come again.
func TestRedialledInDrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &loop.SimConfig{Latency: 10 * time.Microsecond})
	s := full(w)
	s.Schedule.Rate = 100
	var conns []*loop.Conn
	slow := false
	w.serve = func(c *loop.Conn, n int) {
		if n < 8 {
			conns = append(conns, c)
		}
		if w.gen.phase == phaseRun && w.l.Now() > w.gen.to-loop.Time(11*time.Millisecond) && !slow {
			slow = true
			w.after(50*time.Millisecond, c, hello) // keeps the drain going
			for _, o := range conns {
				if o != c {
					w.l.At(w.gen.to.Add(10*time.Millisecond), func() { o.CloseWhenDone() })
				}
			}
			return
		}
		c.Write([]byte(hello))
	}
	if r := w.run(s); r.Offered != 8+r.Redialled || r.Fate["closed"] != 7 {
		t.Errorf("%d came again, %d offered, fates %v", r.Redialled, r.Offered, r.Fate)
	}
}

// Processes that are full to the last connection, and clients that cannot be
// shared evenly.
func TestDivideEdges(t *testing.T) {
	t.Parallel()
	c := Config{Spec: Default(), CPUs: []int{0, 1}}
	c.Connections = 2000
	loads, err := c.divide(0, 1000)
	if err != nil || len(loads) != 2 || loads[0].Connections+loads[1].Connections != 2000 || loads[0].Idle+loads[1].Idle != 0 {
		t.Errorf("%+v, %v", loads, err)
	}
	c.Connections, c.Assign = 3, AssignTurn
	loads, err = c.divide(2, 1000)
	if err != nil || len(loads) != 1 || loads[0].Connections != 3 {
		t.Errorf("three clients of turn: %+v, %v", loads, err)
	}
	c.Connections = 1001
	if _, err := c.divide(2, 600); err == nil || !strings.Contains(err.Error(), "give a multiple of 2") {
		t.Errorf("1001 clients of turn in two processes: %v", err)
	}
}
