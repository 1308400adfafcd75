package results

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// writerVariable makes the test binary a process that writes a run into the
// folder named by it until it is killed.
const writerVariable = "MEDUSA_TEST_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerVariable); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// writeUntilKilled says on its standard output the number of each trial that
// Append has accepted. It goes on with a run that is there.
func writeUntilKilled(dir string) {
	m, records, after := fixtureRun()
	fmt.Println("start")
	var w *Writer
	_, err := os.Stat(filepath.Join(dir, manifestFile))
	if err != nil {
		w, err = Create(dir, m)
	} else if w, _, err = Reopen(dir); err == nil {
		err = w.Begin(Session{Machine: after})
	}
	first := 1
	if err == nil {
		first = w.lastTrial + 1
	}
	for trial := first; err == nil; trial++ {
		r := *records[trial%len(records)]
		r.Trial = trial
		if err = w.Append(&r); err != nil {
			break
		}
		fmt.Println(trial)
		if trial%5 == 0 { // the environment too is replaced under the killer's eyes
			w.env.After = &after
			err = replaceJSON(dir, environmentFile, w.env)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestKilledAtAnyMoment kills a writer at random moments. What is left can be
// read, and every trial that Append accepted is there: only the one in flight
// may be lost.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	empty, torn, most := 0, 0, 0
	for round := range 25 {
		dir := filepath.Join(t.TempDir(), strconv.Itoa(round))
		// Every third round aims at Create, the others at some Append.
		accepted := killedWriter(t, dir, round%3 > 0)
		run, err := Open(dir)
		switch {
		case errors.Is(err, ErrNoTrials), errors.Is(err, os.ErrNotExist), err != nil && strings.Contains(err.Error(), "is not a run folder"):
			empty++
			if accepted > 0 {
				t.Errorf("%d trials were accepted, but: %v", accepted, err)
			}
			continue
		case err != nil:
			t.Errorf("after %d trials: %v", accepted, err)
			continue
		}
		torn += run.Torn
		most = max(most, len(run.Records))
		if n := len(run.Records); n != accepted && n != accepted+1 {
			t.Errorf("%d trials were accepted, %d are there", accepted, n)
		}
		for i := range run.Records {
			if run.Records[i].Trial != i+1 || run.Records[i].Load == nil {
				t.Errorf("record %d is trial %d", i+1, run.Records[i].Trial)
			}
		}
	}
	t.Logf("%d of 25 writers were killed before their first record, %d left a torn line, the longest wrote %d records", empty, torn, most)
	if most == 0 {
		t.Error("no writer lived long enough to write a record: the test tested nothing")
	}
}

// killedWriter lets a process write into a folder and kills it soon after it
// began, or after some of its records. It returns how many Append accepted.
func killedWriter(t *testing.T, dir string, some bool) int {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), writerVariable+"="+dir)
	var stderr strings.Builder
	child.Stderr = &stderr
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatalf("the writer did not start: %v: %s", err, stderr.String())
	}
	var said strings.Builder
	if some {
		for range 1 + rand.IntN(8) {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("the writer stopped by itself: %v: %s", err, stderr.String())
			}
			said.WriteString(line)
		}
	}
	time.Sleep(time.Duration(rand.IntN(5000)) * time.Microsecond)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(&said, lines); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	if stderr.Len() > 0 {
		t.Fatalf("the writer failed by itself: %s", stderr.String())
	}
	return strings.Count(said.String(), "\n")
}

// TestKilledAndResumed kills one writer after another of the same run, each of
// which goes on with it. No kill costs more than the record in flight.
func TestKilledAndResumed(t *testing.T) {
	t.Parallel()
	const kills = 25
	dir := filepath.Join(t.TempDir(), "run")
	accepted := killedWriter(t, dir, true)
	for kill := range kills {
		accepted += killedWriter(t, dir, kill%3 > 0)
		run, err := Open(dir)
		if err != nil {
			t.Fatalf("after %d kills: %v", kill+2, err)
		}
		if n := len(run.Records); n < accepted || n > accepted+kill+2 {
			t.Fatalf("after %d kills: %d trials were accepted, %d are there", kill+2, accepted, n)
		}
		for i := range run.Records {
			if run.Records[i].Trial != i+1 || run.Records[i].Load == nil {
				t.Fatalf("after %d kills: record %d is trial %d", kill+2, i+1, run.Records[i].Trial)
			}
		}
	}
	run, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	from := 0
	for _, s := range run.Environment.Resumed {
		if s.FromTrial < from {
			t.Errorf("sessions %+v are out of order", run.Environment.Resumed)
		}
		from = s.FromTrial
	}
	t.Logf("%d records over %d sessions", len(run.Records), len(run.Environment.Resumed)+1)
}

// TestOneOfTwoGetsTheFolder: several processes at the same moment.
func TestOneOfTwoGetsTheFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "run")
	const rivals = 8
	writers := make(chan *Writer, rivals)
	refusals := make(chan error, rivals)
	for range rivals {
		go func() {
			w, err := Create(dir, smallManifest())
			writers <- w
			refusals <- err
		}()
	}
	got := 0
	for range rivals {
		if w := <-writers; w != nil {
			got++
			defer w.Close()
		}
		if err := <-refusals; err != nil && !strings.Contains(err.Error(), dir) {
			t.Error(err)
		}
	}
	if got != 1 {
		t.Errorf("%d of %d writers have the folder", got, rivals)
	}
}
