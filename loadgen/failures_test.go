package loadgen

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"medusa/poller/loop"
)

// Each kind of failure, on every eighth request: it is counted by its kind and
// later than all in the response.
func TestFailures(t *testing.T) {
	t.Parallel()
	const every = 8
	for _, tc := range []struct {
		kind  Kind
		serve func(w *world, c *loop.Conn)
		lost  bool // the connection goes with it
	}{
		{Reset, func(w *world, c *loop.Conn) { c.Abort() }, true},
		{Reset, func(w *world, c *loop.Conn) { c.CloseWhenDone() }, true},
		{Timeout, func(w *world, c *loop.Conn) {}, true},
		{Timeout, func(w *world, c *loop.Conn) { c.Write([]byte(hello[:20])) }, true},
		{Timeout, func(w *world, c *loop.Conn) { w.after(40*time.Millisecond, c, hello) }, true},
		{Status, func(w *world, c *loop.Conn) { c.Write([]byte("HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno")) }, false},
		{Status, func(w *world, c *loop.Conn) { c.Write([]byte("HTTP/1.1 204 None\r\n\r\n")) }, false},
		{Short, func(w *world, c *loop.Conn) { c.Write([]byte(hello[:len(hello)-1])); c.CloseWhenDone() }, true},
		{Short, func(w *world, c *loop.Conn) { c.Write([]byte(hello[:10])); c.CloseWhenDone() }, true},
		{WrongBytes, func(w *world, c *loop.Conn) { c.Write([]byte(strings.Replace(hello, "World", "world", 1))) }, false},
		{WrongBytes, func(w *world, c *loop.Conn) {
			c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nHello, World"))
		}, false},
		{WrongBytes, func(w *world, c *loop.Conn) { c.Write([]byte(hello + "!")) }, true},
		{WrongBytes, func(w *world, c *loop.Conn) { c.Write([]byte("220 ftp ready\r\n")) }, true},
	} {
		t.Run(tc.kind.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, &loop.SimConfig{Latency: 10 * time.Microsecond})
			s := w.spec()
			s.Connections, s.Timeout = 50, 30*time.Millisecond
			s.Schedule.Arrivals = Constant
			var bad uint64
			w.serve = func(c *loop.Conn, n int) {
				if n >= s.Connections && n%every == 0 {
					bad++
					tc.serve(w, c)
					return
				}
				c.Write([]byte(hello))
			}
			r := w.run(s)
			if bad == 0 || r.Errors[tc.kind.String()] != bad || len(r.Errors) != 1 {
				t.Errorf("%d requests were made to fail, reported are %v", bad, r.Errors)
			}
			if r.Response.P90 != nil || r.Response.Censored["p90"] != int64(s.Timeout) {
				t.Errorf("p90 is given with %d of %d failed", bad, r.Scheduled)
			}
			if r.Response.P50 == nil || r.Response.Max != nil || r.Response.Mean != nil || r.Response.Censored["max"] != int64(s.Timeout) {
				t.Errorf("response of a load with failures: %+v", r.Response)
			}
			if (r.Offered > s.Connections) != tc.lost {
				t.Errorf("%d connections for %d places, lost with the request: %v", r.Offered, s.Connections, tc.lost)
			}
			if r.Verdict != Saturated {
				t.Errorf("verdict %s with an eighth failed", r.Verdict)
			}
			for _, q := range r.all {
				if q.Kind == Timeout && q.End-q.Intended != loop.Time(s.Timeout) {
					t.Fatalf("a request timed out after %d ns", q.End-q.Intended)
				}
			}
		})
	}
}

