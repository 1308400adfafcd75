package results

import (
	"strings"
	"testing"
)

// What a server does at its limit is derived from the snapshots and from what the
// load process saw of those who came when others had left.
func TestDeriveLimit(t *testing.T) {
	r := soundRecord("open")
	s := r.Server
	filled, after := *s.Filled, *s.After
	s.Filled, s.After = &filled, &after
	quiet := filled
	quiet.AtNs += 500e6
	quiet.CPUNs += 5e6
	s.Quiet = &quiet
	seconds := float64(after.AtNs-s.Before.AtNs) / 1e9
	after.Shed, after.Reaped, after.ListenPauses = s.Before.Shed+30, s.Before.Reaped+20, s.Before.ListenPauses+10
	took := int64(28_450_000)
	r.Load.Recovery = &Recovery{Left: 498, Waiting: 995, Served: 498, Ns: &took, LimitNs: 3e9}
	Derive(r)
	for column, want := range map[string]float64{
		"cpu_share_at_limit_quiet": 0.01, "recovery_ms": 28.45,
		"shed_per_s": 30 / seconds, "reaped_per_s": 20 / seconds, "listen_pauses_per_s": 10 / seconds,
	} {
		if got, ok := r.Metrics[column]; !ok || got < want*0.999 || got > want*1.001 {
			t.Errorf("%s is %v (%s), want %v", column, got, r.Missing[column], want)
		}
	}
	everyMetricIsAccountedFor(t, r)

	r.Load.Recovery = &Recovery{Left: 498, Waiting: 995, Served: 3, LimitNs: 3e9, Censored: true}
	Derive(r)
	if r.Censored["recovery_ms"] != 3000 {
		t.Errorf("a recovery over the limit: %v, %v", r.Metrics["recovery_ms"], r.Censored)
	}
	everyMetricIsAccountedFor(t, r)

	for _, c := range []struct {
		change      func()
		column, why string
	}{
		{func() { r.Load.Recovery = &Recovery{Left: 498, LimitNs: 3e9} }, "recovery_ms", "nobody waited"},
		{func() { r.Load.Recovery = &Recovery{LimitNs: 3e9, Missing: "several processes"} }, "recovery_ms", "several processes"},
		{func() { r.Load.Recovery = nil }, "recovery_ms", "leave_share"},
		{func() { s.Quiet = nil }, "cpu_share_at_limit_quiet", "quiet_s"},
		{func() { after.Shed = 0; s.Before.Shed = 1 }, "shed_per_s", "backwards"},
		{func() { s.RequestsBy = ByLoad }, "reaped_per_s", "another program"},
	} {
		c.change()
		Derive(r)
		if _, has := r.Metrics[c.column]; has || !strings.Contains(r.Missing[c.column], c.why) {
			t.Errorf("%s is missing because %q, want %q", c.column, r.Missing[c.column], c.why)
		}
	}
}
