package experiments

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"medusa/results"
)

// fullServer makes up what clients see of a server at its limit: those with a
// place are served in a millisecond, the others as the policy says.
func fullServer(r *results.Record, random *rand.Rand) {
	v := values(r.Settings)
	offered, policy := v.number("offered_share"), v.text("on_full")
	without := max(0, 1-1/offered)
	scatter := func() float64 { return math.Exp(.04 * random.NormFloat64()) }
	cost := map[string]float64{"select": 1.3, "poll": 1.2}[r.Level]
	if cost == 0 {
		cost = 1
	}
	r.Verdict = results.VerdictValid
	m := map[string]float64{"response_ok_p99_ms": cost * scatter(), "cpu_share_at_limit_quiet": .002 * scatter(), "unserved_share": 0, "shed_share": 0,
		"refused_share": 0, "timed_out_share": 0, "error_share": 0}
	r.Metrics, r.Censored, r.Missing = m, map[string]float64{}, map[string]string{}
	if without > 0 && policy != "reap" {
		m[map[string]string{"pause": "unserved_share", "shed": "shed_share"}[policy]] = without
		r.Censored["response_p99_ms"] = v.number("request_timeout_ms")
		r.Verdict = results.VerdictSaturated
		m["recovery_ms"] = 20 * cost * scatter()
		m["ok_share"] = 1 - without
		return
	}
	m["ok_share"], m["response_p99_ms"] = 1, m["response_ok_p99_ms"]*(1+40*without)
	r.Missing["recovery_ms"] = "nobody waited"
}

// limitsRun is a run of fd-limits on a machine with these backends.
func limitsRun(t *testing.T) *results.Run {
	t.Helper()
	s, err := Load("fd-limits")
	if err != nil {
		t.Fatal(err)
	}
	p, err := MakePlan(s, Request{}, testHost())
	if err != nil {
		t.Fatal(err)
	}
	run := &results.Run{Plan: p.Plan}
	random := rand.New(rand.NewPCG(6, 4))
	for i, planned := range p.Trials {
		r := results.Record{
			SchemaVersion: results.SchemaVersion, Trial: i + 1, ID: recordID(i + 1), Grid: planned.Grid, Block: planned.Block, MiniBlock: planned.MiniBlock,
			Position: planned.Position, Attempt: 1, Role: planned.Role, Level: planned.Level, Factors: planned.Factors, Settings: planned.Settings,
			ScheduleSeed: planned.ScheduleSeed,
		}
		fullServer(&r, random)
		run.Records = append(run.Records, r)
	}
	return run
}

// Every figure of the suite can be drawn, and says of every policy what it does.
func TestFDLimitsFigures(t *testing.T) {
	run := limitsRun(t)
	dir := os.Getenv("MEDUSA_FIGURES")
	if dir == "" {
		dir = t.TempDir()
	}
	for _, f := range run.Plan.Figures {
		out := filepath.Join(dir, f.ID+".png")
		if err := results.Plot(run, f, out); err != nil {
			t.Errorf("%s: %v", f.ID, err)
			continue
		}
		csv, err := os.ReadFile(filepath.Join(dir, f.ID+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range map[string][]string{
			"fate": {"pause,epoll,2,unserved_share,0.5", "shed,epoll,2,shed_share,0.5", "reap,epoll,2,ok_share,1"},
		}[f.ID] {
			if !strings.Contains(string(csv), want) {
				t.Errorf("%s lacks %s:\n%s", f.ID, want, csv)
			}
		}
	}
}

// Where no server can be told from another, as too many requests fail on each,
// the answer says so and how many; it never speaks of a ratio without bounds.
func TestFDLimitsAnswer(t *testing.T) {
	var all []string
	for _, s := range limitsRun(t).Analyse().Answer {
		all = append(all, s.Text)
	}
	got := strings.Join(all, "\n")
	for _, want := range []string{
		"With 2 times the usable descriptors offered, with on_full pause, the response p99 is over 500 ms for epoll, select, poll and goroutines alike, as too many requests fail: 50 % of them are answered well.",
		"With 2 times the usable descriptors offered, with on_full shed, the response p99 is over 500 ms for epoll,",
		"with on_full reap, the response p99 is for select 1.3",
		"With 0.5 times the usable descriptors offered, with on_full pause, the response p99 is for select 1.2",
		"With 0.9 times the usable descriptors offered, response p99 at descriptor limit 64,",
		"With 2 times the usable descriptors offered, response OK p99 at descriptor limit 64,",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the answer lacks %q:\n%s", want, got)
		}
	}
	for _, nonsense := range []string{"no bound either way", "unknown multiple", "Inf", "NaN"} {
		if strings.Contains(got, nonsense) {
			t.Errorf("the answer says %q:\n%s", nonsense, got)
		}
	}
}
