package loadgen

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

func TestClosedLoop(t *testing.T) {
	t.Parallel()
	for _, warmup := range []time.Duration{0, 200 * time.Millisecond} {
		t.Run(fmt.Sprint(warmup), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, &loop.SimConfig{Latency: 50 * time.Microsecond})
			w.serve = func(c *loop.Conn, n int) { w.after(900*time.Microsecond, c, hello) }
			s := w.spec()
			s.Closed, s.Schedule.Rate, s.Connections, s.Warmup = true, 0, 10, warmup
			r := w.run(s)
			if r.Scheduled != 10_000 || r.Requests != 10_000 {
				t.Errorf("%d of %d requests, want 10 connections of 1000/s", r.Requests, r.Scheduled)
			}
			for _, q := range r.all {
				if q.End-q.Intended != 1e6 || q.Sent != q.Intended || q.Free != q.Intended {
					t.Fatalf("%+v: want a service of 1 ms, sent at once", q)
				}
			}
			if r.Mode != "closed" || r.Lag.Count != 0 || r.Queue.Count != 0 || r.ScheduleHash != "" || r.Arrivals != "" || r.IntendedRate != 0 {
				t.Errorf("a closed loop claims %+v", r.Report)
			}
			if *r.Response.P50 != *r.Service.P50 || r.Response.Count != r.Service.Count || *r.Response.Max != 1e6 {
				t.Errorf("response %+v is not service %+v", r.Response, r.Service)
			}
			if r.MeanInFlight != 10 {
				t.Errorf("%v in flight, want 10", r.MeanInFlight)
			}
			// With a warm-up to do it in, they do not start together.
			starts := map[int]loop.Time{}
			for _, q := range r.all {
				if _, ok := starts[q.Slot]; !ok {
					starts[q.Slot] = q.Intended - r.g.base
				}
			}
			for slot, at := range starts {
				if want := loop.Time(min(warmup/2, 100*time.Millisecond)) * loop.Time(slot) / 10; at != want {
					t.Errorf("connection %d starts at %d, want %d", slot, at, want)
				}
			}
			if r.Verdict != Valid {
				t.Errorf("verdict %s: %q", r.Verdict, r.Reasons)
			}
		})
	}
}

func TestRequestPerConnection(t *testing.T) {
	t.Parallel()
	const wire, work = 10 * time.Microsecond, 100 * time.Microsecond
	for _, tc := range []struct {
		name  string
		reply string
		close bool // the server closes after the reply
	}{
		{"announced", strings.Replace(hello, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1), true},
		{"announced and not done", strings.Replace(hello, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1), false},
		{"kept by the server", hello, false},
		{"until close", "HTTP/1.1 200 OK\r\n\r\nHello, World!", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, &loop.SimConfig{Latency: wire})
			w.serve = func(c *loop.Conn, n int) {
				w.l.At(w.l.Now().Add(work), func() {
					c.Write([]byte(tc.reply))
					if tc.close {
						c.CloseWhenDone()
					}
				})
			}
			s := w.spec()
			s.NoKeepAlive, s.Connections, s.Idle, s.Warmup = true, 4, 0, 100*time.Millisecond
			s.Schedule.Arrivals = Burst
			s.Schedule.Burst, s.Schedule.Rate = 8, 4000
			r := w.run(s)
			if !strings.Contains(string(r.g.run), "Connection: close") {
				t.Errorf("request %q", r.g.run)
			}
			if r.Requests != r.Scheduled || r.Offered != len(r.all) || w.accepted != len(r.all) || r.Fate["ok"] != uint64(len(r.all)) {
				t.Errorf("%d of %d requests on %d connections, %d of them accepted, fates %v", len(r.all), r.Scheduled, r.Offered, w.accepted, r.Fate)
			}
			served := loop.Time(work + 2*wire)
			queued := 0
			for _, q := range r.all {
				if q.queue() > 0 {
					queued++
				}
				parts := q.queue() + q.lag() + int64(q.Opened-q.Dialled) + int64(q.End-q.Sent)
				if q.lag() != 0 || q.Opened-q.Dialled != loop.Time(2*wire) || parts != int64(q.End-q.Intended) {
					t.Fatalf("%+v: queue %d, lag %d", q, q.queue(), q.lag())
				}
				if tc.name != "until close" && q.End-q.Sent != served {
					t.Fatalf("%+v: service %d, want %d", q, q.End-q.Sent, served)
				}
			}
			if queued == 0 || *r.Queue.Max == 0 || *r.Connect.P50 != int64(2*wire) || r.Connect.Count != r.Scheduled {
				t.Errorf("%d queued, queue %+v, connect %+v", queued, r.Queue, r.Connect)
			}
			if *r.Admission.P50 < int64(4*wire+work) {
				t.Errorf("admission %+v", r.Admission)
			}
		})
	}
}

