package results

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata again")

const fixtureFolder = "testdata/v1"

// A fixture trial is a closed or an open loop of 2 s with 100 active
// connections whose counters agree in every respect.
const (
	fixtureWindow   = 2 * time.Second
	fixtureActive   = 100
	fixtureRequest  = 57  // bytes
	fixtureReply    = 146 // bytes
	fixtureTimeout  = time.Second
	fixtureOpenRate = 10_000
)

func p[T any](v T) *T { return &v }

// fixtureServer returns what a server says that spent so much CPU time on
// each request of the window.
func fixtureServer(backend string, idle int, cpuUs float64, requests uint64) *ServerPart {
	connections := fixtureActive + idle
	at, cpu, served := int64(1e9), int64(4e6), uint64(0)
	snapshot := func(after time.Duration, more uint64, open int, full bool) *Snapshot {
		at += int64(after)
		cpu += int64(float64(more) * cpuUs * 1000)
		served += more
		s := &Snapshot{
			AtNs: at, CPUNs: cpu, Requests: served, Connections: open,
			Calls:   map[string]uint64{"wait": served / 20, "read": served, "write": served, "control": uint64(connections)},
			Waits:   served / 20,
			Events:  served,
			BytesIn: served * fixtureRequest, BytesOut: served * fixtureReply,
			Accepted:            uint64(connections),
			VoluntarySwitches:   int64(served / 100),
			InvoluntarySwitches: int64(served / 1000),
			GCCycles:            2,
		}
		if full {
			s.Full = &Full{OpenFDs: 8 + open, RSSBytes: 9 << 20, AnonBytes: 4 << 20, HeapBytes: 1 << 20, Sockets: 2*open + 3}
			s.Full.RSSBytes += int64(open) * 520
			s.Full.AnonBytes += int64(open) * 512
		}
		return s
	}
	start := snapshot(0, 0, 0, true)
	start.Calls, start.Accepted = map[string]uint64{"wait": 0, "read": 0, "write": 0, "control": 0}, 0
	return &ServerPart{
		PID: 4711, Backend: backend, Engine: "readiness", Address: "127.0.0.2:40000", GOMAXPROCS: 1, CPUs: []int{0},
		NoFile: 20000, UsableFDs: 19984,
		Start:  start,
		Filled: snapshot(100*time.Millisecond, uint64(connections), connections, true),
		Before: snapshot(500*time.Millisecond, requests/4, connections, false),
		After:  snapshot(fixtureWindow, requests, connections, false),
		End:    snapshot(200*time.Millisecond, fixtureActive, 0, true),
	}
}

// fixtureDist is a distribution around a median, without failures.
func fixtureDist(count uint64, median float64) Dist {
	at := func(factor float64) *int64 { return p(int64(median * factor)) }
	d := Dist{Count: count, Mean: p(median * 1.05), Min: at(0.5), P50: at(1), P90: at(1.4), P99: at(2), Max: at(4)}
	switch exceedances := count / 1000; {
	case exceedances < openExceedances:
		d.Missing = map[string]string{"p999": "too few requests"}
	case exceedances < publishedExceedances:
		d.P999, d.Open = at(3), []string{"p999"}
	default:
		d.P999 = at(3)
	}
	return d
}

// fixtureLoad returns what a generator says of so many requests.
func fixtureLoad(mode string, idle int, s *ServerPart, requests uint64) *LoadReport {
	connections := fixtureActive + idle
	total := s.End.Requests
	l := &LoadReport{
		SchemaVersion: SchemaVersion, URL: "http://127.0.0.2:40000/fixed/13", Backend: "epoll", Engine: "readiness", Pacing: "busy",
		Mode: mode, Seed: 7, Active: fixtureActive, Idle: idle, TimeoutNs: int64(fixtureTimeout),
		AchievedRate: float64(requests) / fixtureWindow.Seconds(), DurationNs: int64(fixtureWindow),
		Scheduled: requests, Sent: requests, Requests: requests, BytesReceived: requests * fixtureReply,
		Errors: map[string]uint64{}, Fate: map[string]uint64{"ok": uint64(connections)},
		Offered: connections, Opened: connections, Admitted: connections, FillNs: 80e6,
		TotalSent: total, TotalAnswered: total, TotalBytesIn: total * fixtureReply, TotalBytesOut: total * fixtureRequest,
		CPUNs: int64(fixtureWindow), SpunNs: int64(fixtureWindow / 2), BusyShare: 0.5, Verdict: VerdictValid,
	}
	median := 300e3 // ns
	if mode == modeClosed {
		median = fixtureActive * float64(fixtureWindow) / float64(requests)
	} else {
		l.Arrivals, l.ScheduleHash, l.IntendedRate = "poisson", fmt.Sprintf("schedule of %d", requests), fixtureOpenRate
	}
	l.Response, l.ResponseOK = fixtureDist(requests, median), fixtureDist(requests, median)
	l.Service, l.FirstByte = fixtureDist(requests, median*0.9), fixtureDist(requests, median*0.85)
	l.Lag, l.Queue = fixtureDist(requests, 2e3), fixtureDist(requests, median*0.05)
	l.Connect, l.Admission = fixtureDist(uint64(connections), 90e3), fixtureDist(uint64(connections), 400e3)
	l.SumInWindowNs = *l.Response.Mean * float64(requests)
	l.MeanInFlight = l.SumInWindowNs / float64(fixtureWindow)
	for i := range 100 {
		l.Series = append(l.Series, SeriesPoint{
			StartNs: int64(i) * int64(fixtureWindow) / 100, Count: requests / 100,
			P50: int64(median * (1 + 0.04*math.Sin(float64(i)*1.7))),
		})
	}
	return l
}

