package results

import (
	"strings"
	"testing"
)

func TestLiterature(t *testing.T) {
	t.Parallel()
	whole, partial := sampleRun(6), sampleRun(2)
	for _, c := range []struct {
		check          string
		whole, partial string
	}{
		{"slope(server_cpu_us_per_request ~ idle_connections | backend=select) > 0", agrees, undecided},
		{"slope(server_cpu_us_per_request ~ idle_connections | backend=select) < 0", disagrees, undecided},
		{"slope(server_cpu_us_per_request ~ idle_connections | backend=epoll) > 0", undecided, undecided},
		{"slope(server_cpu_us_per_request ~ idle_connections | backend=kqueue) > 0", undecided, undecided},
		{"slope(server_cpu_us_per_request ~ idle_connections | backend=select, mode=closed) > 0", agrees, undecided},
		{"slope(server_cpu_us_per_request ~ idle_connections | backend=select, mode=open) > 0", undecided, undecided},
		{"same_within(6%, backend in [select, poll] vs epoll, idle_connections=0)", agrees, undecided},
		{"same_within(5%, backend in [select, goroutines] vs epoll, idle_connections=0)", disagrees, undecided},
		{"same_within(6%, backend in [select, kqueue] vs epoll, idle_connections=0)", undecided, undecided},
		{"same_within(5%, backend in [kqueue, goroutines] vs epoll, idle_connections=0)", disagrees, undecided},
		{"same_within(5%, backend in [select] vs poll, idle_connections=0)", notCheckable, notCheckable},
		{"ratio(server_cpu_us_per_request: goroutines vs epoll) > 1.1", agrees, undecided},
		{"ratio(server_cpu_us_per_request: goroutines vs epoll) < 1.1", disagrees, undecided},
		{"ratio(server_cpu_us_per_request: select vs poll | idle_connections=0) > 1.1", disagrees, undecided},
		{"ratio(server_cpu_us_per_request: select vs poll | idle_connections=0) > 1.0", undecided, undecided},
		{"ratio(server_cpu_us_per_request: kqueue vs epoll) > 1.1", undecided, undecided},
		{"it is so", notCheckable, notCheckable},
		{"", notCheckable, notCheckable},
	} {
		for _, run := range []struct {
			*Run
			want string
		}{{whole, c.whole}, {partial, c.partial}} {
			run.Plan.Reproduces = []Reproduces{{Check: c.check}}
			if got := literature(Analyse(run.Plan, run.Records)); got[0].Outcome != run.want || got[0].Because == "" {
				t.Errorf("%s: %+v, want %s with a reason", c.check, got[0], run.want)
			}
		}
	}
}

// TestLiteratureSaysWhatIsMissing: a check that a run cannot decide says how
// much is there and how much is needed, or what the run does not have.
func TestLiteratureSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	cut := sampleRun(4)
	short := sampleRun(2)
	short.Plan.Grids[0].Blocks, short.Plan.Grids[0].Claims = 2, false
	kept := short.Plan.Trials[:0]
	for _, p := range short.Plan.Trials {
		if p.Grid != "idle" || p.Block <= 2 {
			kept = append(kept, p)
		}
	}
	short.Plan.Trials = kept
	whole := sampleRun(6)
	const grows, same = "slope(server_cpu_us_per_request ~ idle_connections | backend=select) > 0", "same_within(5%, backend in [select, poll] vs epoll, idle_connections=0)"
	for _, c := range []struct {
		name, check string
		run         *Run
		want        string
	}{
		{"cut off", grows, cut, "select has 4 of the 6 clean blocks that a claim needs (2 not run at idle_connections="},
		{"cut off", same, cut, "select has 4 of the 6 clean pairs that a claim needs (2 not run); poll has 4 of the 6"},
		{"short", grows, short, "select has 2 of the 6 clean blocks that a claim needs"},
		{"short", same, short, "select has 2 of the 6 clean pairs that a claim needs; poll has 2"},
		{"absent", strings.Replace(grows, "select", "kqueue", 1), whole, "kqueue is not on this system: only on macOS"},
		{"absent", strings.Replace(same, "select, poll", "kqueue", 1), whole, "kqueue is not on this system: only on macOS"},
		{"absent in part", strings.Replace(same, "select, poll", "select, kqueue", 1), whole, "; kqueue is not on this system: only on macOS"},
		{"left out", strings.Replace(grows, "select", "epoll-et", 1), whole, "this run leaves out backend=epoll-et"},
		{"left out", strings.Replace(same, "=0", "=5", 1), whole, "this run leaves out idle_connections=5"},
		{"apart", strings.Replace(same, "=0", "=0, nofile=64", 1), whole, "no cell in which all of it holds"},
		{"written otherwise", strings.Replace(same, "=0", "=0.0", 1), whole, "select 1.0"},
	} {
		c.run.Plan.Reproduces = []Reproduces{{Check: c.check}}
		if got := literature(Analyse(c.run.Plan, c.run.Records)); !strings.Contains(got[0].Because, c.want) {
			t.Errorf("%s: %s: %s: %q; want ...%q", c.name, c.check, got[0].Outcome, got[0].Because, c.want)
		}
	}
}
