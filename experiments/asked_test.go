package experiments

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"medusa/results"
)

// TestAskedIsKept: what is asked for comes back from the plan, and so it does
// from the command line of a run that did not keep it.
func TestAskedIsKept(t *testing.T) {
	seed := uint64(7)
	o := Options{
		Request:   Request{Only: []string{"backend=epoll,poll", "grid=idle"}, Set: []string{"window_s=1"}, Blocks: 6, Seed: &seed, Budget: 90 * time.Second},
		ServerVia: "ssh -p 22 'my host'", LoadVia: "srun -w n2", ServerBinary: "/opt/medusa", Address: "10.0.0.1", LoadBackend: "poll",
	}
	kept, err := o.asked()
	if err != nil {
		t.Fatal(err)
	}
	command := `medusa run idle-connections --blocks 6 --budget 1m30s --only backend=epoll,poll --only grid=idle --set window_s=1 --seed 7 ` +
		`--server-via 'ssh -p 22 '\''my host'\''' --load-via 'srun -w n2' --server-binary /opt/medusa --address 10.0.0.1 --load-backend poll`
	for name, plan := range map[string]results.Plan{"kept": {Asked: kept}, "command line": {Command: command}} {
		run := &results.Run{Dir: "r", SuiteYAML: []byte(smallSuite), Plan: plan}
		got, err := Options{Dir: "d"}.AsAsked(run)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.Suite == nil || got.Suite.Name != "small" || got.Dir != "d" || got.Command != plan.Command {
			t.Errorf("%s: %+v", name, got)
		}
		got.Suite, got.Dir, got.Command = nil, "", ""
		if diff := cmp.Diff(o, got, cmp.AllowUnexported()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAskedForNothingKnown(t *testing.T) {
	for command, want := range map[string]string{
		"":                              "does not say what the run was asked for",
		"medusa rerun x":                `its command line is "medusa rerun x"`,
		"medusa run quick --blocks":     "its command line is",
		"medusa run quick --blocks six": "--blocks six",
		"medusa run quick --magic 1":    "unknown flag",
		"medusa run 'quick":             "left open",
	} {
		run := &results.Run{Dir: "the/run", SuiteYAML: []byte(smallSuite), Plan: results.Plan{Command: command}}
		if _, err := (Options{}).AsAsked(run); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "the/run") {
			t.Errorf("%q: %v, want %q and the folder", command, err, want)
		}
	}
	run := &results.Run{Dir: "the/run", SuiteYAML: []byte("schema: 1\nmagic: 2\n"), Plan: results.Plan{Command: "medusa run quick"}}
	if _, err := (Options{}).AsAsked(run); err == nil || !strings.Contains(err.Error(), "the suite of the/run cannot be read by this medusa") {
		t.Error(err)
	}
}

// TestFound: a binary is found again from another folder.
func TestFound(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	work, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(work, self)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{{relative, "", self}, {self, "", self}, {"", "", ""}, {relative, "ssh n1", relative}, {"./no/such/file", "", "./no/such/file"}} {
		if got := found(c[0], c[1]); got != c[2] {
			t.Errorf("%q via %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}
