package experiments

import (
	"strings"
	"testing"
	"testing/synctest"

	"medusa/results"
)

// TestRunRecordsWhatIsQuiet: each record of a run has what the machine's
// certificate says, and nothing of another machine's.
func TestRunRecordsWhatIsQuiet(t *testing.T) {
	for _, kernel := range []string{"", "another"} {
		synctest.Test(t, func(t *testing.T) {
			b := fakeBench(&fakeLauncher{})
			c := &results.Certificate{Machine: machineFacts(b.server.binary, "", b.host.Backends), Quiet: results.Quiet{PSISomeShare: ptr(0.011), RunDelayShare: ptr(0.022)}}
			c.Machine.Kernel += kernel
			s, err := Parse("small.yaml", []byte(smallSuite))
			if err != nil {
				t.Fatal(err)
			}
			plan, err := MakePlan(s, Request{}, b.host)
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Suite: s, Dir: t.TempDir() + "/run", Here: func() []BackendInfo { return b.host.Backends }, Progress: &strings.Builder{}, Certificate: c}
			outcome, err := o.run(t.Context(), plan, b)
			if err != nil {
				t.Fatal(err)
			}
			run, err := results.Open(outcome.Dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range run.Records {
				m := r.Machine
				has := m.PSIQuietShare != nil && *m.PSIQuietShare == 0.011 && m.RunDelayQuietShare != nil && *m.RunDelayQuietShare == 0.022
				none := m.PSIQuietShare == nil && m.RunDelayQuietShare == nil
				if kernel == "" && !has || kernel != "" && !none {
					t.Errorf("kernel %q: trial %d has %v and %v", c.Machine.Kernel, r.Trial, m.PSIQuietShare, m.RunDelayQuietShare)
				}
			}
		})
	}
}
