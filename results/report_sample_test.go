package results

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"time"
)

// sampleRun is a run of the kind that `quick` makes, with a known truth: select
// costs 18.3 us and 1.97 ns more for each idle connection, poll 18.1 us and
// 2.4 ns, epoll 18.0 us, goroutines 24 us, all with 2 % of noise. One trial was
// disturbed and its mini-block repeated, one died. A second grid, without
// claims, offers twice the descriptors that a server has: half of its requests
// fail. blocks is how many blocks of the first grid were run: 6 for a whole run.
func sampleRun(blocks int) *Run {
	levels := []string{"select", "poll", "epoll", "goroutines"}
	cost := map[string][2]float64{"select": {18.3, .00197}, "poll": {18.1, .0024}, "epoll": {18, 0}, "goroutines": {24, .00002}}
	s := &sample{random: rand.New(rand.NewPCG(1, 6))}
	s.run = &Run{Plan: Plan{
		SchemaVersion: SchemaVersion, Suite: "quick", Question: "What does a reply cost when most open connections are silent?",
		Design:  Design{Blocks: 6, Compare: "backend", Baseline: "epoll", SameSchedule: true, Seed: 1998, RepeatNoisy: 1},
		Metrics: Metrics{Primary: "server_cpu_us_per_request", Slope: "idle_connections", Also: []string{"total_cpu_us_per_request", "response_p50_us", "response_p99_us", "capacity_rps", "syscalls_per_request", "events_per_wait"}},
		Reproduces: []Reproduces{
			{Cite: "Banga & Mogul, USENIX ATC 1998", Finding: "select grows with open (cold) connections", Check: "slope(server_cpu_us_per_request ~ idle_connections | backend=select) > 0"},
			{Cite: "Gammo et al., Linux Symposium 2004", Finding: "without idle connections select and poll match epoll", Check: "same_within(5%, backend in [select, poll] vs epoll, idle_connections=0)"},
		},
		Figures: []Figure{
			{ID: "cost", Grid: "idle", X: "idle_connections", Y: Columns{"server_cpu_us_per_request"}},
			{ID: "ratio", Grid: "idle", X: "idle_connections", XScale: "log1p", Y: Columns{"server_cpu_us_per_request"}, RatioTo: "epoll"},
			{ID: "dots", Grid: "idle", Kind: "dots", X: "idle_connections", Y: Columns{"server_cpu_us_per_request"}, RatioTo: "epoll"},
			{ID: "limits", Grid: "fd-limits", X: "nofile", XScale: "log2", Y: Columns{"response_p99_ms"}, YScale: "log", CensoredAt: "request_timeout_ms", Marks: map[string]string{"64": "Windows 95", "256": "early Linux", "1024": "FD_SETSIZE", "4096": "OSF/1"}},
			{ID: "fate", Grid: "fd-limits", Kind: "stacked_share", X: "nofile", Y: Columns{"ok_share", "refused_share", "timed_out_share", "unserved_share", "error_share"}, Facet: Columns{"backend"}},
		},
		Skipped: []Skipped{{What: "backend io_uring", Why: "this kernel refuses io_uring_setup: Operation not permitted", Cells: 3}},
		NotHere: []NotHere{{Backend: "io_uring", Why: "the kernel refuses io_uring_setup: operation not permitted"}, {Backend: "kqueue", Why: "only on macOS and the BSDs"}},
		Command: "medusa run quick --seed 1998",
	}}
	s.grid(GridPlan{Name: "idle", Blocks: 6, Cells: 12, Claims: true,
		Factors: map[string][]any{"backend": anys(levels), "idle_connections": {0.0, 2000.0, 8000.0}},
		Fixed:   map[string]any{"mode": modeClosed, "active_connections": 100.0, "congestion": "cubic"}},
		"idle_connections", blocks, func(r *Record, idle float64) {
			cpu := (cost[r.Level][0] + cost[r.Level][1]*idle) * math.Exp(.02*s.random.NormFloat64())
			requests := uint64(fixtureWindow.Seconds() * 1e6 / cpu)
			r.Server = fixtureServer(r.Level, int(idle), cpu, requests)
			r.Load = fixtureLoad(modeClosed, int(idle), r.Server, requests)
			if r.MiniBlock == 5 && r.Attempt == 1 {
				r.Machine.StealShare = p(.012)
				r.Machine.ProbeAfterNs = []float64{23e6, 22.8e6}
			}
		})
	s.grid(GridPlan{Name: "fd-limits", Blocks: 3, Cells: 16,
		Factors: map[string][]any{"backend": anys(levels), "nofile": {64.0, 256.0, 1024.0, 4096.0}},
		Fixed:   map[string]any{"mode": "open", "arrivals": "poisson", "offered_share": 2.0, "request_timeout_ms": 1000.0, "congestion": "cubic"}},
		"nofile", min(3, blocks), s.limited)
	s.run.Environment.Before = Machine{
		UnixNs: sampleStart.UnixNano(), OS: "linux", Arch: "amd64", Kernel: "6.18.5 #1 SMP", CPUModel: "AMD EPYC 9B14", CPUs: 2, MemoryBytes: 8 << 30, Virtual: "KVM",
		Mitigations: map[string]string{"meltdown": "Not affected", "spectre_v2": "Mitigation: Enhanced IBRS", "retbleed": "Vulnerable"}, ClockSource: "tsc", Congestion: "cubic",
		NoFileSoft: 20000, NoFileHard: 20000, GoVersion: "go1.26.0", Medusa: "v0.1.0", BinarySHA256: sha([]byte("medusa")), LoadAverage: "0.10 0.05 0.01",
		Backends: map[string]string{"epoll": "", "select": "", "poll": "", "goroutines": "", "io_uring": "not permitted", "kqueue": "needs a BSD"},
	}
	s.run.Stamp = Stamp{SchemaVersion: SchemaVersion, CreatedUnixNs: sampleStart.UnixNano()}
	if blocks == 6 {
		after := s.run.Environment.Before
		after.UnixNs, after.LoadAverage = s.start.UnixNano(), "0.97 0.40 0.12"
		s.run.Environment.After = &after
	}
	return s.run
}

