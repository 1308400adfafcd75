package results

import (
	"strings"
	"testing"
)

// slowRecord is a trial with 20 slow connections that were there and had their rate.
func slowRecord() *Record {
	r := soundRecord("open")
	r.Load.Slow = &Slow{Connections: 20, OpenAtEnd: 20, ReadRate: 1000, Bytes: 39_000, Rate: 19_500, Replies: 6, Errors: map[string]uint64{}, AchievedShare: 0.975}
	r.Server.Start.TCPMemoryBytes, r.Server.After.TCPMemoryBytes = p(int64(1<<20)), p(int64(5<<20))
	// Each has a reply on its way when the load ends.
	r.Load.TotalSent += 20
	Derive(r)
	return r
}

func TestDeriveSlow(t *testing.T) {
	t.Parallel()
	r := slowRecord()
	everyMetricIsAccountedFor(t, r)
	if r.Verdict != VerdictValid {
		t.Errorf("it is %s: %v", r.Verdict, r.Reasons)
	}
	for column, want := range map[string]float64{
		"slow_open": 20, "slow_goodput_bytes_s": 19_500, "slow_achieved_share": 0.975, "slow_replies_per_s": 3, "slow_errors": 0,
		"tcp_memory_bytes": 4 << 20, "goodput_bytes_s": float64(r.Load.BytesReceived) / 2,
	} {
		if got, ok := r.Value(column); !ok || got != want {
			t.Errorf("%s is %v, %v, want %v", column, got, ok, want)
		}
	}
	for _, c := range []struct {
		change      change
		column, why string
	}{
		{func(r *Record) { r.Load.Slow = nil }, "slow_open", "had no slow connections"},
		{func(r *Record) { r.Server.Start.TCPMemoryBytes = nil }, "tcp_memory_bytes", "does not tell it"},
		{func(r *Record) { r.Load = nil }, "goodput_bytes_s", "did not tell"},
	} {
		r := slowRecord()
		c.change(r)
		Derive(r)
		if _, has := r.Metrics[c.column]; has || !strings.Contains(r.Missing[c.column], c.why) {
			t.Errorf("%s is missing because %q, want %q", c.column, r.Missing[c.column], c.why)
		}
	}
}

func TestSlowMustBeThere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change change
		want   string
	}{
		{func(r *Record) { r.Load.Slow.OpenAtEnd = 19 }, "of 20 slow connections 19 were open and answered at the end"},
		{func(r *Record) { r.Load.Slow.Errors = map[string]uint64{"status": 3, "reset": 1} }, "slow connections failed: 1 reset and 3 status"},
		// Their requests are in the totals of both ends, or these differ.
		{func(r *Record) { r.Load.TotalSent = r.Load.TotalAnswered; r.Server.End.Requests += 20 }, "the generator sent"},
		{func(r *Record) { r.Load.TotalBytesIn += 39_000 }, "the generator received"},
	} {
		r := slowRecord()
		c.change(r)
		Derive(r)
		if r.Verdict != VerdictInconsistent || !strings.Contains(strings.Join(r.Reasons, "; "), c.want) {
			t.Errorf("%s: %v, want %s", r.Verdict, r.Reasons, c.want)
		}
	}
}
