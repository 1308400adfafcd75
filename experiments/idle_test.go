package experiments

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// twoGrids is a suite with a grid that claims a slope of its own.
const twoGrids = `schema: 1
name: demo
question: Is it read?
grids:
  - name: cost
    factors: {backend: here, idle_connections: [0, 100]}
  - name: memory
    factors: {backend: here, idle_connections: [200, 300], mode: [closed]}
    fixed: {settle_memory: true}
    slope: {y: [server_settled_bytes, kernel_slab_bytes], x: idle_connections}
design: {blocks: 6, compare: backend, baseline: epoll}
metrics: {primary: server_cpu_us_per_request}
figures:
  - {id: cost, grid: cost, x: idle_connections, y: server_cpu_us_per_request}
  - {id: memory, grid: memory, x: idle_connections, y: server_settled_bytes}
  - {id: all, x: idle_connections, y: ok_share}
`

func TestGridSlope(t *testing.T) {
	p := mustPlan(t, twoGrids, Request{}, testHost())
	if p.Grids[0].Slope != nil || p.Grids[1].Slope == nil {
		t.Fatalf("grids %+v", p.Grids)
	}
	if s := p.Grids[1].Slope; s.X != "idle_connections" || !slices.Equal(s.Y, []string{"server_settled_bytes", "kernel_slab_bytes"}) {
		t.Errorf("slope %+v", s)
	}
	for _, c := range []struct{ from, to, want string }{
		{"x: idle_connections}\ndesign", "x: idle_connection}\ndesign", `"idle_connection" is no factor of grid memory; the nearest is "idle_connections"`},
		{"x: idle_connections}\ndesign", "x: backend}\ndesign", "the levels of backend are no numbers"},
		{"[200, 300]", "[200]", "idle_connections has one level only"},
		{"[server_settled_bytes,", "[server_settled_byte,", `nearest name is "server_settled_bytes"`},
		{"[server_settled_bytes,", "[idle_connections,", "not a metric"},
		{"slope: {y:", "slope: {z:", `"z"`},
		{"slope: {y: [server_settled_bytes, kernel_slab_bytes], x: idle_connections}", "slope: {x: idle_connections}", "slope needs x and y"},
	} {
		text := strings.Replace(twoGrids, c.from, c.to, 1)
		_, err := Parse("demo.yaml", []byte(text))
		if text == twoGrids || err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "demo.yaml:") {
			t.Errorf("%s: %v", c.to, err)
		}
	}
}

// A figure of a grid that is left out has nothing to show.
func TestFiguresOfGridsLeftOut(t *testing.T) {
	p := mustPlan(t, twoGrids, Request{Only: []string{"grid=memory"}}, testHost())
	var ids []string
	for _, f := range p.Figures {
		ids = append(ids, f.ID)
	}
	if got := strings.Join(ids, " "); got != "memory all" {
		t.Errorf("figures %s", got)
	}
}

// idle-connections stays under its 45 minutes with five backends, and where
// the descriptor limit is lower it runs what fits and says what does not.
func TestIdleConnectionsPlan(t *testing.T) {
	s, err := Load("idle-connections")
	if err != nil {
		t.Fatal(err)
	}
	host := testHost()
	host.Backends = append(host.Backends, BackendInfo{Name: "epoll-et"})
	p, err := MakePlan(s, Request{}, host)
	if err != nil {
		t.Fatal(err)
	}
	if e := time.Duration(p.EstimateNs); e > 45*time.Minute {
		t.Errorf("five backends take %v", e)
	}
	for _, trial := range p.Trials {
		v := values(trial.Settings)
		if memory := trial.Grid == "memory"; v.on("settle_memory") != memory {
			t.Errorf("grid %s settles: %v", trial.Grid, !memory)
		}
		if !v.on("idle_first_request") {
			t.Errorf("trial %d: its idle connections never ask", trial.Index)
		}
	}
	host.NoFile = 4096
	p, err = MakePlan(s, Request{}, host)
	if err != nil {
		t.Fatal(err)
	}
	most, skipped := 0.0, 0
	for _, trial := range p.Trials {
		most = max(most, values(trial.Settings).number("idle_connections"))
	}
	for _, k := range p.Skipped {
		skipped += k.Cells
		if !strings.Contains(k.Why, "its limit is 4096") {
			t.Errorf("skipped %s: %s", k.What, k.Why)
		}
	}
	if most != 3000 || skipped != 5*(2*3+2) {
		t.Errorf("at most %v idle connections, %d cells skipped", most, skipped)
	}
}