// Idle connections ask once and are silent; the active ones are spread evenly
// over the order of opening.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &loop.SimConfig{Latency: 5 * time.Microsecond})
	asked := map[*loop.Conn]int{}
	var order []*loop.Conn
	w.serve = func(c *loop.Conn, n int) {
		if asked[c]++; asked[c] == 1 {
			order = append(order, c)
		}
		c.Write([]byte(hello))
	}
	s := w.spec()
	s.Connections, s.Idle, s.FillRate = 20, 180, 1000 // one a tick
	r := w.run(s)
	for i, c := range order {
		if active := i%10 == 9; (asked[c] > 1) != active {
			t.Errorf("connection %d was asked %d times", i, asked[c])
		}
	}
	if r.Offered != 200 || r.Opened != 200 || r.Admitted != 200 || r.Fate["ok"] != 200 || len(order) != 200 {
		t.Errorf("%d offered, %d opened, %d admitted, fates %v", r.Offered, r.Opened, r.Admitted, r.Fate)
	}
	if fill := time.Duration(r.FillNs); fill < 199*time.Millisecond || fill > 201*time.Millisecond {
		t.Errorf("200 connections at 1000/s took %v", fill)
	}
	if *r.Connect.Min != 10_000 || *r.Admission.Min != 20_000 || r.Admission.Count != 200 || r.Connect.Count != 200 {
		t.Errorf("connect %+v, admission %+v", r.Connect, r.Admission)
	}
	if int(r.TotalSent) != w.requests || int(r.TotalAnswered) != w.requests || int(r.TotalAnswered) != len(r.all)+200 {
		t.Errorf("%d sent, %d answered; the server had %d", r.TotalSent, r.TotalAnswered, w.requests)
	}
	if want := uint64(w.requests * len(hello)); r.TotalBytesIn < want {
		t.Errorf("%d bytes in, want at least %d", r.TotalBytesIn, want)
	}
	if want := []Stage{Filled, Measuring, Measured, Reported}; !slices.Equal(r.events, want) {
		t.Errorf("stages %v, want %v", r.events, want)
	}
}

// The fill does not run ahead of a server that accepts slowly, and does not
// wait for ever for one that has stopped.
func TestFillHoldsBack(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		admit    int // of 3000
		from, to time.Duration
	}{
		{"slow", 3000, 300 * time.Millisecond, 400 * time.Millisecond},
		{"stopped", 500, 1100 * time.Millisecond, 1500 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			most, pending := 0, 0
			var last loop.Time
			w.serve = func(c *loop.Conn, n int) {
				pending++
				most = max(most, pending)
				if n < tc.admit { // one each 100 us
					last = max(last, w.l.Now()) + 100_000
					w.l.At(last, func() {
						pending--
						c.Write([]byte(hello))
					})
				}
			}
			s := w.spec()
			s.Connections, s.Idle, s.Redial, s.Timeout = 1, 2999, false, 50*time.Millisecond
			s.Schedule.Rate = 10
			r := w.run(s)
			if tc.admit == 3000 && most > pendingMost {
				t.Errorf("%d connections were waiting for an answer at once", most)
			}
			if r.Offered != 3000 || r.Admitted != tc.admit {
				t.Errorf("%d admitted of %d", r.Admitted, r.Offered)
			}
			if fill := time.Duration(r.FillNs); fill < tc.from || fill > tc.to {
				t.Errorf("the fill took %v, want %v to %v", fill, tc.from, tc.to)
			}
		})
	}
}

// Connects that nobody answers, as a full backlog does not, do not hold up those
// after them.
func TestFillUnheard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &loop.SimConfig{Latency: time.Minute})
	s := w.spec()
	s.Connections, s.Idle, s.ConnectTimeout = 1, 2999, 500*time.Millisecond
	r := w.run(s)
	if r.failed == nil || r.g.begun != 3000 {
		t.Fatalf("%d connections begun, %v", r.g.begun, r.failed)
	}
	if fill := time.Duration(r.g.fillNs); fill < 600*time.Millisecond || fill > 900*time.Millisecond {
		t.Errorf("the fill took %v", fill)
	}
}

// A server over its capacity: the queue grows, requests are given up at the
// timeout, and the verdict says saturated, not that the generator is at fault.
func TestSaturated(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		work time.Duration // of a serial server, at 1000/s
		want string
		why  string
	}{
		{900 * time.Microsecond, Valid, ""},
		{1100 * time.Microsecond, Saturated, "the queue grew"},
		{2000 * time.Microsecond, Saturated, "answered well"},
	} {
		t.Run(fmt.Sprint(tc.work), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			var idleAt loop.Time
			w.serve = func(c *loop.Conn, n int) {
				idleAt = max(idleAt, w.l.Now()).Add(tc.work)
				w.l.At(idleAt, func() { c.Write([]byte(hello)) })
			}
			s := w.spec()
			s.Duration = 4 * time.Second
			s.Schedule.Arrivals = Constant
			r := w.run(s)
			if r.Verdict != tc.want || !strings.Contains(strings.Join(r.Reasons, "; "), tc.why) {
				t.Errorf("verdict %s: %q, want %s", r.Verdict, r.Reasons, tc.want)
			}
			if (r.QueueEnd > 300) != (tc.want == Saturated) || r.QueueStart != 0 {
				t.Errorf("%d were waiting at the end", r.QueueEnd)
			}
			if (r.Errors["timeout"] > 0) != (tc.work == 2*time.Millisecond) || r.Sent+r.Queue.Failed != r.Scheduled {
				t.Errorf("failures %v; %d sent, %d never", r.Errors, r.Sent, r.Queue.Failed)
			}
			for _, q := range r.all {
				if q.Kind == OK && q.End-q.Intended >= loop.Time(s.Timeout) {
					t.Fatalf("a response of %d ns passes for good", q.End-q.Intended)
				}
			}
		})
	}
}

