package results

import (
	"math"
	"slices"
	"strings"
	"testing"

	"medusa/results/stats"
)

// TestWhichTrialsEnter walks through all verdicts.
func TestWhichTrialsEnter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		verdict    string
		main, kept int // pairs of select at 8,000 of 8 blocks, block 1 having this verdict
	}{
		{VerdictValid, 8, 8}, {VerdictSaturated, 8, 8}, {VerdictUnsteady, 8, 8}, {VerdictUnverified, 8, 8},
		{VerdictNoisy, 7, 8}, {VerdictClientLimited, 7, 8},
		{VerdictFailed, 7, 7}, {VerdictInconsistent, 7, 7},
	} {
		for _, level := range []string{"select", "epoll"} {
			a := synthetic{blocks: 8, touch: func(r *Record) {
				if r.Level == level && r.Block == 1 && r.Factors["idle_connections"] == 8000.0 {
					r.Verdict = c.verdict
				}
			}}.analyse()
			kept := a.KeptContrasts[4] // 0, 2000, 8000, each select and poll
			if got := a.contrastAt("select", 8000); got.N != c.main || kept.N != c.kept || kept.Level != "select" {
				t.Errorf("%s %s: %d pairs, %d with every trial, want %d and %d", c.verdict, level, got.N, kept.N, c.main, c.kept)
			} else if c.main < 8 && (len(got.Missing) != 1 || !strings.HasPrefix(got.Missing[0], "1 ")) {
				t.Errorf("%s %s: missing %q", c.verdict, level, got.Missing)
			}
		}
	}
}

// TestPairsStayInsideMiniBlocks: the same numbers, with the baseline's moved to
// another mini-block, give no pairs.
func TestPairsStayInsideMiniBlocks(t *testing.T) {
	t.Parallel()
	plan, records := synthetic{blocks: 6, levels: []string{"select", "epoll"}}.run()
	for i := range records {
		if records[i].Level == "epoll" {
			records[i].Attempt = 2 // another time
		}
	}
	for _, c := range Analyse(plan, records).Contrasts {
		if c.N != 0 || !math.IsNaN(c.Ratio) || c.Outcome != stats.NotResolved {
			t.Errorf("%s at %v has %d pairs", c.Level, c.At, c.N)
		}
	}
}

// TestCleanRepeatStands: of a mini-block that was repeated because of noise the
// clean repeat enters; with every trial kept both attempts do, as one block.
func TestCleanRepeatStands(t *testing.T) {
	t.Parallel()
	s := synthetic{blocks: 8, repeated: func(block int, idle float64) bool { return block <= 3 && idle == 8000 }}
	plan, records := s.run()
	a := Analyse(plan, records)
	c := a.contrastAt("select", 8000)
	if c.N != 8 || math.Abs(c.Ratio-3) > 1e-9 || c.Lo != c.Hi {
		t.Errorf("main: %+v, want 8 exact pairs", c)
	}
	if kept := a.KeptContrasts[4]; kept.N != 8 || kept.Lo == kept.Hi {
		t.Errorf("kept: %+v, want 8 pairs, three of them disturbed", kept)
	}
	if a.Tally.Repeats != 9 || a.Tally.Run != 72 || a.Tally.Entered != 72 || a.Tally.Planned != 72 || a.Tally.Verdicts[VerdictNoisy] != 3 {
		t.Errorf("tally %+v", a.Tally)
	}
	series, err := a.Points(Figure{ID: "cost", X: "idle_connections", Y: Columns{costColumn}})
	if err != nil {
		t.Fatal(err)
	}
	excluded := map[string]int{}
	for _, s := range series {
		for _, pt := range s.Points {
			if pt.N != 8 {
				t.Errorf("%s at %v: %d dots, want 8", s.Level, pt.X, pt.N)
			}
			for _, d := range pt.Excluded {
				excluded[d.Verdict]++
			}
		}
	}
	if excluded[VerdictNoisy] != 3 || excluded[repeated] != 6 {
		t.Errorf("excluded dots %v, want 3 noisy and 6 repeated", excluded)
	}
}

// TestCutRepeat: of a repeat that was cut off nothing enters, whichever levels it
// had got to.
func TestCutRepeat(t *testing.T) {
	t.Parallel()
	s := synthetic{blocks: 8, repeated: func(block int, idle float64) bool { return block == 1 && idle == 8000 }}
	plan, records := s.run()
	last := -1
	for i := range records {
		if records[i].Attempt == 2 {
			last = i
		}
	}
	a := Analyse(plan, slices.Delete(records, last, last+1))
	for _, p := range a.sites {
		for _, m := range p.minis {
			for _, at := range m.attempts {
				if at.cut != (at.number == 2) {
					t.Errorf("attempt %d: cut %v", at.number, at.cut)
				}
			}
		}
	}
	if a.Tally.Cut == 0 {
		t.Errorf("tally %+v: nothing is cut", a.Tally)
	}
}

// TestNoisyRepeat: when the repeat is disturbed too, the last attempt in which
// the pair itself was quiet is taken.
func TestNoisyRepeat(t *testing.T) {
	t.Parallel()
	var quiet, disturbed string
	a := synthetic{blocks: 6, seed: 5, repeated: func(block int, idle float64) bool { return block == 1 && idle == 8000 }, touch: func(r *Record) {
		if r.Block != 1 || r.Factors["idle_connections"] != 8000.0 {
			return
		}
		if r.Attempt == 1 && r.Verdict == VerdictNoisy {
			disturbed = r.Level
		}
		if r.Attempt == 2 && r.Level != disturbed && r.Level != "epoll" && quiet == "" {
			quiet = r.Level // quiet in the first attempt only
			r.Verdict = VerdictNoisy
		}
	}}.analyse()
	if quiet == "" || disturbed == "epoll" {
		t.Fatalf("the fixture has no such mini-block: %q %q", quiet, disturbed)
	}
	for _, level := range []string{quiet, disturbed} {
		if c := a.contrastAt(level, 8000); c.N != 6 || c.Lo != c.Hi {
			t.Errorf("%s: %d pairs (%v-%v), want 6 undisturbed", level, c.N, c.Lo, c.Hi)
		}
	}
}

// TestFlipsAreStated: noise that enters only the second analysis changes its
// outcome, and that is said.
func TestFlipsAreStated(t *testing.T) {
	t.Parallel()
	a := synthetic{blocks: 12, noise: 0.01, seed: 3, levels: []string{"select", "epoll"}, idle: []float64{0}, touch: func(r *Record) {
		if r.Block <= 4 && r.Level == "select" {
			r.Verdict, r.Metrics[costColumn] = VerdictNoisy, 100*float64(r.Block)
		}
	}}.analyse()
	if a.Contrasts[0].Outcome != stats.Same || a.KeptContrasts[0].Outcome != stats.NotResolved {
		t.Fatalf("%s, then %s", a.Contrasts[0].Outcome, a.KeptContrasts[0].Outcome)
	}
	if len(a.Flips) != 1 || !strings.Contains(a.Believe[0].Text, "1 outcome changes: select against epoll (same, then not resolved)") {
		t.Errorf("flips %+v: %s", a.Flips, a.Believe[0].Text)
	}
}
