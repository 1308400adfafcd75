package results

import (
	"fmt"
	"time"
)

// generatorText says what proves the generator, and how late it was.
func (a *Analysis) generatorText() string {
	text := a.instrument.text()
	g := a.Generator
	switch {
	case g.ClosedOnly:
		return text + "; closed loop only: no schedule could be missed"
	case g.Trials == 0:
		return text + "; no trial of an open loop has a lag p99"
	}
	return fmt.Sprintf("%s; lag p99 %s us (median of %s of the open loop), worst %s us", text, thousands(roundDigits(g.LagMedianUs, 2)),
		countOf(g.Trials, "trial", "trials"), thousands(roundDigits(g.LagWorstUs, 2)))
}

// text is the certificate in a clause: "certificate 2 h old, 9 of 9 truths".
func (i instrument) text() string {
	c := i.certificate
	if c == nil {
		return "certificate: none (medusa calibrate makes one, before a run)"
	}
	what := "certificate"
	if c.Quick {
		what = "quick certificate"
	}
	if len(i.elsewhere) > 0 {
		what += " of " + joinWords(i.elsewhere)
	}
	return fmt.Sprintf("%s %s, %s", what, ageText(i.age), c.Came())
}

// ageText writes how old something is: "40 min old", "2 h old", "3 days old".
func ageText(d time.Duration) string {
	switch {
	case d < 0:
		return "made after the run began"
	case d < time.Hour:
		return fmt.Sprintf("%d min old", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h old", int(d/time.Hour))
	}
	return fmt.Sprintf("%d days old", int(d/(24*time.Hour)))
}

// floorText says how long a sleeping CPU takes to wake, and what is therefore
// not claimed.
func (a *Analysis) floorText() string {
	f := a.instrument.floor
	if f == nil {
		why := "not measured"
		if i := a.instrument; i.certificate != nil && len(i.elsewhere) > 0 {
			why = "not known: the certificate is of " + joinWords(i.elsewhere)
		}
		return why + ": how long a sleeping CPU takes to wake here is unknown, so a difference of latency under 0.1 ms may be that"
	}
	us := func(ns int64) string { return rough(float64(ns)/1e3, "us") }
	text := fmt.Sprintf("a sleeping CPU takes %s (p50), %s (p99.9) to wake", us(f.Block.P50), us(f.Block.P999))
	if !a.claimsTail() {
		text += ": no p99.9 is claimed"
	}
	return text + fmt.Sprintf("; a difference of latency under %s, by which that scatters, is not resolved", us(f.Block.Spread()))
}

// claimsTail says whether the run claims anything of a 99.9th percentile.
func (a *Analysis) claimsTail() bool {
	columns := []string{a.Primary}
	for _, s := range a.Slopes {
		columns = append(columns, s.Column)
	}
	for _, column := range columns {
		if q, _, _ := latencyOf(column); q == "p999" {
			return true
		}
	}
	return false
}
