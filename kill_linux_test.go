package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"medusa/results"
)

const killSuite = `schema: 1
name: killed
question: What does a kill leave?
factors: {backend: [poll, select], idle_connections: [0, 20]}
fixed: {protocol: http, path: /fixed/13, mode: closed, active_connections: 2}
trial: {warmup_s: 0.05, window_s: 0.1}
design: {blocks: 2, compare: backend, baseline: poll, same_schedule: true, seed: 1}
metrics: {primary: server_cpu_us_per_request}
figures:
  - {id: cost, x: idle_connections, y: server_cpu_us_per_request}
`

// TestKilled: whichever process of a run is killed, and when, a report can be
// made of what was measured, and no process is left.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves out what runs suites")
	}
	medusa := medusaFile(t)
	for i := range 6 {
		victim := []string{"run", "serve", "load"}[i%3]
		t.Run(victim+strconv.Itoa(i/3), func(t *testing.T) {
			dir := t.TempDir()
			suite := filepath.Join(dir, "killed.yaml")
			if err := os.WriteFile(suite, []byte(killSuite), 0o600); err != nil {
				t.Fatal(err)
			}
			mark := "MEDUSA_TEST_KILL=" + dir
			cmd := exec.Command(medusa, "run", suite, "--out", filepath.Join(dir, "run"))
			cmd.Env = append(os.Environ(), mark)
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(700+rand.IntN(2500)) * time.Millisecond)
			for _, pid := range marked(mark, victim) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			err := cmd.Wait()
			if victim != "run" && err != nil && !strings.Contains(said.String(), "report") {
				t.Errorf("the run did not survive its %s: %v\n%s", victim, err, said.String())
			}
			for deadline := time.Now().Add(5 * time.Second); len(marked(mark, "")) > 0; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("processes are left: %v", marked(mark, ""))
				}
			}
			run, err := results.Open(filepath.Join(dir, "run"))
			if err != nil {
				// Killed before the first trial had ended.
				if strings.Contains(said.String(), "1/8") {
					t.Errorf("%v\n%s", err, said.String())
				}
				return
			}
			if _, err := results.WriteReport(run); err != nil {
				t.Errorf("no report of %d records: %v", len(run.Records), err)
			}
		})
	}
}

// medusaFile is this program as a file of its own. A run starts its servers and
// loads from its own file, and that of the tests would run the tests.
func medusaFile(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "medusa")
	if err := os.WriteFile(path, text, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// marked returns the processes that have a mark in their environment and, if
// command is not empty, run it.
func marked(mark, command string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range all {
		env, err := os.ReadFile(p + "/environ")
		if err != nil || !bytes.Contains(env, []byte(mark)) {
			continue
		}
		line, err := os.ReadFile(p + "/cmdline")
		if args := strings.Split(string(line), "\x00"); err == nil && len(args) > 1 && (command == "" || args[1] == command) {
			pid, _ := strconv.Atoi(filepath.Base(p))
			pids = append(pids, pid)
		}
	}
	return pids
}
