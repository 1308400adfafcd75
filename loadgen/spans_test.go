package loadgen

import (
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// A server that is slow, and then silent, in a part of the window: each span has
// the requests that were meant to start in it, and all together are the window's.
func TestSpans(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &loop.SimConfig{Latency: 50 * time.Microsecond})
	s := w.spec()
	s.Duration, s.Timeout = 3*time.Second, 100*time.Millisecond
	s.Spans = Moments{time.Second, 2 * time.Second}
	w.serve = func(c *loop.Conn, n int) {
		switch since := w.l.Now() - w.gen.from; {
		case since < loop.Time(time.Second):
			c.Write(helloBytes)
		case since < loop.Time(1500*time.Millisecond):
			w.after(10*time.Millisecond, c, hello)
		case since < loop.Time(2*time.Second):
		default:
			c.Write(helloBytes)
		}
	}
	r := w.run(s)
	if len(r.Spans) != 3 {
		t.Fatalf("%d spans", len(r.Spans))
	}
	var count, failed uint64
	for i, p := range r.Spans {
		if p.FromNs != int64(i)*1e9 || p.ToNs != int64(i+1)*1e9 {
			t.Errorf("span %d is from %d to %d", i, p.FromNs, p.ToNs)
		}
		var n, bad uint64
		for _, q := range r.all {
			if at := int64(q.Intended - r.g.from); at >= p.FromNs && at < p.ToNs {
				n++
				if q.Kind != OK {
					bad++
				}
			}
		}
		if p.Count != n || p.Failed != bad || p.Response.Count != n || p.Response.Failed != bad {
			t.Errorf("span %d counts %d requests, %d failed (%+v), want %d and %d", i, p.Count, p.Failed, p.Response, n, bad)
		}
		count += p.Count
		failed += p.Failed
	}
	if count != r.Scheduled || failed != r.Scheduled-r.Requests || r.Spans[1].Failed < 400 {
		t.Errorf("the spans count %d and %d failed, the window %d and %d", count, failed, r.Scheduled, r.Scheduled-r.Requests)
	}
	before, during := r.Spans[0].Response, r.Spans[1].Response
	if before.P50 == nil || *before.P50 > int64(time.Millisecond) || during.Censored["p90"] != int64(s.Timeout) {
		t.Errorf("before %+v, during %+v", before, during)
	}
	if text := r.Summary(); !strings.Contains(text, "1s to 2s: response p50") {
		t.Errorf("the summary is\n%s", text)
	}
}

func TestSpansOfNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if r := w.run(w.spec()); r.Spans != nil {
		t.Errorf("a window that was not cut has the spans %+v", r.Spans)
	}
}

func TestSpansCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cuts Moments
		good bool
	}{
		{nil, true}, {Moments{1, 2, 999}, true},
		{Moments{0}, false}, {Moments{-1}, false}, {Moments{1000}, false}, {Moments{2, 1}, false}, {Moments{2, 2}, false},
		{make(Moments, maxCuts+1), false},
	} {
		if err := checkSpans(c.cuts, 1000); (err == nil) != c.good || err != nil && !strings.HasPrefix(err.Error(), "--span") {
			t.Errorf("%v of a window of 1000: %v", c.cuts, err)
		}
	}
}
