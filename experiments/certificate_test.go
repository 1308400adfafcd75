package experiments

import (
	"testing"
	"testing/synctest"

	"medusa/results"
)

// TestRunKeepsCertificate: a run's folder has a copy of what the machine's
// certificate was when it began.
func TestRunKeepsCertificate(t *testing.T) {
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
		o := Options{
			Suite: s, Dir: t.TempDir() + "/run", Here: func() []BackendInfo { return b.host.Backends },
			Certificate: &results.Certificate{CreatedUnixNs: 7, Truths: []results.Truth{{ID: "stall"}}},
		}
		outcome, err := o.run(t.Context(), plan, b)
		if err != nil {
			t.Fatal(err)
		}
		run, err := results.Open(outcome.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if c := run.Certificate; c == nil || c.CreatedUnixNs != 7 || len(c.Truths) != 1 {
			t.Errorf("certificate %+v", c)
		}
	})
}

func TestApart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		h            Host
		server, load int
		works        bool
	}{
		"two":      {Host{Pin: true, CPUs: []int{0, 1}}, 0, 1, true},
		"four":     {Host{Pin: true, CPUs: []int{2, 3, 6, 7}}, 2, 7, true},
		"one":      {Host{Pin: true, CPUs: []int{0}}, 0, 0, false},
		"no pins":  {Host{CPUs: []int{0, 1}}, 0, 0, false},
		"no facts": {Host{}, 0, 0, false},
	} {
		server, load, err := c.h.Apart()
		if server != c.server || load != c.load || (err == nil) != c.works {
			t.Errorf("%s: %d, %d, %v", name, server, load, err)
		}
	}
}
