package experiments

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// base is a suite that is right; the cases below change one thing.
const base = `schema: 1
name: demo
question: Is it read?
not_shown: [real networks]
reproduces:
  - {cite: Someone 1998, finding: it grows, check: slope(server_cpu_us_per_request ~ idle_connections | backend=epoll) > 0}
factors:
  backend: here
  idle_connections: [0, 100]
  load:
    ping: {mode: closed, active_connections: 1}
    light: {mode: open, active_connections: 10, rate_rps: 300}
fixed: {protocol: http, path: /fixed/13, keep_alive: true}
trial: {warmup_s: 0.5, window_s: 3}
design: {blocks: 6, compare: backend, baseline: epoll, seed: 1}
metrics:
  primary: server_cpu_us_per_request
  primary_at: {load: ping}
  slope: idle_connections
  also: [response_p50_us, ok_share]
figures:
  - {id: cost, x: idle_connections, xscale: log1p, y: server_cpu_us_per_request, where: {load: ping}}
`

func TestParse(t *testing.T) {
	s, err := Parse("demo.yaml", []byte(base))
	if err != nil {
		t.Fatal(err)
	}
	g := s.Grids[0]
	if len(s.Grids) != 1 || g.Name != "demo" || len(g.Factors) != 3 || !g.Factors[0].Here || !g.Factors[2].Bundle {
		t.Fatalf("grids %+v", s.Grids)
	}
	if g.Fixed["window_s"] != 3.0 || g.Fixed["keep_alive"] != true || g.Blocks != 6 {
		t.Errorf("fixed %v, blocks %d", g.Fixed, g.Blocks)
	}
	if l := g.Factors[2].Levels[1]; l.Value != "light" || l.Settings["rate_rps"] != 300.0 {
		t.Errorf("named level %+v", l)
	}
	if !strings.HasPrefix(s.Reproduces[0].Check, "slope(server_cpu") || s.Metrics.PrimaryAt["load"] != "ping" || s.Figures[0].Where["load"] != "ping" {
		t.Errorf("suite %+v", s)
	}
	if !s.Design.SameSchedule {
		t.Error("the same schedule inside a mini-block is the default")
	}
}

