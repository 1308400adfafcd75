package experiments

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"medusa/results"
)

// TestLimitArguments: what a suite says of the server's limits reaches it; its time
// for idle clients comes before the one that a trial would choose.
func TestLimitArguments(t *testing.T) {
	v := firstOf(t, strings.Replace(smallSuite, "trial:",
		"fixed: {server_processes: 3, on_full: reap, max_connections: 500, accepts_per_turn: 1, defer_accept_s: 2, head_timeout_s: 0.5, idle_timeout_s: 3}\ntrial:", 1))
	v["idle_connections"] = 10.0
	got := strings.Join(serverArgs(v, netip.MustParseAddr("127.1.1.1"), nil), " ")
	want := " --fixed --idle-timeout 3s --processes 3 --on-full reap --max-connections 500 --accepts-per-turn 1 --defer-accept 2s --head-timeout 500ms"
	if !strings.HasSuffix(got, want) {
		t.Errorf("got  %s\nwant ...%s", got, want)
	}
	// A binary of an earlier version serves too, if one process is asked for.
	v["server_processes"] = 1.0
	if one := serverArgs(v, netip.MustParseAddr("127.1.1.1"), nil); slices.Contains(one, "--processes") {
		t.Errorf("%s", one)
	}
	for _, name := range []string{"server_processes", "on_full", "max_connections", "accepts_per_turn", "defer_accept_s", "head_timeout_s", "idle_timeout_s"} {
		if c, err := results.LookupColumn(name); err != nil || c.Kind != results.Factor {
			t.Errorf("column %s: %+v, %v", name, c, err)
		}
	}
}
