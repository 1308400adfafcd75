package results

import (
	"maps"
	"math"
	"strings"
	"testing"
)

// settledRecord is a trial that settled its server's memory.
func settledRecord() *Record {
	r := soundRecord(modeClosed)
	r.Server.Start.Full.SlabBytes, r.Server.Filled.Full.SlabBytes = 300<<20, 302<<20
	settled := *r.Server.Filled
	full := *settled.Full
	full.AnonBytes = 3 << 20
	settled.Full = &full
	r.Server.Settled = &settled
	r.Server.Start.Full.UnusedBytes = 900 << 20
	r.LoadSettled = &Snapshot{Full: &Full{AnonBytes: 5 << 20, UnusedBytes: 888 << 20}}
	Derive(r)
	return r
}

func TestDeriveMemoryLevels(t *testing.T) {
	t.Parallel()
	r := settledRecord()
	everyMetricIsAccountedFor(t, r)
	if r.Verdict != VerdictValid {
		t.Errorf("it is %s: %v", r.Verdict, r.Reasons)
	}
	for column, want := range map[string]float64{
		"server_settled_bytes": 3 << 20, "server_rss_bytes": 9<<20 + 100*520, "kernel_slab_bytes": 2 << 20, "load_settled_bytes": 5 << 20, "machine_taken_bytes": 12 << 20, "server_anon_bytes_per_connection": 512,
	} {
		if got, ok := r.Value(column); !ok || got != want {
			t.Errorf("%s is %v, %v, want %v", column, got, ok, want)
		}
	}
	for _, column := range []string{"server_cpu_us_per_request", "total_cpu_us_per_request", "server_busy_share"} {
		if !strings.Contains(r.Missing[column], "settled") {
			t.Errorf("%s of a server that settled is missing because %q", column, r.Missing[column])
		}
	}
	for _, c := range []struct {
		name   string
		change change
		column string
		why    string
	}{
		{"not settled", func(r *Record) { r.Server.Settled = nil }, "server_settled_bytes", "did not settle"},
		{"no smaps", func(r *Record) { r.Server.Settled.Full.AnonBytes = -1 }, "server_settled_bytes", "does not tell it"},
		{"old record", func(r *Record) { r.Server.Start.Full.SlabBytes = 0 }, "kernel_slab_bytes", "does not tell it"},
		{"no meminfo", func(r *Record) { r.Server.Filled.Full.SlabBytes = -1 }, "kernel_slab_bytes", "does not tell it"},
		{"load not settled", func(r *Record) { r.LoadSettled = nil }, "load_settled_bytes", "did not settle"},
		{"load not settled, machine", func(r *Record) { r.LoadSettled = nil }, "machine_taken_bytes", "did not settle"},
		{"load without smaps", func(r *Record) { r.LoadSettled.Full.AnonBytes = -1 }, "load_settled_bytes", "does not tell it"},
		{"start of before", func(r *Record) { r.Server.Start.Full.UnusedBytes = 0 }, "machine_taken_bytes", "does not tell it"},
		{"load without meminfo", func(r *Record) { r.LoadSettled.Full.UnusedBytes = 0 }, "machine_taken_bytes", "does not tell it"},
		{"not filled", func(r *Record) { r.Server.Filled.Full = nil }, "server_rss_bytes", "after the fill is missing"},
	} {
		r := settledRecord()
		c.change(r)
		Derive(r)
		everyMetricIsAccountedFor(t, r)
		if !strings.Contains(r.Missing[c.column], c.why) {
			t.Errorf("%s: %s is missing because %q, want %q", c.name, c.column, r.Missing[c.column], c.why)
		}
	}
}

// TestMissingIdle: a cell whose idle connections were not all there is another
// cell, unless more were offered than there is room for.
func TestMissingIdle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change change
		reason string // "" for none
	}{
		{"all there", func(*Record) {}, ""},
		{"one closed", func(r *Record) { r.Load.IdleOpen = p(99) }, "of 100 idle connections 99 were open and answered at the end"},
		{"not counted then", func(r *Record) { r.Load.IdleOpen = nil; r.Server.After.Connections = 0 }, ""},
		{"in the backlog", func(r *Record) { r.Server.Before.Connections = 99 }, "99 connections open when the window began"},
		{"closed by the server", func(r *Record) { r.Server.After.Connections = 99 }, "99 connections open when it ended"},
		{"offered too many", func(r *Record) { r.Settings["offered_share"] = 2.0; r.Load.IdleOpen = p(0) }, ""},
	} {
		r := soundRecord("open")
		r.Load.Idle, r.Load.IdleOpen = 100, p(100)
		c.change(r)
		Derive(r)
		got := strings.Join(r.Reasons, "; ")
		if (c.reason == "") != (r.Verdict == VerdictValid) || !strings.Contains(got, c.reason) || c.reason != "" && r.Verdict != VerdictInconsistent {
			t.Errorf("%s: %s %q, want %q", c.name, r.Verdict, got, c.reason)
		}
	}
}