func TestCensoredAboveFailedShare(t *testing.T) {
	t.Parallel()
	for _, every := range []int{2, 5, 20, 500, 5000} {
		t.Run(fmt.Sprint(every), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.serve = func(c *loop.Conn, n int) {
				if n > 64 && n%every == 0 {
					c.Abort()
					return
				}
				c.Write([]byte(hello))
			}
			s := w.spec()
			s.Schedule.Rate, s.Duration = 10_000, 5*time.Second
			r := w.run(s)
			failed := float64(r.Response.Failed) / float64(r.Response.Count)
			for _, q := range quantiles {
				_, hidden := r.Response.Censored[q.name]
				if want := failed > 1-float64(q.q)/1000; hidden != want || (*r.Response.quantile(q.name) == nil) != want {
					t.Errorf("with %.4f failed %s is censored: %v, want %v", failed, q.name, hidden, want)
				}
			}
			if r.ResponseOK.P99 == nil || r.ResponseOK.Failed != 0 {
				t.Errorf("the survivors' response: %+v", r.ResponseOK)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := w.spec()
	s.Address = addrPort("127.0.0.1:9")
	r := w.run(s)
	if r.failed == nil || !strings.Contains(r.failed.Error(), "127.0.0.1:9 (8 refused)") {
		t.Errorf("the fill failed with %v", r.failed)
	}
}

// A server that stops listening: a connection for each request is refused.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, closed := range []bool{false, true} {
		w := newWorld(t, nil)
		s := w.spec()
		s.NoKeepAlive, s.Closed = true, closed
		if closed {
			s.Schedule.Rate = 0
			w.serve = func(c *loop.Conn, n int) {
				w.l.At(w.l.Now().Add(time.Millisecond), func() { c.Write([]byte(hello)); c.CloseWhenDone() })
			}
		}
		w.l.At(loop.Time(500*time.Millisecond), func() {
			for _, n := range w.listeners {
				n.Close()
			}
		})
		r := w.run(s)
		if n := r.Errors["refused"]; n < 300 || n > 600 || len(r.Errors) != 1 || r.Fate["refused"] != n {
			t.Errorf("closed %v: failures %v, fates %v", closed, r.Errors, r.Fate)
		}
	}
}

// When every connection is lost and none can be replaced, requests are
// charged with how the attempts failed, or wait in vain.
func TestServerGone(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		redial bool
		closed bool
		want   []string
	}{
		{"open, redial", true, false, []string{"refused", "reset", "timeout"}},
		{"open, no redial", false, false, []string{"reset"}},
		{"closed, redial", true, true, []string{"refused", "reset"}},
		{"closed, no redial", false, true, []string{"reset"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			s := w.spec()
			s.Redial, s.Closed, s.Timeout = tc.redial, tc.closed, 100*time.Millisecond
			if tc.closed {
				s.Schedule.Rate = 0
			}
			gone := false
			w.serve = func(c *loop.Conn, n int) {
				w.l.At(w.l.Now().Add(time.Millisecond), func() {
					if gone {
						c.Abort()
						return
					}
					c.Write([]byte(hello))
				})
			}
			w.l.At(loop.Time(500*time.Millisecond), func() {
				gone = true
				for _, n := range w.listeners {
					n.Close()
				}
			})
			r := w.run(s)
			if len(r.Errors) != len(tc.want) {
				t.Errorf("failures %v, want some of each of %v", r.Errors, tc.want)
			}
			for _, k := range tc.want {
				if r.Errors[k] == 0 {
					t.Errorf("failures %v, want some %s", r.Errors, k)
				}
			}
		})
	}
}