func fixtureMachine() *MachinePart {
	return &MachinePart{
		ProbeBeforeNs: []float64{20.1e6, 20.3e6}, ProbeAfterNs: []float64{20.2e6, 20.2e6},
		StealShare: p(0.0), ForeignShare: p(0.004), PSISomeShare: p(0.01),
		SocketsBefore: p(12), SocketsAfter: p(12), ListenOverflows: p(uint64(0)), SynRetrans: p(uint64(0)),
	}
}

// soundRecord is a trial without a fault, derived.
func soundRecord(mode string) *Record {
	const requests = 2 * fixtureOpenRate
	r := &Record{
		SchemaVersion: SchemaVersion, Trial: 1, ID: "0001-epoll", Grid: "idle", Block: 1, MiniBlock: 1, Position: 1, Attempt: 1,
		Role: "trial", Level: "epoll",
		Factors:      map[string]any{"backend": "epoll", "idle_connections": 0.0},
		Settings:     map[string]any{"backend": "epoll", "idle_connections": 0.0, "mode": mode},
		ScheduleSeed: 11, Server: fixtureServer("epoll", 0, 8.2, requests), Machine: fixtureMachine(),
	}
	r.Load = fixtureLoad(mode, 0, r.Server, requests)
	Derive(r)
	return r
}

// fixtureRun is a small run: two backends, two numbers of idle connections, six
// blocks of mini-blocks of two. One mini-block was disturbed and repeated. The
// truth behind it: select costs 8.0 us and 1.97 ns more for each idle
// connection, epoll 8.2 us.
func fixtureRun() (Manifest, []*Record, Machine) {
	backends, idles := []string{"epoll", "select"}, []int{0, 2000}
	const blocks = 6
	random := rand.New(rand.NewPCG(1998, 24))
	plan := Plan{
		SchemaVersion: SchemaVersion, Suite: "fixture", Question: "What does a reply cost when most open connections are silent?",
		Design:  Design{Blocks: blocks, Compare: "backend", Baseline: "epoll", SameSchedule: true, Seed: 1998, RepeatNoisy: 2},
		Metrics: Metrics{Primary: "server_cpu_us_per_request", Slope: "idle_connections", Also: []string{"capacity_rps", "response_p50_us", "response_p99_us", "syscalls_per_request", "events_per_wait"}},
		Figures: []Figure{
			{ID: "cost", X: "idle_connections", XScale: "log1p", Y: Columns{"server_cpu_us_per_request"}},
			{ID: "latency", X: "idle_connections", XScale: "log1p", Y: Columns{"response_p50_us", "response_p99_us"}, YScale: "log"},
		},
		Grids: []GridPlan{{
			Name: "idle", Blocks: blocks, Cells: 4, Claims: true,
			Factors: map[string][]any{"backend": {"epoll", "select"}, "idle_connections": {0.0, 2000.0}},
			Fixed:   map[string]any{"mode": modeClosed, "active_connections": 100.0},
		}},
		EstimateNs: int64(80 * time.Second), Command: "medusa run fixture --seed 1998",
	}
	var records []*Record
	start := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	run := func(t PlannedTrial, attempt int) {
		idle := int(t.Settings["idle_connections"].(float64))
		cpu := 8.2
		if t.Level == "select" {
			cpu = 8.0 + 0.00197*float64(idle)
		}
		cpu *= math.Exp(0.03 * random.NormFloat64())
		requests := uint64(fixtureWindow.Seconds() * 1e6 / cpu)
		trial := len(records) + 1
		r := &Record{
			SchemaVersion: SchemaVersion, Trial: trial, ID: fmt.Sprintf("%04d-%s-%d", trial, t.Level, idle),
			Grid: t.Grid, Block: t.Block, MiniBlock: t.MiniBlock, Position: t.Position, Attempt: attempt, Role: t.Role, Level: t.Level,
			Factors: t.Factors, Settings: t.Settings, ScheduleSeed: t.ScheduleSeed,
			StartedUnixNs: start.Add(time.Duration(trial) * 3 * time.Second).UnixNano(), DurationNs: 2.9e9, InsideNs: 2.6e9,
			Server: fixtureServer(t.Level, idle, cpu, requests), Machine: fixtureMachine(),
		}
		r.Load = fixtureLoad(modeClosed, idle, r.Server, requests)
		if t.MiniBlock == 5 && attempt == 1 {
			r.Machine.StealShare = p(0.012)
		}
		Derive(r)
		records = append(records, r)
	}
	for block := 1; block <= blocks; block++ {
		for _, idle := range idles {
			mini := len(plan.Trials)/len(backends) + 1
			first := len(plan.Trials)
			for position := range backends {
				backend := backends[(position+block)%len(backends)]
				plan.Trials = append(plan.Trials, PlannedTrial{
					Index: len(plan.Trials) + 1, Grid: "idle", Block: block, MiniBlock: mini, Position: position + 1, Role: "trial", Level: backend,
					Factors:      map[string]any{"backend": backend, "idle_connections": float64(idle)},
					Settings:     map[string]any{"backend": backend, "idle_connections": float64(idle), "mode": modeClosed, "active_connections": 100.0},
					ScheduleSeed: uint64(mini),
				})
			}
			for attempt := 1; attempt == 1 || attempt == 2 && mini == 5; attempt++ {
				for _, t := range plan.Trials[first:] {
					run(t, attempt)
				}
			}
		}
	}
	machine := Machine{
		UnixNs: start.UnixNano(), OS: "linux", Arch: "amd64", Kernel: "6.18.0", CPUModel: "made up", CPUs: 2, MemoryBytes: 8 << 30,
		Mitigations: map[string]string{"meltdown": "Mitigation: PTI"}, ClockSource: "tsc", Congestion: "cubic",
		NoFileSoft: 20000, NoFileHard: 20000, GoVersion: "go1.26.0", Medusa: "v0.0.0", BinarySHA256: sha([]byte("medusa")),
		Backends: map[string]string{"epoll": "", "select": "", "kqueue": "needs a BSD"},
	}
	after := machine
	after.UnixNs += int64(80 * time.Second)
	suite := []byte("schema: 1\nname: fixture\nquestion: What does a reply cost when most open connections are silent?\n")
	return Manifest{SuiteYAML: suite, Plan: plan, Before: machine}, records, after
}