// memoryRun is a synthetic run whose only grid claims the slopes of memory.
func memoryRun(blocks int) (Plan, []Record) {
	per := map[string]float64{"select": 600, "poll": 700, "epoll": 520}
	plan, records := synthetic{blocks: blocks, idle: []float64{2000, 10_000, 18_000}, seed: 6, touch: func(r *Record) {
		idle := r.Factors["idle_connections"].(float64)
		delete(r.Metrics, costColumn)
		r.Metrics["server_settled_bytes"] = 4<<20 + idle*per[r.Level] + 1000*math.Sin(float64(r.Trial))
		r.Metrics["kernel_slab_bytes"] = idle*9700 + 1e5*math.Sin(float64(3*r.Trial))
	}}.run()
	plan.Metrics.Slope, plan.Metrics.PrimaryAt = "idle_connections", map[string]any{"load": "saturated"}
	plan.Grids[0].Slope = &GridSlope{Y: Columns{"server_settled_bytes", "kernel_slab_bytes"}, X: "idle_connections"}
	return plan, records
}

func TestGridWithASlopeOfItsOwn(t *testing.T) {
	t.Parallel()
	plan, records := memoryRun(6)
	a := Analyse(plan, records)
	assertReadable(t, a)
	if len(a.Contrasts) != 0 || len(a.Slopes) != 6 {
		t.Fatalf("%d contrasts and %d slopes, want none and 6", len(a.Contrasts), len(a.Slopes))
	}
	for _, s := range a.Slopes[:3] {
		want := map[string]float64{"select": 600, "poll": 700, "epoll": 520}[s.Level]
		if s.Column != "server_settled_bytes" || s.N != 6 || s.Outcome != Grows || s.Lo > want || s.Hi < want || s.Hi-s.Lo > 5 {
			t.Errorf("slope %+v, want about %v", s, want)
		}
		// Three slopes are a family: 2/64 three times.
		if math.Abs(s.PHolm-3*2.0/64) > 1e-9 {
			t.Errorf("%s: p %v corrected to %v", s.Level, s.P, s.PHolm)
		}
	}
	for _, want := range []string{
		"Each idle connection holds in the server's own memory, its garbage returned: 600", " bytes (", "under select, 699.98 bytes", "under poll, 520.03 bytes", "under epoll.",
		"Each idle connection holds in the kernel, both of its ends together: 9,699",
	} {
		if !has(a.Answer, KindClaim, want) {
			t.Errorf("want %q:\n%s", want, texts(a.Answer))
		}
	}
	tested := a.Believe[len(a.Believe)-1].Text
	if want := "3 slopes of server_settled_bytes and 3 slopes of kernel_slab_bytes, Holm 5 % in each family"; !strings.Contains(tested, want) {
		t.Errorf("tested: %s", tested)
	}
	table := slopeTable(a)
	if table.Title != "Every slope" || len(table.Rows) != 8 || !strings.Contains(table.Rows[0].Group, "Server settled memory for each one more of idle_connections") {
		t.Errorf("table %q with %d rows, %q", table.Title, len(table.Rows), table.Rows[0].Group)
	}
	if got := a.gridColumns(&a.Plan.Grids[0]); strings.Join(got, " ") != "server_settled_bytes kernel_slab_bytes" {
		t.Errorf("columns %v", got)
	}
	if frontTable(a) != nil {
		t.Error("a front table without the primary metric")
	}
	few := Analyse(memoryRun(3))
	if len(few.Slopes) != 0 || has(few.Answer, KindClaim, "") {
		t.Errorf("three blocks claim something:\n%s", texts(few.Answer))
	}
	for i := range records {
		if records[i].Level == "poll" {
			records[i].Verdict, records[i].Reasons = VerdictNoisy, []string{"noisy: made so"}
		}
	}
	noisy := Analyse(plan, records)
	if want := "Growth of server settled memory with idle connections under poll: NOT RESOLVED (no clean block"; !has(noisy.Answer, KindUnresolved, want) {
		t.Errorf("want %q:\n%s", want, texts(noisy.Answer))
	}
}