// Each wrong suite gets one line: the file, the line, and what would be right.
func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		name, from, to string
		line           string
		want           []string
	}{
		{"unknown key", "question:", "qestion:", ":3:", []string{`"qestion"`, `nearest is "question"`}},
		{"unknown setting", "keep_alive: true", "keepalive: true", ":13:", []string{`"keepalive"`, `"keep_alive"`}},
		{"unknown factor", "idle_connections: [0, 100]", "idle_conections: [0, 100]", ":9:", []string{`"idle_connections"`}},
		{"unknown metric", "primary: server_cpu_us_per_request", "primary: server_cpu_us_per_requests", ":17:", []string{`"server_cpu_us_per_request"`}},
		{"factor as metric", "primary: server_cpu_us_per_request", "primary: idle_connections", ":17:", []string{"not a metric"}},
		{"unknown also", "ok_share]", "okay_share]", ":20:", []string{`"ok_share"`}},
		{"unknown figure key", "xscale: log1p", "x_scale: log1p", ":22:", []string{`"xscale"`}},
		{"unknown scale", "xscale: log1p", "xscale: log10", ":22:", []string{"linear, log, log2, log1p or even"}},
		{"unknown axis", "x: idle_connections,", "x: idle,", ":22:", []string{"idle"}},
		{"unknown level", "where: {load: ping}", "where: {load: pong}", ":22:", []string{`"ping"`}},
		{"wrong type of number", "window_s: 3", "window_s: long", ":14:", []string{"window_s must be a number"}},
		{"wrong type of switch", "keep_alive: true", "keep_alive: 1", ":13:", []string{"true or false"}},
		{"out of range", "window_s: 3", "window_s: 0", ":14:", []string{"between 0.05 and 3600 s"}},
		{"not whole", "[0, 100]", "[0, 100.5]", ":9:", []string{"whole number"}},
		{"not a choice", "protocol: http", "protocol: gopher", ":13:", []string{"http, raw, echo or ftp"}},
		{"level twice", "[0, 100]", "[100, 100]", ":9:", []string{"twice"}},
		{"no levels", "[0, 100]", "[]", ":9:", []string{"no levels"}},
		{"no list", "idle_connections: [0, 100]", "idle_connections: 100", ":9:", []string{"list of levels"}},
		{"key twice", "name: demo", "name: demo\nname: demo2", ":3:", []string{"already defined"}},
		{"not YAML", "factors:", "factors: [", ":", []string{"demo.yaml:"}},
		{"bad name", "name: demo", "name: ../demo", ":2:", []string{"a-z, 0-9, - and _"}},
		{"fixed and varied", "protocol: http", "idle_connections: 5", ":9:", []string{"fixed and also set by the factor"}},
		{"set by two factors", "ping: {mode: closed, active_connections: 1}", "ping: {mode: closed, idle_connections: 1}", ":10:", []string{"both set idle_connections"}},
		{"trial and fixed", "protocol: http", "window_s: 1", ":14:", []string{"both in fixed and in trial"}},
		{"compare no factor", "compare: backend", "compare: backends", ":15:", []string{`nearest is "backend"`}},
		{"too few", "blocks: 6", "blocks: 0", ":15:", []string{"between 1 and 1000"}},
		{"baseline no level", "compare: backend, baseline: epoll", "compare: load, baseline: pang", ":15:", []string{`nearest is "ping"`}},
		{"slope no factor", "slope: idle_connections", "slope: idle", ":19:", []string{"no factor"}},
		{"slope no numbers", "slope: idle_connections", "slope: load", ":19:", []string{"no number"}},
		{"closed with a rate", "mode: closed, active_connections: 1}", "mode: closed, rate_rps: 5}", ":1:", []string{"closed loop", "has no rate"}},
		{"open without a rate", ", rate_rps: 300", "", ":1:", []string{"needs rate_rps or rate_share"}},
		{"two documents", "figures:", "---\nfigures:", ":2", []string{"one suite"}},
		{"schema", "schema: 1", "schema: 2", ":1:", []string{"schema must be between 1 and 1"}},
		{"no design", "design:", "desing:", ":15:", []string{`nearest is "design"`}},
		{"here in a list", "backend: here", "backend: [here, epoll]", ":8:", []string{"stands alone"}},
		{"phases", "trial:", "phases: {filled: 1}\ntrial:", ":14:", []string{"fill_s"}},
		{"hold twice", "trial:", "phases: {hold_s: 1}\ntrial:", ":14:", []string{"hold_s is another name for window_s"}},
		{"recovery of nobody", "trial:", "phases: {recover_max_s: 1}\ntrial:", ":14:", []string{"recover_max_s", "give leave_share"}},
		{"patience of raw", "protocol: http", "protocol: raw, idle_timeout_s: 5", ":1:", []string{"of HTTP connections"}},
		{"less patience than the trial", "protocol: http", "protocol: http, idle_timeout_s: 0.1", ":1:", []string{"idle_timeout_s ends the idle connections"}},
		{"turns in a closed loop", "protocol: http", "protocol: http, assign: turn", ":1:", []string{"assign: turn is of an open loop"}},
		{"leaving without an offer", "trial:", "phases: {leave_share: 0.5}\ntrial:", ":1:", []string{"give offered_share"}},
		{"leaving", "trial:", "phases: {leave_share: 1.5}\ntrial:", ":14:", []string{"leave_share", "between 0 and 1"}},
		{"ratio to no level", "xscale: log1p", "ratio_to: 5, by: loud", ":22:", []string{"load"}},
		{"check unclear", "backend=epoll) > 0", "backend=epoll) grows", ":6:", []string{"it must be slope(COLUMN"}},
		{"check of no column", "slope(server_cpu_us", "slope(server_cpus_us", ":6:", []string{`"server_cpu_us_per_request"`}},
		{"check of no metric", "slope(server_cpu_us_per_request", "slope(idle_connections", ":6:", []string{"not a metric"}},
		{"check along no factor", "~ idle_connections", "~ idle_conections", ":6:", []string{`nearest is "idle_connections"`}},
		{"check along names", "~ idle_connections", "~ load", ":6:", []string{"is no number"}},
		{"check of no claim", "slope(server_cpu_us_per_request", "slope(response_p50_us", ":6:", []string{"no grid claims a slope of response_p50_us"}},
		{"check at no factor", "backend=epoll) >", "bakend=select) >", ":6:", []string{`nearest factor is "backend"`}},
		{"check at no level", "backend=epoll) >", "load=pong) >", ":6:", []string{`nearest is "ping"`}},
		{"check at a setting", "backend=epoll) >", "keep_alive=false) >", ":6:", []string{"no grid fixes keep_alive to false"}},
		{"check of a ratio", "check: slope(server_cpu_us_per_request ~ idle_connections | backend=epoll) > 0", "check: 'ratio(server_cpu_us_per_request: epoll vs epoll) > 2'", ":6:", []string{"a ratio of epoll to itself"}},
		{"check of a ratio of nothing", "check: slope(server_cpu_us_per_request ~ idle_connections | backend=epoll) > 0", "check: 'ratio(server_cpu_us: poll vs epoll) > 2'", ":6:", []string{"server_cpu_us", "nearest"}},
		{"step of no column", "check: slope(server_cpu_us_per_request ~ idle_connections |", "check: step(server_cpu_us ~ idle_connections at 50 |", ":6:", []string{"server_cpu_us", "nearest"}},
		{"step of no metric", "check: slope(server_cpu_us_per_request ~ idle_connections |", "check: step(idle_connections ~ idle_connections at 50 |", ":6:", []string{"not a metric"}},
		{"step along names", "check: slope(server_cpu_us_per_request ~ idle_connections |", "check: step(server_cpu_us_per_request ~ load at 50 |", ":6:", []string{"is no number"}},
		{"step at a level of names", "check: slope(server_cpu_us_per_request ~ idle_connections |", "check: step(server_cpu_us_per_request ~ idle_connections at many |", ":6:", []string{"many is no place for a step"}},
		{"step beyond all levels", "check: slope(server_cpu_us_per_request ~ idle_connections |", "check: step(server_cpu_us_per_request ~ idle_connections at 1000 |", ":6:", []string{"no grid has two levels of idle_connections on each side of 1000"}},
		{"step beside too few levels", "check: slope(server_cpu_us_per_request ~ idle_connections |", "check: step(server_cpu_us_per_request ~ idle_connections at 50 |", ":6:", []string{"no grid has two levels of idle_connections on each side of 50"}},
		{"anchor of no level", "backend: here", "backend: [epoll, poll]", ":15:", []string{`anchor: "select" is no level of backend`}},
		{"check on its own line", "{cite: Someone 1998, finding: it grows, check: slope(server_cpu_us_per_request ~ idle_connections | backend=epoll) > 0}",
			"cite: Someone 1998\n    finding: it grows\n    check: same_within(5%, load in [ping] vs epoll)", ":8:", []string{"compares levels of backend, not of load"}},
		{"check against no baseline", "slope(server_cpu_us_per_request ~ idle_connections | backend=epoll) > 0",
			`"same_within(5%, backend in [select] vs poll)"`, ":6:", []string{"compares with its baseline epoll"}},
		{"check of the baseline", "slope(server_cpu_us_per_request ~ idle_connections | backend=epoll) > 0",
			`"same_within(5%, backend in [epoll] vs epoll)"`, ":6:", []string{"is the baseline itself"}},
		{"ring of another backend", "protocol: http", "ring_without: multishot", ":1:", []string{"ring_without multishot is about the backend io_uring, not epoll"}},
		{"unknown feature", "protocol: http", "ring_without: multi-shot", ":13:", []string{"multishot"}},
		{"burning without sleep", "protocol: http", "burn: 0.05, server_wait: poll", ":1:", []string{"burn is of a loop that does its work in turns"}},
		{"burning too much", "protocol: http", "burn: 1.05", ":13:", []string{"burn must be between 0 and 1"}},
		{"trace without arrivals", "protocol: http", "trace: a.txt", ":1:", []string{"set arrivals: trace"}},
		{"arrivals without a trace", "protocol: http", "arrivals: trace", ":1:", []string{"arrivals: trace needs trace"}},
		{"trace in a closed loop", "protocol: http", "arrivals: trace, trace: a.txt", ":1:", []string{"a closed loop (mode: closed) has no schedule"}},
		{"echo without a size", "protocol: http", "protocol: echo", ":1:", []string{"needs message_bytes"}},
		{"size without echo", "protocol: http", "message_bytes: 5", ":1:", []string{"set protocol: echo"}},
		{"size too large", "protocol: http", "message_bytes: 1048577", ":13:", []string{"between 1 and 1048576 bytes"}},
		{"deep and open", "protocol: http", "depth: 2", ":1:", []string{"depth is of a closed loop"}},
		{"too deep", "protocol: http", "depth: 1025", ":13:", []string{"between 1 and 1024"}},
		{"anchor", "name: demo", "name: &x demo", ":2:", []string{"plain value"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(base, c.from, c.to, 1)
			if strings.HasPrefix(c.name, "anchor of") {
				text = strings.Replace(text, "seed: 1", "seed: 1, anchor: select", 1)
			}
			if text == base {
				t.Fatal("the case changes nothing")
			}
			_, err := Parse("demo.yaml", []byte(text))
			if err == nil {
				t.Fatal("no error")
			}
			got := err.Error()
			if !strings.HasPrefix(got, "demo.yaml"+c.line) || strings.Contains(got, "\n") {
				t.Errorf("error %q does not begin with demo.yaml%s or is not one line", got, c.line)
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("error %q lacks %q", got, want)
				}
			}
		})
	}
}

