package experiments

import (
	"strings"
	"testing"
	"testing/synctest"
)

// coldSuite is a small suite of downloads, of a file that is dropped or not.
const coldSuite = `
schema: 1
name: small
question: What do others see?
factors: {cold_files: [loop, work], fault_evicts: [false, true]}
fixed: {backend: epoll, mode: open, rate_rps: 1000, active_connections: 10, fault: download, fault_path: /files/5000, fault_rate_per_s: 7, fault_connections: 20,
  fault_after_s: 0.1, fault_s: 0.2}
trial: {warmup_s: 0.01, window_s: 0.5}
design: {blocks: 1, compare: cold_files, baseline: loop}
metrics: {primary: fault_p99_ms}
`

// TestColdTrial: the file is made where it can be dropped, the server is told where
// it is and who waits, and the fault what to ask for and to drop.
func TestColdTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeLauncher{}
		outcome, run, progress, err := fakeRun(t, t.Context(), coldSuite, Request{}, fakeBench(l))
		if err != nil || outcome.Failed != 0 || len(run.Records) != 4 {
			t.Fatalf("%v, %+v\n%s", err, outcome, progress)
		}
		evicted, served := 0, map[string]int{}
		for _, argv := range l.argvs {
			line := strings.Join(argv[1:], " ")
			switch argv[1] {
			case "fault":
				if !strings.HasPrefix(line, "fault download http://127.") || !strings.Contains(line, "/files/5000 ") || !strings.Contains(line, " --rate 7") {
					t.Errorf("the fault process is %s", line)
				}
				if _, name, ok := strings.Cut(line, " --evict "); ok {
					evicted++
					if name, _, _ = strings.Cut(name, " "); !strings.HasPrefix(name, diskFolder()) || !strings.HasSuffix(name, "/root/files/5000") {
						t.Errorf("it drops %s", name)
					}
				}
			case "serve":
				_, who, _ := strings.Cut(line, " --cold-files ")
				who, _, _ = strings.Cut(who, " ")
				served[who]++
				if !strings.Contains(line, "--root "+diskFolder()) {
					t.Errorf("the server is %s", line)
				}
			}
		}
		if evicted != 2 || served["loop"] != 2 || served["work"] != 2 {
			t.Errorf("%d of the faults drop the file; servers: %v", evicted, served)
		}
	})
}

func TestColdSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ was, is, words string }{
		{"", "", ""},
		{"fault: download", "fault: silent", "fault_evicts: true is for fault: download"},
		{"/files/5000", "/fixed/5000", "fault_evicts needs a fault_path that is a file"},
		{"/files/5000", "files/5000", "fault_path must begin with /"},
		{"fault: download, ", "", "fault_path needs fault"},
		{"[loop, work]", "[loop, ring]", "cold_files: ring is about the backend io_uring, not epoll"},
		{"[loop, work]", "[loop, disk]", "cold_files must be loop, work or ring"},
	} {
		text := strings.Replace(coldSuite, c.was, c.is, 1)
		if c.words == "fault_path needs fault" {
			text = strings.Replace(text, " fault_connections: 20,\n  fault_after_s: 0.1, fault_s: 0.2", " depth: 1", 1)
			text = strings.Replace(text, "mode: open, rate_rps: 1000", "mode: closed", 1)
		}
		s, err := Parse("small.yaml", []byte(text))
		if err == nil {
			_, err = MakePlan(s, Request{}, testHost())
		}
		if (err == nil) != (c.words == "") || err != nil && (!strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q instead of %q: %v", c.is, c.was, err)
		}
	}
}
