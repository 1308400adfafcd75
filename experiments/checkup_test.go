package experiments

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"medusa/results"
)

// optionsOf are those of a run of the small suite.
func optionsOf(t *testing.T, said *strings.Builder) Options {
	t.Helper()
	s, err := Parse("small.yaml", []byte(smallSuite))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("MEDUSA_CERTIFICATE", t.TempDir()+"/none.json")
	return Options{Suite: s, Dir: t.TempDir() + "/run", Here: func() []BackendInfo { return testHost().Backends }, Progress: said}
}

// TestLookFirst: a busy machine is looked at again, and refused if it stays so,
// unless the noise is wanted; what was found is kept either way.
func TestLookFirst(t *testing.T) {
	for name, test := range map[string]struct {
		busy     []float64
		anyway   bool
		via      string // before server and load
		samples  int
		watched  time.Duration
		refused  string // a part of the error
		progress string
	}{
		"quiet":      {busy: []float64{0}, samples: 1, watched: SampleFor, progress: "./medusa doctor tells"},
		"just ended": {busy: []float64{1.8, 0}, samples: 2, watched: 2 * SampleFor, progress: "looking again for 3s"},
		"busy":       {busy: []float64{1.8}, samples: 3, watched: 3 * SampleFor, refused: "pid 7: 180.0 % of a CPU"},
		"wanted":     {busy: []float64{1.8}, anyway: true, samples: 1, watched: sampleAnyway, progress: "doctor: stop: other programs: 90.0 %"},
		"elsewhere":  {busy: []float64{1.8}, via: "ssh n1"},
		"a prefix":   {busy: []float64{1.8}, via: "nice", samples: 3, watched: 3 * SampleFor, refused: "--noisy-anyway"},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			o := optionsOf(t, &said)
			o.NoisyAnyway = test.anyway
			synctest.Test(t, func(t *testing.T) {
				b := fakeBench(&fakeLauncher{})
				b.signals, b.root = &watchedMachine{busy: test.busy}, t.TempDir()
				if test.via == "ssh n1" { // what goes on here does not matter there
					other := filepath.Join(b.root, "proc", "41")
					if err := errors.Join(os.MkdirAll(other, 0o700), os.WriteFile(filepath.Join(other, "cmdline"), []byte("medusa\x00run\x00"), 0o600)); err != nil {
						t.Fatal(err)
					}
				}
				b.server.via, b.load.via = strings.Fields(test.via), strings.Fields(test.via)
				began := time.Now()
				err := o.lookFirst(t.Context(), b, nil)
				if took := time.Since(began); took != test.watched {
					t.Errorf("it took %v, want %v", took, test.watched)
				}
				if test.refused == "" && err != nil || test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)) {
					t.Errorf("%v, want %q", err, test.refused)
				}
			})
			if o.Checkup == nil || len(o.Checkup.Samples) != test.samples || o.Checkup.NoisyAnyway != test.anyway {
				t.Errorf("kept: %+v", o.Checkup)
			}
			if !strings.Contains(said.String(), test.progress) {
				t.Errorf("it said %q", said.String())
			}
		})
	}
}

// TestLookFirstCannot: what cannot be run is refused however much is wanted.
func TestLookFirstCannot(t *testing.T) {
	var said strings.Builder
	o := optionsOf(t, &said)
	o.Dir, o.NoisyAnyway = t.TempDir()+"/file/run", true
	if err := os.WriteFile(strings.TrimSuffix(o.Dir, "/run"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		b := fakeBench(&fakeLauncher{})
		b.signals, b.root = &watchedMachine{busy: []float64{0}}, t.TempDir()
		if err := o.lookFirst(t.Context(), b, nil); err == nil || !strings.Contains(err.Error(), "cannot run it: disk") {
			t.Errorf("%v", err)
		}
	})
}

// TestRunInterruptedWhileLooking: the run ends in order before anything exists.
func TestRunInterruptedWhileLooking(t *testing.T) {
	var said strings.Builder
	o := optionsOf(t, &said)
	o.Suite.Grids[0].Factors[0].Levels = o.Suite.Grids[0].Factors[0].Levels[:1] // select is everywhere
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	outcome, err := Run(ctx, o)
	if err != nil || outcome == nil || !outcome.Interrupted || outcome.Run != 0 {
		t.Errorf("%+v, %v", outcome, err)
	}
	if _, err := os.Stat(o.Dir); !os.IsNotExist(err) {
		t.Errorf("there is something of a run: %v", err)
	}
}

// TestCheckupInTheRun: the run folder keeps what was found.
func TestCheckupInTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Parse("small.yaml", []byte(smallSuite))
		if err != nil {
			t.Fatal(err)
		}
		b := fakeBench(&fakeLauncher{})
		plan, err := MakePlan(s, Request{}, b.host)
		if err != nil {
			t.Fatal(err)
		}
		c := &results.Checkup{SchemaVersion: 1, System: "plan9"}
		c.Add(results.CheckupItem{ID: "governor", Level: results.CheckupWarning, Found: "powersave"})
		o := Options{Suite: s, Dir: t.TempDir() + "/run", Here: func() []BackendInfo { return b.host.Backends }, Checkup: c}
		if _, err := o.run(t.Context(), plan, b); err != nil {
			t.Fatal(err)
		}
		run, err := results.Open(o.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := run.Environment.Doctor; got == nil || got.System != "plan9" || got.Level != results.CheckupWarning || run.Environment.After == nil {
			t.Errorf("environment %+v", run.Environment)
		}
	})
}
