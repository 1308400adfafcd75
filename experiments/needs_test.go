package experiments

import (
	"slices"
	"strings"
	"testing"
)

// TestNeeds: what a suite needs is reckoned with the cells that the limit of
// descriptors keeps out.
func TestNeeds(t *testing.T) {
	text := strings.Replace(smallSuite, "[0, 10]", "[0, 30000]", 1) + `
fixed: {keep_alive: false, congestion: cubic, settle_memory: true, server_cpus: 1, path: /fixed/100000}
`
	s, err := Parse("large.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	n := needs(s, Request{}, testHost())
	if n.Suite != "small" || n.Connections < 30_000 || n.Connections > 30_100 || n.Descriptors != uint64(n.Connections+reserveFDs) {
		t.Errorf("%+v", n)
	}
	if n.LostCells != 2 || !strings.Contains(n.LostWhy, "descriptors") || n.Stop != nil {
		t.Errorf("lost: %+v", n)
	}
	if !n.Churn || n.SystemCongestion || !n.Settles || n.Body != 100_000 || n.ServerCPUs != 1 || !slices.Equal(n.Backends, []string{"select", "epoll"}) {
		t.Errorf("%+v", n)
	}
	if n.Disk < 8*bytesOfTrial+bytesOfRun || n.Memory < 2*bytesOfProcess+20_000*bytesOfConnection {
		t.Errorf("disk %d, memory %d", n.Disk, n.Memory)
	}
	host := testHost()
	host.NoFile = 10
	if n := needs(s, Request{}, host); n.Stop == nil || n.Connections == 0 {
		t.Errorf("with ten descriptors: %+v", n)
	}
	if n := needs(s, Request{Set: []string{"path=/file"}}, testHost()); n.Body != 0 {
		t.Errorf("a body of %d bytes for a file of which nothing is known", n.Body)
	}
}

// TestNeedsOfLoadProcesses: what one process needs, not all together.
func TestNeedsOfLoadProcesses(t *testing.T) {
	for _, c := range []struct {
		v    values
		want uint64
	}{
		{values{"offered_share": 2.0, "nofile": 20_000.0}, 20_000},
		{values{"offered_share": 2.0, "nofile": 20_000.0, "load_processes": 1.0}, 40_048},
		{values{"offered_share": 2.0, "nofile": 20_000.0, "load_processes": 3.0}, 20_000},
		{values{"offered_share": 2.0, "nofile": 20_000.0, "generator": "wrk"}, 40_048},
		{values{"load_processes": 8.0}, 40_048}, // of the server
		{values{"load_processes": 8.0, "server_processes": 4.0}, 10_048},
		{values{"server_processes": 64.0}, 673},
		{values{"load_processes": 8.0, "server_processes": 64.0}, 5_048}, // of the load
		{values{"offered_share": 2.0, "nofile": 20_000.0, "server_processes": 4.0}, 20_000},
	} {
		if got := descriptors(c.v, 40_000); got != c.want {
			t.Errorf("%v: %d, want %d", c.v, got, c.want)
		}
	}
}

// TestNeedsOfShipped: each shipped suite's needs can be reckoned.
func TestNeedsOfShipped(t *testing.T) {
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	host := ThisHost([]BackendInfo{{"select", ""}, {"poll", ""}, {"epoll", ""}, {"epoll-et", ""}, {"io_uring", ""}, {"io_uring-poll", ""}, {"goroutines", ""}})
	for _, s := range all {
		if n := needs(s, Request{}, host); n.Suite != s.Name || n.Connections == 0 || n.Disk == 0 || n.ServerCPUs == 0 || len(n.Backends) == 0 {
			t.Errorf("%s: %+v", s.Name, n)
		}
	}
}
