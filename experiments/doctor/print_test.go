package doctor

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"medusa/results"
)

var update = flag.Bool("update", false, "write the golden files anew")

// spoiled is a machine with something of every level.
func spoiled() *results.Checkup {
	f, n := good(), usual()
	f.Machine.Governor, f.Turbo = "", nil
	f.Machine.Mitigations["meltdown"] = "Mitigation: PTI"
	f.Machine.NoFileHard, f.Container = 4096, "there is /.dockerenv"
	*f.Sample.ForeignShare = 0.31
	f.Sample.Busiest = []results.BusyProcess{{PID: 4711, Name: "cc1", CPUShare: 0.97}}
	return Check(f, []Needs{n})
}

// TestPrinted compares the table that people see with a kept one.
func TestPrinted(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := Print(&b, spoiled()); err != nil {
		t.Fatal(err)
	}
	b.WriteString("\n")
	PrintShort(&b, spoiled())
	path := filepath.Join("testdata", "spoiled.txt")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Error(d)
	}
}

// TestRefusal: the first line says who and what to do; noise can be passed
// over, what cannot be run cannot.
func TestRefusal(t *testing.T) {
	t.Parallel()
	busy := spoiled()
	err := Refusal(busy, false)
	if err == nil {
		t.Fatal("a busy machine is not refused")
	}
	for _, want := range []string{"the machine is busy", "cc1, pid 4711: 97.0 % of a CPU", "2.5 % are allowed", "kill 4711", "--noisy-anyway"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it lacks %q: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than a line: %v", err)
	}
	if err := Refusal(busy, true); err != nil {
		t.Errorf("noise was wanted: %v", err)
	}
	f := good()
	f.Disk.Free = 0
	for _, anyway := range []bool{false, true} {
		if err := Refusal(Check(f, []Needs{usual()}), anyway); err == nil || !strings.Contains(err.Error(), "disk") {
			t.Errorf("noisy anyway %v: %v", anyway, err)
		}
	}
	if err := Refusal(Check(good(), []Needs{usual()}), false); err != nil {
		t.Errorf("a good machine: %v", err)
	}
}
