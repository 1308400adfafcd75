package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func smallManifest() Manifest {
	return Manifest{
		SuiteYAML: []byte("name: small\n"),
		Plan:      Plan{Suite: "small", Trials: []PlannedTrial{{Index: 1, Grid: "g", Block: 1, MiniBlock: 1, Position: 1, Role: "trial"}}},
		Before:    Machine{OS: "linux", BinarySHA256: "b1"},
	}
}

func smallRecord(trial int) *Record {
	return &Record{Trial: trial, ID: fmt.Sprintf("%04d", trial), Grid: "g", Block: 1, MiniBlock: 1, Position: 1, Role: "trial", Attempt: trial}
}

func TestWholeRunIsReadAsWritten(t *testing.T) {
	t.Parallel()
	dir := writeFixture(t, filepath.Join(t.TempDir(), "runs", "fixture"))
	m, records, after := fixtureRun()
	run, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Notes) != 0 || run.Torn != 0 || run.Environment.After == nil || run.Environment.After.UnixNs != after.UnixNs {
		t.Errorf("notes %q, torn %d, after %+v", run.Notes, run.Torn, run.Environment.After)
	}
	if run.Stamp.BinarySHA256 != m.Before.BinarySHA256 || run.Stamp.SuiteSHA256 != sha(m.SuiteYAML) || run.Stamp.CreatedUnixNs == 0 {
		t.Errorf("stamp %+v", run.Stamp)
	}
	for _, pair := range [][2]any{{m.Plan, run.Plan}, {records, run.Records}, {m.Before, run.Environment.Before}} {
		wrote, _ := json.Marshal(pair[0])
		read, _ := json.Marshal(pair[1])
		if !bytes.Equal(wrote, read) {
			t.Errorf("wrote %.200s\nread  %.200s", wrote, read)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		make func(t *testing.T, dir string)
		want string
	}{
		{"a run being written", func(t *testing.T, dir string) {
			w, err := Create(dir, smallManifest())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { w.Close() })
		}, "another medusa is writing a run into"},
		{"a finished run", func(t *testing.T, dir string) { writeFixture(t, dir) }, "holds a run already"},
		{"a run cut off in Create", func(t *testing.T, dir string) {
			os.Mkdir(dir, 0o777)
			os.WriteFile(filepath.Join(dir, trialsFile), nil, 0o666)
		}, "cut off before it began"},
		{"something else", func(t *testing.T, dir string) {
			os.Mkdir(dir, 0o777)
			os.WriteFile(filepath.Join(dir, "thesis.tex"), []byte("x"), 0o666)
		}, "is not empty (it holds thesis.tex)"},
		{"a file", func(t *testing.T, dir string) { os.WriteFile(dir, nil, 0o666) }, "cannot make the run folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "run")
			c.make(t, dir)
			before := listing(t, dir)
			_, err := Create(dir, smallManifest())
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want one line with %q and the folder", err, c.want)
			}
			if now := listing(t, dir); !slices.Equal(before, now) {
				t.Errorf("the folder held %q, now %q", before, now)
			}
		})
	}
}

func listing(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestCreateLeavesNothingHalfMade: after a failure the same folder can be used.
func TestCreateLeavesNothingHalfMade(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "run")
	m := smallManifest()
	m.Plan.Grids = []GridPlan{{Fixed: map[string]any{"x": math.NaN()}}} // no JSON
	if _, err := Create(dir, m); err == nil || !strings.Contains(err.Error(), planFile) {
		t.Fatalf("%v, want an error that names %s", err, planFile)
	}
	w, err := Create(dir, smallManifest())
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	w, err := Create(filepath.Join(t.TempDir(), "run"), smallManifest())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Append(smallRecord(2)); err != nil {
		t.Fatal(err)
	}
	infinite := smallRecord(9)
	infinite.Metrics = map[string]float64{"x": math.Inf(1)}
	path := smallRecord(9)
	path.ID = "../../etc/passwd"
	for name, r := range map[string]*Record{"trial 2 cannot follow": smallRecord(2), "trial 9 cannot be written": infinite, "cannot name a file": path} {
		if err := w.Append(r); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
	// None of these spoiled what follows.
	if err := w.Append(smallRecord(3)); err != nil {
		t.Fatal(err)
	}
	run, err := Open(w.Dir())
	if err != nil || len(run.Records) != 2 || run.Records[1].SchemaVersion != SchemaVersion {
		t.Fatalf("%+v, %v", run, err)
	}
}

// TestFullDisk: the error names the file, and nothing is accepted after it.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("SKIPPED: this system has no /dev/full")
	}
	w, err := Create(filepath.Join(t.TempDir(), "run"), smallManifest())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(smallRecord(1)); err != nil {
		t.Fatal(err)
	}
	disk := w.trials
	w.trials = full
	first := w.Append(smallRecord(2))
	if first == nil || !strings.Contains(first.Error(), filepath.Join(w.Dir(), trialsFile)) {
		t.Errorf("%v, want an error that names the file", first)
	}
	w.trials = disk
	if err := w.Append(smallRecord(3)); !errors.Is(err, first) {
		t.Errorf("after an error: %v, want the same error", err)
	}
	if err := errors.Join(w.Close(), full.Close()); err != nil {
		t.Error(err)
	}
	if run, err := Open(w.Dir()); err != nil || len(run.Records) != 1 {
		t.Errorf("%+v, %v; want the one record before the error", run, err)
	}
}

