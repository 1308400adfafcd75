package main

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"medusa/results"
)

// runSuite runs a suite with the real program and opens its folder.
func runSuite(t *testing.T, args ...string) *results.Run {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	cmd := exec.Command(medusaFile(t), append([]string{"run", "--out", dir}, args...)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	run, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// Each server of the suite peers that is installed answers, is measured, and
// leaves nothing behind.
func TestPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves out what runs suites")
	}
	// What is in flight at the window's edges is an uncertainty of the costs of
	// others' servers: in a short window beside other tests it is more than a record
	// takes for a value.
	run := runSuite(t, "peers", "--only", "grid=reply", "--only", "active_connections=32", "--blocks", "1", "--set", "warmup_s=0.1", "--set", "window_s=3")
	for _, missing := range run.Plan.NotHere {
		t.Logf("SKIPPED: %s: %s", missing.Backend, missing.Why)
	}
	var seen []string
	for _, r := range run.Records {
		seen = append(seen, r.Level)
		if r.Failure != nil || r.Verdict == results.VerdictInconsistent {
			t.Errorf("%s is %s: %v", r.Level, r.Verdict, r.Reasons)
			continue
		}
		cost, ok := r.Value("server_cpu_us_per_request")
		if !ok || cost <= 0 || cost > 10_000 {
			t.Errorf("%s: %v us per request (%s)", r.Level, cost, r.Why("server_cpu_us_per_request"))
		}
		if bytes, ok := r.Value("reply_bytes"); !ok || bytes < 13 {
			t.Errorf("%s: %v bytes a reply", r.Level, bytes)
		}
		p := r.Server.Peer
		if own := slices.Contains([]string{"epoll", "io_uring", "goroutines"}, r.Level); own != (p == nil) {
			t.Errorf("%s is described as %+v", r.Level, p)
		}
		if p != nil && (p.Version == "" || r.Server.RequestsBy != results.ByLoad || len(r.Notes) != 1) {
			t.Errorf("%s: %+v, %q", r.Level, p, r.Notes)
		}
		if p != nil {
			for _, pid := range r.Server.End.PIDs {
				if _, err := os.Stat("/proc/" + strconv.Itoa(pid)); err == nil {
					t.Errorf("%s: process %d is left", r.Level, pid)
				}
			}
		}
	}
	if len(seen) != 12-len(run.Plan.NotHere) {
		t.Errorf("only %v ran", seen)
	}
	verified, err := results.Verify(run.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range verified.Checks {
		if c.Status == results.Fail {
			t.Errorf("verify: %+v", c)
		}
	}
}

const agreeSuite = `schema: 1
name: agree
question: Do both ends count alike?
factors: {backend: [epoll, poll, goroutines]}
fixed: {active_connections: 4, path: /fixed/13}
trial: {warmup_s: 0.2, window_s: 1}
design: {blocks: 1, compare: backend, baseline: epoll}
metrics: {primary: server_cpu_us_per_request}
`

// What a request costs by the generator's count, which is all that is known of
// other programs, is what it costs by medusa's own.
func TestPeersCountAlike(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves out what runs suites")
	}
	suite := filepath.Join(t.TempDir(), "agree.yaml")
	if err := os.WriteFile(suite, []byte(agreeSuite), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, r := range runSuite(t, suite).Records {
		own, ok := r.Value("server_cpu_us_per_request")
		if !ok {
			t.Fatalf("%s: %s", r.Level, r.Why("server_cpu_us_per_request"))
		}
		if len(r.EdgesNs) != 2 || r.EdgesNs[1] <= r.EdgesNs[0] {
			t.Errorf("%s: edges of the window %v", r.Level, r.EdgesNs)
		}
		// Both counts are of the same CPU time, so the figures are apart as they
		// are. The bound is of the time between the edges and the snapshots; at
		// each of them every connection may have one on its way.
		mine := r.Server.After.Requests - r.Server.Before.Requests
		r.Server.RequestsBy = results.ByLoad
		n, bound, why := r.ServedByLoad()
		if off := math.Abs(n - float64(mine)); why != "" || off > bound+2*float64(r.Load.Active) {
			t.Errorf("%s: %.0f requests by the generator's count, %d by its own: %.0f apart, of which %.0f were said (%s)", r.Level, n, mine, off, bound, why)
		}
		results.Derive(&r)
		byLoad, _ := r.Value("server_cpu_us_per_request")
		if off, want := byLoad/own, float64(mine)/n; math.Abs(off-want) > 1e-9 {
			t.Errorf("%s: %v us by the generator's count, %v by its own: %v, want %v", r.Level, byLoad, own, off, want)
		}
		if !strings.Contains(strings.Join(r.Notes, " "), "the generator saw answered") {
			t.Errorf("%s: notes %q", r.Level, r.Notes)
		}
	}
}

// Each load generator of the suite generators that is installed puts its load
// on both servers, and what it does not tell is missing.
func TestGenerators(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves out what runs suites")
	}
	run := runSuite(t, "generators", "--blocks", "1", "--set", "warmup_s=0", "--set", "window_s=1")
	for _, missing := range run.Plan.Skipped {
		t.Logf("SKIPPED: %s: %s", missing.What, missing.Why)
	}
	for _, r := range run.Records {
		at := r.Level + " on " + r.Text("backend")
		if r.Failure != nil || r.Verdict == results.VerdictInconsistent {
			t.Errorf("%s is %s: %v", at, r.Verdict, r.Reasons)
			continue
		}
		for _, column := range []string{"capacity_rps", "server_cpu_us_per_request", "total_cpu_us_per_request", "reply_bytes"} {
			if v, ok := r.Value(column); !ok || v <= 0 {
				t.Errorf("%s: %s is %v (%s)", at, column, v, r.Why(column))
			}
		}
		foreign := r.Level == "wrk" || r.Level == "h2load"
		if _, ok := r.Value("response_p50_us"); ok == foreign || foreign != (r.Load.Peer != nil) {
			t.Errorf("%s: response %v (%s), %+v", at, ok, r.Why("response_p50_us"), r.Load.Peer)
		}
		if _, ok := r.Value("told_p50_us"); ok == (r.Level == "h2load") {
			t.Errorf("%s: told_p50_us %v (%s)", at, ok, r.Why("told_p50_us"))
		}
		if foreign && (r.Load.CPUNs <= 0 || r.Load.Peer.Version == "" || len(r.Notes) == 0) {
			t.Errorf("%s: %d ns, version %q, notes %q", at, r.Load.CPUNs, r.Load.Peer.Version, r.Notes)
		}
		// What its own server counts is what the other program counts, but for
		// what was on its way when it ended, and its connecting.
		if w := r.Server; foreign && w.Peer == nil {
			served, asked := float64(w.After.Requests-w.Before.Requests), float64(r.Load.Requests)
			if off := math.Abs(served/asked - 1); off > 0.3 {
				t.Errorf("%s: the server counted %v requests, the generator %v", at, served, asked)
			}
		}
	}
	if len(run.Records)+len(run.Plan.Skipped) < 8-len(run.Plan.NotHere)*4 {
		t.Errorf("%d trials ran", len(run.Records))
	}
}
