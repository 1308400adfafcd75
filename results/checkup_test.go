package results

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sick is a checkup with every level.
func sick() *Checkup {
	c := &Checkup{SchemaVersion: SchemaVersion, System: "linux", Suites: []string{"small"}, Unknown: []string{"turbo"}, NoisyAnyway: true}
	c.Add(CheckupItem{ID: "clock", Level: CheckupOK, Found: "tsc"})
	c.Add(CheckupItem{ID: "container", Level: CheckupNote, Found: "there is /.dockerenv", Why: "limits are its", Remedy: "none"})
	c.Add(CheckupItem{ID: "other programs", Level: CheckupStop, Found: "31.0 % <cc1>", Why: "5.0 % are allowed", Remedy: "wait", Noise: true})
	c.Add(CheckupItem{ID: "governor", Level: CheckupWarning, Found: "powersave", Why: "the clock follows the load", Remedy: "performance"})
	return c
}

func TestCheckupLevel(t *testing.T) {
	t.Parallel()
	c := sick()
	if c.Level != CheckupStop {
		t.Errorf("the worst of them is %s", c.Level)
	}
	var order []string
	for _, item := range c.Of(CheckupLevels...) {
		order = append(order, item.Level)
	}
	if !cmp.Equal(order, CheckupLevels) {
		t.Errorf("order %v", order)
	}
	if got := c.Of(CheckupNote); len(got) != 1 || got[0].ID != "container" {
		t.Errorf("notes: %+v", got)
	}
	well := &Checkup{}
	well.Add(CheckupItem{Level: CheckupOK})
	if well.Level != CheckupOK {
		t.Errorf("level %q", well.Level)
	}
}

// TestCheckupIsKept: it is in the environment from the beginning, so that a run
// that is cut off has it, and is still there when the run has ended.
func TestCheckupIsKept(t *testing.T) {
	t.Parallel()
	m := smallManifest()
	m.Doctor = sick()
	dir := filepath.Join(t.TempDir(), "run")
	w, err := Create(dir, m)
	if err != nil {
		t.Fatal(err)
	}
	kept := func(when string) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, environmentFile))
		if err != nil {
			t.Fatal(err)
		}
		var e Environment
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(sick(), e.Doctor); d != "" {
			t.Errorf("%s: %s", when, d)
		}
		if e.Before.BinarySHA256 != "b1" {
			t.Errorf("%s: the machine before is %+v", when, e.Before)
		}
	}
	kept("at the beginning")
	if err := w.Append(smallRecord(1)); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(Machine{OS: "linux"}); err != nil {
		t.Fatal(err)
	}
	kept("at the end")
}

// TestCheckupInTheReport: what is not ok stands in the machine's section, the
// worst first; of a run without one nothing does.
func TestCheckupInTheReport(t *testing.T) {
	t.Parallel()
	run, err := Open("testdata/v1")
	if err != nil {
		t.Fatal(err)
	}
	if html := page(t, run); strings.Contains(html, "doctor (") {
		t.Error("a report of a run that nobody looked at the machine for speaks of it")
	}
	run.Environment.Doctor = sick()
	html := page(t, run)
	at := 0
	for _, want := range []string{
		"<dt>doctor (stop, passed by --noisy-anyway)</dt><dd>other programs: 31.0 % &lt;cc1&gt;: 5.0 % are allowed</dd>",
		"<dt>doctor (warning)</dt><dd>governor: powersave: the clock follows the load</dd>",
		"<dt>doctor (note)</dt><dd>container: there is /.dockerenv: limits are its</dd>",
		"<dt>doctor (unknown)</dt><dd>turbo</dd>",
	} {
		i := strings.Index(html[at:], want)
		if i < 0 {
			t.Fatalf("the report lacks, in this place: %s", want)
		}
		at += i
	}
	if strings.Contains(html, "clock: tsc") {
		t.Error("what is ok is told, too")
	}
}

// What was found when a run was gone on with is told beside what was found
// when it began.
func TestCheckupOfASession(t *testing.T) {
	t.Parallel()
	run := &Run{Environment: Environment{Resumed: []Session{{FromTrial: 5, Doctor: sick()}}}}
	for _, l := range machineLines(run) {
		if strings.Contains(l.Label, "from trial 5") && strings.Contains(l.Label, "passed by --noisy-anyway") && strings.Contains(l.Text, "31.0 % <cc1>") {
			return
		}
	}
	t.Errorf("not told: %q", machineLines(run))
}
