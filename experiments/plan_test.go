package experiments

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"medusa/experiments/peers"
	"medusa/loadgen/faults"
	"medusa/results"
)

func mustPlan(t *testing.T, text string, r Request, h Host) *Planned {
	t.Helper()
	s, err := Parse("plan.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := MakePlan(s, r, h)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlanIsDeterministic(t *testing.T) {
	text := func(r Request) string {
		s, err := Load("quick")
		if err != nil {
			t.Fatal(err)
		}
		p, err := MakePlan(s, r, testHost())
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(p.Plan)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	one := text(Request{})
	for range 5 {
		if text(Request{}) != one {
			t.Fatal("two plans of one suite differ")
		}
	}
	seed := uint64(3)
	if text(Request{Seed: &seed}) == one {
		t.Error("the seed changes nothing")
	}
}

// The compared factor varies fastest: a mini-block has each of its levels once,
// at one setting of all else, under one schedule.
func TestPlanMiniBlocks(t *testing.T) {
	p := mustPlan(t, base, Request{}, testHost())
	minis := map[int][]results.PlannedTrial{}
	for i, tr := range p.Trials {
		if tr.Index != i+1 {
			t.Fatalf("trial %d has index %d", i, tr.Index)
		}
		if i > 0 && tr.MiniBlock != p.Trials[i-1].MiniBlock && tr.MiniBlock != p.Trials[i-1].MiniBlock+1 {
			t.Fatalf("mini-block %d is torn apart", tr.MiniBlock)
		}
		minis[tr.MiniBlock] = append(minis[tr.MiniBlock], tr)
	}
	if len(p.Trials) != 4*2*2*6 || len(minis) != 2*2*6 {
		t.Fatalf("%d trials in %d mini-blocks", len(p.Trials), len(minis))
	}
	for n, m := range minis {
		levels := map[string]bool{}
		for i, tr := range m {
			levels[tr.Level] = true
			if tr.Position != i+1 || tr.Block != m[0].Block || tr.ScheduleSeed != m[0].ScheduleSeed ||
				tr.Factors["load"] != m[0].Factors["load"] || tr.Factors["idle_connections"] != m[0].Factors["idle_connections"] {
				t.Errorf("mini-block %d: %+v does not belong to %+v", n, tr, m[0])
			}
			if tr.ScheduleSeed >= 1<<53 {
				t.Errorf("seed %d loses digits in JSON", tr.ScheduleSeed)
			}
		}
		if len(m) != 4 || len(levels) != 4 {
			t.Errorf("mini-block %d has levels %v", n, levels)
		}
	}
}

// Over the blocks every level stands in every position and after every other
// one equally often, at each setting.
func TestPlanIsBalanced(t *testing.T) {
	text := strings.Replace(base, "blocks: 6", "blocks: 8", 1)
	p := mustPlan(t, text, Request{}, testHost())
	positions, follows := map[string]int{}, map[string]int{}
	for i, tr := range p.Trials {
		at := fmt.Sprint(tr.Factors["load"], tr.Factors["idle_connections"])
		positions[fmt.Sprint(at, tr.Level, tr.Position)]++
		if tr.Position > 1 {
			follows[fmt.Sprint(at, p.Trials[i-1].Level, tr.Level)]++
		}
	}
	if len(positions) != 4*4*4 || len(follows) != 4*12 {
		t.Fatalf("%d positions, %d successions", len(positions), len(follows))
	}
	for k, n := range positions {
		if n != 2 {
			t.Errorf("%s stands %d times in 8 blocks", k, n)
		}
	}
	for k, n := range follows {
		if n != 2 {
			t.Errorf("%s: %d times in 8 blocks", k, n)
		}
	}
}

// Settings stand in another order in each block, and each block has them all.
func TestPlanShufflesSettings(t *testing.T) {
	p := mustPlan(t, base, Request{}, testHost())
	orders := map[string]bool{}
	block, order := 0, ""
	for _, tr := range p.Trials {
		if tr.Block < block {
			t.Fatal("blocks are not in order")
		}
		if tr.Block > block {
			orders[order] = true
			block, order = tr.Block, ""
		}
		if tr.Position == 1 {
			order += fmt.Sprintf("%v-%v ", tr.Factors["load"], tr.Factors["idle_connections"])
		}
	}
	delete(orders, "")
	if len(orders) < 3 {
		t.Errorf("only %d orders of settings: %v", len(orders), orders)
	}
}

func TestPlanExpandsNamedLevels(t *testing.T) {
	p := mustPlan(t, base, Request{}, testHost())
	for _, tr := range p.Trials {
		switch tr.Factors["load"] {
		case "ping":
			if tr.Settings["mode"] != "closed" || tr.Settings["active_connections"] != 1.0 {
				t.Fatalf("ping: %v", tr.Settings)
			}
		case "light":
			if tr.Settings["mode"] != "open" || tr.Settings["rate_rps"] != 300.0 {
				t.Fatalf("light: %v", tr.Settings)
			}
		default:
			t.Fatalf("factors %v", tr.Factors)
		}
		if tr.Settings["window_s"] != 3.0 || tr.Settings["nofile"] != 20000.0 || tr.Settings["pacing"] != "busy" || tr.Settings["backend"] != tr.Level {
			t.Fatalf("settings %v", tr.Settings)
		}
		if _, bundled := tr.Settings["load"]; bundled {
			t.Fatal("a named level is no setting")
		}
	}
	if names := p.Grids[0].Factors["load"]; len(names) != 2 || names[0] != "ping" {
		t.Errorf("levels of load: %v", names)
	}
}

func TestPlanSkips(t *testing.T) {
	single := func(factors, fixed string) string {
		return "schema: 1\nname: s\nquestion: q\nfactors: {" + factors + "}\nfixed: {" + fixed +
			"}\ndesign: {blocks: 6, compare: backend, baseline: epoll}\nmetrics: {primary: ok_share}\n"
	}
	small := testHost()
	small.NoFile = 1024
	noLoopback := testHost()
	noLoopback.Loopback, noLoopback.Ports, noLoopback.NoFile = false, 1000, 1<<20
	for _, c := range []struct {
		name, text string
		host       Host
		cells      int
		skipped    int
		why        string
	}{
		{"all run", single("backend: [epoll, poll]", ""), testHost(), 2, 0, ""},
		{"backend absent", single("backend: [epoll, kqueue]", ""), testHost(), 1, 1, "kqueue is not here: it needs a BSD"},
		{"limit above hard", single("backend: [epoll], nofile: [64, 1048576]", "active_connections: 1"), testHost(), 1, 1, "above the hard limit 20000"},
		{"server descriptors", single("backend: [epoll], idle_connections: [0, 500]", "nofile: 256"), testHost(), 1, 1, "its limit is 256"},
		{"load descriptors", single("backend: [epoll], offered_share: [0.9, 2.0]", "nofile: 1000, load_processes: 1"), small, 1, 1, "2000 connections need 2048 descriptors in the load process, the hard limit is 1024"},
		{"load processes", single("backend: [epoll], offered_share: [0.9, 2.0, 3.0]", "nofile: 900, load_processes: 2"), small, 2, 1, "2700 connections need 1398 descriptors in each of 2 load processes, the hard limit is 1024"},
		{"load processes as needed", single("backend: [epoll], offered_share: [0.9, 60, 70]", "nofile: 1000"), small, 2, 1, "70000 connections need 1142 descriptors in each of 64 load processes"},
		{"server processes", single("backend: [epoll], server_processes: [1, 2, 3]", "idle_connections: 500, nofile: 256"), testHost(), 1, 2, "600 connections need 348 descriptors in each of 2 server processes, their limit is 256"},
		{"shared by server processes", single("backend: [epoll], offered_share: [2.0, 3.0]", "nofile: 900, server_processes: 3, load_processes: 8"), small, 1, 1, "8100 connections need 1061 descriptors in each of 8 load processes"},
		{"places for server processes", single("backend: [epoll], max_connections: [3, 4]", "active_connections: 3, server_processes: 4"), testHost(), 1, 1, "max_connections 3 is divided among 4 server processes"},
		{"more than places", single("backend: [epoll], max_connections: [50, 500]", ""), testHost(), 1, 1, "100 connections, and max_connections is 50: to offer more than there are places for, give offered_share"},
		{"base above the limit", single("backend: [epoll], fd_base: [0, 1000]", "offered_share: 0.9, nofile: 1024"), testHost(), 1, 1, "its limit is 1024"},
		{"hard limit", single("backend: [epoll], idle_connections: [0, 2000]", ""), small, 1, 1, "its limit is 1024"},
		{"ports", single("backend: [epoll], idle_connections: [0, 2000]", ""), noLoopback, 1, 1, "ephemeral ports"},
		{"congestion", single("backend: [epoll], congestion: [cubic, vegas]", ""), testHost(), 1, 1, "vegas is not loaded"},
		{"CPUs", single("backend: [epoll], server_cpus: [1, 2]", ""), testHost(), 1, 1, "of 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustPlan(t, c.text, Request{}, c.host)
			skipped, why := 0, ""
			for _, s := range p.Skipped {
				skipped += s.Cells
				why += s.Why
			}
			if p.Grids[0].Cells != c.cells || skipped != c.skipped || !strings.Contains(why, c.why) {
				t.Errorf("%d cells, %d skipped because %q", p.Grids[0].Cells, skipped, why)
			}
			if len(p.Trials) != c.cells*6 {
				t.Errorf("%d trials", len(p.Trials))
			}
		})
	}
}

// byWait compares something else than backends.
const byWait = `schema: 1
name: waits
question: Does polling pay?
factors: {server_wait: [block, poll]}
design: {blocks: 2, compare: server_wait, baseline: block}
metrics: {primary: server_cpu_us_per_request}
`

func TestPlanErrors(t *testing.T) {
	noBackends := testHost()
	noBackends.Backends = nil
	for _, c := range []struct {
		name    string
		text    string
		request Request
		host    Host
		want    string
	}{
		{"unknown backend", strings.Replace(base, "backend: here", "backend: [epoll, pol]", 1), Request{}, testHost(), `plan.yaml:8: there is no backend "pol"; the nearest is "poll"`},
		{"unknown baseline", strings.Replace(base, "baseline: epoll", "baseline: epol", 1), Request{}, testHost(), `plan.yaml:15: baseline: there is no backend "epol"; the nearest is "epoll"`},
		{"unknown backend of a check", strings.Replace(base, "backend=epoll) >", "backend=selekt) >", 1), Request{}, testHost(), `plan.yaml:6: backend: there is no backend "selekt"; the nearest is "select"`},
		{"unknown backend of a figure", strings.Replace(base, "where: {load: ping}}", "where: {load: ping, backend: pol}}", 1), Request{}, testHost(), `plan.yaml:22: backend: there is no backend "pol"`},
		{"unknown ratio", strings.Replace(base, "where: {load: ping}}", "where: {load: ping}, ratio_to: epol}", 1), Request{}, testHost(), `plan.yaml:22: backend: there is no backend "epol"`},
		{"unknown fixed backend", byWait + "fixed: {backend: epol}\n", Request{}, testHost(), `there is no backend "epol"`},
		{"set an unknown backend", byWait, Request{Set: []string{"backend=epol"}}, testHost(), `--set backend=epol: there is no backend "epol"`},
		{"only absent", base, Request{Only: []string{"backend=kqueue"}}, testHost(), "no cell can be run here: the backend kqueue is not here: it needs a BSD"},
		{"no backends", base, Request{}, noBackends, "none of the backends"},
		{"nothing runs", strings.Replace(base, "keep_alive: true", "nofile: 30000", 1), Request{}, testHost(), "no cell can be run here: nofile 30000 is above the hard limit"},
		{"only unknown factor", base, Request{Only: []string{"idle=5"}}, testHost(), `no factor "idle"`},
		{"only unknown level", base, Request{Only: []string{"backend=epol"}}, testHost(), `nearest is "epoll"`},
		{"only malformed", base, Request{Only: []string{"backend"}}, testHost(), "write factor=level"},
		{"set unknown", base, Request{Set: []string{"window=1"}}, testHost(), `nearest is "window_s"`},
		{"set wrong", base, Request{Set: []string{"window_s=long"}}, testHost(), "must be a number"},
		{"set factor", base, Request{Set: []string{"backend=poll"}}, testHost(), "choose among its levels with --only"},
		{"set bundled", base, Request{Set: []string{"mode=open"}}, testHost(), "--only"},
		{"set malformed", base, Request{Set: []string{"window_s"}}, testHost(), "write setting=value"},
		{"set contradiction", smallSuite, Request{Set: []string{"rate_rps=5"}}, testHost(), "closed loop"},
		{"budget", base, Request{Budget: time.Second}, testHost(), "one block of each grid takes about"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Parse("plan.yaml", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			_, err = MakePlan(s, c.request, c.host)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v; want ...%s...", err, c.want)
			}
		})
	}
}