// Connections that the server never answers, as one at its descriptor limit
// leaves them in its backlog.
func TestUnserved(t *testing.T) {
	t.Parallel()
	for _, redial := range []bool{false, true} {
		t.Run(fmt.Sprintf("redial %v", redial), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.accept = func(n int) bool { return n < 20 } // of 40
			s := w.spec()
			s.Connections, s.Idle = 10, 30
			s.FillLimit, s.Timeout, s.Redial = 50*time.Millisecond, 200*time.Millisecond, redial
			s.Duration = 900 * time.Millisecond
			s.Schedule.Rate = 100
			r := w.run(s)
			if r.Admitted != 20 || r.Opened != r.Offered || r.g.Filled().Admitted != 20 {
				t.Errorf("%d admitted, %d opened of %d", r.Admitted, r.Opened, r.Offered)
			}
			if r.Admission.Count != 40 || r.Admission.Failed != 20 {
				t.Errorf("admission counts %d, %d of them failed", r.Admission.Count, r.Admission.Failed)
			}
			// Five of the ten active ones are never answered: a request on one
			// of them fails after 200 ms, and then it may take another.
			if n := r.Errors["unserved"]; n < 15 || n > 25 || len(r.Errors) != 1 {
				t.Errorf("failures %v, want about 4 on each of 5 connections", r.Errors)
			}
			if redial {
				if r.Fate["unserved"] < 30 || r.Offered <= 40 {
					t.Errorf("fates %v of %d connections", r.Fate, r.Offered)
				}
			} else if r.Fate["unserved"] != 20 || r.Fate["ok"] != 20 || r.Offered != 40 {
				t.Errorf("fates %v of %d connections", r.Fate, r.Offered)
			}
		})
	}
}

// A connection that is answered at last answers its old requests first.
func TestServedAtLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var parked []*loop.Conn
	open := false
	w.serve = func(c *loop.Conn, n int) {
		if open {
			c.Write([]byte(hello))
		} else {
			parked = append(parked, c)
		}
	}
	s := w.spec()
	s.Connections, s.Redial, s.FillLimit, s.Timeout = 2, false, 10*time.Millisecond, 100*time.Millisecond
	s.Schedule.Rate = 50
	w.l.At(loop.Time(500*time.Millisecond), func() {
		open = true
		for _, c := range parked {
			c.Write([]byte(hello))
		}
	})
	r := w.run(s)
	if len(parked) < 6 || r.Errors["unserved"] == 0 || r.Requests < 15 || r.Admitted != 2 || r.Fate["ok"] != 2 {
		t.Errorf("after %d requests without an answer: %d answered, failures %v, %d admitted, fates %v", len(parked), r.Requests, r.Errors, r.Admitted, r.Fate)
	}
	if int(r.TotalAnswered) != w.requests || int(r.TotalSent) != w.requests {
		t.Errorf("%d sent and %d answered of the server's %d", r.TotalSent, r.TotalAnswered, w.requests)
	}
}

func TestLossOf(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err         error
		established bool
		want        Kind
	}{
		{syscall.ECONNREFUSED, false, Refused},
		{fmt.Errorf("connect: %w", syscall.EHOSTUNREACH), false, Refused},
		{syscall.EMFILE, false, Local},
		{syscall.EADDRNOTAVAIL, false, Local},
		{syscall.ETIMEDOUT, false, Timeout},
		{syscall.ECONNRESET, true, Reset},
		{syscall.EPIPE, true, Reset},
		{syscall.EIO, true, Reset},
		{loop.ErrInputFull, true, WrongBytes},
		{nil, true, Reset},
	} {
		if got := lossOf(tc.err, tc.established); got != tc.want {
			t.Errorf("lossOf(%v, %v) = %v, want %v", tc.err, tc.established, got, tc.want)
		}
	}
}

// What the system refuses to give is the generator's own failure.
func TestLocal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := w.spec()
	s.NoKeepAlive, s.Schedule.Arrivals = true, Constant
	starved := 0
	w.onAccept = func() {
		if w.accepted%10 != 0 {
			return
		}
		// The generator's end is told that its connect failed.
		if q := w.gen.flight.head; q != nil && q.of.c.state == dialling {
			starved++
			q.of.c.Closed(q.of.c.c, syscall.EMFILE)
		}
	}
	r := w.run(s)
	if starved == 0 || r.Errors["local"] != uint64(starved) || r.Fate["local"] != uint64(starved) {
		t.Errorf("%d connects failed for want of a descriptor: failures %v, fates %v", starved, r.Errors, r.Fate)
	}
}
