package results

import (
	"strings"
	"testing"
	"time"
)

// sampleCertificate is one of the machine that sampleRun was made on, two hours
// older than the run. One truth fails when it shall.
func sampleCertificate(run *Run, fails bool) *Certificate {
	c := &Certificate{
		SchemaVersion: 1, CreatedUnixNs: run.Environment.Before.UnixNs - int64(2*time.Hour), DurationNs: int64(5 * time.Minute), Passed: !fails,
		Machine: run.Environment.Before, Command: "medusa calibrate", Floor: testFloor(),
		Quiet: Quiet{PSISomeShare: p(0.0123), RunDelayShare: p(0.004), StealShare: p(0.0)},
		Truths: []Truth{
			{ID: "stall", Title: "a server that stalls for 1 s", Pass: true, FalseFail: p(0.0002), FalseFailHow: "1,000 simulated instruments", Parts: []Part{
				{Name: "response p98.33", Unit: "ms", Truth: p(500.0), Measured: 503.2, Lo: p(490.0), Hi: p(540.0), Pass: true},
				{Name: "lag p99", Unit: "us", Measured: 31.26, Hi: p(50.0), Pass: true},
			}},
			{ID: "schedule", Title: "the schedule as sent", Pass: !fails, Note: "the trace was <cut> & short", Parts: []Part{
				{Name: "D", Measured: 0.01234, Hi: p(0.02), Pass: true},
				{Name: "dispersion", Measured: 0.95, Lo: p(0.9), Hi: p(1.1), Pass: !fails},
				{Name: "disorder", Unit: "share", Measured: 0, Lo: p(0.0), Hi: p(0.0), Pass: true},
				{Name: "within the floor", Unit: "share", Measured: 0.9951, Lo: p(0.99), Pass: true},
			}},
			{ID: "same", Title: "one scenario on every engine", Pass: true},
		},
	}
	return c
}

func TestInstrumentInTheReport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*Run)
		says   []string
		lacks  string
	}{
		{"proved", func(r *Run) { r.Certificate = sampleCertificate(r, false) }, []string{
			"<dt>generator</dt><dd>certificate 2 h old, 3 of 3 truths; lag p99 ", "<h2>The instrument</h2>", "A server that stalls for 1 s",
			"a sleeping CPU takes 80 µs (p50), 2.1 ms (p99.9) to wake: no p99.9 is claimed; a difference of latency under 40 µs, by which that scatters, is not resolved",
			"503.2", "490 to 540", "at most 50", "31.26", "99.51 %", "exactly 0 %", "0.02 %", "1,000 simulated instruments", "the trace was &lt;cut&gt; &amp; short",
			"p50 80 µs, p90 120 µs, p99 300 µs, p99.9 2.1 ms of 100,000 wakes there and back", "CPU pressure 1.2 %, run delay 0.4 %, steal 0 %", ", in 5 min 0 s, by medusa calibrate",
		}, "NO</td>"},
		{"not proved", func(r *Run) { r.Certificate = sampleCertificate(r, true) }, []string{"2 of 3 truths, 1 FAILED (schedule)", "NO</td>"}, "3 of 3"},
		{"quickly", func(r *Run) { r.Certificate = sampleCertificate(r, false); r.Certificate.Quick = true }, []string{"quick certificate 2 h old"}, "NO</td>"},
		{"of another kernel", func(r *Run) { r.Certificate = sampleCertificate(r, false); r.Environment.Before.Kernel = "6.19" }, []string{
			"certificate of another kernel 2 h old", "not known: the certificate is of another kernel: how long a sleeping CPU takes to wake here is unknown"}, "takes 80 µs"},
		{"of another medusa", func(r *Run) { r.Certificate = sampleCertificate(r, false); r.Environment.Before.BinarySHA256 = "ab" }, []string{
			"certificate of another medusa 2 h old", "takes 80 µs"}, "not known"},
		{"old", func(r *Run) {
			r.Certificate = sampleCertificate(r, false)
			r.Certificate.CreatedUnixNs -= int64(70 * time.Hour)
		}, []string{"certificate 3 days old"}, "h old"},
		{"of a tail", func(r *Run) {
			r.Certificate = sampleCertificate(r, false)
			r.Plan.Metrics.Primary = "response_p999_us"
		}, []string{"2.1 ms (p99.9) to wake; a difference"}, "no p99.9 is claimed"},
		{"never", func(*Run) {}, []string{"certificate: none (medusa calibrate makes one, before a run)", "not measured: how long a sleeping CPU"}, "<h2>The instrument</h2>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			run := sampleRun(6)
			c.change(run)
			html := page(t, run)
			for _, want := range c.says {
				if !strings.Contains(html, want) {
					t.Errorf("the report does not say %q", want)
				}
			}
			if strings.Contains(html, c.lacks) {
				t.Errorf("the report says %q", c.lacks)
			}
		})
	}
}

func TestAgeText(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "made after the run began", 59*time.Minute + 59*time.Second: "59 min old", time.Hour: "1 h old", 47 * time.Hour: "47 h old", 49 * time.Hour: "2 days old",
	} {
		if got := ageText(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
