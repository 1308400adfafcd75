package results

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// plannedRun makes a run of so many planned trials, of which none is recorded.
func plannedRun(t *testing.T, trials int) *Writer {
	t.Helper()
	m := smallManifest()
	m.Plan.Trials = nil
	for i := range trials {
		m.Plan.Trials = append(m.Plan.Trials, PlannedTrial{Index: i + 1, Grid: "g", Block: 1, MiniBlock: i + 1, Position: 1, Role: "trial"})
	}
	w, err := Create(filepath.Join(t.TempDir(), "run"), m)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func plannedRecord(trial int) *Record {
	r := smallRecord(trial)
	r.MiniBlock, r.Attempt = trial, 1
	return r
}

// TestResumedAtEveryByte cuts a run at every byte of its last record, and at
// some before, and goes on with it: what is whole stays, what is torn is kept beside, and what
// is appended can be read.
func TestResumedAtEveryByte(t *testing.T) {
	t.Parallel()
	w := plannedRun(t, 4)
	var ends []int64
	for trial := 1; trial <= 3; trial++ {
		if err := w.Append(plannedRecord(trial)); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, w.size)
	}
	w.Close()
	whole, err := os.ReadFile(filepath.Join(w.Dir(), trialsFile))
	if err != nil {
		t.Fatal(err)
	}
	environment, err := os.ReadFile(filepath.Join(w.Dir(), environmentFile))
	if err != nil {
		t.Fatal(err)
	}
	cuts := []int64{0, 1, ends[0] - 1, ends[0], ends[0] + 1}
	for cut := ends[1] - 1; cut <= ends[2]; cut++ {
		cuts = append(cuts, cut)
	}
	for _, cut := range cuts {
		if err := os.WriteFile(filepath.Join(w.Dir(), environmentFile), environment, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.Dir(), trialsFile), whole[:cut], 0o666); err != nil {
			t.Fatal(err)
		}
		os.Remove(filepath.Join(w.Dir(), tornFile))
		again, run, err := Reopen(w.Dir())
		if err != nil {
			t.Fatalf("cut at byte %d: %v", cut, err)
		}
		n := len(run.Records)
		if err := again.Append(plannedRecord(n + 1)); err == nil {
			t.Fatalf("cut at byte %d: a record was accepted before the session began", cut)
		}
		if err := again.Begin(Session{Machine: Machine{OS: "linux", BinarySHA256: "b1"}}); err != nil {
			t.Fatalf("cut at byte %d: %v", cut, err)
		}
		if err := again.Append(plannedRecord(n + 1)); err != nil {
			t.Fatalf("cut at byte %d: %v", cut, err)
		}
		again.Close()
		var torn []byte
		if run.Torn > 0 {
			begin := int64(0)
			for _, end := range ends {
				if end <= cut {
					begin = end
				}
			}
			torn = append(slices.Clone(whole[begin:cut]), '\n')
		}
		kept, err := os.ReadFile(filepath.Join(w.Dir(), tornFile))
		if !bytes.Equal(kept, torn) || (err == nil) != (torn != nil) {
			t.Errorf("cut at byte %d: %q was kept (%v), want %q", cut, kept, err, torn)
		}
		now, err := Open(w.Dir())
		if err != nil || now.Torn != 0 || len(now.Records) != n+1 {
			t.Fatalf("cut at byte %d: %+v, %v; want %d records", cut, now, err, n+1)
		}
		text, err := os.ReadFile(filepath.Join(w.Dir(), trialsFile))
		if err != nil || bytes.Count(text, []byte("\n")) != n+1 || !bytes.HasPrefix(text, whole[:run.whole]) {
			t.Errorf("cut at byte %d: %v, %q", cut, err, text)
		}
	}
}

