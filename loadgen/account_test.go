package loadgen

import (
	"fmt"
	"math"
	"time"
)

// account checks a report against the requests that were observed, by means
// that share nothing with the recorder, and says what is wrong. A generator
// that loses a request or counts one in the wrong place does not pass.
func account(r result, timeout time.Duration) string {
	var n, sent uint64
	errors := map[string]uint64{}
	var sum float64
	var bytes int64
	from, to := r.g.from, r.g.to
	for _, q := range r.all {
		if q.End < q.Intended {
			return fmt.Sprintf("a request ended %v before it began", q.Intended.Sub(q.End))
		}
		if a, b := max(q.Intended, from), min(q.End, to); b > a {
			sum += float64(b - a)
		}
		if q.Intended < from || q.Intended >= to {
			continue
		}
		n++
		bytes += q.Bytes
		if q.Sent != Never {
			sent++
		}
		if q.Kind == OK && (q.Sent == Never || q.First == Never) {
			return fmt.Sprintf("a request meant for %d was answered well and never sent, or its reply never came", q.Intended)
		}
		if q.Kind != OK {
			errors[q.Kind.String()]++
		}
	}
	var failed uint64
	for _, k := range errors {
		failed += k
	}
	switch {
	case n != r.Scheduled:
		return fmt.Sprintf("%d requests were seen, %d are reported", n, r.Scheduled)
	case sent != r.Sent:
		return fmt.Sprintf("%d requests were sent, %d are reported", sent, r.Sent)
	case uint64(bytes) != r.BytesReceived:
		return fmt.Sprintf("%d bytes were received, %d are reported", bytes, r.BytesReceived)
	case n-failed != r.Requests:
		return fmt.Sprintf("%d requests were answered well, %d are reported", n-failed, r.Requests)
	case fmt.Sprint(errors) != fmt.Sprint(r.Errors):
		return fmt.Sprintf("failures were %v, reported are %v", errors, r.Errors)
	case r.Response.Count != n || r.Response.Failed != failed:
		return fmt.Sprintf("response counts %d requests, %d failed, want %d and %d", r.Response.Count, r.Response.Failed, n, failed)
	case r.ResponseOK.Count != n-failed || r.Service.Count != n-failed || r.FirstByte.Count != n-failed:
		return fmt.Sprintf("the survivors' distributions count %d, %d and %d, want %d", r.ResponseOK.Count, r.Service.Count, r.FirstByte.Count, n-failed)
	}
	if window := float64(to - from); math.Abs(r.MeanInFlight*window-sum) > 1 || math.Abs(r.SumInWindowNs-sum) > 1 {
		return fmt.Sprintf("Little's law: %v ns integrated, %v ns summed, %v ns seen", r.MeanInFlight*window, r.SumInWindowNs, sum)
	}
	var series, fate uint64
	for _, p := range r.Series {
		series += p.Count
	}
	for _, k := range r.Fate {
		fate += k
	}
	if series != n {
		return fmt.Sprintf("the series counts %d requests of %d", series, n)
	}
	if fate != uint64(r.Offered) {
		return fmt.Sprintf("the fates %v are not those of %d connections", r.Fate, r.Offered)
	}
	return ""
}
