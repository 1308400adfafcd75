package results

import (
	"maps"
	"strings"
	"testing"

	"medusa/results/stats"
)

// testFloor takes 80 us to wake, 2.1 ms in a thousandth of times, and scatters
// by 40 us.
func testFloor() WakeFloor {
	return WakeFloor{
		Block: Floor{Count: 100_000, P50: 80_000, P90: 120_000, P99: 300_000, P999: 2_100_000},
		Poll:  Floor{Count: 100_000, P50: 400, P90: 500, P99: 900, P999: 20_000},
	}
}

func TestFloorResolves(t *testing.T) {
	t.Parallel()
	block := &[]WakeFloor{testFloor()}[0].Block
	for _, c := range []struct {
		name            string
		f               *Floor
		column          string
		found           stats.Outcome
		baseline, ratio float64
		why             string // part of; "" when it may be claimed
	}{
		{"under the spread", block, "response_p50_us", stats.Slower, 200, 1.19, "38 µs is less than the 40 µs by which"},
		{"over the spread", block, "response_p50_us", stats.Slower, 200, 1.21, ""},
		{"faster by less", block, "service_p50_us", stats.Faster, 200, 0.81, "38 µs is less"},
		{"faster by more", block, "service_p50_us", stats.Faster, 200, 0.79, ""},
		{"in milliseconds", block, "response_p99_ms", stats.Slower, 0.2, 1.19, "38 µs is less than the 40 µs"},
		{"the same, finer than waking", block, "response_p50_us", stats.Same, 700, 1, "5 % of it, 35 µs, is less"},
		{"the same, coarser than waking", block, "response_p50_us", stats.Same, 900, 1, ""},
		{"not resolved anyway", block, "response_p50_us", stats.NotResolved, 100, 1.01, ""},
		{"no latency", block, "server_cpu_us_per_request", stats.Slower, 10, 1.1, ""},
		{"nobody wakes for a connect", block, "connect_p50_us", stats.Slower, 100, 1.1, ""},
		{"no floor", nil, "response_p50_us", stats.Slower, 100, 1.1, ""},
	} {
		why := c.f.Resolves(c.column, c.found, c.baseline, c.ratio, Margin)
		if (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: %q, want %q", c.name, why, c.why)
		}
	}
}

// TestLatencyColumns: the columns that have a floor are quantiles of times in
// which a server wakes, and no others.
func TestLatencyColumns(t *testing.T) {
	t.Parallel()
	var got []string
	for _, c := range registry {
		if q, ns, ok := latencyOf(c.Name); ok {
			got = append(got, c.Name)
			if !strings.HasSuffix(c.Name, "_"+q+"_"+map[float64]string{1e3: "us", 1e6: "ms"}[ns]) {
				t.Errorf("%s: %s of %v ns", c.Name, q, ns)
			}
		}
	}
	want := "response_p50_us response_p90_us response_p99_us response_p999_us response_p50_ms response_p90_ms response_p99_ms response_p999_ms " +
		"response_ok_p50_us response_ok_p99_us response_ok_p50_ms response_ok_p99_ms service_p50_us service_p99_us first_byte_p50_us first_byte_p99_us " +
		"admission_p50_us admission_p99_us admission_p50_ms admission_p99_ms before_p99_ms fault_p99_ms after_p99_ms fault_p50_ms"
	if strings.Join(got, " ") != want {
		t.Errorf("latencies are %q", got)
	}
}

// latencyRun is a run whose primary metric is a latency: epoll's median is
// 200 us, select's and poll's differ from it exactly by factors.
func latencyRun(selects, polls float64) *Run {
	s := synthetic{blocks: 12, idle: []float64{0, 8000}, touch: func(r *Record) {
		v := map[string]float64{"epoll": 200, "select": 200 * selects, "poll": 200 * polls}[r.Level]
		r.Metrics["response_p50_us"] = v * (1 + 0.001*float64(r.Block%3))
	}}
	run := &Run{}
	run.Plan, run.Records = s.run()
	run.Plan.Metrics.Primary = "response_p50_us"
	run.Environment.Before = Machine{OS: "linux", Kernel: "6.18", CPUs: 2, UnixNs: 1e18}
	run.Certificate = &Certificate{SchemaVersion: 1, CreatedUnixNs: 1e18, Machine: run.Environment.Before, Floor: testFloor()}
	return run
}

