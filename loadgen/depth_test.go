package loadgen

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// A connection of a closed loop keeps as many requests on their way as it is
// told, no more and no fewer, and what becomes due together is written together.
func TestDepth(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://server/", "raw://server:80"} {
		for _, depth := range []int{1, 2, 16, 250} {
			t.Run(fmt.Sprintf("%s, %d", url, depth), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, &loop.SimConfig{Latency: 50 * time.Microsecond})
				waiting, most := map[*loop.Conn]int{}, 0
				pieces := 0
				w.serve = func(c *loop.Conn, n int) {
					// All that come in one piece are answered by one.
					if waiting[c]++; waiting[c] == 1 {
						pieces++
						w.l.At(w.l.Now().Add(900*time.Microsecond), func() {
							for ; waiting[c] > 0; waiting[c]-- {
								c.Write(helloBytes)
							}
						})
					}
					most = max(most, waiting[c])
				}
				s := w.spec()
				s.URL, s.Closed, s.Schedule.Rate, s.Connections, s.Idle, s.Depth = url, true, 0, 10, 2, depth
				if depth == 250 {
					s.Duration = 50 * time.Millisecond
				}
				r := w.run(s)
				rounds := uint64(s.Duration / time.Millisecond)
				if want := 10 * uint64(depth) * rounds; r.Scheduled != want || r.Requests != want {
					t.Errorf("%d of %d requests, want %d", r.Requests, r.Scheduled, want)
				}
				if most != depth || r.MeanInFlight != float64(10*depth) {
					t.Errorf("up to %d on a connection, %v on all, want %d on each", most, r.MeanInFlight, depth)
				}
				// Each of the active ones and of the idle ones asked once before.
				if want := 12 + 10*rounds; uint64(pieces) != want {
					t.Errorf("the requests came in %d pieces, want %d", pieces, want)
				}
				for _, q := range r.all {
					if q.End-q.Intended != 1e6 || q.Sent != q.Intended || q.Free != q.Intended || q.First != q.End {
						t.Fatalf("%+v: want a service of 1 ms, sent at once", q)
					}
				}
				if r.Depth != depth || strings.Contains(r.Summary(), "requests each") != (depth > 1) {
					t.Errorf("a depth of %d: %s", r.Depth, r.Summary())
				}
			})
		}
	}
}

// Behind others a request waits for their replies: that is part of its service.
func TestDepthWaitsBehind(t *testing.T) {
	t.Parallel()
	const depth, work = 8, time.Millisecond
	w := newWorld(t, &loop.SimConfig{MaxChunk: 11, Seed: 3})
	var free loop.Time // when the server, which does one thing at a time, is
	w.serve = func(c *loop.Conn, n int) {
		free = max(free, w.l.Now()).Add(work)
		reply := strings.Replace(hello, "\r\n\r\n", fmt.Sprintf("\r\nDate: %d\r\n\r\n", n/10), 1)
		w.l.At(free, func() { c.Write([]byte(reply)) })
	}
	s := w.spec()
	s.Closed, s.Schedule.Rate, s.Connections, s.Depth = true, 0, 1, depth
	r := w.run(s)
	if r.Requests != r.Scheduled || r.Requests < 990 || *r.Service.P50 != int64(depth*work) {
		t.Errorf("%d of %d requests, %v, service %+v", r.Requests, r.Scheduled, r.Errors, r.Service)
	}
}

