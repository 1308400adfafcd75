package loadgen

import (
	"strings"
	"testing"
	"time"
)

func TestVerdict(t *testing.T) {
	t.Parallel()
	ns := func(d time.Duration) *int64 { n := int64(d); return &n }
	for _, tc := range []struct {
		name    string
		change  func(*Report)
		waiting [5]float64
		odd     []string
		want    string
		why     string // in the first reason
	}{
		{name: "valid", change: func(*Report) {}, want: Valid},
		{name: "lag at its floor", change: func(r *Report) { r.Lag.P99 = ns(50 * time.Microsecond) }, want: Valid},
		{name: "lag over its floor", change: func(r *Report) { r.Lag.P99 = ns(50*time.Microsecond + 1) }, want: ClientLimited, why: "p99 of the generator's lag is 50.001µs"},
		{name: "lag of a slow response", change: func(r *Report) { r.Lag.P90, r.Response.P90 = ns(time.Millisecond), ns(10*time.Millisecond) }, want: Valid},
		{name: "lag over a tenth", change: func(r *Report) { r.Lag.P90, r.Response.P90 = ns(1001*time.Microsecond), ns(10*time.Millisecond) }, want: ClientLimited, why: "p90"},
		{name: "lag of a quantile drawn open", change: func(r *Report) { r.Lag.P999, r.Lag.Open = ns(time.Second), []string{"p999"} }, want: Valid},
		{name: "lag of a quantile that is missing", change: func(r *Report) { r.Lag.P999, r.Response.P999 = ns(time.Second), nil }, want: Valid},
		{name: "lag where the response is censored", change: func(r *Report) {
			r.Lag.P999, r.Response.P999, r.Response.Censored = ns(99*time.Millisecond), nil, map[string]int64{"p999": int64(time.Second)}
		}, want: Valid},
		{name: "lag over a tenth of the timeout", change: func(r *Report) {
			r.Lag.P999, r.Response.P999, r.Response.Censored = ns(101*time.Millisecond), nil, map[string]int64{"p999": int64(time.Second)}
		}, want: ClientLimited, why: "p999"},
		{name: "busy", change: func(r *Report) { r.BusyShare = 0.7 }, want: Valid},
		{name: "too busy", change: func(r *Report) { r.BusyShare = 0.71 }, want: ClientLimited, why: "busy for 71 %"},
		{name: "a busy closed loop", change: func(r *Report) { r.BusyShare, r.Mode = 0.99, "closed" }, want: Valid},
		{name: "a thousandth late", change: func(r *Report) { r.SentLate, r.Requests = 100, 99_900 }, want: Valid},
		{name: "more late", change: func(r *Report) { r.SentLate, r.Requests = 101, 99_899 }, want: ClientLimited, why: "101 of 100000"},
		{name: "a hundredth failed", change: func(r *Report) { r.Requests = 99_000 }, want: Valid},
		{name: "more failed", change: func(r *Report) { r.Requests = 98_999 }, want: Saturated, why: "98999 of 100000"},
		{name: "late ones do not count as failed", change: func(r *Report) { r.SentLate, r.Requests = 50_000, 49_900 }, want: ClientLimited, why: "50000"},
		{name: "a queue that grew", change: func(*Report) {}, waiting: [5]float64{0, 300, 500, 800, 1100}, want: Saturated, why: "the queue grew"},
		{name: "a queue that grew a little", change: func(*Report) {}, waiting: [5]float64{0, 300, 500, 800, 1000}, want: Valid},
		{name: "a queue that came and went", change: func(*Report) {}, waiting: [5]float64{0, 3000, 5000, 800, 1}, want: Valid},
		{name: "a queue that shrank", change: func(*Report) {}, waiting: [5]float64{5000, 3000, 2000, 800, 1}, want: Valid},
		{name: "few requests, a short queue", change: func(r *Report) { r.Scheduled, r.Requests = 100, 100 }, waiting: [5]float64{0, 2, 4, 6, 9}, want: Valid},
		{name: "both", change: func(r *Report) { r.Requests, r.BusyShare = 5, 1 }, want: ClientLimited, why: "busy"},
		{name: "a contradiction", change: func(*Report) {}, odd: []string{"odd"}, want: ClientLimited, why: "odd"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := &Report{Mode: "open", Scheduled: 100_000, Requests: 100_000, Sent: 100_000}
			for _, d := range []*Dist{&r.Response, &r.Lag} {
				d.P50, d.P90, d.P99, d.P999 = ns(time.Microsecond), ns(2*time.Microsecond), ns(3*time.Microsecond), ns(4*time.Microsecond)
			}
			tc.change(r)
			got, reasons := verdict(r, tc.waiting, tc.odd)
			if got != tc.want || (tc.why == "") != (len(reasons) == 0) || (tc.why != "" && !strings.Contains(reasons[0], tc.why)) {
				t.Errorf("verdict %s, reasons %q, want %s about %q", got, reasons, tc.want, tc.why)
			}
		})
	}
}
