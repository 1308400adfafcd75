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
		"| epoll | 520 (520 to 520) | ", "| select | 600 (600 to 600) | ",
		"| epoll | 2000 | 52", "| epoll | 10000 | ", "| epoll | 18000 | ",
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
