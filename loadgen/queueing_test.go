package loadgen

import (
	"cmp"
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"medusa/poller/loop"
)

// station is a server of which queueing theory knows what every request must
// see: it draws the work of each request, logs it, and answers when that is done.
type station struct {
	w      *world
	work   func() loop.Time
	serial bool // one request at a time, in order of arrival; else all at once
	fill   int  // requests, those of the fill, that are no work
	idleAt loop.Time
	log    []visit
}

// visit is a request as the station saw it.
type visit struct{ arrived, work loop.Time }

func (s *station) serve(c *loop.Conn, n int) {
	if n < s.fill {
		c.Write(helloBytes)
		return
	}
	now, work := s.w.l.Now(), s.work()
	s.log = append(s.log, visit{now, work})
	done := now + work
	if s.serial {
		s.idleAt = max(s.idleAt, now) + work
		done = s.idleAt
	}
	s.w.l.At(done, func() { c.Write(helloBytes) })
}

// works are the distributions of work, all with a mean of 1 ms.
var works = map[string]func(*rand.Rand) func() loop.Time{
	"deterministic": func(*rand.Rand) func() loop.Time {
		return func() loop.Time { return 1e6 }
	},
	"exponential": func(rng *rand.Rand) func() loop.Time {
		return func() loop.Time { return loop.Time(rng.ExpFloat64() * 1e6) }
	},
	"bimodal": func(rng *rand.Rand) func() loop.Time {
		return func() loop.Time {
			if rng.IntN(10) == 0 {
				return 5_500_000
			}
			return 500_000
		}
	},
}

// times is a heap of the times at which connections come free.
type times []loop.Time

func (t times) Len() int           { return len(t) }
func (t times) Less(i, j int) bool { return t[i] < t[j] }
func (t times) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *times) Push(x any)        { *t = append(*t, x.(loop.Time)) }
func (t *times) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

// truth is what a request must have been: when it got a connection, and when it
// ended.
type truth struct{ intended, start, end loop.Time }

// queueing simulates the queue in front of c connections (G/G/c, first come first
// served; Kiefer and Wolfowitz, 1955) and the station behind a wire: with as many
// connections as requests and a serial station this is Lindley's recursion.
func queueing(arrivals []loop.Time, log []visit, c int, wire loop.Time, serial bool) []truth {
	free := make(times, c)
	var idleAt loop.Time
	list := make([]truth, len(arrivals))
	for i, at := range arrivals {
		start := max(at, heap.Pop(&free).(loop.Time))
		arrived := start + wire
		done := arrived + log[i].work
		if serial {
			idleAt = max(idleAt, arrived) + log[i].work
			done = idleAt
		}
		list[i] = truth{at, start, done + wire}
		heap.Push(&free, done+wire)
	}
	return list
}

// checkQueueing compares requests with what they must have been, to the
// nanosecond. Requests that began at one time came to the station in an order
// of its own, which decides whose work is whose: those are compared as a set.
func checkQueueing(all []Request, want []truth) string {
	if len(all) != len(want) {
		return fmt.Sprintf("%d requests, want %d", len(all), len(want))
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Request) int {
		return cmp.Or(cmp.Compare(a.Intended, b.Intended), cmp.Compare(a.Sent, b.Sent))
	})
	for from := 0; from < len(want); {
		to := from
		var ends, got []loop.Time
		for ; to < len(want) && want[to].start == want[from].start; to++ {
			q := &all[to]
			w := want[to]
			if q.Kind != OK || q.Intended != w.intended || q.Sent != w.start || q.queue() != int64(w.start-w.intended) || q.lag() != 0 {
				return fmt.Sprintf("request %d (%v) was meant for %d, queued %d ns and was sent at %d, want %d, %d and %d",
					to, q.Kind, q.Intended, q.queue(), q.Sent, w.intended, w.start-w.intended, w.start)
			}
			ends, got = append(ends, w.end), append(got, q.End)
		}
		slices.Sort(ends)
		slices.Sort(got)
		if !slices.Equal(ends, got) {
			return fmt.Sprintf("requests %d to %d ended at %d, want %d", from, to-1, got, ends)
		}
		from = to
	}
	return ""
}

// aTrace is a trace with lulls, rushes and several arrivals at one time.
func aTrace(rate float64, length time.Duration) *Trace {
	rng := rand.New(rand.NewPCG(7, 7))
	t := &Trace{SHA256: "made for a test"}
	for at := loop.Time(0); ; at += loop.Time(rng.ExpFloat64() * 1e9 / rate * float64(rng.IntN(3))) {
		t.Times = append(t.Times, at)
		if at > loop.Time(length) {
			return t
		}
	}
}

