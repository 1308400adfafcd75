package results

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// faulty is a sound trial of 6 s with a fault from 2 to 4 s: 5 connections that
// came, asked twice each and went. Its response is 300 us throughout.
func faulty(changes ...change) *Record {
	const requests, begin = 12_000, 500e9
	server := fixtureServer("epoll", 0, 9, requests)
	load := fixtureLoad("open", 0, server, requests)
	load.DurationNs, load.Series = 6e9, nil
	load.MeanInFlight = load.SumInWindowNs / 6e9
	for i := range 100 {
		load.Series = append(load.Series, SeriesPoint{StartNs: int64(i) * 60e6, Count: requests / 100, P50: 300e3})
	}
	for _, edges := range [][2]int64{{0, 2e9}, {2e9, 4e9}, {4e9, 6e9}} {
		load.Spans = append(load.Spans, Span{FromNs: edges[0], ToNs: edges[1], Count: requests / 3, Response: fixtureDist(requests/3, 300e3)})
	}
	server.End.Requests += 10
	server.End.BytesIn += 570
	server.End.BytesOut += 1460
	r := &Record{
		Settings: map[string]any{"mode": "open", "fault": "burst"}, EdgesNs: []int64{begin, begin + 6e9},
		Server: server, Load: load, Machine: fixtureMachine(),
		Fault: &FaultPart{
			Kind: "burst", Connections: 5, FromNs: 2e9, ToNs: 4e9, BeganNs: begin + 2e9, EndedNs: begin + 4e9, Recovered: true, WatchedNs: 25e6,
			Did:           map[string]uint64{"begun": 5, "opened": 5, "requests": 10, "bytes_out": 570},
			SettledBefore: &Snapshot{Full: &Full{AnonBytes: 4 << 20}}, SettledAfter: &Snapshot{Full: &Full{AnonBytes: 5 << 20}},
		},
	}
	for _, c := range changes {
		c(r)
	}
	Derive(r)
	return r
}

func TestDeriveFault(t *testing.T) {
	t.Parallel()
	r := faulty(func(r *Record) {
		during := &r.Load.Spans[1]
		during.Failed = 400 // a tenth
		during.Response.Failed, during.Response.P99, during.Response.Censored = 400, nil, map[string]int64{"p99": 1e9}
		r.Load.Requests -= 400
		r.Load.Errors["timeout"] = 400
	})
	for column, want := range map[string]float64{
		"before_p99_ms": 0.6, "after_p99_ms": 0.6, "fault_p50_ms": 0.3, "fault_ok_share": 0.9, "after_ok_share": 1,
		"fault_recovery_ms": 0, "server_recovery_ms": 25, "leaked_connections": 0, "leaked_fds": 0, "leaked_bytes": 1 << 20,
	} {
		if got, ok := r.Value(column); !ok || got != want {
			t.Errorf("%s is %v (%s), want %v", column, got, r.Why(column), want)
		}
	}
	if r.Censored["fault_p99_ms"] != 1000 {
		t.Errorf("fault_p99_ms is %v, at least %v, want at least the timeout", r.Metrics["fault_p99_ms"], r.Censored["fault_p99_ms"])
	}
	for _, column := range []string{"before_p99_ms", "after_p99_ms"} {
		if !strings.Contains(strings.Join(r.Open, " "), column) {
			t.Errorf("%s of 4,000 requests is not drawn open", column)
		}
	}
}

// What is compared with: no fault is told as if there was one, but for recovery.
func TestDeriveFaultNone(t *testing.T) {
	t.Parallel()
	r := faulty(func(r *Record) {
		r.Fault.Kind, r.Fault.BeganNs, r.Fault.EndedNs, r.Fault.Did, r.Fault.Recovered = FaultNone, 0, 0, nil, false
		r.Server.End.Requests -= 10
		r.Server.End.BytesIn -= 570
		r.Server.End.BytesOut -= 1460
	})
	if v, ok := r.Value("fault_p99_ms"); !ok || v != 0.6 || r.Verdict != VerdictValid {
		t.Errorf("fault_p99_ms is %v (%s); the trial is %s: %v", v, r.Why("fault_p99_ms"), r.Verdict, r.Reasons)
	}
	for _, column := range []string{"fault_recovery_ms", "server_recovery_ms"} {
		if r.Why(column) != "nothing was done to the server" {
			t.Errorf("%s: %q", column, r.Why(column))
		}
	}
}

