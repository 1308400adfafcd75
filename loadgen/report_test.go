package loadgen

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"medusa/poller/loop"
)

// The keys of a report are read by others: they change with schema_version.
func TestReportKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.serve = func(c *loop.Conn, n int) {
		if n == 100 {
			c.Abort()
			return
		}
		c.Write([]byte(hello))
	}
	r := w.run(w.spec())
	text, err := json.Marshal(r.Report)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(`schema_version url backend engine pacing mode arrivals seed schedule_hash active_connections depth
		idle_connections idle_open timeout_ns intended_rate achieved_rate duration_ns scheduled sent requests unsent_free bytes_received
		errors response_ns response_ok_ns service_ns first_byte_ns connect_ns admission_ns lag_ns queue_ns series onset
		mean_in_flight sum_in_window_ns queue_start queue_end fate offered opened admitted fill_ns total_sent total_answered
		total_bytes_in total_bytes_out cpu_ns spun_ns busy_share verdict snapshot start`)
	for _, k := range want {
		if _, ok := got[k]; !ok {
			t.Errorf("key %s is missing", k)
		}
		delete(got, k)
	}
	for k := range got {
		t.Errorf("key %s is new", k)
	}
	var d map[string]json.RawMessage
	if err := json.Unmarshal(mustField(t, text, "response_ns"), &d); err != nil {
		t.Fatal(err)
	}
	for _, k := range strings.Fields("count failed mean min p50 p90 p99 p999 max missing censored") {
		if _, ok := d[k]; !ok {
			t.Errorf("key %s of a distribution is missing", k)
		}
	}
	if string(d["mean"]) != "null" || string(d["p99"]) != "null" || string(d["failed"]) != "1" {
		t.Errorf("distribution %s", mustField(t, text, "response_ns"))
	}
}

func mustField(t *testing.T, text []byte, name string) json.RawMessage {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all[name]
}

// The same seed in virtual time gives the same report to the byte.
func TestReportRepeats(t *testing.T) {
	t.Parallel()
	var texts []string
	for range 2 {
		w := newWorld(t, &loop.SimConfig{Seed: 5, Latency: time.Microsecond, MaxChunk: 40})
		w.serve = func(c *loop.Conn, n int) { w.after(time.Duration(n%7)*time.Millisecond, c, hello) }
		text, err := json.Marshal(w.run(w.spec()).Report)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	if texts[0] != texts[1] {
		t.Error("two runs of one seed differ")
	}
}

func TestHistogramLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.serve = func(c *loop.Conn, n int) {
		if n >= 8 && n%10 == 0 {
			c.Abort()
			return
		}
		w.after(2*time.Millisecond, c, hello)
	}
	s := w.spec()
	s.Schedule.Arrivals = Constant
	r := w.run(s)
	var log bytes.Buffer
	began := time.UnixMilli(1_700_000_000_123)
	if err := r.g.WriteLog(&log, "00012", began); err != nil {
		t.Fatal(err)
	}
	if head, _, _ := strings.Cut(log.String(), "Tag="); !strings.Contains(head, "00012") || !strings.Contains(head, "[100 of 1000 requests failed: they stand at the timeout, 1s, in response]") {
		t.Errorf("head of the log: %q", head)
	}
	reader := hdrhistogram.NewHistogramLogReader(&log)
	var tags []string
	for {
		h, err := reader.NextIntervalHistogram()
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			break
		}
		tags = append(tags, h.Tag())
		near := func(got, want int64) bool { return got >= want && float64(got) < float64(want)*1.001 }
		switch h.Tag() {
		case "response":
			if h.TotalCount() != 1000 || !near(h.Max(), 1e9) || !near(h.ValueAtPercentile(90), 2e6) || !near(h.ValueAtPercentile(90.2), 1e9) {
				t.Errorf("response: %d, max %d, p90 %d", h.TotalCount(), h.Max(), h.ValueAtPercentile(90))
			}
			if h.StartTimeMs() != began.UnixMilli() || h.EndTimeMs() != began.UnixMilli()+1000 {
				t.Errorf("response from %d to %d", h.StartTimeMs(), h.EndTimeMs())
			}
		case "response_ok", "service":
			if h.TotalCount() != 900 || !near(h.Max(), 2e6) {
				t.Errorf("%s: %d, max %d", h.Tag(), h.TotalCount(), h.Max())
			}
		}
	}
	if want := []string{"response", "response_ok", "service", "first_byte", "connect", "admission", "lag", "queue"}; !slices.Equal(tags, want) {
		t.Errorf("tags %v, want %v", tags, want)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.serve = func(c *loop.Conn, n int) {
		if n%5 == 4 {
			c.Abort()
			return
		}
		w.after(2*time.Millisecond, c, hello)
	}
	s := w.spec()
	s.Schedule.Arrivals, s.Idle = Constant, 3
	got := w.run(s).Summary()
	for _, want := range []string{
		"open loop, constant arrivals at 1000/s, 8 connections and 3 idle, 1s, on sim (sleep)\n",
		"  answered   800 of 1000 requests, 800/s\n", "  failed     200 reset\n",
		"  response          2ms       > 1s          -          -       > 1s\n",
		"survivors", "saturated\n  800 of 1000 requests were answered well, under 99 %\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the summary lacks %q:\n%s", want, got)
		}
	}
	w = newWorld(t, nil)
	s = w.spec()
	s.Closed, s.Schedule.Rate, s.Duration = true, 0, 10*time.Millisecond
	w.serve = func(c *loop.Conn, n int) { w.after(time.Millisecond, c, hello) }
	if got := w.run(s).Summary(); !strings.Contains(got, "closed loop, 8 connections") || !strings.Contains(got, "~1ms") || strings.Contains(got, "lag") {
		t.Errorf("of a closed loop:\n%s", got)
	}
}

func TestBrief(t *testing.T) {
	t.Parallel()
	for ns, want := range map[int64]string{
		0: "0s", 7: "7ns", 999: "999ns", 1234: "1.23µs", 12_345: "12.3µs", 123_456: "123µs", 1_234_567: "1.23ms",
		99_999: "100µs", 12_345_678_901: "12.3s", 3_600_000_000_000: "1h0m0s",
	} {
		if got := brief(ns); got != want {
			t.Errorf("brief(%d) = %s, want %s", ns, got, want)
		}
	}
}

// An arrival that is noticed only when its time is over is not sent, and that
// is the generator's fault if a connection was free. A request that the
// schedule does not have is found too.
func TestMissedArrivals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := w.spec()
	g, err := New(w.l, s, func(e Event) {
		switch e.Stage {
		case Filled:
			w.gen.Go()
		case Reported:
			w.l.Stop()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	w.gen = g
	w.l.Post(g.Start)
	w.l.At(loop.Time(s.Timeout+500*time.Microsecond), func() {
		now := w.l.Now()
		for range 5 {
			g.dispatch(g.from, now.Add(s.Timeout))
		}
	})
	if err := w.l.Run(); err != nil {
		t.Fatal(err)
	}
	r := g.Report()
	if r.SentLate != 5 || r.Errors["timeout"] != 5 || r.Verdict != ClientLimited {
		t.Errorf("%d missed, failures %v, verdict %s", r.SentLate, r.Errors, r.Verdict)
	}
	if why := strings.Join(r.Reasons, "; "); !strings.Contains(why, "requests of the schedule lie in the window") {
		t.Errorf("reasons %q", why)
	}
}
