package experiments

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// readTimes remembers when the machine is looked at.
type readTimes struct {
	fakeSignals
	at *[]time.Time
}

func (r readTimes) Window(pids []int) windowReading {
	*r.at = append(*r.at, time.Now())
	return r.fakeSignals.Window(pids)
}

// To look at the machine takes the runner some milliseconds on a CPU of the
// trial: it is done before the window and after it, never in it.
func TestRunSleepsInTheWindow(t *testing.T) {
	for warmup, early := range map[string]time.Duration{"0.5": looks, "0.02": 20 * time.Millisecond, "0": 0} {
		synctest.Test(t, func(t *testing.T) {
			var at []time.Time
			b := fakeBench(&fakeLauncher{})
			b.signals = readTimes{at: &at}
			_, run, _, err := fakeRun(t, t.Context(), strings.Replace(smallSuite, "warmup_s: 0.5", "warmup_s: "+warmup, 1), Request{}, b)
			if err != nil {
				t.Fatal(err)
			}
			if len(at) != 2*len(run.Records) {
				t.Fatalf("%d readings for %d trials", len(at), len(run.Records))
			}
			for i := 0; i < len(at); i += 2 {
				if between := at[i+1].Sub(at[i]); between < early+2*time.Second {
					t.Errorf("warm-up of %s s: %v between the readings, want %v and the window of 2 s", warmup, between, early)
				}
			}
		})
	}
}

// Processes that do the load process's work may begin at any time before the
// window: the machine is looked at when they are known, and they are not
// foreign.
func TestRunKnowsHelpers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var windows [][]int
		b := fakeBench(&fakeLauncher{helpers: []int{77, 78}})
		b.signals = seenPIDs{pids: &windows}
		_, run, _, err := fakeRun(t, t.Context(), smallSuite, Request{}, b)
		if err != nil {
			t.Fatal(err)
		}
		if len(windows) != 3*len(run.Records) {
			t.Fatalf("%d readings for %d trials", len(windows), len(run.Records))
		}
		for i := 0; i < len(windows); i += 3 {
			if begins, ends := windows[i+1], windows[i+2]; !slices.Contains(begins, 77) || !slices.Contains(begins, 78) || !slices.Equal(begins, ends) {
				t.Errorf("readings of %v and %v", begins, ends)
			}
		}
	})
}