const gridded = `schema: 1
name: union
question: Are grids joined?
grids:
  - name: edge
    factors: {backend: [epoll, poll], offered_share: [0.5, 1.0, 2.0], server_wait: [block, poll]}
    collapse: {server_wait: block, when: offered_share <= 1.0}
  - name: limits
    blocks: 3
    factors: {backend: [epoll], nofile: [64, 256]}
    fixed: {offered_share: 2.0, request_timeout_ms: 100}
    phases: {fill_s: 2}
fixed: {mode: open, rate_rps: 100, request_timeout_ms: 500}
phases: {fill_s: 1, quiet_s: 0.5, hold_s: 2.5, leave_share: 0.25}
design: {blocks: 10, compare: backend, baseline: epoll}
metrics: {primary: response_p99_ms}
`

func TestParseGrids(t *testing.T) {
	s, err := Parse("union.yaml", []byte(gridded))
	if err != nil {
		t.Fatal(err)
	}
	edge, limits := s.Grids[0], s.Grids[1]
	if edge.Blocks != 10 || limits.Blocks != 3 {
		t.Errorf("blocks %d and %d", edge.Blocks, limits.Blocks)
	}
	if edge.Fixed["request_timeout_ms"] != 500.0 || limits.Fixed["request_timeout_ms"] != 100.0 {
		t.Errorf("a grid's own settings win: %v, %v", edge.Fixed, limits.Fixed)
	}
	if edge.Fixed["window_s"] != 2.5 || limits.Fixed["window_s"] != 2.5 {
		t.Errorf("held for %v and %v", edge.Fixed["window_s"], limits.Fixed["window_s"])
	}
	if edge.Phases != (Phases{Fill: 1, Quiet: 0.5, Leave: 0.25}) || limits.Phases != (Phases{Fill: 2, Quiet: 0.5, Leave: 0.25}) {
		t.Errorf("phases %v and %v", edge.Phases, limits.Phases)
	}
	// 2 backends x (2 shares collapsed to one wait + 1 share with both).
	if n := len(edge.expand("backend")); n != 8 {
		t.Errorf("%d cells of edge, want 8", n)
	}
}

