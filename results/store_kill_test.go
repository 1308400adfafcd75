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
// Append has accepted.
func writeUntilKilled(dir string) {
	m, records, after := fixtureRun()
	fmt.Println("start")
	w, err := Create(dir, m)
	for trial := 1; err == nil; trial++ {
		r := *records[trial%len(records)]
		r.Trial = trial
		if err = w.Append(&r); err != nil {
			break
		}
		fmt.Println(trial)
		if trial%5 == 0 { // the environment too is replaced under the killer's eyes
			err = replaceJSON(dir, environmentFile, Environment{Before: m.Before, After: &after})
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
		// Every third round aims at Create, the others at some Append.
		var said strings.Builder
		if round%3 > 0 {
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
		accepted := strings.Count(said.String(), "\n")

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