// TestBytesAxis: round numbers of the unit that the axis is labelled in.
func TestBytesAxis(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s    axisScale
		want string
	}{
		{axisScale{kind: "linear", lo: 0, hi: 190e6}, "0 50 MiB 100 MiB 150 MiB"},
		{axisScale{kind: "linear", lo: 0, hi: 2.5 * (1 << 20)}, "0 512 KiB 1 MiB 1.5 MiB 2 MiB 2.5 MiB"},
		{axisScale{kind: "linear", lo: 0, hi: 900}, "0 200 400 600 800"},
		{axisScale{kind: "log", lo: 1 << 20, hi: 200 << 20}, "1 MiB 2 MiB 4 MiB 8 MiB 16 MiB 32 MiB 64 MiB 128 MiB"},
		{axisScale{kind: "log", lo: 1 << 20, hi: 3 << 20}, "1 MiB 1.5 MiB 2 MiB 2.5 MiB 3 MiB"},
	} {
		var labels []string
		for _, k := range c.s.ticks(260, "bytes") {
			if k.label != "" {
				labels = append(labels, k.label)
			}
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%s %v to %v: %q, want %q", c.s.kind, c.s.lo, c.s.hi, got, c.want)
		}
	}
}

// TestNamedLoadIsToldOnce: a sentence says "under saturation" or the name of the
// load, not both, and never leaves open which load it is.
func TestNamedLoadIsToldOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		active float64 // of the other closed load
		want   []string
	}{
		{"told apart", 1, []string{"At 8,000 idle connections, under saturation, a reply costs select", "Under saturation each idle connection adds",
			"With no idle connections, under saturation, select is the SAME as epoll"}},
		{"two saturated loads", 8, []string{"At 8,000 idle connections, with load saturated, under saturation, a reply costs select",
			"With load saturated each idle connection adds", "With no idle connections, with load saturated, select is the SAME as epoll"}},
	} {
		plan, records := synthetic{blocks: 6, noise: 0.001, levels: []string{"select", "epoll"}, slope: true, seed: 9}.run()
		named := func(load string, factors, settings map[string]any) (map[string]any, map[string]any) {
			f, s := maps.Clone(factors), maps.Clone(settings)
			f["load"], s["active_connections"] = load, map[string]float64{"saturated": 100, "ping": c.active}[load]
			return f, s
		}
		var trials []PlannedTrial
		var all []Record
		for k, load := range []string{"saturated", "ping"} {
			for _, trial := range plan.Trials {
				trial.MiniBlock += 100 * k
				trial.Factors, trial.Settings = named(load, trial.Factors, trial.Settings)
				trials = append(trials, trial)
			}
			for _, r := range records {
				r.MiniBlock += 100 * k
				r.Factors, r.Settings = named(load, r.Factors, r.Settings)
				all = append(all, r)
			}
		}
		plan.Trials = trials
		plan.Grids[0].Factors["load"] = []any{"saturated", "ping"}
		plan.Metrics.PrimaryAt = map[string]any{"load": "saturated"}
		a := Analyse(plan, all)
		for _, want := range c.want {
			if !has(a.Answer, KindClaim, want) {
				t.Errorf("%s: want %q:\n%s", c.name, want, texts(a.Answer))
			}
		}
	}
}

// TestSettledTrialsAreNotNoisy: what is measured there is no time. What
// disagrees still does.
func TestSettledTrialsAreNotNoisy(t *testing.T) {
	r := settledRecord()
	share := 0.5
	r.Machine.ForeignShare = &share
	r.Verdict, r.Reasons = TrialVerdict(r)
	if r.Verdict == VerdictNoisy {
		t.Errorf("%s %q", r.Verdict, r.Reasons)
	}
	r.Verdict, r.Reasons = VerdictNoisy, []string{"noisy: as an earlier version judged"}
	if a := RunVerdicts([]Record{*r}); a[0].Verdict == VerdictNoisy {
		t.Errorf("in a run: %v", a[0])
	}
	r.Server.Settled = nil
	if verdict, _ := TrialVerdict(r); verdict != VerdictNoisy {
		t.Errorf("without settling: %s", verdict)
	}
}