// TestFailedWriteIsTakenBack: half a line on the disk would spoil the file.
func TestFailedWriteIsTakenBack(t *testing.T) {
	t.Parallel()
	w, err := Create(filepath.Join(t.TempDir(), "run"), smallManifest())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(smallRecord(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.trials.WriteString(`{"half":`); err != nil {
		t.Fatal(err)
	}
	w.takeBack()
	if err := w.Append(smallRecord(2)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if run, err := Open(w.Dir()); err != nil || len(run.Records) != 2 || run.Torn != 0 {
		t.Errorf("%+v, %v", run, err)
	}
}

func TestHistogramPath(t *testing.T) {
	t.Parallel()
	w, err := Create(filepath.Join(t.TempDir(), "run"), smallManifest())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	path, err := w.HistogramPath("0001-epoll")
	if err != nil || path != filepath.Join(w.Dir(), "latency", "0001-epoll.hlog") {
		t.Errorf("%s, %v", path, err)
	}
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"", ".", "..", "a/b", "a b", "a\n", "ü"} {
		if path, err := w.HistogramPath(id); err == nil {
			t.Errorf("%q is %s", id, path)
		}
	}
}

// TestTornAtEveryByte cuts a run at every byte of its last two records: the
// record that was cut is set aside, every other is read.
func TestTornAtEveryByte(t *testing.T) {
	t.Parallel()
	w, err := Create(filepath.Join(t.TempDir(), "run"), smallManifest())
	if err != nil {
		t.Fatal(err)
	}
	var ends []int64
	for trial := 1; trial <= 3; trial++ {
		if err := w.Append(smallRecord(trial)); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, w.size)
	}
	w.Close()
	for cut := ends[2]; cut >= ends[0]; cut-- {
		if err := os.Truncate(filepath.Join(w.Dir(), trialsFile), cut); err != nil {
			t.Fatal(err)
		}
		run, err := Open(w.Dir())
		if err != nil {
			t.Fatalf("cut at byte %d: %v", cut, err)
		}
		whole, torn := 0, 1
		for _, end := range ends {
			if cut >= end-1 { // only the newline is missing: the record is whole
				whole++
			}
			if cut == end || cut == end-1 {
				torn = 0
			}
		}
		if len(run.Records) != whole || run.Torn != torn {
			t.Errorf("cut at byte %d of %v: %d records, %d torn; want %d, %d", cut, ends, len(run.Records), run.Torn, whole, torn)
		}
		if noted := strings.Contains(strings.Join(run.Notes, " "), "torn"); noted != (torn == 1) {
			t.Errorf("cut at byte %d: notes %q", cut, run.Notes)
		}
	}
}

// TestCutOffInCreate removes what Create had not yet written, step by step.
func TestCutOffInCreate(t *testing.T) {
	t.Parallel()
	w, err := Create(filepath.Join(t.TempDir(), "run"), smallManifest())
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	check := func(want string, noTrials bool) {
		t.Helper()
		_, err := Open(w.Dir())
		if err == nil || errors.Is(err, ErrNoTrials) != noTrials || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), w.Dir()) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want one line with %q", err, want)
		}
	}
	check("before its first trial had ended", true)
	for _, name := range []string{manifestFile, environmentFile, planFile, suiteFile} {
		if err := os.Remove(filepath.Join(w.Dir(), name)); err != nil {
			t.Fatal(err)
		}
		check("cut off before it began", true)
	}
	os.Remove(filepath.Join(w.Dir(), trialsFile))
	check("is not a run folder", false)
	os.Remove(w.Dir())
	check("cannot open the run", false)
}

