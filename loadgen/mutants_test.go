package loadgen

import (
	"testing"
	"time"

	"medusa/poller/loop"
)

// The checks of this package are only worth something if a generator that
// measures wrongly does not pass them. Each of these does, in a way that real
// generators have.

// rebuilt is the result that a recorder gives for the same requests when
// record tells it of each.
func rebuilt(r result, record func(*recorder, Request)) result {
	g := *r.g
	g.rec = newRecorder(g.s)
	g.rec.window(g.from, g.to)
	g.rec.connect, g.rec.admission = newDist(), newDist()
	for _, q := range r.all {
		record(g.rec, q)
	}
	report := g.makeReport()
	return result{Report: report, g: &g, all: r.all}
}

func faithfully(rec *recorder, q Request) {
	rec.begin(q.Intended)
	rec.end(&q)
}

func TestStallMutants(t *testing.T) {
	t.Parallel()
	r := stall(t)
	check := func(record func(*recorder, Request)) string {
		rec := rebuilt(r, record).g.rec
		return checkStall(&rec.response, &rec.service, &rec.queue, &rec.lag)
	}
	if wrong := check(faithfully); wrong != "" {
		t.Fatalf("a faithful recorder does not pass: %s", wrong)
	}
	for name, mutant := range map[string]func(*recorder, Request){
		"stamps at write": func(rec *recorder, q Request) {
			q.Intended, q.Free = q.Sent, q.Sent
			faithfully(rec, q)
		},
		"forgets the queue": func(rec *recorder, q Request) {
			q.Intended = max(q.Intended, q.Free)
			faithfully(rec, q)
		},
		"charges the queue to the server": func(rec *recorder, q Request) {
			q.Sent = q.Intended
			faithfully(rec, q)
		},
		"charges the queue to itself": func(rec *recorder, q Request) {
			q.Free = q.Intended
			faithfully(rec, q)
		},
		"leaves out while it waits": func(rec *recorder, q Request) {
			if q.Free <= q.Intended {
				faithfully(rec, q)
			}
		},
	} {
		if check(mutant) == "" {
			t.Errorf("a recorder that %s passes", name)
		}
	}
}

// The quantile of the whole is not the average of quantiles.
func TestAveragedPercentiles(t *testing.T) {
	t.Parallel()
	r := stall(t)
	var seconds [30]dist
	for i := range seconds {
		seconds[i] = newDist()
	}
	for _, q := range r.all {
		seconds[(q.Intended-r.g.from)/loop.Time(time.Second)].record(int64(q.End - q.Intended))
	}
	averaged := newDist()
	var sum int64
	for i := range seconds {
		sum += seconds[i].at((seconds[i].count()*9833 + 9999) / 10000)
	}
	for range r.rec().response.count() {
		averaged.record(sum / int64(len(seconds)))
	}
	if checkStall(&averaged, &r.rec().service, &r.rec().queue, &r.rec().lag) == "" {
		t.Errorf("the average over the seconds, %v, passes for the quantile", time.Duration(sum/30))
	}
}

func (r result) rec() *recorder { return r.g.rec }

func TestAccountMutants(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.serve = func(c *loop.Conn, n int) {
		switch {
		case n%50 == 49:
			c.Abort()
		case n%50 == 48: // no answer
		default:
			w.after(time.Millisecond, c, hello)
		}
	}
	s := w.spec()
	s.Timeout, s.Warmup = 100*time.Millisecond, 200*time.Millisecond
	r := w.run(s)
	if wrong := account(rebuilt(r, faithfully), s.Timeout); wrong != "" {
		t.Fatalf("a faithful recorder does not pass: %s", wrong)
	}
	n := 0
	for name, mutant := range map[string]func(*recorder, Request){
		"drops errors": func(rec *recorder, q Request) {
			if q.Kind == OK {
				faithfully(rec, q)
			}
		},
		"takes errors for replies": func(rec *recorder, q Request) {
			if q.Kind != OK {
				q.Kind, q.First, q.Sent = OK, q.End, q.Intended
			}
			faithfully(rec, q)
		},
		"takes one error for another": func(rec *recorder, q Request) {
			if q.Kind == Reset {
				q.Kind = Timeout
			}
			faithfully(rec, q)
		},
		"forgets that errors end": func(rec *recorder, q Request) {
			rec.begin(q.Intended)
			if q.Kind == OK {
				rec.end(&q)
			}
		},
		"counts a request twice": func(rec *recorder, q Request) {
			faithfully(rec, q)
			if n++; n == 500 {
				faithfully(rec, q)
			}
		},
		"ends errors when they are noticed": func(rec *recorder, q Request) {
			if q.Kind == Timeout {
				q.End += 5e6
			}
			faithfully(rec, q)
		},
		"takes requests by when they were sent": func(rec *recorder, q Request) {
			q.Intended += 10e6
			q.End += 10e6
			faithfully(rec, q)
		},
	} {
		if account(rebuilt(r, mutant), s.Timeout) == "" {
			t.Errorf("a recorder that %s passes", name)
		}
	}
}