// What cannot be on its way at once is refused with the file, the line and the cell.
func TestParseDepthErrors(t *testing.T) {
	deep := `schema: 1
name: deep
question: Is it refused?
factors: {backend: [epoll, io_uring], depth: [1, 16]}
fixed: {protocol: echo, message_bytes: 65536, mode: closed}
design: {blocks: 6, compare: backend, baseline: epoll}
metrics: {primary: server_cpu_us_per_request}
`
	if _, err := Parse("deep.yaml", []byte(deep)); err != nil {
		t.Errorf("1 MiB on its way: %v", err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"65536", "65537", "deep.yaml:1: grid deep, at backend=epoll depth=16: 16 messages of 65537 bytes on their way"},
		{"mode: closed", "mode: closed, keep_alive: false", "at backend=epoll depth=16: keep_alive: false has one request"},
		{"mode: closed", "mode: open, rate_rps: 5", "at backend=epoll depth=16: depth is of a closed loop"},
		{"mode: closed", "ring_without: batching", "at backend=epoll depth=1: ring_without batching is about the backend io_uring, not epoll"},
	} {
		text := strings.Replace(deep, c.from, c.to, 1)
		if _, err := Parse("deep.yaml", []byte(text)); text == deep || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.to, err, c.want)
		}
	}
}

// The suite io_uring has one server that all others are compared with, and a
// server for each feature that can be left out.
func TestSuiteIOUring(t *testing.T) {
	s, err := Load("io_uring")
	if err != nil {
		t.Fatal(err)
	}
	var without []string
	for _, c := range s.grid("features").expand("server") {
		if f := c.settings.text("ring_without"); f != "" && !contains(without, f) {
			without = append(without, f)
			if c.level != "without-"+f {
				t.Errorf("%s is without %s", c.level, f)
			}
		}
	}
	if got, want := strings.Join(without, " "), strings.Join(ringWithout[1:], " "); got != want {
		t.Errorf("features %s, want %s", got, want)
	}
	h := testHost()
	h.Backends = append(h.Backends, BackendInfo{"io_uring", ""}, BackendInfo{"io_uring-poll", "the kernel forbids it"})
	p, err := MakePlan(s, Request{}, h)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Trials) != 12*(54+36+4) || len(p.Skipped) != 2 || p.Skipped[0].Why != "the backend io_uring-poll is not here: the kernel forbids it" || p.Skipped[0].Cells != 18 {
		t.Errorf("%d trials, skipped %v", len(p.Trials), p.Skipped)
	}
	h.Backends[len(h.Backends)-1].Why = ""
	if p, err = MakePlan(s, Request{}, h); err != nil || p.estimate() > 35*time.Minute || len(p.Notes) > 0 {
		t.Errorf("planned to take %v, %v, %v", p.estimate(), p.Notes, err)
	}
}

