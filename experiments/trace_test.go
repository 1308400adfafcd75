package experiments

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"medusa/loadgen"
	"medusa/results"
)

const tracedSuite = `schema: 1
name: traced
question: Is it read?
factors: {backend: [epoll, poll]}
fixed: {mode: open, arrivals: trace, trace: arrivals/a.txt}
trial: {warmup_s: 0.5, window_s: 1}
design: {blocks: 2, compare: backend, baseline: epoll, seed: 1}
metrics: {primary: response_p50_us}
`

// writeTraced writes the suite and its trace into a folder and loads it.
func writeTraced(t *testing.T, suite, trace string) *Suite {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "arrivals"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"own.yaml": suite, "arrivals/a.txt": trace} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Load(filepath.Join(dir, "own.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A plan says which trace: the file beside the suite, and what it holds.
func TestTracePlan(t *testing.T) {
	s := writeTraced(t, tracedSuite, "0\n1\n1.5\n")
	p, err := MakePlan(s, Request{}, testHost())
	if err != nil {
		t.Fatal(err)
	}
	read, err := loadgen.ReadTrace(strings.NewReader("0\n1\n1.5\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, trial := range p.Trials {
		v := values(trial.Settings)
		if got := v.text(traceHash); got != read.SHA256 {
			t.Errorf("the hash is %q, want %s", got, read.SHA256)
		}
		name := v.text("trace")
		if want := filepath.Join(s.Dir, "arrivals/a.txt"); name != want {
			t.Errorf("the trace is %s, want %s", name, want)
		}
		args := strings.Join(loadArgs(v, loadRun{}), " ")
		if !strings.Contains(args, " --arrivals trace --trace "+name+" ") || strings.Contains(args, "--rate") {
			t.Errorf("arguments %s", args)
		}
	}
}

func TestTraceRefused(t *testing.T) {
	for _, tc := range []struct{ name, old, new, trace, want string }{
		{"too short", "", "", "0\n1.4\n", "trace arrivals/a.txt: its last arrival is at 1.4s, warm-up and window take 1.5s"},
		{"bad line", "", "", "0\nx\n", `a.txt: line 2: "x" is no time`},
		{"no file", "a.txt", "b.txt", "0\n2\n", "b.txt: no such file or directory"},
	} {
		s := writeTraced(t, strings.Replace(tracedSuite, tc.old, tc.new, 1), tc.trace)
		_, err := MakePlan(s, Request{}, testHost())
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "own.yaml:") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want a line with %q", tc.name, err, tc.want)
		}
	}
	_, err := Parse("own.yaml", []byte(strings.Replace(tracedSuite, "a.txt}", "a.txt, rate_rps: 5}", 1)))
	if err == nil || !strings.Contains(err.Error(), "a trace has its own rate") {
		t.Errorf("a rate beside: %v", err)
	}
}

// A trace that changes while the run is on is noticed: its trials fail.
func TestTraceChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "a.txt")
		write := func(text string) error { return os.WriteFile(name, []byte(text), 0o600) }
		if err := write("0\n2\n"); err != nil {
			t.Fatal(err)
		}
		launched := 0
		l := &fakeLauncher{onLaunch: func([]string) error {
			if launched++; launched == 5 { // the third trial's server
				return write("0\n3\n")
			}
			return nil
		}}
		_, run, _, err := fakeRun(t, t.Context(), strings.Replace(tracedSuite, "arrivals/a.txt", name, 1), Request{}, fakeBench(l))
		if err != nil || len(run.Records) != 4 {
			t.Fatalf("%d records: %v", len(run.Records), err)
		}
		for i, r := range run.Records {
			switch failed := r.Verdict == results.VerdictFailed; {
			case failed != (i >= 2):
				t.Errorf("trial %d: verdict %s %v", i+1, r.Verdict, r.Reasons)
			case failed && !strings.Contains(r.Failure.Reason, "is not the one of the plan any more"):
				t.Errorf("trial %d: %s", i+1, r.Failure.Reason)
			}
		}
	})
}
