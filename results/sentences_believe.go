package results

import (
	"fmt"
	"math"
	"strings"

	"medusa/results/stats"
)

// believe are the lines under "CAN I BELIEVE IT?".
func (a *Analysis) believe() []Line {
	lines := []Line{
		{"trials", a.trialsText()},
		{"machine", a.machineText()},
		{"generator", a.generatorText()},
		{"floor", a.floorText()},
	}
	if a.Saturation.Trials > 0 {
		lines = append(lines, Line{"pace", a.paceText()})
	}
	if text := a.peersText(); text != "" {
		lines = append(lines, Line{"peers", text})
	}
	return append(lines, Line{"tested", a.testedText()})
}

// paceText says who set the pace of the closed loops: a server that has to wait
// for its generator is not saturated, and pays for going to sleep and waking.
func (a *Analysis) paceText() string {
	s := a.Saturation
	text := fmt.Sprintf("the server's CPU was busy for %s of the window (median of %s of the closed loop)", percentText(s.BusyMedian), countOf(s.Trials, "trial", "trials"))
	if s.Idle == 0 {
		return text + ": the server set the pace"
	}
	return text + fmt.Sprintf("; under 95 %% in %s: there the generator set the pace, and the server also paid for falling asleep and waking", thousands(float64(s.Idle)))
}

// trialsText counts what enters, what does not, and what the second analysis
// changes.
func (a *Analysis) trialsText() string {
	t := a.Tally
	var parts []string
	parts = append(parts, fmt.Sprintf("%s of %s enter the answer", thousands(float64(t.Entered)), thousands(float64(t.Planned))))
	if left := t.Planned - t.Run; left > 0 {
		parts = append(parts, fmt.Sprintf("%s not run", thousands(float64(left))))
	}
	if t.Repeats > 0 {
		parts = append(parts, countOf(t.Repeats, "trial is a repeat in a disturbed mini-block", "trials are repeats in disturbed mini-blocks"))
	}
	if t.Cut > 0 {
		parts = append(parts, countOf(t.Cut, "trial is", "trials are")+" of mini-blocks in which the run was cut off, set aside, shown")
	}
	for _, v := range []struct{ verdict, text string }{
		{VerdictNoisy, "noisy, set aside, shown"},
		{VerdictSaturated, "saturated (a result)"},
		{VerdictClientLimited, "client-limited, set aside, shown"},
		{VerdictUnsteady, "unsteady (they enter, drawn hollow)"},
		{VerdictInconsistent, "inconsistent, never used"},
		{VerdictUnverified, "unverified: this system cannot supply a signal"},
		{VerdictFailed, "failed"},
	} {
		if n := t.Verdicts[v.verdict]; n > 0 {
			parts = append(parts, thousands(float64(n))+" "+v.text)
		}
	}
	text := strings.Join(parts, " · ")
	if len(a.Contrasts)+len(a.Slopes) == 0 {
		return text
	}
	return text + "; " + a.flipsText()
}

// flipsText says which outcomes change when every trial is kept.
func (a *Analysis) flipsText() string {
	if len(a.Flips) == 0 {
		return "with every trial kept, no sentence changes"
	}
	var changes []string
	for _, f := range a.Flips {
		changes = append(changes, fmt.Sprintf("%s (%s, then %s)", f.What, f.Main, f.Kept))
	}
	const most = 3
	if len(changes) > most {
		changes = append(changes[:most], fmt.Sprintf("%d more", len(a.Flips)-most))
	}
	return "with every trial kept, " + countOf(len(a.Flips), "outcome changes: ", "outcomes change: ") + strings.Join(changes, ", ")
}

func (a *Analysis) machineText() string {
	m := a.Machine
	if math.IsNaN(m.Moved) {
		return "this system has no speed probe: how much the machine's speed moved is unknown"
	}
	text := fmt.Sprintf("state moved by %s during the run", percentText(m.Moved))
	if math.IsNaN(m.Straddle) {
		return text
	}
	return text + fmt.Sprintf("; %s of %s straddle a change", percentText(m.Straddle), countOf(m.Pairs, "pair", "pairs"))
}

// testedText says what was tested, how it was corrected, and whether so few
// blocks could have passed the correction at all.
func (a *Analysis) testedText() string {
	text := "primary metric " + a.Primary
	if len(a.Contrasts)+len(a.Slopes) == 0 {
		return text + "; no grid has the blocks for a claim (6): nothing is tested, all is exploratory"
	}
	var families []string
	least, most := math.MaxInt, 0
	if k := len(a.Contrasts); k > 0 {
		least = k
		families = append(families, countOf(k, "contrast", "contrasts")+" to "+a.Baseline)
	}
	for _, family := range slopeFamilies(a.Slopes) {
		least = min(least, len(family))
		name := countOf(len(family), "slope", "slopes")
		if s := a.Slopes[family[0]]; s.Column != a.Primary {
			name += " of " + s.Column
		}
		families = append(families, name)
	}
	starred, coverage := 0, 1.0
	note := func(n int, star bool, covers float64) {
		most = max(most, n)
		if star {
			starred++
		}
		if covers > 0 {
			coverage = min(coverage, covers)
		}
	}
	for _, c := range a.Contrasts {
		note(c.N, c.Starred, c.Coverage)
	}
	for _, s := range a.Slopes {
		note(s.N, s.Starred, s.Coverage)
	}
	text += ", " + joinWords(families) + ", Holm 5 %"
	if len(families) > 1 {
		text += " in each family"
	}
	text += a.looksText()
	needed := stats.LeastPairs(least*a.looks(), Alpha)
	switch {
	case most < a.leastPairs():
		text += fmt.Sprintf(": none could be tested, as none has %d clean pairs", a.leastPairs())
	case most < needed:
		text += fmt.Sprintf(": none can be starred, as no exact p of %s is under %s (with %d pairs one could)", countOf(most, "pair", "pairs"), a.leastPText(most), needed)
	default:
		text += fmt.Sprintf(": %d starred", starred)
	}
	if most >= a.leastPairs() && coverage < 1 {
		if a.looks() > 1 {
			text += fmt.Sprintf("; each interval holds by itself (%s %% at each look)", fixed(100*coverage, 1))
		} else {
			text += fmt.Sprintf("; each interval holds by itself (%s %%)", fixed(100*coverage, 1))
		}
	}
	return text + "; the rest is exploratory"
}
