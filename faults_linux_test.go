package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"medusa/results"
)

const faultsSuite = `schema: 1
name: faults-small
question: What do the others see?
factors:
  backend: [epoll]
  fault: [none, silent, slowloris, reset, half-open, burst, stopped-reader, short-connections, server-stopped, load-killed]
fixed: {protocol: http, mode: open, rate_rps: 500, active_connections: 10, pacing: sleep, fault_connections: 50, fault_after_s: 0.2, fault_s: 0.4,
  idle_timeout_s: 0.3, head_timeout_s: 0.3, request_timeout_ms: 2000}
trial: {warmup_s: 0.1, window_s: 1}
design: {blocks: 1, compare: backend, baseline: epoll, same_schedule: true, seed: 1}
metrics: {primary: fault_p50_ms}
`

// TestFaultTrials: every fault in a whole run. When and how long it was is in the
// record, nothing is left of it, and the folder agrees with itself. Nothing is
// asked of times: other tests run beside.
func TestFaultTrials(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves out what runs suites")
	}
	dir := t.TempDir()
	suite, folder := filepath.Join(dir, "faults.yaml"), filepath.Join(dir, "run")
	if err := os.WriteFile(suite, []byte(faultsSuite), 0o600); err != nil {
		t.Fatal(err)
	}
	medusa := medusaFile(t)
	for _, args := range [][]string{{"run", suite, "--out", folder}, {"verify", folder}} {
		if out, err := exec.Command(medusa, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	run, err := results.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i := range run.Records {
		r := &run.Records[i]
		f := r.Fault
		if r.Failure != nil || f == nil || r.Verdict == results.VerdictInconsistent {
			t.Errorf("trial %d (%v) is %s: %v", r.Trial, r.Factors["fault"], r.Verdict, r.Reasons)
			continue
		}
		seen[f.Kind] = true
		if len(r.Load.Spans) != 3 || r.Load.Spans[1].FromNs != 2e8 || r.Load.Spans[1].ToNs != 6e8 {
			t.Errorf("%s: spans %+v", f.Kind, r.Load.Spans)
		}
		if r.Metrics["leaked_connections"] != 0 || r.Metrics["leaked_fds"] > 2 {
			t.Errorf("%s: left are %v connections and %v descriptors", f.Kind, r.Metrics["leaked_connections"], r.Metrics["leaked_fds"])
		}
		if f.Kind == results.FaultNone {
			continue
		}
		if f.BeganNs < r.EdgesNs[0]+f.FromNs || f.EndedNs <= f.BeganNs || !f.Recovered {
			t.Errorf("%s: in the window from %d: %+v", f.Kind, r.EdgesNs[0], f)
		}
	}
	// Peers that vanish need a privilege, and are skipped without.
	if want := 10 - len(run.Plan.Skipped); len(seen) != want {
		t.Errorf("faults %v, want %d", seen, want)
	}
}