type queueCase struct {
	arrivals, work string
	connections    int
	wire           time.Duration
	serial         bool
	rate           float64
}

// run is the load of a case, and what it must have been.
func (q queueCase) run(t *testing.T) (result, []truth) {
	w := newWorld(t, &loop.SimConfig{Seed: 21, Latency: q.wire})
	st := &station{w: w, work: works[q.work](rand.New(rand.NewPCG(9, 9))), serial: q.serial, fill: q.connections}
	w.serve = st.serve
	s := w.spec()
	s.Connections, s.Timeout = q.connections, time.Minute
	s.Warmup, s.Duration = 200*time.Millisecond, 1300*time.Millisecond
	s.Schedule = Schedule{Arrivals: q.arrivals, Rate: q.rate, Burst: 12, Seed: 4}
	if q.arrivals == Traced {
		s.Schedule.Rate, s.Schedule.Trace = 0, aTrace(q.rate, s.Warmup+s.Duration)
	}
	r := w.run(s)
	var arrivals []loop.Time
	for list := s.Schedule.Times(); ; {
		at := r.g.base + list.Next()
		if at >= r.g.to {
			break
		}
		arrivals = append(arrivals, at)
	}
	if len(arrivals) < 500 || len(st.log) != len(arrivals) {
		t.Fatalf("%d arrivals, and the station saw %d", len(arrivals), len(st.log))
	}
	return r, queueing(arrivals, st.log, s.Connections, loop.Time(q.wire), q.serial)
}

// Whatever the arrivals, the work, the connections and the wire: each request
// waited for a connection, and took, as long as theory says, to the nanosecond.
func TestQueueing(t *testing.T) {
	t.Parallel()
	for _, arrivals := range []string{Constant, Poisson, Burst, Traced} {
		for work := range works {
			for _, q := range []queueCase{
				{connections: 2000, serial: true, rate: 800},                           // Lindley: G/G/1
				{connections: 1, rate: 800},                                            // the same queue, in the generator
				{connections: 3, rate: 2500},                                           // G/G/3
				{connections: 8, rate: 6500, wire: 50 * time.Microsecond},              // G/G/8 with a wire
				{connections: 2, rate: 700, wire: 20 * time.Microsecond, serial: true}, // queues at both ends
				{connections: 3, rate: 4000},                                           // more than it can do
			} {
				q.arrivals, q.work = arrivals, work
				t.Run(fmt.Sprintf("%s/%s/%d connections at %v", arrivals, work, q.connections, q.rate), func(t *testing.T) {
					t.Parallel()
					r, want := q.run(t)
					if wrong := checkQueueing(r.all, want); wrong != "" {
						t.Fatal(wrong)
					}
					q.checkReport(t, r, want)
				})
			}
		}
	}
}

// checkReport: the report's distributions are those of the truth, as far as a
// histogram of three digits tells.
func (q queueCase) checkReport(t *testing.T, r result, want []truth) {
	var n, queued, took float64
	for _, w := range want {
		if w.intended >= r.g.from && w.intended < r.g.to {
			n++
			queued += float64(w.start - w.intended)
			took += float64(w.end - w.intended)
		}
	}
	for name, m := range map[string][2]float64{"queue": {*r.Queue.Mean, queued / n}, "response": {*r.Response.Mean, took / n}} {
		if math.Abs(m[0]-m[1]) > 1e-3*m[1]+1 {
			t.Errorf("%s has a mean of %.0f ns, want %.0f", name, m[0], m[1])
		}
	}
	if float64(r.Requests) != n || *r.Lag.Max != 0 {
		t.Errorf("%d requests in the window and a lag of %d, want %.0f and none", r.Requests, *r.Lag.Max, n)
	}
}

