package results

import (
	"bytes"
	"strings"
	"testing"
)

// slowRun is a run of latencies at two numbers of connections: 100 us, near the
// floor of 80, and 1 ms; its p99 is 2 ms at both.
func slowRun() *Run {
	s := synthetic{blocks: 6, idle: []float64{0, 8000}, seed: 8, metrics: func(level string, idle float64) map[string]float64 {
		p50 := 100.0
		if idle > 0 {
			p50 = 1000
		}
		return map[string]float64{"response_p50_us": p50, "response_p99_us": 2000, "connect_p50_us": 20, "response_p50_ms": p50 / 1000}
	}}
	run := &Run{}
	run.Plan, run.Records = s.run()
	run.Environment.Before = Machine{OS: "linux", Kernel: "6.18", CPUs: 2, UnixNs: 1e18}
	run.Certificate = &Certificate{SchemaVersion: 1, CreatedUnixNs: 1e18, Machine: run.Environment.Before, Floor: testFloor()}
	return run
}

func TestFloorInFigures(t *testing.T) {
	t.Parallel()
	const (
		band   = "wake floor p50 80 µs"
		hatch  = "under 3 x the wake floor"
		readIt = "Hatched marks lie under 3 times that"
	)
	for _, c := range []struct {
		name        string
		f           Figure
		change      func(*Run)
		says, lacks []string
	}{
		{"asked for", Figure{X: "idle_connections", Y: Columns{"response_p50_us"}, Floor: "wake"}, nil, []string{band, hatch, readIt}, nil},
		{"not asked for", Figure{X: "idle_connections", Y: Columns{"response_p50_us"}}, nil, []string{band, hatch, readIt}, nil},
		{"in milliseconds", Figure{X: "idle_connections", Y: Columns{"response_p50_ms"}, YScale: "log"}, nil, []string{band, hatch}, nil},
		{"on dots", Figure{X: "idle_connections", Y: Columns{"response_p50_us"}, Kind: kindDots}, nil, []string{band, hatch}, nil},
		{"each panel its own", Figure{X: "idle_connections", Y: Columns{"response_p50_us", "response_p99_us"}}, nil, []string{band, "wake floor p99 300 µs", hatch}, nil},
		{"far above it", Figure{X: "idle_connections", Y: Columns{"response_p99_us"}}, nil, []string{"wake floor p99 300 µs"}, []string{hatch, readIt}},
		{"far above it in part", Figure{X: "idle_connections", Y: Columns{"response_p50_us"}, Where: map[string]any{"idle_connections": 8000.0}}, nil, []string{band}, []string{hatch}},
		{"out of sight", Figure{X: "idle_connections", Y: Columns{"response_p99_us"}, YScale: "log"}, func(r *Run) { r.Certificate.Floor.Block.P99 = 90_000 },
			[]string{"wake floor p99 90 µs, below this axis"}, []string{hatch}},
		{"a ratio", Figure{X: "idle_connections", Y: Columns{"response_p50_us"}, RatioTo: "epoll"}, nil, nil, []string{"wake floor", "No floor"}},
		{"no latency", Figure{X: "idle_connections", Y: Columns{costColumn}}, nil, nil, []string{"floor"}},
		{"no latency, asked for", Figure{X: "idle_connections", Y: Columns{costColumn}, Floor: "wake"}, nil, []string{"No floor is drawn: the time to wake is no part"}, []string{"wake floor"}},
		{"nobody wakes", Figure{X: "idle_connections", Y: Columns{"connect_p50_us"}}, nil, nil, []string{"floor"}},
		{"its own floor", Figure{X: "idle_connections", Y: Columns{"response_p50_us"}, Floor: "55"}, nil, []string{"floor 55 µs"}, []string{band}},
		{"no certificate", Figure{X: "idle_connections", Y: Columns{"response_p50_us"}}, func(r *Run) { r.Certificate = nil }, nil, []string{"floor"}},
		{"another kernel", Figure{X: "idle_connections", Y: Columns{"response_p50_us"}, Floor: "wake"}, func(r *Run) { r.Environment.Before.Kernel = "6.19" },
			[]string{"No floor is drawn: the certificate is of another kernel"}, []string{"wake floor"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			run := slowRun()
			if c.change != nil {
				c.change(run)
			}
			r := renderFigure(run, run.Analyse(), c.f)
			if r.err != nil {
				t.Fatal(r.err)
			}
			said := r.read
			for _, width := range []float64{wideFigure, narrowFigure} {
				svg, err := r.draw(width).encode("svg")
				if err != nil {
					t.Fatal(err)
				}
				checkSVG(t, svg)
				said += string(svg)
			}
			for _, want := range c.says {
				if !strings.Contains(said, want) {
					t.Errorf("nothing says %q", want)
				}
			}
			for _, not := range c.lacks {
				if strings.Contains(said, not) {
					t.Errorf("something says %q", not)
				}
			}
			if near := bytes.Contains(r.csv, []byte("near-floor")); near != strings.Contains(said, hatch) {
				t.Errorf("the numbers say near-floor: %v", near)
			}
		})
	}
}

func TestFloorBandOnAnAxis(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		floor, want float64
		values      []float64
	}{
		{80, 80, []float64{100, 1000}},
		{80, 80, []float64{40, 60}},
		{80, 10_000, []float64{10_000, 50_000}}, // not on the axis
		{2100, 600, []float64{100, 300}},
		{80, 80, nil},
	} {
		if got := (&floorBand{upTo: c.floor}).shown(c.values); got != c.want {
			t.Errorf("a floor of %v under %v is shown to %v, want %v", c.floor, c.values, got, c.want)
		}
	}
}

func TestNearFloor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pt   Point
		want bool
	}{
		{Point{Y: 239, Floor: 80}, true}, {Point{Y: 240, Floor: 80}, false}, {Point{Y: 10}, false}, {Point{Y: 100, Floor: 80, Censored: true}, false},
	} {
		if got := c.pt.nearFloor(); got != c.want {
			t.Errorf("%+v: %v", c.pt, got)
		}
	}
}
