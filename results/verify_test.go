package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// wholeRun is a copy of the committed run with its figures' numbers and the
// latency logs of its trials.
func wholeRun(t *testing.T) string {
	t.Helper()
	dir := copyFixture(t)
	run, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	csvs, err := FigureCSVs(run)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range csvs {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, reportFile), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, latencyFolder), 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range run.Records {
		writeLog(t, histogramPath(dir, run.Records[i].ID), run.Records[i].Load)
	}
	return dir
}

// writeLog writes a latency log as the generator does: in response all
// requests, in the others those that were measured.
func writeLog(t *testing.T, path string, l *LoadReport) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	log := hdrhistogram.NewHistogramLogWriter(f)
	if err := errors.Join(log.OutputLogFormatVersion(), log.OutputStartTime(0), log.OutputLegend()); err != nil {
		t.Fatal(err)
	}
	for tag, d := range map[string]*Dist{
		"response": &l.Response, "response_ok": &l.ResponseOK, "service": &l.Service, "first_byte": &l.FirstByte,
		"connect": &l.Connect, "admission": &l.Admission, "lag": &l.Lag, "queue": &l.Queue,
	} {
		n := d.Count
		if tag != "response" {
			n -= d.Failed
		}
		if n == 0 {
			continue
		}
		h := hdrhistogram.New(1, 1e6, 2)
		if err := h.RecordValues(1e5, int64(n)); err != nil {
			t.Fatal(err)
		}
		h.SetTag(tag)
		if err := log.OutputIntervalHistogram(h); err != nil {
			t.Fatal(err)
		}
	}
}

func TestVerifyAcceptsAWholeRun(t *testing.T) {
	t.Parallel()
	v, err := Verify(wholeRun(t))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, c := range v.Checks {
		if c.Status != Pass || c.Line == "" || strings.Contains(c.Line, "\n") {
			t.Errorf("%+v", c)
		}
		names[c.Name] = true
	}
	for _, name := range strings.Fields("suite plan binary trials order whole metrics verdicts latency figures") {
		if !names[name] {
			t.Errorf("%s was not checked", name)
		}
	}
	if !v.OK() {
		t.Error("a whole run is not ok")
	}
}

// edit changes one record of a run through its JSON.
func edit(trial int, change func(r *Record)) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		path := filepath.Join(dir, trialsFile)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.SplitAfter(b, []byte("\n"))
		var r Record
		if err := json.Unmarshal(lines[trial-1], &r); err != nil {
			t.Fatal(err)
		}
		change(&r)
		line, err := json.Marshal(&r)
		if err != nil {
			t.Fatal(err)
		}
		lines[trial-1] = append(line, '\n')
		if err := os.WriteFile(path, bytes.Join(lines, nil), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func file(name string, change func([]byte) []byte) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) { spoil(t, filepath.Join(dir, name), change) }
}

