package loadgen

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"medusa/control"
	"medusa/poller/loop"
)

// mixed is a load with every kind of trouble: errors, waiting, timeouts.
func mixed(t *testing.T, closed bool) result {
	t.Helper()
	w := newWorld(t, &loop.SimConfig{Seed: 3, Latency: 20 * time.Microsecond, MaxChunk: 40})
	w.serve = func(c *loop.Conn, n int) {
		switch {
		case n%97 == 96:
			c.Abort()
		case n%301 == 300: // no answer
		default:
			w.after(time.Duration(n%13)*700*time.Microsecond, c, hello)
		}
	}
	s := w.spec()
	s.Timeout, s.Warmup, s.Duration, s.Idle = 80*time.Millisecond, 100*time.Millisecond, 3*time.Second, 5
	s.Schedule.Rate = 1500
	s.Spans = []time.Duration{time.Second, 1700 * time.Millisecond}
	if closed {
		s.Closed, s.Schedule.Rate = true, 0
	}
	return w.run(s)
}

// inParts gives a result's requests to so many recorders in turn, hands these
// over as JSON, and adds them up.
func inParts(t *testing.T, r result, n int) *ledger {
	t.Helper()
	var all []*portion
	var pids []int
	for i := range n {
		g := ledger{s: r.g.s, rec: newRecorder(r.g.s), backend: r.g.backend, engine: r.g.engine}
		if i == 0 {
			g = r.g.ledger // the counts of connections, and their times
			g.rec = newRecorder(r.g.s)
		}
		g.rec.window(r.g.from, r.g.to)
		for k := i; k < len(r.all); k += n {
			faithfully(g.rec, r.all[k])
		}
		g.start, g.final = control.Snapshot{}, control.Snapshot{}
		p, err := g.portion(g.makeReport(), 0, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		back := &portion{}
		if err := json.Unmarshal(text, back); err != nil {
			t.Fatal(err)
		}
		all, pids = append(all, back), append(pids, i)
	}
	g, err := divided(r.g.s, all, make([][]int, n), pids, 0)
	if err != nil {
		t.Fatal(err)
	}
	g.limits = nil
	return g
}

// written is what is made of a ledger, without what is of the processes.
func written(t *testing.T, g *ledger) string {
	t.Helper()
	busy := g.processes
	g.processes = nil
	report := g.makeReport()
	g.processes = busy
	report.Snapshot, report.Start, report.BusyShare = nil, nil, 0
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if err := g.WriteLog(&log, "x", time.UnixMilli(1_700_000_000_123)); err != nil {
		t.Fatal(err)
	}
	return string(text) + log.String()
}

// Requests that several processes recorded give what one gives, to the byte.
func TestPartsAddUp(t *testing.T) {
	t.Parallel()
	for _, closed := range []bool{false, true} {
		r := mixed(t, closed)
		alone := rebuilt(r, faithfully)
		alone.g.start, alone.g.final = control.Snapshot{}, control.Snapshot{}
		want := written(t, &alone.g.ledger)
		if !strings.Contains(want, `"reset"`) || !strings.Contains(want, `"series"`) {
			t.Fatalf("the load shows too little: %s", want)
		}
		for n := 1; n <= 3; n++ {
			if got := written(t, inParts(t, r, n)); got != want {
				t.Errorf("closed %v, of %d parts:\n%s\nwant\n%s", closed, n, got, want)
			}
		}
	}
}

// A parent that averages the quantiles of its processes does not pass.
func TestAveragedParts(t *testing.T) {
	t.Parallel()
	r := mixed(t, false)
	want := *rebuilt(r, faithfully).Response.P90
	var sum int64
	for i := range 3 {
		// The slow third goes through one process, as it may with few connections.
		rec := newRecorder(r.g.s)
		rec.window(r.g.from, r.g.to)
		for _, q := range r.all {
			if int(q.End-q.Intended)/int(3*time.Millisecond) == i || i == 2 && q.End-q.Intended > loop.Time(9*time.Millisecond) {
				faithfully(rec, q)
			}
		}
		p := rec.response.publish(0, 0)
		sum += *p.P90
	}
	if averaged := sum / 3; averaged > want*95/100 && averaged < want*105/100 {
		t.Errorf("the average of p90, %v, passes for the quantile", averaged)
	}
}

// The process that is worst is judged, not their mean.
func TestWorstProcess(t *testing.T) {
	t.Parallel()
	r := mixed(t, false)
	lag := func(ns int64) Dist {
		return Dist{Count: 1 << 20, P50: &ns, P90: &ns, P99: &ns}
	}
	var all []*portion
	for i, busy := range []float64{0.1, 0.9, 0} {
		g := ledger{s: r.g.s, rec: newRecorder(r.g.s)}
		g.rec.window(r.g.from, r.g.to)
		report := g.makeReport()
		report.BusyShare, report.Active, report.Snapshot, report.Start = busy, 8, &control.Snapshot{}, &control.Snapshot{}
		report.Response, report.Lag = lag(1e6), lag([]int64{2e3, 150e3, 0}[i])
		if i == 2 {
			report.Active, report.Idle = 0, 50
		}
		p, err := g.portion(report, []int64{1000, 3500, 99}[i], time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	g, err := divided(r.g.s, all, make([][]int, 3), []int{7, 8, 9}, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := g.makeReport()
	why := strings.Join(got.Reasons, "\n")
	if got.Verdict != ClientLimited || got.BusyShare != 0.9 || !strings.Contains(why, "process 2 of 3: p99 of the generator's lag is 150µs") || strings.Contains(why, "process 1") {
		t.Errorf("%s, busy %v:\n%s", got.Verdict, got.BusyShare, why)
	}
	if got.WindowSpreadNs != 2500 || len(got.Processes) != 3 || *got.Processes[1].LagP99 != 150e3 || got.Processes[2].Idle != 50 || got.Processes[2].PID != 9 {
		t.Errorf("spread %d, processes %+v", got.WindowSpreadNs, got.Processes)
	}
}

// What another version hands over is refused, not added wrongly.
func TestForeignPart(t *testing.T) {
	t.Parallel()
	r := mixed(t, true)
	for name, spoil := range map[string]func(*portion){
		"fates":     func(p *portion) { p.Fates = p.Fates[1:] },
		"kinds":     func(p *portion) { p.Recorded.Errors = append(p.Recorded.Errors, 0) },
		"dists":     func(p *portion) { p.Recorded.Dists = nil },
		"histogram": func(p *portion) { p.Recorded.Dists[0].Histogram = "HIST" },
		"series":    func(p *portion) { p.Recorded.Series = nil },
		"bucket":    func(p *portion) { p.Recorded.Series[3].Counts = [][2]uint32{{1 << 20, 1}} },
	} {
		p, err := r.g.portion(r.Report, 0, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		spoil(p)
		if err := newMerged(r.g.s).add(p); err == nil {
			t.Errorf("%s: it is added", name)
		}
	}
}