func TestOpenRefusesWhatNoKillExplains(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file string
		edit       func(b []byte) []byte
		want       string
	}{
		{"a newer run", manifestFile, replace(`"schema_version": 1`, `"schema_version": 2`), "schema version 2, this medusa knows versions up to 1"},
		{"a newer plan", planFile, replace(`"schema_version": 1`, `"schema_version": 3`), "plan.json has schema version 3"},
		{"a newer record", trialsFile, replace(`{"schema_version":1,"trial":2,`, `{"schema_version":2,"trial":2,`), "trials.jsonl:2 has schema version 2"},
		{"a record without version", trialsFile, replace(`{"schema_version":1,"trial":3,`, `{"trial":3,`), "trials.jsonl:3 has no schema_version"},
		{"a spoiled line", trialsFile, replace(`"trial":4,`, `"trial":,`), "trials.jsonl:4 cannot be read"},
		{"a spoiled last line", trialsFile, replace(`"trial":26,`, `"trial":,`), "trials.jsonl:26 cannot be read"},
		{"a spoiled plan", planFile, replace(`"suite"`, `suite`), "cannot read"},
		{"a spoiled manifest", manifestFile, replace(`{`, ``), "cannot read"},
		{"no suite", suiteFile, nil, "suite.yaml"},
		{"no plan", planFile, nil, "plan.json"},
		{"no environment", environmentFile, nil, "environment.json"},
		{"no trials", trialsFile, nil, "trials.jsonl"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := copyFixture(t)
			spoil(t, filepath.Join(dir, c.file), c.edit)
			_, err := Open(dir)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want one line with %q", err, c.want)
			}
		})
	}
}

func replace(old, new string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(new), 1) }
}

// spoil edits a file of a run, or removes it without an edit.
func spoil(t *testing.T, path string, edit func([]byte) []byte) {
	t.Helper()
	if edit == nil {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited := edit(bytes.Clone(b))
	if bytes.Equal(b, edited) {
		t.Fatalf("the edit of %s changes nothing", path)
	}
	if err := os.WriteFile(path, edited, 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		file string
		edit func(b []byte) []byte
		want string
	}{
		{"interrupted", trialsFile, func(b []byte) []byte { return bytes.Join(bytes.SplitAfter(b, []byte("\n"))[:12], nil) }, "10 of 24 planned trials are recorded"},
		{"killed at the end", environmentFile, func([]byte) []byte { return []byte(`{"before":{}}`) }, "killed after its last trial"},
		{"another suite", suiteFile, func(b []byte) []byte { return append(b, '#') }, "suite.yaml was changed"},
		{"another plan", planFile, func(b []byte) []byte { return append(b, ' ') }, "plan.json was changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := copyFixture(t)
			spoil(t, filepath.Join(dir, c.file), c.edit)
			run, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(run.Notes) != 1 || !strings.Contains(run.Notes[0], c.want) {
				t.Errorf("notes %q, want one with %q", run.Notes, c.want)
			}
		})
	}
}

// A file that cannot be kept leaves no folder behind that looks like a run.
func TestCreateWithFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "run")
	w, err := Create(dir, Manifest{SuiteYAML: []byte("x"), Files: map[string][]byte{"peers/nginx/tuned.conf": []byte("events {}")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(filepath.Join(dir, "peers/nginx/tuned.conf")); err != nil || string(kept) != "events {}" {
		t.Errorf("kept %q, %v", kept, err)
	}
	dir = filepath.Join(t.TempDir(), "run")
	if _, err := Create(dir, Manifest{SuiteYAML: []byte("x"), Files: map[string][]byte{"peers/a.conf": nil, "../b.conf": nil}}); err == nil || !strings.Contains(err.Error(), "../b.conf") {
		t.Fatalf("a name outside of the folder: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