// TestVerifyFinds spoils one thing in a whole run; the check for it fails and
// says where.
func TestVerifyFinds(t *testing.T) {
	t.Parallel()
	whole := wholeRun(t)
	add := func(b []byte) []byte { return append(b, '\n') }
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		check string
		line  string
	}{
		{"another suite", file(suiteFile, add), "suite", "suite.yaml was changed"},
		{"another plan", file(planFile, add), "plan", "plan.json was changed"},
		{"another binary", file(manifestFile, replace(`"binary_sha256": "`, `"binary_sha256": "0`)), "binary", "different binaries"},
		{"a binary replaced meanwhile", func(t *testing.T, dir string) {
			file(environmentFile, func(b []byte) []byte {
				i := bytes.LastIndex(b, []byte(`"binary_sha256": "`))
				return append(b[:i:i], bytes.Replace(b[i:], []byte(`: "`), []byte(`: "0`), 1)...)
			})(t, dir)
		}, "binary", "replaced during the run"},
		{"a trial removed", file(trialsFile, func(b []byte) []byte {
			lines := bytes.SplitAfter(b, []byte("\n"))
			return bytes.Join(append(lines[:6:6], lines[7:]...), nil)
		}), "trials", "line 7 of trials.jsonl has trial 8"},
		{"an ID twice", edit(3, func(r *Record) { r.ID = "0002-epoll-0" }), "trials", "trials 2 and 3 have the same ID"},
		{"an ID that leaves the folder", edit(3, func(r *Record) { r.ID = "../x" }), "trials", `"../x" cannot name a file`},
		{"an unplanned trial", edit(26, func(r *Record) { r.Block = 9 }), "order", "trial 26 was not planned"},
		{"a gap in the plan", edit(2, func(r *Record) { *r = Record{SchemaVersion: 1, Trial: 2, ID: "x", Grid: "other"} }), "order", "was not planned"},
		{"another level", edit(4, func(r *Record) { r.Factors["idle_connections"] = 17.0 }), "order", "trial 4 has other levels"},
		{"another seed", edit(4, func(r *Record) { r.ScheduleSeed++ }), "order", "trial 4 has another schedule seed"},
		{"another attempt", edit(4, func(r *Record) { r.Attempt = 3 }), "order", "trial 4 follows a mini-block that was cut off, and no session began with it"},
		{"a better figure", edit(5, func(r *Record) { r.Metrics["server_cpu_us_per_request"] *= 0.999 }), "metrics", "trial 5: server_cpu_us_per_request is recorded as"},
		{"a figure from nowhere", edit(5, func(r *Record) { r.Metrics["response_p999_us"] = 1 }), "metrics", "trial 5: response_p999_us"},
		{"a quantile said to be missing", edit(5, func(r *Record) {
			delete(r.Metrics, "response_p99_us")
			r.Missing["response_p99_us"] = "too slow"
		}), "metrics", "response_p99_us is recorded as missing"},
		{"a bound from nowhere", edit(5, func(r *Record) { r.Censored = map[string]float64{"response_p99_us": 1e6} }), "metrics", "at least 1e+06"},
		{"a doubtful quantile drawn full", edit(5, func(r *Record) { r.Open = []string{"response_p50_us"} }), "metrics", "drawn open"},
		{"a kinder verdict", edit(9, func(r *Record) { r.Verdict, r.Reasons = VerdictValid, nil }), "verdicts", "trial 9 is recorded as valid, its parts say noisy"},
		{"other reasons", edit(9, func(r *Record) { r.Reasons = []string{"noisy: a bird sang"} }), "verdicts", "trial 9 is noisy for other reasons"},
		{"changed raw parts", edit(9, func(r *Record) { r.Load.TotalAnswered++ }), "verdicts", "its parts say inconsistent"},
		{"another latency log", func(t *testing.T, dir string) {
			old, err := os.ReadFile(filepath.Join(dir, latencyFolder, "0001-select-0.hlog"))
			if err != nil {
				t.Fatal(err)
			}
			file(filepath.Join(latencyFolder, "0002-epoll-0.hlog"), func([]byte) []byte { return old })(t, dir)
		}, "latency", "trial 2: the latency log has"},
		{"a spoiled latency log", file(filepath.Join(latencyFolder, "0002-epoll-0.hlog"), func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("HISTFAAA"), []byte("XXXXXXXX"))
		}), "latency", "cannot read the latency log"},
		{"a retouched figure", file("figures/cost.csv", func(b []byte) []byte {
			lines := bytes.Split(b, []byte("\n"))
			lines[2] = bytes.ReplaceAll(lines[2], []byte("2"), []byte("3"))
			return bytes.Join(append(lines[:2:2], append([][]byte{append(lines[2], '7')}, lines[3:]...)...), []byte("\n"))
		}), "figures", "figures/cost.csv differs from what the records give, first in line 3"},
		{"a figure removed", file("figures/cost.csv", nil), "figures", "figures/cost.csv is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyRun(t, whole)
			c.spoil(t, dir)
			v, err := Verify(dir)
			if err != nil {
				t.Fatal(err)
			}
			if v.OK() {
				t.Fatalf("nothing was found: %+v", v.Checks)
			}
			for _, check := range v.Checks {
				if check.Name == c.check && check.Status == Fail && strings.Contains(check.Line, c.line) {
					return
				}
			}
			t.Errorf("no check %s with %q failed: %+v", c.check, c.line, v.Checks)
		})
	}
}