var sampleStart = time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)

// sample is a run on its way.
type sample struct {
	run    *Run
	random *rand.Rand
	start  time.Time
}

func anys(names []string) []any {
	out := make([]any, len(names))
	for i, n := range names {
		out[i] = n
	}
	return out
}

// grid plans a grid of backends and one numeric factor, and runs its first
// blocks. fill gives a record its parts.
func (s *sample) grid(g GridPlan, factor string, run int, fill func(*Record, float64)) {
	s.run.Plan.Grids = append(s.run.Plan.Grids, g)
	if s.start.IsZero() {
		s.start = sampleStart
	}
	levels := g.Factors["backend"]
	for block := 1; block <= g.Blocks; block++ {
		for _, x := range g.Factors[factor] {
			mini := len(s.run.Plan.Trials)/len(levels) + 1
			first := len(s.run.Plan.Trials)
			for position := range levels {
				backend := levels[(position+block)%len(levels)].(string)
				settings := maps.Clone(g.Fixed)
				settings["backend"], settings[factor] = backend, x
				s.run.Plan.Trials = append(s.run.Plan.Trials, PlannedTrial{
					Index: len(s.run.Plan.Trials) + 1, Grid: g.Name, Block: block, MiniBlock: mini, Position: position + 1, Role: "trial", Level: backend,
					Factors: map[string]any{"backend": backend, factor: x}, Settings: settings, ScheduleSeed: uint64(mini),
				})
			}
			if block > run {
				continue
			}
			attempts := 1
			if mini == 5 {
				attempts = 2
			}
			for attempt := 1; attempt <= attempts; attempt++ {
				for _, t := range s.run.Plan.Trials[first:] {
					s.trial(t, attempt, x.(float64), fill)
				}
			}
		}
	}
}

func (s *sample) trial(t PlannedTrial, attempt int, x float64, fill func(*Record, float64)) {
	trial := len(s.run.Records) + 1
	r := Record{
		SchemaVersion: SchemaVersion, Trial: trial, ID: fmt.Sprintf("%04d", trial), Grid: t.Grid, Block: t.Block, MiniBlock: t.MiniBlock,
		Position: t.Position, Attempt: attempt, Role: t.Role, Level: t.Level, Factors: t.Factors, Settings: t.Settings, ScheduleSeed: t.ScheduleSeed,
		StartedUnixNs: s.start.UnixNano(), DurationNs: 2.9e9, InsideNs: 2.6e9, Machine: fixtureMachine(),
	}
	for cpu := range r.Machine.ProbeBeforeNs {
		r.Machine.ProbeBeforeNs[cpu] *= 1 + .006*s.random.NormFloat64()
		r.Machine.ProbeAfterNs[cpu] *= 1 + .006*s.random.NormFloat64()
	}
	fill(&r, x)
	if t.Grid == "fd-limits" && t.Block == 2 && t.Level == "poll" && x == 1024 {
		r.Failure = &Failure{Stage: "window", Reason: "the server was killed (signal: killed)", ServerStderr: "serve: listening on 127.0.0.9:40000\nserve: <out of> memory & gone\n"}
		r.Server, r.Load = nil, nil
	}
	Derive(&r)
	s.run.Records = append(s.run.Records, r)
	s.start = s.start.Add(3 * time.Second)
}

// limited is a trial whose server has half the descriptors that are asked of
// it: at small limits p99 falls among the failed, at the largest it is served
// late.
func (s *sample) limited(r *Record, nofile float64) {
	const requests = 2 * fixtureOpenRate
	r.Server = fixtureServer(r.Level, 0, 19*math.Exp(.03*s.random.NormFloat64()), requests)
	r.Load = fixtureLoad("open", 0, r.Server, requests)
	r.Server.NoFile = uint64(nofile)
	failed := uint64(requests / 2)
	if nofile == 4096 {
		failed = requests / 250
	}
	l := r.Load
	l.Requests -= failed
	l.AchievedRate = float64(l.Requests) / fixtureWindow.Seconds()
	l.Errors = map[string]uint64{"unserved": failed * 3 / 4, "refused": failed / 4}
	l.Fate = map[string]uint64{"ok": fixtureActive / 2, "unserved": fixtureActive / 2}
	late := int64(40e6 * math.Exp(.1*s.random.NormFloat64()))
	l.Response.Failed, l.Response.P99, l.Response.P90 = failed, &late, &late
	l.TotalSent += failed
	l.ResponseOK.Count = l.Requests
}
