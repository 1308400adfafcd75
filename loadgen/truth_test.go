package loadgen

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"medusa/poller/loop"
)

func TestFixedDelay(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		arrivals string
		sim      loop.SimConfig
		delay    time.Duration
	}{
		{"constant", Constant, loop.SimConfig{}, 250 * time.Microsecond},
		{"poisson over a wire", Poisson, loop.SimConfig{Seed: 3, Latency: 20 * time.Microsecond}, 777 * time.Nanosecond},
		{"burst", Burst, loop.SimConfig{Seed: 4}, time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, &tc.sim)
			w.serve = func(c *loop.Conn, n int) { w.after(tc.delay, c, hello) }
			s := w.spec()
			s.Connections = 256 // nobody waits
			s.Warmup = 300 * time.Millisecond
			s.Schedule.Arrivals = tc.arrivals
			r := w.run(s)
			truth := loop.Time(tc.delay + 2*tc.sim.Latency)
			for _, q := range r.all {
				if q.Kind != OK || q.Sent != q.Intended || q.End-q.Intended != truth {
					t.Fatalf("a request took %d ns and was sent %d ns late (%v), want %d and 0", q.End-q.Intended, q.Sent-q.Intended, q.Kind, truth)
				}
			}
			if r.Requests < 700 || r.Requests > 1300 || len(r.all) <= int(r.Requests) {
				t.Errorf("%d requests in the window of %d, want about 1000 and more outside", r.Requests, len(r.all))
			}
			if got := *r.Response.P50; got != int64(truth) || *r.Response.Max != int64(truth) || *r.Response.Mean != float64(truth) {
				t.Errorf("response p50 %d, max %d, mean %v, want %d", got, *r.Response.Max, *r.Response.Mean, truth)
			}
			if *r.Lag.Max != 0 || *r.Queue.Max != 0 {
				t.Errorf("lag %d, queue %d, want none", *r.Lag.Max, *r.Queue.Max)
			}
			if r.Verdict != Valid || r.BytesReceived != r.Requests*uint64(len(hello)) {
				t.Errorf("verdict %s: %q, %d bytes", r.Verdict, r.Reasons, r.BytesReceived)
			}
		})
	}
}

// A serial server with Poisson arrivals: every response is what Lindley's
// recursion makes of the arrivals and the server's own log of service times.
func TestLindley(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &loop.SimConfig{Seed: 11})
	rng := rand.New(rand.NewPCG(5, 5))
	type served struct{ arrived, work loop.Time }
	var log []served
	var idleAt loop.Time
	w.serve = func(c *loop.Conn, n int) {
		now := w.l.Now()
		work := loop.Time(rng.ExpFloat64() * 1e6)
		log = append(log, served{now, work})
		idleAt = max(idleAt, now) + work
		w.l.At(idleAt, func() { c.Write([]byte(hello)) })
	}
	s := w.spec()
	s.Connections, s.Schedule.Rate, s.Duration = 64, 500, 20*time.Second
	s.Timeout = 5 * time.Second
	r := w.run(s)
	log = log[s.Connections:] // those of the fill
	if len(r.all) != len(log) || len(log) < 9500 {
		t.Fatalf("%d requests ended, the server had %d", len(r.all), len(log))
	}
	slices.SortFunc(r.all, func(a, b Request) int { return cmp.Compare(a.Intended, b.Intended) })
	var wait loop.Time // of the present request, before it is served
	for i, q := range r.all {
		if i > 0 {
			wait = max(0, wait+log[i-1].work-(q.Intended-r.all[i-1].Intended))
		}
		if got, want := q.End-q.Intended, wait+log[i].work; got != want || q.Kind != OK {
			t.Fatalf("request %d took %d ns (%v), the recursion says %d", i, got, q.Kind, want)
		}
	}
	if mean := *r.Response.Mean; mean < 1.6e6 || mean > 2.5e6 {
		t.Errorf("mean response %.0f ns: of M/M/1 at half load it is 2 ms", mean)
	}
}

// stall is the load of the stall test and a server that answers nothing for a
// second.
func stall(t *testing.T) result {
	w := newWorld(t, nil)
	const work = 100 * time.Microsecond
	from := 12 * loop.Time(time.Second)
	to := from.Add(time.Second)
	w.serve = func(c *loop.Conn, n int) {
		at := w.l.Now().Add(work)
		if at >= from && at < to {
			at = to.Add(work)
		}
		w.l.At(at, func() { c.Write([]byte(hello)) })
	}
	s := w.spec()
	s.Connections, s.Duration, s.Timeout = 16, 30*time.Second, 5*time.Second
	s.Schedule.Arrivals = Constant
	return w.run(s)
}

// checkStall says what is wrong with the distributions of the stall test.
// Half of the thousand arrivals of the stall second wait for over half a
// second: 500 of 30,000, or 1.67 %.
func checkStall(response, service, queue, lag *dist) string {
	for _, c := range []struct {
		name      string
		d         *dist
		low, high time.Duration
	}{
		{"response", response, 490 * time.Millisecond, 540 * time.Millisecond},
		{"service", service, 0, 10 * time.Millisecond},
		{"queue", queue, 480 * time.Millisecond, 540 * time.Millisecond},
		{"lag", lag, 0, 50 * time.Microsecond},
	} {
		n := c.d.count()
		if n < 29_900 {
			return fmt.Sprintf("%s has %d of 30000 requests", c.name, n)
		}
		if v := time.Duration(c.d.at((n*9833 + 9999) / 10000)); v < c.low || v > c.high {
			return fmt.Sprintf("%s p98.33 is %v, want %v to %v", c.name, v, c.low, c.high)
		}
	}
	return ""
}

func TestStall(t *testing.T) {
	t.Parallel()
	r := stall(t)
	rec := r.g.rec
	if wrong := checkStall(&rec.response, &rec.service, &rec.queue, &rec.lag); wrong != "" {
		t.Error(wrong)
	}
	if r.Verdict != Valid {
		t.Errorf("verdict %s: %q", r.Verdict, r.Reasons)
	}
	// The parts of a response are disjoint and complete.
	for _, q := range r.all {
		if whole := int64(q.End - q.Intended); whole != q.queue()+q.lag()+int64(q.End-q.Sent) {
			t.Fatalf("a response of %d ns is not its queue %d, lag %d and service %d", whole, q.queue(), q.lag(), q.End-q.Sent)
		}
	}
}