// Replies that differ in their head, come in pieces, or come with a keep-alive
// server's last word are all taken for what they are.
func TestRepliesInPieces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &loop.SimConfig{Seed: 9, MaxChunk: 7})
	w.serve = func(c *loop.Conn, n int) {
		reply := strings.Replace(hello, "\r\n\r\n", fmt.Sprintf("\r\nDate: %d\r\n\r\n", n/10), 1)
		if n%100 == 99 {
			c.Write([]byte(strings.Replace(reply, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)))
			c.CloseWhenDone()
			return
		}
		c.Write([]byte(reply))
	}
	r := w.run(w.spec())
	if r.Requests != r.Scheduled || r.Offered < 15 || r.Fate["ok"] != uint64(r.Offered) {
		t.Errorf("%d of %d answered well, failures %v; %d connections, fates %v", r.Requests, r.Scheduled, r.Errors, r.Offered, r.Fate)
	}
}

func TestFirstByteIsNotLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.serve = func(c *loop.Conn, n int) {
		w.after(time.Millisecond, c, hello[:9])
		w.after(3*time.Millisecond, c, hello[9:])
	}
	r := w.run(w.spec())
	if *r.FirstByte.Max != 1e6 || *r.Service.Max != 3e6 || *r.FirstByte.Min != 1e6 || *r.Service.Min != 3e6 {
		t.Errorf("first byte after %d ns, last after %d", *r.FirstByte.Max, *r.Service.Max)
	}
}

// A window without a gap after the warm-up, and what begins in it belongs to
// it however late it ends.
func TestWindowByIntendedTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.serve = func(c *loop.Conn, n int) { w.after(300*time.Millisecond, c, hello) }
	s := w.spec()
	s.Connections, s.Warmup, s.Schedule.Arrivals = 400, 500*time.Millisecond, Constant
	r := w.run(s)
	if len(r.all) != 1500 || r.Scheduled != 1000 || r.Requests != 1000 {
		t.Errorf("%d requests, %d in the window, %d answered", len(r.all), r.Scheduled, r.Requests)
	}
	if r.MeanInFlight != 300 {
		t.Errorf("%v in flight, want 300", r.MeanInFlight)
	}
}

// The same seed asks the same at the same times, whatever the server does.
func TestScheduleIsOpenLoop(t *testing.T) {
	t.Parallel()
	var intended [][]loop.Time
	for _, work := range []time.Duration{0, 50 * time.Millisecond} {
		w := newWorld(t, &loop.SimConfig{Seed: uint64(work)})
		w.serve = func(c *loop.Conn, n int) { w.after(work, c, hello) }
		s := w.spec()
		s.Connections = 2
		r := w.run(s)
		var list []loop.Time
		for _, q := range r.all {
			list = append(list, q.Intended-r.g.base)
		}
		slices.Sort(list)
		intended = append(intended, list)
	}
	if !slices.Equal(intended[0], intended[1]) {
		t.Error("a slow server changes when requests are meant to start")
	}
}

// An engine that sends on another goroutine may show a reply before it tells
// that the request was sent: the request ends when it does, with the time at
// which the reply came. A reply to what was not sent at all is none.
func TestReplyBeforeSentIsTold(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{true, false} {
		w := newWorld(t, nil)
		s := w.spec()
		s.Schedule.Arrivals, s.Connections = Constant, 2
		delayed := 0
		w.serve = func(c *loop.Conn, n int) {
			c.Write(helloBytes)
			if n < 10 || n%10 > 0 {
				return
			}
			delayed++
			q := w.gen.flight.head.of
			end := q.c
			q.upto++ // as long as this is so, not all of the request was sent
			w.l.At(w.l.Now()+300_000, func() {
				if end.state != replied {
					t.Fatalf("state %d before the request was told to be sent", end.state)
				}
				if told {
					q.upto--
				}
				end.Drained(nil)
			})
		}
		r := w.run(s)
		if told {
			if r.Requests != r.Scheduled || *r.Service.Max != 0 || r.Offered != 2 {
				t.Errorf("%d of %d answered well, service up to %d, %d connections", r.Requests, r.Scheduled, *r.Service.Max, r.Offered)
			}
		} else if r.Errors["wrong_bytes"] != uint64(delayed) || r.Offered != 2+delayed {
			t.Errorf("%d replies to nothing: failures %v, %d connections", delayed, r.Errors, r.Offered)
		}
	}
}