// TestVerifyNotices: what is not there is said, and is no failure.
func TestVerifyNotices(t *testing.T) {
	t.Parallel()
	whole := wholeRun(t)
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		check string
		line  string
	}{
		{"killed while writing", file(trialsFile, func(b []byte) []byte { return b[:len(b)-100] }), "torn", "was set aside"},
		{"cut off", file(trialsFile, func(b []byte) []byte {
			return bytes.Join(bytes.SplitAfter(b, []byte("\n"))[:3], nil)
		}), "whole", "3 of 24 planned trials"},
		{"no logs", func(t *testing.T, dir string) { os.RemoveAll(filepath.Join(dir, latencyFolder)) }, "latency logs", "26 of 26 trials have no latency log"},
		{"a log that could not be written", func(t *testing.T, dir string) {
			edit(2, func(r *Record) { r.Load.LogError = "no space left on device" })(t, dir)
			file(filepath.Join(latencyFolder, "0002-epoll-0.hlog"), func([]byte) []byte { return []byte("half a l") })(t, dir)
		}, "latency logs", "1 of 26 trials have no latency log in latency (of trial 2 it could not be written: no space left on device)"},
		{"one log lost", file(filepath.Join(latencyFolder, "0002-epoll-0.hlog"), nil), "latency logs", "1 of 26 trials"},
		{"figures of a report that could not be written", func(t *testing.T, dir string) {
			file(reportFile, nil)(t, dir)
			file("figures/cost.csv", nil)(t, dir)
		}, "figures", "there is no report"},
		{"no figures", func(t *testing.T, dir string) { os.RemoveAll(filepath.Join(dir, figuresFolder)) }, "figures", "there are no figures yet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyRun(t, whole)
			// Figures of a whole run are not those of a part of it.
			if strings.Contains(c.name, "cut off") || strings.Contains(c.name, "killed") {
				os.RemoveAll(filepath.Join(dir, figuresFolder))
			}
			c.spoil(t, dir)
			v, err := Verify(dir)
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, check := range v.Checks {
				found = found || check.Name == c.check && check.Status == Notice && strings.Contains(check.Line, c.line)
			}
			if !found || !v.OK() {
				t.Errorf("want a notice %s with %q and no failure: %+v", c.check, c.line, v.Checks)
			}
		})
	}
}

// TestVerifyKnowsNewColumns: a record of a medusa that had fewer columns says
// nothing about the others; that is no difference.
func TestVerifyKnowsNewColumns(t *testing.T) {
	t.Parallel()
	dir := wholeRun(t)
	edit(5, func(r *Record) { delete(r.Metrics, "gc_cycles"); delete(r.Missing, "intended_rps") })(t, dir)
	if v, err := Verify(dir); err != nil || !v.OK() {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestVerifySchedules(t *testing.T) {
	t.Parallel()
	whole := wholeRun(t)
	open := func(hash string, seed uint64) func(r *Record) {
		return func(r *Record) {
			r.Load.Mode, r.Load.ScheduleHash, r.Load.Seed = "open", hash, seed
			Derive(r)
		}
	}
	for _, c := range []struct {
		name   string
		other  func(r *Record)
		status CheckStatus
	}{
		{"the same", open("a", 7), Pass},
		{"another", open("b", 7), Fail},
		{"another seed was asked for", open("b", 8), ""},
		{"closed", func(*Record) {}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyRun(t, whole)
			edit(1, open("a", 7))(t, dir)
			edit(2, c.other)(t, dir)
			v, err := Verify(dir)
			if err != nil {
				t.Fatal(err)
			}
			var got CheckStatus
			for _, check := range v.Checks {
				if check.Name == "schedules" {
					got = check.Status
				}
			}
			if got != c.status {
				t.Errorf("schedules: %q, want %q: %+v", got, c.status, v.Checks)
			}
		})
	}
}

func TestVerifyCannotOpen(t *testing.T) {
	t.Parallel()
	if _, err := Verify(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not a run folder") {
		t.Error(err)
	}
}