// In the series part 67 (from 0) is the first that begins after the fault's end.
func TestDeriveFaultRecovery(t *testing.T) {
	t.Parallel()
	slow := func(parts ...int) change {
		return func(r *Record) {
			for _, i := range parts {
				r.Load.Series[i].P50 = 1_600_001 // over twice 300 us and 1 ms
			}
		}
	}
	for _, c := range []struct {
		name    string
		change  change
		want    float64
		atLeast float64 // censored
		why     string
	}{
		{name: "never disturbed", change: slow(), want: 0},
		{name: "at the very bound", change: func(r *Record) { r.Load.Series[70].P50 = 1_600_000 }, want: 0},
		{name: "during the fault only", change: slow(40, 50, 66), want: 0},
		{name: "the first part after it", change: slow(67), want: 80},
		{name: "once more later", change: slow(67, 68, 80), want: 81*60 - 4000},
		{name: "a request fails", change: func(r *Record) { r.Load.Series[70].Failed = 1 }, want: 71*60 - 4000},
		{name: "to the end", change: slow(99), atLeast: 2000},
		{name: "its end is not known", change: func(r *Record) { r.EdgesNs = nil }, why: "when the fault ended"},
		{name: "nothing before it", change: func(r *Record) { r.Load.Spans[0].Response.P50 = nil }, why: "median before the fault"},
	} {
		r := faulty(c.change)
		got, ok := r.Value("fault_recovery_ms")
		switch {
		case c.why != "":
			if ok || !strings.Contains(r.Why("fault_recovery_ms"), c.why) {
				t.Errorf("%s: %v (%s)", c.name, got, r.Why("fault_recovery_ms"))
			}
		case c.atLeast > 0:
			if ok || r.Censored["fault_recovery_ms"] != c.atLeast {
				t.Errorf("%s: %v, at least %v, want at least %v", c.name, got, r.Censored["fault_recovery_ms"], c.atLeast)
			}
		case !ok || got != c.want:
			t.Errorf("%s: %v (%s), want %v", c.name, got, r.Why("fault_recovery_ms"), c.want)
		}
	}
}

// What a server leaked makes its trial inconsistent, and what the clients of the
// fault added to its counts does not.
func TestVerdictFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		change  change
		verdict string
		reason  string
	}{
		{"as it was", func(*Record) {}, VerdictValid, ""},
		{"its response moves", func(r *Record) {
			for i := range 33 {
				r.Load.Series[33+i].P50 = 900e3
			}
		}, VerdictValid, ""},
		{"refusals that nobody asked for", func(r *Record) { r.Server.End.Requests += 5 }, VerdictValid, ""},
		{"a connection is left", func(r *Record) { r.Server.End.Connections++ }, VerdictInconsistent, "still had 1 connections"},
		{"descriptors are left", func(r *Record) { r.Server.End.Full.OpenFDs += 3 }, VerdictInconsistent, "11 descriptors open"},
		{"requests that nobody sent", func(r *Record) { r.Server.End.Requests += 6 }, VerdictInconsistent, "counted"},
		{"bytes that nobody sent", func(r *Record) { r.Server.End.BytesIn++ }, VerdictInconsistent, "received"},
		{"the account was lost with its clients", func(r *Record) {
			r.Fault.Kind, r.Fault.Did = "load-killed", nil
			r.Server.End.Requests += 6
		}, VerdictValid, ""},
		{"nobody came while it was stopped", func(r *Record) { r.Fault.Kind, r.Fault.Did = "server-stopped", nil }, VerdictInconsistent, "counted"},
		{"a request that was answered was not counted", func(r *Record) { r.Load.TotalAnswered = r.Server.End.Requests + 1 }, VerdictInconsistent, "saw"},
	} {
		r := faulty(c.change)
		if r.Verdict != c.verdict || !strings.Contains(strings.Join(r.Reasons, "; "), c.reason) {
			t.Errorf("%s: %s %v, want %s for %q", c.name, r.Verdict, r.Reasons, c.verdict, c.reason)
		}
	}
}

// The server is looked for longer than it is found: only known to take as long.
func TestDeriveFaultStaysLonger(t *testing.T) {
	t.Parallel()
	r := faulty(func(r *Record) { r.Fault.Recovered, r.Fault.WatchedNs = false, 7e9 })
	if v, ok := r.Value("server_recovery_ms"); ok || r.Censored["server_recovery_ms"] != 7000 {
		t.Errorf("%v, at least %v", v, r.Censored["server_recovery_ms"])
	}
}

