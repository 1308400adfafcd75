package results

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// stepRun has a server on poll whose replies cost 2 us more beyond 30
// connections, and one on epoll to which nothing happens there.
func stepRun(blocks int) *Run {
	levels := []string{"epoll", "poll"}
	s := &sample{random: rand.New(rand.NewPCG(3, 20))}
	s.run = &Run{Plan: Plan{
		SchemaVersion: SchemaVersion, Suite: "knees", Question: "Where does it step?",
		Design:  Design{Blocks: 6, Compare: "backend", Baseline: "epoll", SameSchedule: true, Seed: 1, RepeatNoisy: 1},
		Metrics: Metrics{Primary: "server_cpu_us_per_request"},
	}}
	s.grid(GridPlan{Name: "count", Blocks: 6, Cells: 14, Claims: true,
		Factors: map[string][]any{"backend": anys(levels), "idle_connections": {0.0, 16.0, 24.0, 32.0, 48.0, 512.0, 1024.0}},
		Fixed:   map[string]any{"mode": modeClosed, "active_connections": 1.0}},
		"idle_connections", blocks, func(r *Record, idle float64) {
			cpu := 10 + .01*idle
			switch {
			case r.Level == "poll" && idle > 30:
				cpu += 2
			case idle > 500: // far from the step: must not count
				cpu += 50
			}
			cpu *= math.Exp(.01 * s.random.NormFloat64())
			requests := uint64(fixtureWindow.Seconds() * 1e6 / cpu)
			r.Server = fixtureServer(r.Level, int(idle), cpu, requests)
			r.Load = fixtureLoad(modeClosed, int(idle), r.Server, requests)
		})
	s.run.Stamp = Stamp{SchemaVersion: SchemaVersion, CreatedUnixNs: sampleStart.UnixNano()}
	return s.run
}

func TestLiteratureStep(t *testing.T) {
	t.Parallel()
	whole, partial := stepRun(6), stepRun(4)
	for _, c := range []struct {
		check   string
		run     *Run
		outcome string
		because string
	}{
		{"step(server_cpu_us_per_request ~ idle_connections at 30 | backend=poll) > 0", whole, agrees, "poll: 2."},
		{"step(server_cpu_us_per_request ~ idle_connections at 30 | backend=poll) < 0", whole, disagrees, " at idle_connections = 30"},
		{"step(server_cpu_us_per_request ~ idle_connections at 30 | backend=epoll) > 0", whole, undecided, " to +"},
		{"step(server_cpu_us_per_request ~ idle_connections at 30) > 0", whole, undecided, "epoll: "},
		{"step(server_cpu_us_per_request ~ idle_connections at 30 | backend=poll) > 0", partial, undecided, "poll has 4 of the 6 clean blocks that a claim needs (2 not run at idle_connections="},
		{"step(server_cpu_us_per_request ~ idle_connections at 5000 | backend=poll) > 0", whole, undecided, "no points on both sides of idle_connections = 5000"},
		{"step(server_cpu_us_per_request ~ idle_connections at 100 | backend=poll) > 0", whole, undecided, "no points on both sides"},
		{"step(server_cpu_us_per_request ~ idle_connections at 30 | backend=select) > 0", whole, undecided, "this run leaves out backend=select"},
	} {
		c.run.Plan.Reproduces = []Reproduces{{Check: c.check}}
		got := literature(Analyse(c.run.Plan, c.run.Records))[0]
		if got.Outcome != c.outcome || !strings.Contains(got.Because, c.because) {
			t.Errorf("%s: %s: %q; want %s: ...%q", c.check, got.Outcome, got.Because, c.outcome, c.because)
		}
	}
}