// TestFloorTakesClaimsBack: what is certain by its interval and smaller than
// the machine's waking is not resolved, everywhere that the report tells it.
func TestFloorTakesClaimsBack(t *testing.T) {
	t.Parallel()
	run := latencyRun(1.1, 1.5)
	run.Plan.Reproduces = []Reproduces{{Cite: "x", Finding: "y", Check: "same_within(5%, backend in [select] vs epoll)"}}
	a := run.Analyse()
	c, far := a.contrastAt("select", 0), a.contrastAt("poll", 0)
	if c.Lo <= 1 || c.P > 0.001 {
		t.Fatalf("the interval is not above 1: %+v", c)
	}
	if c.Outcome != stats.NotResolved || c.Starred || c.Floor == "" {
		t.Errorf("20 us of 200 under a spread of 40 are %s, starred %v: %q", c.Outcome, c.Starred, c.Floor)
	}
	if far.Outcome != stats.Slower || !far.Starred || far.Floor != "" {
		t.Errorf("100 us of 200 are %s, starred %v: %q", far.Outcome, far.Starred, far.Floor)
	}
	if len(a.Flips) > 0 {
		t.Errorf("flips %+v", a.Flips)
	}
	said := texts(a.Answer)
	if !strings.Contains(said, "select against epoll: NOT RESOLVED (+10.00 % to +10.00 %; 20 µs is less than the 40 µs by which waking a CPU scatters here)") || !strings.Contains(said, "poll 1.50x") {
		t.Errorf("the answer is\n%s", said)
	}
	if got := literature(a)[0]; got.Outcome != undecided || !strings.Contains(got.Because, "20 µs is less") {
		t.Errorf("literature: %+v", got)
	}
	if cell := verdictCell(a, &c, "select"); cell.Main != "not resolved" || !strings.Contains(cell.Small, "waking") {
		t.Errorf("cell %+v", cell)
	}

	same := latencyRun(1, 1.5).Analyse().contrastAt("select", 0)
	if same.Outcome != stats.NotResolved || same.Within || !strings.Contains(same.Floor, "5 % of it, 10 µs") {
		t.Errorf("the same within less than waking takes: %+v", same)
	}

	for name, change := range map[string]func(*Run){
		"no certificate": func(r *Run) { r.Certificate = nil },
		"another kernel": func(r *Run) { r.Environment.Before.Kernel = "6.19" },
		"no floor in it": func(r *Run) { r.Certificate.Floor = WakeFloor{} },
		"nobody sleeps": func(r *Run) {
			for i := range r.Plan.Trials {
				set := maps.Clone(r.Plan.Trials[i].Settings)
				set["server_wait"], set["pacing"] = "poll", "busy"
				r.Plan.Trials[i].Settings = set
			}
		},
	} {
		run := latencyRun(1.1, 1.5)
		change(run)
		if c := run.Analyse().contrastAt("select", 0); c.Outcome != stats.Slower || c.Floor != "" {
			t.Errorf("%s: %s, %q", name, c.Outcome, c.Floor)
		}
	}
	if c := Analyse(run.Plan, run.Records).contrastAt("select", 0); c.Outcome != stats.Slower {
		t.Errorf("without its certificate: %s", c.Outcome)
	}
}

// TestFloorOfAnotherMedusa: the floor is the machine's, not the program's.
func TestFloorOfAnotherMedusa(t *testing.T) {
	t.Parallel()
	run := latencyRun(1.1, 1.5)
	run.Certificate.Machine.BinarySHA256 = "ab"
	if c := run.Analyse().contrastAt("select", 0); c.Floor == "" {
		t.Error("the floor was not used")
	}
}

// TestLiteratureHeedsTheFloor: at the margin or the bound of the check itself.
func TestLiteratureHeedsTheFloor(t *testing.T) {
	t.Parallel()
	run := latencyRun(1.1, 1.5)
	same := latencyRun(1, 1.5)
	for i := range same.Records {
		same.Records[i].Metrics["response_p50_us"] *= 5
	}
	for check, r := range map[string]*Run{
		"ratio(response_p50_us: select vs epoll) > 1.05": run,
		"same_within(1%, backend in [select] vs epoll)":  same,
	} {
		r.Plan.Reproduces = []Reproduces{{Cite: "x", Finding: "y", Check: check}}
		if got := literature(r.Analyse())[0]; got.Outcome != undecided || !strings.Contains(got.Because, "waking") {
			t.Errorf("%s: %+v", check, got)
		}
	}
}

// Growth of a latency that over the whole range is less than waking scatters is
// not claimed either.
func TestFloorTakesSlopesBack(t *testing.T) {
	t.Parallel()
	s := synthetic{blocks: 12, idle: []float64{0, 8000}, slope: true, touch: func(r *Record) {
		adds := map[string]float64{"select": 100, "poll": 20}[r.Level] // the spread is 40
		r.Metrics["response_p50_us"] = (200 + adds*r.Factors["idle_connections"].(float64)/8000) * (1 + 0.001*float64(r.Block%3))
	}}
	run := &Run{}
	run.Plan, run.Records = s.run()
	run.Plan.Metrics.Primary = "response_p50_us"
	run.Environment.Before = Machine{OS: "linux", Kernel: "6.18", CPUs: 2, UnixNs: 1e18}
	run.Certificate = &Certificate{SchemaVersion: 1, CreatedUnixNs: 1e18, Machine: run.Environment.Before, Floor: testFloor()}
	a := run.Analyse()
	for _, s := range a.Slopes {
		switch s.Level {
		case "select":
			if s.Outcome != Grows || s.Floor != "" {
				t.Errorf("100 us: %+v", s)
			}
		case "poll":
			if s.Outcome != GrowthUnknown || s.Starred || !strings.Contains(s.Floor, "20 µs is less than the 40 µs") {
				t.Errorf("20 us: %+v", s)
			}
		}
	}
	if said := texts(a.Answer); !strings.Contains(said, "under poll: NOT RESOLVED (") || !strings.Contains(said, "over the whole range 20 µs is less") {
		t.Errorf("the answer is\n%s", said)
	}
}