// "Nothing leaked" is said of those trials only that told what they were left with.
func TestLeakText(t *testing.T) {
	t.Parallel()
	told := *faulty(func(*Record) {})
	leaked := *faulty(func(r *Record) { r.Server.End.Connections++ })
	silent := *faulty(func(r *Record) { r.Server.End.Full.OpenFDs = -1 })
	for _, c := range []struct {
		records []Record
		want    string
	}{
		{[]Record{told, told}, "Nothing leaked: in each of 2 trials the server had as many connections and descriptors when all clients had gone as at its start."},
		{[]Record{told, silent}, "Nothing leaked: in each of 1 trial the server had as many connections and descriptors when all clients had gone as at its start. Of 1 trial more it is not known."},
		{[]Record{silent}, "Whether anything leaked is not known."},
		{[]Record{told, leaked}, "In 1 of 2 trials the server was left with"},
	} {
		if got := leakText(&Run{Records: c.records}); !strings.HasPrefix(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// A row of a table of faults says what the fault is, and where another factor varies
// beside which of its levels; none is said twice.
func TestFaultTables(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		idle []any
		want []string
	}{
		{[]any{0.0}, []string{"none", "silent, 5,000", "silent, 9,000"}},
		{[]any{0.0, 2000.0}, []string{"none, idle_connections=0", "silent, 5,000, idle_connections=0", "silent, 9,000, idle_connections=0",
			"none, idle_connections=2000", "silent, 5,000, idle_connections=2000", "silent, 9,000, idle_connections=2000"}},
	} {
		plan := Plan{
			Suite: "faults", Design: Design{Blocks: 1, Compare: "backend", Baseline: "epoll", Seed: 1}, Metrics: Metrics{Primary: "fault_p99_ms"},
			Grids: []GridPlan{{Name: "others", Blocks: 1, Factors: map[string][]any{
				"backend": {"epoll"}, "trouble": {"nothing", "some", "more"}, "idle_connections": c.idle,
			}}},
		}
		var records []Record
		for _, idle := range c.idle {
			for _, trouble := range []struct {
				level, kind string
				n           float64
			}{{"nothing", FaultNone, 1}, {"some", "silent", 5000}, {"more", "silent", 9000}} {
				n := len(records) + 1
				r := *faulty(func(r *Record) {
					if r.Fault.Kind = trouble.kind; trouble.kind == FaultNone {
						r.Fault.Did, r.Fault.BeganNs, r.Fault.EndedNs, r.Fault.Recovered = nil, 0, 0, false
						r.Server.End.Requests -= 10
						r.Server.End.BytesIn -= 570
						r.Server.End.BytesOut -= 1460
					}
					r.Trial, r.Grid, r.Block, r.MiniBlock, r.Position, r.Attempt, r.Role, r.Level = n, "others", 1, n, 1, 1, roleTrial, "epoll"
					r.Factors = map[string]any{"backend": "epoll", "trouble": trouble.level, "idle_connections": idle}
					if trouble.n == 5000 {
						r.Fault.Did["opened"] = 5000 // of the 9,000 only 5 came
					}
					maps.Copy(r.Settings, map[string]any{"backend": "epoll", "fault": trouble.kind, "fault_connections": trouble.n, "idle_connections": idle})
				})
				plan.Trials = append(plan.Trials, PlannedTrial{Index: n, Grid: r.Grid, Block: 1, MiniBlock: n, Position: 1, Role: roleTrial, Level: r.Level, Factors: r.Factors, Settings: r.Settings})
				records = append(records, r)
			}
		}
		run := &Run{Plan: plan, Records: records}
		var rows []string
		for _, row := range faultTables(run, run.Analyse())[0].Rows {
			rows = append(rows, row.Cells[0].Main)
			want := ""
			if strings.HasPrefix(row.Cells[0].Main, "silent, 9,000") {
				want = "5 came where fewest did"
			}
			if row.Cells[0].Small != want {
				t.Errorf("%s: %q, want %q", row.Cells[0].Main, row.Cells[0].Small, want)
			}
		}
		if !slices.Equal(rows, c.want) {
			t.Errorf("rows %q, want %q", rows, c.want)
		}
		for i := range records {
			records[i].Verdict = VerdictNoisy
		}
		for _, table := range faultTables(run, run.Analyse()) {
			if len(table.Head) != 0 || len(table.Rows) != 0 || !strings.HasPrefix(table.Notes[0], "No trial with a fault") {
				t.Errorf("without a trial that can be used: %+v", table)
			}
		}
	}
}
