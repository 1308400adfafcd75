package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"medusa/control"
	"medusa/results"
)

// noiseSuite is one trial of a server that is busy all the time.
const noiseSuite = `schema: 1
name: noise
question: Is a busy neighbour seen?
factors: {backend: [poll]}
fixed: {protocol: http, path: /fixed/13, mode: closed, active_connections: 8}
trial: {warmup_s: 0.1, window_s: 0.6}
design: {blocks: 1, compare: backend, baseline: poll, seed: 1}
metrics: {primary: server_cpu_us_per_request}
`

// TestNoiseIsSeen: a program that was put on the server's CPU makes a real
// trial noisy, and is named in the reason. Other programs of this machine may
// disturb the trial as well, with the neighbour and without: so no more is
// asked than that it is seen, and that half of what is foreign goes with it.
func TestNoiseIsSeen(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves out what runs suites")
	}
	cpus := control.CPUs()
	if len(cpus) < 2 {
		t.Skip("SKIPPED: a trial has no CPU for the server alone here")
	}
	medusa := medusaFile(t)
	neighbour := exec.Command("/bin/sh", "-c", "while :; do :; done")
	if err := neighbour.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() {
		_ = neighbour.Process.Kill()
		_ = neighbour.Wait()
	}
	t.Cleanup(stop)
	var first unix.CPUSet
	first.Set(cpus[0]) // where the runner puts the server
	if err := unix.SchedSetaffinity(neighbour.Process.Pid, &first); err != nil {
		t.Fatal(err)
	}
	pid := fmt.Sprintf("(pid %d)", neighbour.Process.Pid)

	// Two programs that want one CPU get half of it each, a quarter of two:
	// a third of that is asked for, where others want it too.
	const least = 0.08
	r := noiseTrial(t, medusa)
	if r.Verdict != results.VerdictNoisy {
		t.Errorf("with a neighbour the trial is %s: %q", r.Verdict, r.Reasons)
	}
	if !strings.Contains(strings.Join(r.Reasons, "\n"), "noisy: other programs used") {
		t.Errorf("reasons %q, want foreign CPU", r.Reasons)
	}
	if m := r.Machine; m == nil || m.ForeignShare == nil || *m.ForeignShare < least || m.RunDelayShare == nil || *m.RunDelayShare < least {
		t.Errorf("foreign CPU and run delay of %+v", m)
	} else if !strings.Contains(m.ForeignMost, pid) {
		// Another program may use more, while others are at work.
		t.Logf("the neighbour %s is not the busiest: %s", pid, m.ForeignMost)
	}

	stop()
	noisy := r.Machine
	if noisy == nil || noisy.ForeignShare == nil {
		return // it was said
	}
	t.Run("gone", func(t *testing.T) {
		for range 4 {
			r = noiseTrial(t, medusa)
			if said := strings.Join(r.Reasons, "\n"); strings.Contains(said, pid) {
				t.Fatalf("the neighbour is gone and still named: %s", said)
			}
			m := r.Machine
			if m == nil || m.ForeignShare == nil {
				t.Fatalf("machine %+v", m)
			}
			if *m.ForeignShare < *noisy.ForeignShare/2 {
				return
			}
		}
		t.Skipf("SKIPPED: other programs use %.1f %% of the CPUs (%s): how much goes with the neighbour cannot be told", 100**r.Machine.ForeignShare, r.Machine.ForeignMost)
	})
}

// noiseTrial runs the suite's one trial and returns its record.
func noiseTrial(t *testing.T, medusa string) results.Record {
	t.Helper()
	dir := t.TempDir()
	suite := filepath.Join(dir, "noise.yaml")
	if err := os.WriteFile(suite, []byte(noiseSuite), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "run")
	if said, err := exec.Command(medusa, "run", suite, "--out", out).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	run, err := results.Open(out)
	if err != nil || len(run.Records) != 1 {
		t.Fatalf("%d records, %v", len(run.Records), err)
	}
	return run.Records[0]
}