// What measures wrongly does not agree with theory.
func TestQueueingMutants(t *testing.T) {
	t.Parallel()
	q := queueCase{arrivals: Poisson, work: "exponential", connections: 3, rate: 2500, wire: 10 * time.Microsecond}
	r, want := q.run(t)
	if wrong := checkQueueing(r.all, want); wrong != "" {
		t.Fatal(wrong)
	}
	waited := slices.IndexFunc(r.all, func(q Request) bool { return q.queue() > 0 })
	for name, mutant := range map[string]func([]Request) []Request{
		"stamps at write": func(all []Request) []Request {
			for i := range all {
				all[i].Intended, all[i].Free = all[i].Sent, all[i].Sent
			}
			return all
		},
		"is a nanosecond late": func(all []Request) []Request {
			all[waited].End++
			return all
		},
		"charges the queue to itself": func(all []Request) []Request {
			all[waited].Free = all[waited].Intended
			return all
		},
		"forgets a request": func(all []Request) []Request { return slices.Delete(all, waited, waited+1) },
		"serves the last first": func(all []Request) []Request {
			for i := range all[1:] {
				if a, b := &all[i], &all[i+1]; a.queue() > 0 && b.queue() > 0 && a.Sent != b.Sent {
					a.Intended, b.Intended = b.Intended, a.Intended
					return all
				}
			}
			return nil
		},
	} {
		if checkQueueing(mutant(slices.Clone(r.all)), want) == "" {
			t.Errorf("a generator that %s passes", name)
		}
	}
	// Nor does theory about something else.
	for name, other := range map[string]queueCase{
		"four connections": {connections: 4, wire: q.wire}, "a serial station": {connections: 3, wire: q.wire, serial: true}, "no wire": {connections: 3},
	} {
		log := make([]visit, len(want))
		arrivals := make([]loop.Time, len(want))
		for i, w := range want {
			arrivals[i], log[i].work = w.intended, w.end-w.start-2*loop.Time(q.wire)
		}
		if checkQueueing(r.all, queueing(arrivals, log, other.connections, loop.Time(other.wire), other.serial)) == "" {
			t.Errorf("what was measured agrees with %s", name)
		}
	}
}

// In a closed loop each reply is followed, at the same nanosecond, by a request,
// and the serial station answers in order: that leaves nothing open.
func TestQueueingClosed(t *testing.T) {
	t.Parallel()
	for work := range works {
		for _, tc := range []struct {
			connections, depth int
			wire               time.Duration
		}{{1, 1, 0}, {5, 1, 0}, {5, 1, 40 * time.Microsecond}, {1, 8, 40 * time.Microsecond}, {3, 4, 300 * time.Microsecond}} {
			t.Run(fmt.Sprintf("%s/%d connections, %d deep, %v", work, tc.connections, tc.depth, tc.wire), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, &loop.SimConfig{Seed: 22, Latency: tc.wire})
				st := &station{w: w, work: works[work](rand.New(rand.NewPCG(10, 10))), serial: true, fill: tc.connections}
				w.serve = st.serve
				s := w.spec()
				s.Closed, s.Schedule.Rate = true, 0
				s.Connections, s.Depth, s.Timeout = tc.connections, tc.depth, time.Minute
				r := w.run(s)
				if wrong := checkClosed(r, st.log, s.Connections*s.Depth, loop.Time(tc.wire)); wrong != "" {
					t.Fatal(wrong)
				}
				late := r
				late.all = slices.Clone(r.all)
				late.all[len(late.all)/2].Sent++
				if checkClosed(late, st.log, s.Connections*s.Depth, loop.Time(tc.wire)) == "" {
					t.Error("a request sent a nanosecond later passes")
				}
			})
		}
	}
}

// checkClosed compares a closed loop, with so many requests on their way, with
// the log of a serial station.
func checkClosed(r result, log []visit, onTheWay int, wire loop.Time) string {
	if len(r.all) != len(log) || len(log) < 500 {
		return fmt.Sprintf("%d requests ended, the station had %d", len(r.all), len(log))
	}
	sent, ends := make([]loop.Time, len(log)), make([]loop.Time, len(log))
	for i, q := range r.all {
		if q.Kind != OK {
			return fmt.Sprintf("request %d: %v", i, q.Kind)
		}
		sent[i], ends[i] = q.Sent, q.End
	}
	slices.Sort(sent)
	slices.Sort(ends)
	var idleAt loop.Time
	for i, v := range log {
		idleAt = max(idleAt, v.arrived) + v.work
		switch {
		case sent[i]+wire != v.arrived:
			return fmt.Sprintf("request %d was sent at %d, and came at %d", i, sent[i], v.arrived)
		case ends[i] != idleAt+wire:
			return fmt.Sprintf("request %d ended at %d, want %d", i, ends[i], idleAt+wire)
		case i >= onTheWay && sent[i] != ends[i-onTheWay]:
			return fmt.Sprintf("request %d was sent at %d, the reply before it was in at %d", i, sent[i], ends[i-onTheWay])
		}
	}
	return ""
}
