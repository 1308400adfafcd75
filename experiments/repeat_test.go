package experiments

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"medusa/results"
)

// TestRepeatsAtMostTwice: a machine that never falls quiet has each mini-block
// repeated as often as the design says, which is twice at most, and every trial
// of every attempt is kept.
func TestRepeatsAtMostTwice(t *testing.T) {
	for repeats := range 3 {
		synctest.Test(t, func(t *testing.T) {
			b := fakeBench(&fakeLauncher{})
			calls := 0
			b.speed = func(cpus []int) []float64 { // slow after each trial
				out := quietSpeed(cpus)
				if calls++; calls%(2+probeRetries) != 1 {
					out[0] *= 1.08
				}
				return out
			}
			text := strings.Replace(smallSuite, "repeat_noisy: 1", "repeat_noisy: "+strconv.Itoa(repeats), 1)
			outcome, run, _, err := fakeRun(t, t.Context(), text, Request{Blocks: results.MinPairs}, b)
			if err != nil {
				t.Fatal(err)
			}
			const planned, minis = 24, 12
			if len(run.Records) != planned*(1+repeats) || outcome.Repeated != minis*repeats {
				t.Fatalf("repeat_noisy %d: %d records, %d repeated", repeats, len(run.Records), outcome.Repeated)
			}
			attempts := map[string]int{}
			for _, r := range run.Records {
				if r.Verdict != results.VerdictNoisy {
					t.Fatalf("trial %d is %s", r.Trial, r.Verdict)
				}
				attempts[strconv.Itoa(r.MiniBlock)+" "+r.Level]++
				if r.Attempt != attempts[strconv.Itoa(r.MiniBlock)+" "+r.Level] {
					t.Errorf("trial %d is attempt %d", r.Trial, r.Attempt)
				}
			}
			if len(attempts) != planned {
				t.Errorf("%d planned trials have records, of %d", len(attempts), planned)
			}
		})
	}
	if _, err := Parse("small.yaml", []byte(strings.Replace(smallSuite, "repeat_noisy: 1", "repeat_noisy: 3", 1))); err == nil || !strings.Contains(err.Error(), "repeat_noisy") {
		t.Errorf("three repeats are allowed: %v", err)
	}
}