// writeFixture makes the run folder and returns it. Only the whole run has
// figures and latency logs beside it.
func writeFixture(t *testing.T, dir string) string {
	t.Helper()
	m, records, after := fixtureRun()
	w, err := Create(dir, m)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(after); err != nil {
		t.Fatal(err)
	}
	return dir
}

// copyFixture copies the committed run into a folder that may be spoiled.
func copyFixture(t *testing.T) string {
	t.Helper()
	return copyRun(t, fixtureFolder)
}

func copyRun(t *testing.T, from string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestOldVersionsStayReadable reads a run as version 1 of the schema wrote it.
// With -update it is written again, which is right only before a release has
// written that version.
func TestOldVersionsStayReadable(t *testing.T) {
	if *update {
		if err := os.RemoveAll(fixtureFolder); err != nil {
			t.Fatal(err)
		}
		writeFixture(t, fixtureFolder)
	}
	run, err := Open(fixtureFolder)
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Records) != 26 || run.Torn != 0 || len(run.Notes) != 0 {
		t.Errorf("%d records, %d torn, notes %q; want 26 records and nothing to note", len(run.Records), run.Torn, run.Notes)
	}
	verdicts := map[string]int{}
	for i := range run.Records {
		r := &run.Records[i]
		verdicts[r.Verdict]++
		again := *r
		Derive(&again)
		if again.Verdict != r.Verdict {
			t.Errorf("trial %d: derived again it is %s, stored as %s", r.Trial, again.Verdict, r.Verdict)
		}
		// Columns that the version did not have yet may have come.
		if difference := differentMetrics(r, &again); difference != "" {
			t.Errorf("trial %d: %s", r.Trial, difference)
		}
		if cpu, ok := r.Value("server_cpu_us_per_request"); !ok || cpu < 6 || cpu > 15 {
			t.Errorf("trial %d: server_cpu_us_per_request is %v, %v", r.Trial, cpu, ok)
		}
	}
	if want := map[string]int{VerdictValid: 24, VerdictNoisy: 2}; !maps.Equal(verdicts, want) {
		t.Errorf("verdicts %v, want %v", verdicts, want)
	}
	if run.Plan.Design.Baseline != "epoll" || run.Environment.After == nil || string(run.SuiteYAML[:9]) != "schema: 1" {
		t.Errorf("plan, environment or suite was not read: %+v %+v %q", run.Plan.Design, run.Environment.After, run.SuiteYAML)
	}
}
