package experiments

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"

	"medusa/results"
)

// The folder testdata/proc holds, for each case, what of /proc is read at both
// edges of a window of 2 s, on two CPUs: the whole of it for the case "quiet",
// for the others the files that differ from those; an empty one is not there.
// The file clocks has what the clocks of the processes say, in nanoseconds.
// Process 100 is the runner, 1001 the server and 1002 the load process.
const (
	procFixtures = "testdata/proc"
	fixtureSelf  = 100
)

// fixtureProc lays a case over the quiet one and reads from that.
func fixtureProc(t *testing.T, name, edge string) procSignals {
	t.Helper()
	root := t.TempDir()
	for _, from := range slices.Compact([]string{"quiet", name}) {
		overlay(t, root, filepath.Join(procFixtures, from, edge))
	}
	return procSignals{root: root, self: fixtureSelf, clock: fixtureClock(t, filepath.Join(root, "clocks"))}
}

func overlay(t *testing.T, root, from string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		to := filepath.Join(root, strings.TrimPrefix(path, from))
		if len(text) == 0 {
			return os.Remove(to)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o666)
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) { // a case may be quiet at one edge
		t.Fatal(err)
	}
}

func fixtureClock(t *testing.T, path string) clockReader {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := map[int32]int64{}
	for in := bufio.NewScanner(f); in.Scan(); {
		name, value, _ := strings.Cut(in.Text(), " ")
		ns, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		switch pid, err := strconv.Atoi(name); {
		case err == nil:
			at[processClock(pid)] = ns
		case name == "self":
			at[unix.CLOCK_PROCESS_CPUTIME_ID] = ns
		case name == "monotonic":
			at[unix.CLOCK_MONOTONIC] = ns
		default:
			t.Fatalf("%s: a clock %q", path, name)
		}
	}
	return func(id int32) (int64, bool) { ns, ok := at[id]; return ns, ok }
}

// fixtureSignals are what a machine shows before and after.
type fixtureSignals struct {
	before, after  procSignals
	windows, trial int
}

func (s *fixtureSignals) Window(pids []int) windowReading {
	if s.windows++; s.windows == 1 {
		return s.before.Window(pids)
	}
	return s.after.Window(pids)
}

func (s *fixtureSignals) Trial() trialReading {
	if s.trial++; s.trial == 1 {
		return s.before.Trial()
	}
	return s.after.Trial()
}

func (s *fixtureSignals) Used(pid int) *int64 { return s.after.Used(pid) }

