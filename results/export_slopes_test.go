package results

import (
	"strings"
	"testing"
)

func TestWriteSlopes(t *testing.T) {
	t.Parallel()
	plan, records := memoryRun(6)
	var b strings.Builder
	if err := WriteSlopes(&b, &Run{Plan: plan, Records: records}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"for each of idle_connections\n\n| backend | server_settled_bytes | kernel_slab_bytes |\n|---|---|---|\n",
		"| epoll | 520.0", "| select | 600.0",
		"| backend | idle_connections | server_settled_bytes (bytes) | kernel_slab_bytes (bytes) |",
		"| epoll | 2000 | 5,23", "| epoll | 10000 | 9,39", "| epoll | 18000 | ",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("want %q in\n%s", want, b.String())
		}
	}
	few, fewer := memoryRun(5)
	b.Reset()
	if err := WriteSlopes(&b, &Run{Plan: few, Records: fewer}); err != nil || !strings.Contains(b.String(), "| epoll | - | - |") {
		t.Errorf("five blocks: %v\n%s", err, b.String())
	}
	plan.Grids[0].Slope = nil
	if err := WriteSlopes(&b, &Run{Plan: plan, Records: records}); err == nil || !strings.Contains(err.Error(), "claims slopes") {
		t.Errorf("no slopes: %v", err)
	}
}

// Small numbers keep their digits, and places are not mixed.
func TestWriteSlopesOfSeveralPlaces(t *testing.T) {
	t.Parallel()
	var plan Plan
	var records []Record
	for n, load := range []string{"saturated", "ping"} {
		p, rs := synthetic{blocks: 6, idle: []float64{2000, 10_000, 18_000}, seed: 6, slope: true, cost: func(_ string, idle float64) float64 {
			return 8 + idle*[]float64{0.002, 0.020}[n]
		}}.run()
		for i := range p.Trials {
			p.Trials[i].Index += n * 1000
			p.Trials[i].MiniBlock += n * 1000
			p.Trials[i].Factors["load"], p.Trials[i].Settings["load"] = load, load
			rs[i].Trial, rs[i].MiniBlock = p.Trials[i].Index, p.Trials[i].MiniBlock // they share the maps
		}
		p.Grids[0].Factors["load"] = []any{"saturated", "ping"}
		p.Trials = append(plan.Trials, p.Trials...)
		plan, records = p, append(records, rs...)
	}
	var b strings.Builder
	if err := WriteSlopes(&b, &Run{Plan: plan, Records: records}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"load=saturated: for each of idle_connections", "load=ping: for each of", "| epoll | 2.00", "| epoll | 20.00", "| epoll | 2000 | 12.0 |", "| epoll | 18000 | 368 |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("want %q in\n%s", want, b.String())
		}
	}
}
