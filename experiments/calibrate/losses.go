package calibrate

import (
	"fmt"
	"time"

	"medusa/experiments/truthd"
	"medusa/loadgen"
	"medusa/results"
)

// ends are what each fate must look like from outside.
var ends = map[truthd.Fate]loadgen.Kind{truthd.Answered: loadgen.OK, truthd.Mute: loadgen.Timeout, truthd.Aborted: loadgen.Reset}

// CheckLosses holds the account of failures against the server's own: one
// request in 50 is never answered and one is reset, each is counted once and as
// what it was, and a quantile that falls among them is at least the timeout.
func CheckLosses(w *Window) results.Truth {
	b := newTruth("losses", "a server that leaves one request in 50 without an answer and resets one")
	all, strangers := w.pairs()
	wrong := 0
	want := map[loadgen.Kind]int{}
	for _, p := range all {
		kind := ends[p.e.Fate]
		want[kind]++
		if p.q.Kind != kind {
			wrong++
		}
	}
	scheduled := w.scheduled()
	r := w.Report
	b.part("requests known to one end only", "", float64(strangers), exactly(0))
	b.part("requests with another end than theirs", "", float64(wrong), exactly(0))
	b.part("scheduled in the report", "", float64(r.Scheduled), exactly(float64(scheduled)))
	b.part("answered in the report", "", float64(r.Requests), exactly(float64(want[loadgen.OK])))
	for _, k := range []loadgen.Kind{loadgen.Timeout, loadgen.Reset} {
		b.part(k.String()+" in the report", "", float64(r.Errors[k.String()]), exactly(float64(want[k])))
	}
	b.part("failures that happened", "share", share(scheduled-want[loadgen.OK], scheduled), between(.03, .05).of(.04))
	censored := 0.0
	if r.Response.P99 == nil && r.Response.Censored["p99"] == int64(w.Timeout) {
		censored = 1
	}
	b.part("response p99 is more than the timeout", "", censored, exactly(1))
	b.chance(0, "counts: nothing is left to chance")
	b.Note = fmt.Sprintf("timeout %v; survivors only, p99 would be %s", w.Timeout, optional(r.ResponseOK.P99))
	return b.Truth
}

// optional writes nanoseconds that may not be known.
func optional(ns *int64) string {
	if ns == nil {
		return "unknown"
	}
	return time.Duration(*ns).String()
}