// TestVerdictsOfMachines: from files of /proc through a trial's record to its
// verdict. Each rule on the machine has a case that breaks it alone.
func TestVerdictsOfMachines(t *testing.T) {
	certified := &quiet{results.Quiet{PSISomeShare: ptr(0.01), RunDelayShare: ptr(0.005)}}
	for _, c := range []struct {
		name    string
		quiet   *quiet
		verdict string
		reason  string // of the one reason; "" for none
	}{
		{"quiet", certified, results.VerdictValid, ""},
		{"steal", certified, results.VerdictNoisy, "the hypervisor stole 0.75 % of the CPUs; 0.5 % are allowed"},
		{"foreign", certified, results.VerdictNoisy, "other programs used 12.8 % of the CPUs, backup (pid 7) 12.5 % alone; 2 % are allowed"},
		{"foreign-begun", certified, results.VerdictNoisy, "other programs used 8.2 % of the CPUs, cc1 (pid 9) 7.5 % alone; 2 % are allowed"},
		{"foreign-ended", certified, results.VerdictNoisy, "other programs used 3.5 % of the CPUs, backup (pid 7) 0.5 % alone; 2 % are allowed"},
		{"psi", certified, results.VerdictNoisy, "some program waited for a CPU (PSI) in 4.0 % of the window, and other programs used a CPU for 3.0 %; 3.0 % are allowed (2 points over the certificate's quiet machine)"},
		{"run-delay", certified, results.VerdictNoisy, "the server was ready and waited for its CPU (run delay) in 3.0 % of the window, and other programs used a CPU for 3.0 %; 2.5 % are allowed (2 points over the certificate's quiet machine)"},
		{"run-delay-new-thread", certified, results.VerdictNoisy, "(run delay) in 3.4 % of the window"},
		// The server's threads wait for each other, and other programs used 15 ms.
		{"psi-own", certified, results.VerdictValid, ""},
		{"run-delay-own", certified, results.VerdictValid, ""},
		{"sockets-came", certified, results.VerdictNoisy, "the system had 12 TCP sockets in use before the trial and 113 after it"},
		{"sockets-went", certified, results.VerdictNoisy, "the system had 115 TCP sockets in use before the trial and 14 after it"},
		{"no-psi", certified, results.VerdictUnverified, "unknown on this system: CPU pressure"},
		{"run-delay-unknown", certified, results.VerdictUnverified, "unknown on this system: run delay"},
		{"listen-overflows", certified, results.VerdictValid, ""},
		// Nothing to compare with.
		{"psi", nil, results.VerdictValid, ""},
		{"run-delay", nil, results.VerdictValid, ""},
		{"no-psi", nil, results.VerdictValid, ""},
		{"no-psi", &quiet{}, results.VerdictValid, ""},
	} {
		name := c.name
		if c.quiet != certified {
			name += " without a quiet value"
		}
		t.Run(name, func(t *testing.T) {
			s := &fixtureSignals{before: fixtureProc(t, c.name, "before"), after: fixtureProc(t, c.name, "after")}
			synctest.Test(t, func(t *testing.T) {
				b := fakeBench(&fakeLauncher{})
				b.signals, b.quiet = s, c.quiet
				r := &results.Record{Trial: 1, ID: "00001", Settings: firstOf(t, smallSuite), ScheduleSeed: 1}
				if err := b.run(t.Context(), r, Phases{}, ""); err != nil {
					t.Fatal(err)
				}
				results.Derive(r)
				if r.Verdict != c.verdict {
					t.Fatalf("%s %q, want %s", r.Verdict, r.Reasons, c.verdict)
				}
				if c.reason == "" != (len(r.Reasons) == 0) || len(r.Reasons) > 1 || c.reason != "" && !strings.Contains(r.Reasons[0], c.reason) {
					t.Errorf("reasons %q, want one with %q", r.Reasons, c.reason)
				}
				if noted := slices.Contains(r.Machine.Unknown, "what is quiet here (no certificate)"); noted != (c.quiet == nil) {
					t.Errorf("unknown: %q", r.Machine.Unknown)
				}
				if m := r.Machine; c.name == "listen-overflows" && (*m.ListenOverflows != 5 || *m.ListenDrops != 6 || *m.SynRetrans != 2) {
					t.Errorf("overflows %d, drops %d, retransmitted SYNs %d", *m.ListenOverflows, *m.ListenDrops, *m.SynRetrans)
				}
			})
		})
	}
}

// TestQuietOf: what is quiet elsewhere says nothing here.
func TestQuietOf(t *testing.T) {
	here := results.Machine{OS: "linux", Kernel: "6.18", CPUModel: "x", CPUs: 2, BinarySHA256: "ab"}
	c := &results.Certificate{Machine: here, Quiet: results.Quiet{PSISomeShare: ptr(0.01)}}
	if q := quietOf(c, here); q == nil || *q.PSISomeShare != 0.01 {
		t.Errorf("here: %+v", q)
	}
	rebuilt, updated := here, here
	rebuilt.BinarySHA256, updated.Kernel = "cd", "6.19"
	if q := quietOf(c, rebuilt); q == nil {
		t.Error("another medusa has made another machine")
	}
	if quietOf(c, updated) != nil || quietOf(nil, here) != nil {
		t.Error("another kernel's, or no certificate, has a quiet value")
	}
}