// TestTornTwice: what a kill left of several lines is kept together.
func TestTornTwice(t *testing.T) {
	t.Parallel()
	w := plannedRun(t, 1)
	for _, torn := range []string{`{"schema`, "\x00\x00\x00\x00"} {
		if _, err := w.trials.WriteString(torn); err != nil {
			t.Fatal(err)
		}
		w.Close()
		var err error
		if w, _, err = Reopen(w.Dir()); err != nil {
			t.Fatal(err)
		}
		if err := w.Begin(Session{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Append(plannedRecord(1)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	kept, err := os.ReadFile(filepath.Join(w.Dir(), tornFile))
	if err != nil || string(kept) != "{\"schema\n\x00\x00\x00\x00\n" {
		t.Errorf("kept %q, %v", kept, err)
	}
	v, err := Verify(w.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(v.Checks, func(c Check) bool {
		return c.Name == "torn" && c.Status == Notice && strings.Contains(c.Line, "14 bytes of torn lines")
	}) {
		t.Errorf("verify does not tell: %+v", v.Checks)
	}
}

// TestReopenRefuses: nobody gets a folder that another has, and none that no
// kill explains.
func TestReopenRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		make func(t *testing.T, w *Writer)
		want string
	}{
		{"a run being made", func(*testing.T, *Writer) {}, "another medusa is writing a run into"},
		{"a run being gone on with", func(t *testing.T, w *Writer) {
			w.Close()
			other, _, err := Reopen(w.Dir())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { other.Close() })
		}, "another medusa is writing a run into"},
		{"no run", func(t *testing.T, w *Writer) { w.Close(); os.RemoveAll(w.Dir()); os.Mkdir(w.Dir(), 0o777) }, "is not a run folder"},
		{"no folder", func(t *testing.T, w *Writer) { w.Close(); os.RemoveAll(w.Dir()) }, "cannot open the run"},
		{"a run cut off in Create", func(t *testing.T, w *Writer) { w.Close(); os.Remove(filepath.Join(w.Dir(), manifestFile)) }, "cut off before it began"},
		{"another plan", func(t *testing.T, w *Writer) {
			w.Close()
			spoil(t, filepath.Join(w.Dir(), planFile), func(b []byte) []byte { return append(b, '\n') })
		}, "plan.json was changed after the run was made"},
		{"another suite", func(t *testing.T, w *Writer) {
			w.Close()
			spoil(t, filepath.Join(w.Dir(), suiteFile), func(b []byte) []byte { return append(b, '\n') })
		}, "suite.yaml was changed after the run was made"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := plannedRun(t, 2)
			defer w.Close()
			c.make(t, w)
			_, _, err := Reopen(w.Dir())
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), w.Dir()) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want one line with %q and the folder", err, c.want)
			}
		})
	}
	w := plannedRun(t, 2)
	w.Close()
	again, run, err := Reopen(w.Dir())
	if err != nil || len(run.Records) != 0 {
		t.Fatalf("a run without a record: %v", err)
	}
	again.Close()
	if _, err := Open(w.Dir()); !errors.Is(err, ErrNoTrials) {
		t.Errorf("%v, want ErrNoTrials", err)
	}
}

// TestSetAsideCannotBeWritten: where the torn line cannot be kept, it stays
// where it is, and nothing is appended to it.
func TestSetAsideCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := plannedRun(t, 2)
	if _, err := w.trials.WriteString(`{"schema`); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := os.Symlink("/dev/full", filepath.Join(w.Dir(), tornFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("SKIPPED: this system has no /dev/full")
	}
	again, _, err := Reopen(w.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Begin(Session{}); err == nil || !strings.Contains(err.Error(), "cannot set the torn line") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, want one line", err)
	}
	if err := again.Append(plannedRecord(1)); err == nil {
		t.Error("a record was appended to a torn line")
	}
	text, err := os.ReadFile(filepath.Join(w.Dir(), trialsFile))
	if err != nil || string(text) != `{"schema` {
		t.Errorf("%q, %v", text, err)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	_, _, was := fixtureRun()
	for _, c := range []struct {
		name   string
		change func(m *Machine)
		want   []string
	}{
		{"nothing", func(*Machine) {}, nil},
		{"what passes", func(m *Machine) { m.UnixNs, m.LoadAverage = 5, "7 7 7" }, nil},
		{"a kernel", func(m *Machine) { m.Kernel = "6.19.1" }, []string{"kernel: 6.19.1, was 6.18.0"}},
		{"a binary", func(m *Machine) { m.BinarySHA256 = sha([]byte("another")) }, []string{"binary SHA-256: " + sha([]byte("another"))[:12] + ", was " + sha([]byte("medusa"))[:12]}},
		{"a binary for the load", func(m *Machine) { m.LoadSHA256 = "0123456789abcdef" }, []string{"binary SHA-256 of the load: 0123456789ab, was unknown"}},
		{"no governor, no mitigation", func(m *Machine) { m.ClockSource, m.Mitigations = "hpet", nil }, []string{"clock source: hpet, was tsc", "mitigation meltdown: unknown, was Mitigation: PTI"}},
		{"a backend", func(m *Machine) {
			m.Backends = map[string]string{"epoll": "forbidden", "select": "", "kqueue": "needs a BSD"}
		}, []string{"backend epoll: not here: forbidden, was here"}},
		{"a limit", func(m *Machine) { m.NoFileHard = 1024 }, []string{"descriptor limit: 20,000 (hard 1,024), was 20,000 (hard 20,000)"}},
	} {
		now := was
		c.change(&now)
		if got := was.Changes(now); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
