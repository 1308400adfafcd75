package results

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestDeriveDividesCountersOfTheSameSnapshots(t *testing.T) {
	t.Parallel()
	// The window: 1,000 requests, 9 ms CPU, 2 s. What lies before and after
	// it must not count, nor what the generator counted.
	r := &Record{
		Server: &ServerPart{
			Engine: "readiness", UsableFDs: 1007,
			Start: &Snapshot{Full: &Full{OpenFDs: 9, RSSBytes: 1e6, AnonBytes: -1}},
			Filled: &Snapshot{Connections: 500, Requests: 500, Full: &Full{
				OpenFDs: 509, RSSBytes: 1e6 + 500*600, AnonBytes: -1}},
			Before: &Snapshot{AtNs: 3e9, CPUNs: 77e6, Requests: 700, Connections: 500, Waits: 10, Events: 50,
				Calls: map[string]uint64{"wait": 10, "read": 70}, Accepted: 500, VoluntarySwitches: 5, GCCycles: 4},
			After: &Snapshot{AtNs: 5e9, CPUNs: 86e6, Requests: 1700, Connections: 520, Waits: 260, Events: 1050,
				Calls: map[string]uint64{"wait": 260, "read": 1070, "write": 1000}, Accepted: 520, AcceptFailures: 30,
				VoluntarySwitches: 205, InvoluntarySwitches: 50, GCCycles: 6},
			End: &Snapshot{Requests: 1800, Full: &Full{OpenFDs: 9}},
		},
		Load: &LoadReport{
			Mode: "open", IntendedRate: 510, AchievedRate: 500, TimeoutNs: 1e9, DurationNs: 2e9,
			Scheduled: 1020, Sent: 1010, Requests: 1000, CPUNs: 12e6, SpunNs: 8e6, BusyShare: 0.002,
			Errors: map[string]uint64{"timeout": 10, "unserved": 4, "refused": 2, "reset": 3, "status": 1},
		},
		Machine: fixtureMachine(),
	}
	Derive(r)
	for column, want := range map[string]float64{
		"server_cpu_us_per_request":       9,
		"total_cpu_us_per_request":        9 + 4,
		"syscalls_per_request":            2.25,
		"events_per_wait":                 4,
		"waits_per_request":               0.25,
		"switches_per_request":            0.25,
		"gc_cycles":                       2,
		"accept_failures_per_s":           15,
		"opened_per_s":                    10,
		"server_rss_bytes_per_connection": 600,
		"usable_fds":                      1007,
		"open_fds_peak":                   529, // 9 and the 520 connections after the window
		"achieved_rps":                    500,
		"intended_rps":                    510,
		"busy_share":                      0.002,
		"ok_share":                        1000.0 / 1020,
		"timed_out_share":                 10.0 / 1020,
		"unserved_share":                  4.0 / 1020,
		"refused_share":                   2.0 / 1020,
		"error_share":                     4.0 / 1020,
	} {
		if got, ok := r.Value(column); !ok || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %v, %v (%s); want %v", column, got, ok, r.Why(column), want)
		}
	}
	for column, why := range map[string]string{
		"capacity_rps":                     "an open loop finds no capacity",
		"server_anon_bytes_per_connection": "this system does not tell it",
		"response_p50_us":                  "nothing was measured",
	} {
		if _, ok := r.Value(column); ok || !strings.Contains(r.Missing[column], why) {
			t.Errorf("%s: missing because %q, want %q", column, r.Missing[column], why)
		}
	}
	everyMetricIsAccountedFor(t, r)
}

// everyMetricIsAccountedFor: a column has a value, a bound or a reason, and
// just one of them.
func everyMetricIsAccountedFor(t *testing.T, r *Record) {
	t.Helper()
	for _, c := range AllColumns() {
		if c.Kind != Metric {
			continue
		}
		n := 0
		if _, ok := r.Metrics[c.Name]; ok {
			n++
		}
		if _, ok := r.Censored[c.Name]; ok {
			n++
		}
		if r.Missing[c.Name] != "" {
			n++
		}
		if n != 1 {
			t.Errorf("%s stands in %d of metrics, censored and missing", c.Name, n)
		}
	}
	for name := range r.Metrics {
		if _, err := LookupColumn(name); err != nil {
			t.Error(err)
		}
	}
	if _, err := json.Marshal(r.Metrics); err != nil {
		t.Error(err)
	}
}

