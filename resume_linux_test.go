package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"medusa/results"
)

const resumedSuite = `schema: 1
name: resumed
question: What do kills cost?
factors: {backend: [select, poll, epoll], idle_connections: [0, 20]}
fixed: {protocol: http, path: /fixed/13, mode: closed, active_connections: 2}
trial: {warmup_s: 0.02, window_s: 0.05}
design: {blocks: 2, compare: backend, baseline: epoll, same_schedule: true, seed: 1}
metrics: {primary: server_cpu_us_per_request}
`

// roundsVariable is how often TestKilledAndResumed goes through a whole run; 2
// without it.
const roundsVariable = "MEDUSA_TEST_KILL_ROUNDS"

// session is one process that works on a run.
type session struct {
	cmd  *exec.Cmd
	said bytes.Buffer // standard error
}

// told matches the line that a run says of a trial once it is recorded.
var told = regexp.MustCompile(`(?m)^ *\d+/\d+  `)

// begin starts medusa with a mark in its environment and that of its children.
func begin(t *testing.T, medusa, mark string, args ...string) *session {
	t.Helper()
	s := &session{cmd: exec.Command(medusa, args...)}
	s.cmd.Env = append(os.Environ(), mark, "MEDUSA_NOISY_ANYWAY=1")
	s.cmd.Stderr = &s.said
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() })
	return s
}

// status waits for the end and returns the exit status; -1 after a signal.
func (s *session) status() int {
	var exit *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return -2
	}
	return s.cmd.ProcessState.ExitCode()
}

// gone fails the test where processes of a mark are left.
func gone(t *testing.T, mark string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(marked(mark, "")) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("processes are left: %v", marked(mark, ""))
		}
	}
}

// recorded is how many records a run folder has, 0 where it has none or is none.
func recorded(t *testing.T, dir string) int {
	t.Helper()
	run, err := results.Open(dir)
	if err != nil {
		if _, stat := os.Stat(filepath.Join(dir, "manifest.json")); stat == nil && !errors.Is(err, results.ErrNoTrials) {
			t.Fatalf("what a kill left cannot be read: %v", err)
		}
		return 0
	}
	return len(run.Records)
}

func suiteIn(t *testing.T, dir, text string) string {
	t.Helper()
	path := filepath.Join(dir, "suite.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKilledAndResumed kills the runner of a run at random moments and goes on
// with it, until the plan is done: nothing but the trial in flight is lost, and
// the plan was kept.
func TestKilledAndResumed(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves out what runs suites")
	}
	rounds := 2
	if n, err := strconv.Atoi(os.Getenv(roundsVariable)); err == nil {
		rounds = n
	}
	medusa := medusaFile(t)
	for round := range rounds {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			random := rand.New(rand.NewPCG(1998, uint64(round)))
			folder := t.TempDir()
			dir, suite := filepath.Join(folder, "run"), suiteIn(t, folder, resumedSuite)
			mark := "MEDUSA_TEST_RESUME=" + folder
			kills, records := 0, 0
			for kills < 6 {
				args := []string{"run", "--resume", dir}
				if _, err := os.Stat(filepath.Join(dir, "manifest.json")); err != nil {
					os.RemoveAll(dir)
					args = []string{"run", suite, "--out", dir}
				}
				s := begin(t, medusa, mark, args...)
				time.Sleep(time.Duration(100+random.IntN(1500)) * time.Millisecond)
				_ = s.cmd.Process.Signal(syscall.SIGKILL)
				if status := s.status(); status == 0 {
					break // done before the kill
				} else if status != -1 {
					t.Fatalf("exit status %d:\n%s", status, &s.said)
				}
				kills++
				gone(t, mark)
				// A trial is told once it is recorded.
				told, now := len(told.FindAll(s.said.Bytes(), -1)), recorded(t, dir)
				if now < records+told || now > records+told+1 {
					t.Fatalf("%d records before, %d told, %d after:\n%s", records, told, now, &s.said)
				}
				records = now
			}
			if last := begin(t, medusa, mark, "run", "--resume", dir); last.status() != 0 {
				t.Fatalf("exit status %d:\n%s", last.cmd.ProcessState.ExitCode(), &last.said)
			}
			gone(t, mark)
			wholeOnce(t, dir)
			t.Logf("%d kills, %d records of 12 planned trials", kills, recorded(t, dir))
		})
	}
}