func TestPlanRequests(t *testing.T) {
	t.Run("only", func(t *testing.T) {
		p := mustPlan(t, base, Request{Only: []string{"backend=epoll,poll", "idle_connections=100.0"}}, testHost())
		if len(p.Trials) != 2*1*2*6 {
			t.Errorf("%d trials", len(p.Trials))
		}
	})
	t.Run("only drops grids", func(t *testing.T) {
		p := mustPlan(t, gridded, Request{Only: []string{"nofile=64"}}, testHost())
		if len(p.Grids) != 1 || p.Grids[0].Name != "limits" || len(p.Trials) != 3 {
			t.Errorf("grids %v, %d trials", p.Grids, len(p.Trials))
		}
		if !strings.Contains(strings.Join(p.Notes, "\n"), "grid edge is left out") {
			t.Errorf("notes %v", p.Notes)
		}
	})
	t.Run("only a grid", func(t *testing.T) {
		p := mustPlan(t, gridded, Request{Only: []string{"grid=edge"}}, testHost())
		if len(p.Grids) != 1 || p.Grids[0].Name != "edge" {
			t.Errorf("grids %v", p.Grids)
		}
	})
	t.Run("without the baseline", func(t *testing.T) {
		p := mustPlan(t, base, Request{Only: []string{"backend=poll"}}, testHost())
		if !strings.Contains(strings.Join(p.Notes, "\n"), "without its baseline epoll") {
			t.Errorf("notes %v", p.Notes)
		}
	})
	t.Run("set", func(t *testing.T) {
		p := mustPlan(t, base, Request{Set: []string{"window_s=1", "keep_alive=false"}}, testHost())
		if s := p.Trials[0].Settings; s["window_s"] != 1.0 || s["keep_alive"] != false {
			t.Errorf("settings %v", s)
		}
	})
	t.Run("set leaves the suite alone", func(t *testing.T) {
		s, err := Parse("plan.yaml", []byte(base))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := MakePlan(s, Request{Set: []string{"window_s=1"}, Blocks: 2, Only: []string{"backend=epoll"}}, testHost()); err != nil {
			t.Fatal(err)
		}
		p, err := MakePlan(s, Request{}, testHost())
		if err != nil || p.Trials[0].Settings["window_s"] != 3.0 || len(p.Trials) != 96 {
			t.Errorf("%d trials, settings %v, %v", len(p.Trials), p.Trials[0].Settings, err)
		}
	})
	t.Run("blocks", func(t *testing.T) {
		p := mustPlan(t, base, Request{Blocks: 2}, testHost())
		if len(p.Trials) != 4*2*2*2 || p.Design.Blocks != 2 || p.Grids[0].Claims {
			t.Errorf("%d trials, %+v", len(p.Trials), p.Grids[0])
		}
	})
	t.Run("budget", func(t *testing.T) {
		whole := mustPlan(t, base, Request{}, testHost())
		budget := time.Duration(whole.EstimateNs) * 3 / 4
		p := mustPlan(t, base, Request{Budget: budget}, testHost())
		if p.Design.Blocks != 4 || p.Grids[0].Blocks != 4 || time.Duration(p.EstimateNs) > budget || len(p.Trials) != 64 {
			t.Errorf("%d blocks, %d trials, %v of %v", p.Design.Blocks, len(p.Trials), time.Duration(p.EstimateNs), budget)
		}
		if n := strings.Join(p.Notes, "\n"); !strings.Contains(n, "4 blocks instead of 6") || !strings.Contains(n, "no claim") {
			t.Errorf("notes %v", p.Notes)
		}
		same := mustPlan(t, base, Request{Budget: time.Duration(whole.EstimateNs)}, testHost())
		if same.Design.Blocks != 6 || strings.Contains(strings.Join(same.Notes, "\n"), "instead") {
			t.Errorf("a budget that suffices changes the plan: %v", same.Notes)
		}
	})
}