// TestDeriveWithPartsMissing: whatever is missing, nothing panics, no column
// is left without a reason, and no value is made up.
func TestDeriveWithPartsMissing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change change
		column string
		why    string
	}{
		{"nothing at all", func(r *Record) { *r = Record{} }, "server_cpu_us_per_request", "the server said nothing"},
		{"no server", func(r *Record) { r.Server = nil }, "usable_fds", "the server said nothing"},
		{"no load", func(r *Record) { r.Load = nil }, "achieved_rps", "the generator reported nothing"},
		{"no load, total", func(r *Record) { r.Load = nil }, "total_cpu_us_per_request", "the generator reported nothing"},
		{"no snapshots", func(r *Record) { r.Server.Before = nil }, "gc_cycles", "snapshots around the window are missing"},
		{"no request", func(r *Record) { r.Server.After.Requests = r.Server.Before.Requests }, "syscalls_per_request", "counted no request"},
		{"no waits", func(r *Record) { r.Server.After.Waits = r.Server.Before.Waits }, "waits_per_request", "counted no wait"},
		{"no calls", func(r *Record) { r.Server.After.Calls = nil }, "syscalls_per_request", "counts no system calls"},
		{"no time", func(r *Record) { r.Server.After.AtNs = r.Server.Before.AtNs }, "opened_per_s", "no time passed"},
		{"backwards", func(r *Record) { r.Server.After.CPUNs = 0 }, "server_cpu_us_per_request", "CPU time ran backwards"},
		{"few connections", func(r *Record) { r.Server.Filled.Connections = 99 }, "server_rss_bytes_per_connection", "99 connections were open"},
		{"no full snapshot", func(r *Record) { r.Server.Filled.Full = nil }, "server_anon_bytes_per_connection", "full snapshots"},
		{"no answer", func(r *Record) { r.Load.Requests = 0 }, "total_cpu_us_per_request", "answered well"},
		{"no request in the window", func(r *Record) { r.Load.Requests = 0 }, "ok_share", "no request belongs to the window"},
		{"infinite", func(r *Record) { r.Load.AchievedRate = math.Inf(1) }, "achieved_rps", "not a finite number"},
		{"failed", func(r *Record) { r.Failure = &Failure{Stage: "fill", Reason: "it hung"} }, "response_p50_us", "the trial failed (fill): it hung"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := soundRecord("open")
			c.change(r)
			Derive(r)
			if got, ok := r.Metrics[c.column]; ok || !strings.Contains(r.Missing[c.column], c.why) {
				t.Errorf("%s is %v, missing because %q; want %q", c.column, got, r.Missing[c.column], c.why)
			}
			everyMetricIsAccountedFor(t, r)
			if r.Failure != nil && len(r.Metrics) > 0 {
				t.Errorf("a failed trial has metrics: %v", r.Metrics)
			}
		})
	}
}

// TestPublicationRule: 100 expected exceedances publish a quantile, 30 draw it
// open, fewer give none, whatever the generator wrote.
func TestPublicationRule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		count  uint64
		column string
		state  string
	}{
		{59, "response_p50_us", "missing"},
		{60, "response_p50_us", "open"},
		{199, "response_p50_us", "open"},
		{200, "response_p50_us", "published"},
		{999, "response_p90_us", "open"},
		{1000, "response_p90_us", "published"},
		{2999, "response_p99_ms", "missing"},
		{3000, "response_p99_ms", "open"},
		{9999, "response_p99_ms", "open"},
		{10_000, "response_p99_ms", "published"},
		{29_999, "response_p999_us", "missing"},
		{99_999, "response_p999_us", "open"},
		{100_000, "response_p999_us", "published"},
	} {
		r := soundRecord("open")
		r.Load.Response = Dist{Count: c.count, P50: p(int64(5e6)), P90: p(int64(5e6)), P99: p(int64(5e6)), P999: p(int64(5e6))}
		Derive(r)
		v, has := r.Value(c.column)
		state := "published"
		switch {
		case !has:
			state = "missing"
		case slices.Contains(r.Open, c.column):
			state = "open"
		}
		if state != c.state {
			t.Errorf("%d requests: %s is %s, want %s", c.count, c.column, state, c.state)
		}
		if want := 5000.0; has && strings.HasSuffix(c.column, "_us") && v != want || has && strings.HasSuffix(c.column, "_ms") && v != 5 {
			t.Errorf("%s is %v", c.column, v)
		}
	}
}

// TestFailureRule: a failure counts as later than all, so a quantile is known
// only to be above the timeout when more than 1 - q have failed.
func TestFailureRule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failed   uint64 // of 20,000
		censored []string
	}{
		{200, nil},
		{201, []string{"response_p99_us"}},
		{2000, []string{"response_p99_us"}},
		{2001, []string{"response_p90_us", "response_p99_us"}},
		{10_001, []string{"response_p50_us", "response_p90_us", "response_p99_us"}},
		{20_000, []string{"response_p50_us", "response_p90_us", "response_p99_us"}},
	} {
		r := soundRecord("open")
		r.Load.Response.Failed = c.failed
		r.Load.TimeoutNs = 2e9
		Derive(r)
		for _, column := range []string{"response_p50_us", "response_p90_us", "response_p99_us"} {
			bound, censored := r.AtLeast(column)
			_, has := r.Value(column)
			if want := slices.Contains(c.censored, column); censored != want || has == want || want && bound != 2e6 {
				t.Errorf("%d failed: %s has a value: %v, is censored: %v at %v; want censored: %v at 2 s", c.failed, column, has, censored, bound, want)
			}
		}
		everyMetricIsAccountedFor(t, r)
	}
	// The bound of the generator comes first: that of connecting is another.
	r := soundRecord("open")
	r.Load.Admission = Dist{Count: 1000, Failed: 900, Censored: map[string]int64{"p50": 3e9}}
	Derive(r)
	if bound, ok := r.AtLeast("admission_p50_ms"); !ok || bound != 3000 {
		t.Errorf("admission_p50_ms is at least %v, %v; want 3000", bound, ok)
	}
}

func TestOneMode(t *testing.T) {
	t.Parallel()
	both := []Record{*soundRecord("open"), *soundRecord(modeClosed)}
	if err := OneMode("server_cpu_us_per_request", both); err == nil || !strings.Contains(err.Error(), "closed and open") {
		t.Errorf("saturated and fixed-rate CPU in one axis: %v", err)
	}
	if err := OneMode("server_cpu_us_per_request", both[1:]); err != nil {
		t.Error(err)
	}
	if err := OneMode("achieved_rps", both); err != nil {
		t.Error(err)
	}
	// A trial that failed before it reported still has its mode.
	dead := both[0]
	dead.Load = nil
	if dead.Mode() != "open" {
		t.Errorf("the mode of a failed trial is %q", dead.Mode())
	}
}

func TestDeriveIsRepeatable(t *testing.T) {
	t.Parallel()
	r := soundRecord("open")
	first, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	Derive(r)
	if again, _ := json.Marshal(r); string(again) != string(first) {
		t.Error("a record derived twice is not the record derived once")
	}
}