func TestParseGridErrors(t *testing.T) {
	for _, c := range []struct{ name, from, to, line, want string }{
		{"collapsed factor", "server_wait: block, when", "server_weight: block, when", ":7:", `"server_wait"`},
		{"collapsed level", "server_wait: block, when", "server_wait: blocks, when", ":7:", `"block"`},
		{"collapse condition", "offered_share <= 1.0", "offered_shore <= 1.0", ":7:", `"offered_shore"`},
		{"collapse no condition", ", when: offered_share <= 1.0", "", ":7:", "when"},
		{"collapse compared", "{server_wait: block, when", "{backend: epoll, when", ":15:", "compared"},
		{"same name", "name: limits", "name: edge", ":8:", "second grid"},
		{"both", "grids:", "factors: {backend: here}\ngrids:", ":4:", "either factors or grids"},
		{"grid key", "    blocks: 3", "    bloks: 3", ":9:", `"blocks"`},
		{"no name", "name: limits\n    blocks", "blocks", ":8:", "without a name"},
		{"active_share alone", "fixed: {offered_share: 2.0,", "fixed: {active_share: 0.1,", ":8:", "active_share needs offered_share"},
		{"offered and active", "fixed: {offered_share: 2.0,", "fixed: {offered_share: 2.0, active_connections: 5,", ":8:", "offered_share sets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(gridded, c.from, c.to, 1)
			if text == gridded {
				t.Fatal("the case changes nothing")
			}
			_, err := Parse("union.yaml", []byte(text))
			if err == nil || !strings.HasPrefix(err.Error(), "union.yaml"+c.line) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; want union.yaml%s ...%s...", err, c.line, c.want)
			}
		})
	}
}

func TestCondition(t *testing.T) {
	values := map[string]any{"share": 1.0, "mode": "open", "alive": true}
	lookup := func(name string) (any, bool) { v, ok := values[name]; return v, ok }
	for _, c := range []struct {
		text string
		want bool
	}{
		{"share <= 1.0", true}, {"share < 1", false}, {"share >= 1.0", true}, {"share > 0.99", true}, {"share == 1", true}, {"share != 1", false},
		{"mode == open", true}, {"mode != open", false}, {"mode = closed", false}, {"alive == true", true},
		{"share <= 1 and mode == open", true}, {"share <= 1 and mode == closed", false}, {"other == 1", false}, {"mode < 5", false},
	} {
		cond, err := parseCondition(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if got := cond.holds(lookup); got != c.want {
			t.Errorf("%s is %v", c.text, got)
		}
	}
	for _, bad := range []string{"", "share", "share <=", "<= 1", "share < big", "share ! 1", "a == 1 and "} {
		if _, err := parseCondition(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestLoad(t *testing.T) {
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
		if s.Source != s.Name+".yaml" {
			t.Errorf("%s holds the suite %s", s.Source, s.Name)
		}
	}
	if got := strings.Join(names, " "); got != "a-a accept active-fraction buffers churn cold-cost cold-disk connections dispatch-knees faults fd-limits ftp generators idle-connections io_uring medusa-1996 peers quick rate rate-750 slow-clients" {
		t.Errorf("shipped: %s", got)
	}
	if _, err := Load("quik"); err == nil || !strings.Contains(err.Error(), `nearest: "quick"`) {
		t.Errorf("an unknown suite: %v", err)
	}
	path := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(path, []byte(base), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Load(path); err != nil || s.Name != "demo" {
		t.Errorf("a file: %v, %v", s, err)
	}
	if _, err := Load(path + ".yaml"); err == nil {
		t.Error("a missing file is accepted")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(base))
	f.Add([]byte(gridded))
	f.Add([]byte("a: [1\nb: {"))
	f.Add([]byte("schema: 1\nname: x\nquestion: &a *a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("fuzz.yaml", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "fuzz.yaml") || strings.ContainsRune(err.Error(), '\n') {
				t.Errorf("error without its place, or of several lines: %q", err)
			}
			return
		}
		if len(s.Grids) == 0 || s.Metrics.Primary == "" {
			t.Errorf("an accepted suite without cells or metric: %+v", s)
		}
	})
}