func TestPlanProbe(t *testing.T) {
	p := mustPlan(t, rateSuite, Request{}, testHost())
	for i := 0; i < len(p.Trials); i += 3 {
		probe := p.Trials[i]
		if probe.Role != "capacity" || probe.Level != "epoll" || probe.Settings["mode"] != "closed" {
			t.Errorf("mini-block %d begins with %+v", probe.MiniBlock, probe)
		}
		if _, has := probe.Settings["rate_share"]; has {
			t.Error("the probe has a rate")
		}
		if p.Trials[i+1].Role != "trial" || p.Trials[i+1].Settings["mode"] != "open" {
			t.Errorf("trial %+v", p.Trials[i+1])
		}
	}
}

// The shipped suites keep what they promise on a machine with four backends, that
// of io_uring on one that has io_uring as well.
func TestShippedPlans(t *testing.T) {
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		h := testHost()
		if slices.Contains([]string{"io_uring", "accept", "dispatch-knees", "cold-disk", "cold-cost"}, s.Name) || len(s.Servers) > 0 {
			h.Backends = append(h.Backends, BackendInfo{"io_uring", ""}, BackendInfo{"io_uring-poll", ""}, BackendInfo{"epoll-et", ""})
		}
		h.Program = func(name string) (string, error) { return "/usr/bin/" + name, nil }
		if len(s.Servers) > 0 && peers.Missing != "" {
			continue
		}
		if s.Name == "faults" && faults.Missing(faults.HalfOpen) != "" {
			continue // that fault is skipped, with the reason
		}
		p, err := MakePlan(s, Request{}, h)
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
			continue
		}
		for _, skip := range p.Skipped {
			// Limits that other machines allow.
			if s.Name != "fd-limits" || !strings.Contains(skip.Why, "above the hard limit") {
				t.Errorf("%s skips %v", s.Name, skip)
			}
		}
		// A million connections take longer than a minute, and are compared with nothing.
		if longest, grid := p.longestMiniBlock(); longest > time.Minute && grid != "short-connections" {
			t.Errorf("%s: a mini-block of %s takes %v", s.Name, grid, longest)
		}
		want := map[string]int{"quick": 104, "connections": 240, "idle-connections": 1104, "rate": 540, "churn": 120, "faults": 220, "fd-limits": 512, "io_uring": 1368, "a-a": 384, "peers": 480, "generators": 96,
			"rate-750": 900, "active-fraction": 480, "accept": 360, "dispatch-knees": 1332, "medusa-1996": 1296, "buffers": 1008, "slow-clients": 156, "ftp": 432, "cold-disk": 168, "cold-cost": 288}[s.Name]
		if len(p.Trials) != want {
			t.Errorf("%s has %d trials, want %d", s.Name, len(p.Trials), want)
		}
		if e := time.Duration(p.EstimateNs); s.Name == "a-a" && e > 12*time.Minute {
			t.Errorf("a-a takes %v", e)
		}
		if s.Name == "quick" {
			if e := time.Duration(p.EstimateNs); e >= 5*time.Minute {
				t.Errorf("quick takes %v", e)
			}
			if share := p.InsideShare(); share < 0.75 {
				t.Errorf("quick is inside fill, warm-up and window for %.0f %%", 100*share)
			}
			if math.Abs(p.Effect-0.074) > 0.001 {
				t.Errorf("quick says it can find %v", p.Effect)
			}
		}
	}
}

func TestDescribe(t *testing.T) {
	text := strings.Replace(base, "backend: here", "backend: [epoll, poll, kqueue]", 1)
	p := mustPlan(t, text, Request{Blocks: 3}, testHost())
	var b strings.Builder
	p.Describe(&b)
	for _, want := range []string{"demo: Is it read?", "backend [epoll poll] x idle_connections [0 100] x load [ping light]: 8 cells x 3 blocks",
		"24 trials, about", "smallest difference", "skipped: demo backend=kqueue (4 cells): the backend kqueue is not here: it needs a BSD", "points without intervals"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the estimate lacks %q:\n%s", want, b.String())
		}
	}
	one := testHost()
	one.CPUs = []int{0}
	p = mustPlan(t, base, Request{}, one)
	if !strings.Contains(strings.Join(p.Notes, "\n"), "one CPU only") || p.Trials[0].Settings["pacing"] != "sleep" {
		t.Errorf("one CPU: %v", p.Notes)
	}
}