// A connection that goes, or goes silent, takes with it all that is on its way.
func TestDepthLosses(t *testing.T) {
	t.Parallel()
	const depth = 5
	for _, tc := range []struct {
		name  string
		fault func(c *loop.Conn)
		// of the request at fault, and of those behind it
		kind, behind Kind
	}{
		{"reset", func(c *loop.Conn) { c.Abort() }, Reset, Reset},
		{"end", func(c *loop.Conn) { c.CloseWhenDone() }, Reset, Reset},
		{"short", func(c *loop.Conn) { c.Write([]byte(hello[:20])); c.CloseWhenDone() }, Short, Reset},
		{"no reply", func(c *loop.Conn) { c.Write([]byte("220 ftp ready\r\n")) }, WrongBytes, Reset},
		{"last reply", func(c *loop.Conn) {
			c.Write([]byte(strings.Replace(hello, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)))
			c.CloseWhenDone()
		}, OK, Reset},
		{"silence", func(c *loop.Conn) {}, Timeout, Timeout},
		{"refused", func(c *loop.Conn) { c.Write([]byte("HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno")) }, Status, OK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, &loop.SimConfig{Latency: 50 * time.Microsecond})
			last, answered := map[*loop.Conn]bool{}, map[*loop.Conn]bool{}
			faults := uint64(0)
			w.serve = func(c *loop.Conn, n int) {
				w.l.At(w.l.Now().Add(time.Millisecond), func() {
					switch {
					case last[c]:
					case n%100 > 0 || !answered[c]: // one that was never answered is unserved
						c.Write(helloBytes)
						answered[c] = true
					default:
						faults++
						tc.fault(c)
						last[c] = tc.behind != OK
					}
				})
			}
			s := w.spec()
			s.Closed, s.Schedule.Rate, s.Connections, s.Depth, s.Timeout = true, 0, 4, depth, 20*time.Millisecond
			r := w.run(s)
			want := map[string]uint64{}
			if tc.kind != OK {
				want[tc.kind.String()] += faults
			}
			// Those lost when the window has ended are not replaced.
			if lost := uint64(r.Offered - 4); faults == 0 || tc.behind == OK && lost > 0 || tc.behind != OK && (lost > faults || lost+4 < faults) {
				t.Errorf("%d faults cost %d connections", faults, lost)
			}
			var failed uint64
			for _, n := range r.Errors {
				failed += n
			}
			if r.Errors[tc.kind.String()] < want[tc.kind.String()] || tc.behind == OK && failed != faults {
				t.Errorf("%d faults: %v", faults, r.Errors)
			}
			// Those issued with it and before it had been answered; at most the
			// others of its connection were behind it.
			if most := faults * depth; failed < faults*min(1, uint64(tc.kind)) || failed > most || tc.behind != OK && r.Errors[tc.behind.String()] == 0 {
				t.Errorf("%d faults, %d failures, at most %d: %v", faults, failed, most, r.Errors)
			}
			for k := range r.Errors {
				if k != tc.kind.String() && k != tc.behind.String() {
					t.Errorf("%d faults: %v", faults, r.Errors)
				}
			}
		})
	}
}

// Connections of the backlog, which no server answers and nothing replaces, keep
// as many requests on their way, each of which fails by itself.
func TestDepthUnserved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.accept = func(n int) bool { return n < 5 } // of 10
	w.serve = func(c *loop.Conn, n int) { w.after(10*time.Millisecond, c, hello) }
	s := w.spec()
	s.Closed, s.Schedule.Rate, s.Depth, s.Redial = true, 0, 3, false
	s.Connections, s.FillLimit, s.Timeout = 10, 50*time.Millisecond, 250*time.Millisecond
	r := w.run(s)
	// A window of a second has four timeouts.
	if n := r.Errors["unserved"]; n != 5*3*4 || len(r.Errors) != 1 || r.Requests != 5*3*100 || r.Offered != 10 {
		t.Errorf("%d requests answered, failures %v, %d connections", r.Requests, r.Errors, r.Offered)
	}
}

// With several on their way a request counts from when it was issued, also when the
// kernel does not take all of them at once: the server does not look faster for it.
func TestDepthSentTimes(t *testing.T) {
	t.Parallel()
	const size, depth = 1000, 10
	w := newEchoWorld(t, size, loop.Config{Sim: &loop.SimConfig{Latency: 100 * time.Microsecond, Window: 2500}})
	s := w.spec(depth)
	s.Connections = 1
	r := w.run(s)
	if r.Requests != r.Scheduled || r.Requests < 100 {
		t.Fatalf("%d of %d requests, %v", r.Requests, r.Scheduled, r.Errors)
	}
	late := 0
	for _, q := range r.all {
		if q.Sent != q.Intended || q.First < q.Sent.Add(200*time.Microsecond) {
			t.Fatalf("%+v: a round trip is 200 us", q)
		}
		if q.First > q.Sent.Add(200*time.Microsecond) {
			late++
		}
	}
	if late == 0 {
		t.Error("a window smaller than what is sent holds nothing up")
	}
}

// What may be on its way must fit where it is queued.
func TestDepthNeedsBuffers(t *testing.T) {
	t.Parallel()
	w := newEchoWorld(t, 16<<10, loop.Config{})
	if _, err := New(w.l, w.spec(2), nil); err == nil || !strings.Contains(err.Error(), "output buffer of 16384 bytes") {
		t.Errorf("32 KiB on their way: %v", err)
	}
	if _, err := New(w.l, w.spec(1), nil); err != nil {
		t.Errorf("16 KiB on their way: %v", err)
	}
}