// wholeOnce checks that every planned trial has exactly one record that stands
// for it, in the plan's order, and that the run agrees with itself.
func wholeOnce(t *testing.T, dir string) {
	t.Helper()
	run, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	tally := results.Analyse(run.Plan, run.Records).Tally
	if tally.Run != tally.Planned || tally.Repeats != 0 || tally.Run+tally.Cut != len(run.Records) {
		t.Errorf("%d records: %+v", len(run.Records), tally)
	}
	last := map[int]int{} // attempts of a mini-block
	for _, r := range run.Records {
		last[r.MiniBlock] = max(last[r.MiniBlock], r.Attempt)
	}
	next := 0
	for _, r := range run.Records {
		if r.Attempt < last[r.MiniBlock] {
			continue
		}
		p := run.Plan.Trials[next]
		if r.MiniBlock != p.MiniBlock || r.Position != p.Position || r.Level != p.Level || r.ScheduleSeed != p.ScheduleSeed {
			t.Fatalf("trial %d stands for mini-block %d, position %d; the plan has mini-block %d, position %d", r.Trial, r.MiniBlock, r.Position, p.MiniBlock, p.Position)
		}
		next++
	}
	if next != len(run.Plan.Trials) {
		t.Errorf("%d of %d planned trials have a record that stands", next, len(run.Plan.Trials))
	}
	verifies(t, dir)
	if len(run.Notes) > 0 || !run.Environment.Done {
		t.Errorf("done %v, notes %q", run.Environment.Done, run.Notes)
	}
}

func verifies(t *testing.T, dir string) {
	t.Helper()
	v, err := results.Verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Checks {
		if c.Status == results.Fail {
			t.Errorf("verify: %s: %s", c.Name, c.Line)
		}
	}
}

// refusal is the one line that a command says that was refused.
func refusal(t *testing.T, s *session, want string) {
	t.Helper()
	status := s.status()
	var lines []string
	for line := range strings.Lines(s.said.String()) {
		if strings.HasPrefix(line, "medusa: ") {
			lines = append(lines, line)
		}
	}
	if status != 1 || len(lines) != 1 || !strings.HasSuffix(s.said.String(), lines[0]) || !strings.Contains(lines[0], want) {
		t.Errorf("exit status %d, want 1 and at the end one line with %q:\n%s", status, want, &s.said)
	}
}

// TestOneFolderOneRunner: while one process works on a run, no other does.
func TestOneFolderOneRunner(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves out what runs suites")
	}
	medusa := medusaFile(t)
	folder := t.TempDir()
	dir, suite := filepath.Join(folder, "run"), suiteIn(t, folder, resumedSuite)
	mark := "MEDUSA_TEST_RIVALS=" + folder
	first := begin(t, medusa, mark, "run", suite, "--out", dir)
	await(t, func() bool { return recorded(t, dir) > 0 })
	refusal(t, begin(t, medusa, mark, "run", suite, "--out", dir), "another medusa is writing a run into "+dir)
	refusal(t, begin(t, medusa, mark, "run", "--resume", dir), "another medusa is writing a run into "+dir)
	_ = first.cmd.Process.Kill()
	_ = first.status()
	gone(t, mark)
	refusal(t, begin(t, medusa, mark, "run", suite, "--out", dir), "go on with it: medusa run --resume "+dir)

	rivals := []*session{begin(t, medusa, mark, "run", "--resume", dir), begin(t, medusa, mark, "run", "--resume", dir)}
	done, refused := 0, 0
	for _, s := range rivals {
		switch s.status() {
		case 0:
			done++
		case 1:
			if strings.Contains(s.said.String(), "another medusa is writing") {
				refused++
			}
		}
	}
	if done != 1 || refused != 1 {
		t.Errorf("of two that go on with it %d did and %d were refused:\n%s\n%s", done, refused, &rivals[0].said, &rivals[1].said)
	}
	gone(t, mark)
	wholeOnce(t, dir)
	for _, want := range []string{"nothing is left to run: all 12 planned trials are recorded"} {
		s := begin(t, medusa, mark, "run", "--resume", dir)
		if status := s.status(); status != 0 || !strings.Contains(s.said.String(), want) {
			t.Errorf("a whole run: exit status %d:\n%s", status, &s.said)
		}
	}
}

// await waits until something is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to be so")
		}
	}
}

// TestChangedBinary: another binary does not go on with a run unless told to,
// and then the run says so.
func TestChangedBinary(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves out what runs suites")
	}
	medusa := medusaFile(t)
	folder := t.TempDir()
	dir, suite := filepath.Join(folder, "run"), suiteIn(t, folder, resumedSuite)
	mark := "MEDUSA_TEST_CHANGED=" + folder
	first := begin(t, medusa, mark, "run", suite, "--out", dir)
	await(t, func() bool { return recorded(t, dir) > 0 })
	_ = first.cmd.Process.Kill()
	_ = first.status()
	gone(t, mark)
	// A byte after its end changes a program's hash and not what it does.
	other := medusaFile(t)
	f, err := os.OpenFile(other, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	refusal(t, begin(t, other, mark, "run", "--resume", dir), "binary SHA-256: ")
	if s := begin(t, other, mark, "run", "--resume", dir, "--changed-anyway"); s.status() != 0 {
		t.Fatalf("%s", &s.said)
	}
	verifies(t, dir)
	run, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("from trial %d on the run was resumed although something had changed: binary SHA-256: ", run.Environment.Resumed[0].FromTrial)
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil || !bytes.Contains(page, []byte(want)) {
		t.Errorf("the report does not say %q: %v", want, err)
	}
}
