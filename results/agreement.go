package results

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"medusa/results/stats"
)

// Agreement is whether two runs say the same, claim by claim.
type Agreement struct {
	// Claims are those that both runs test: contrasts of the primary metric
	// first, then slopes, in the order of the first run.
	Claims []ClaimAgreement `json:"claims"`
	// OnlyThen and OnlyNow are claims that the other run does not test, such
	// as those of a backend that its machine does not have.
	OnlyThen []string `json:"only_then,omitempty"`
	OnlyNow  []string `json:"only_now,omitempty"`
}

// ClaimAgreement is one claim in two runs.
type ClaimAgreement struct {
	What string `json:"what"` // "select against epoll at idle_connections=2000"
	Kind string `json:"kind"` // "ratio", or "slope" in units of the column for one of the factor
	Then Told   `json:"then"`
	Now  Told   `json:"now"`
	// Change is Now against Then with its 95 % interval: for ratios a ratio
	// of ratios, for slopes a difference. Both are against the same baseline,
	// so a machine of another speed changes no ratio; it does change slopes.
	Change  Bounded `json:"change"`
	Verdict Agrees  `json:"verdict"`

	unit string // of a slope
}

// Told is what one run says of a claim.
type Told struct {
	Bounded
	N       int    `json:"n"` // pairs, or blocks
	Outcome string `json:"outcome"`
}

// Bounded is an estimate with its interval; NaN, and null in JSON, where there
// is none. A bound may be infinite, which JSON has as null too.
type Bounded struct{ Estimate, Lo, Hi float64 }

// MarshalJSON writes {"estimate":…,"lo":…,"hi":…}, null for what is not finite.
func (t Told) MarshalJSON() ([]byte, error) {
	b, err := t.Bounded.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(b[:len(b)-1], `,"n":%d,"outcome":%q}`, t.N, t.Outcome), nil
}

// MarshalJSON writes {"estimate":…,"lo":…,"hi":…}, null for what is not finite.
func (b Bounded) MarshalJSON() ([]byte, error) {
	number := func(v float64) string {
		if !finite(v) {
			return "null"
		}
		return fmt.Sprintf("%v", v)
	}
	return fmt.Appendf(nil, `{"estimate":%s,"lo":%s,"hi":%s}`, number(b.Estimate), number(b.Lo), number(b.Hi)), nil
}

// Agrees is what two runs say together.
type Agrees string

// The verdicts on a claim in two runs. Runs differ where the interval of their
// difference excludes none.
const (
	AgreeFully   Agrees = "agrees"             // one outcome, and they do not differ
	AgreeInKind  Agrees = "agrees, other size" // one outcome, and they differ
	Disagree     Agrees = "disagrees"          // they differ, and have not one outcome
	AgreeUnknown Agrees = "not resolved"       // they do not differ, and have not one outcome, or none
)

// Agree compares what two runs claim. Nothing is pooled, and single trials are
// not compared: each run's ratios stand on pairs of its own.
func Agree(then, now *Analysis) Agreement {
	out := Agreement{Claims: []ClaimAgreement{}}
	was, is := claimsOf(then), claimsOf(now)
	inThen := map[string]bool{}
	for _, w := range was {
		inThen[w.key] = true
		i, ok := w.in(is)
		if !ok {
			out.OnlyThen = append(out.OnlyThen, w.what)
			continue
		}
		out.Claims = append(out.Claims, w.with(i))
	}
	for _, i := range is {
		if !inThen[i.key] {
			out.OnlyNow = append(out.OnlyNow, i.what)
		}
	}
	return out
}

// claim is a contrast or a slope on the scale on which its interval was made:
// ratios as logarithms.
type claim struct {
	key, what, kind, unit string
	at                    float64
	in95                  stats.Interval
	told                  Told
	resolved              bool
	floored               bool // the wake floor does not let it be said
}

func (c claim) in(others []claim) (claim, bool) {
	for _, o := range others {
		if o.key == c.key {
			return o, true
		}
	}
	return claim{}, false
}

// claimsOf are the claims of a run: the contrasts of its primary metric and
// its slopes.
func claimsOf(a *Analysis) []claim {
	var out []claim
	grid := func(name string) string {
		if len(a.Plan.Grids) > 1 {
			return name + ": "
		}
		return ""
	}
	for _, c := range a.Contrasts {
		out = append(out, claim{
			key: strings.Join([]string{"ratio", c.Grid, AtText(c.At), c.Level, c.Baseline, c.Column}, "|"), kind: "ratio",
			what: grid(c.Grid) + c.Level + " against " + c.Baseline + where(c.At),
			at:   math.Log(c.Ratio), in95: stats.Interval{Lo: math.Log(c.Lo), Hi: math.Log(c.Hi), Coverage: c.Coverage},
			told: Told{Bounded{c.Ratio, c.Lo, c.Hi}, c.N, string(c.Outcome)}, resolved: c.Outcome != stats.NotResolved, floored: c.Floor != "",
		})
	}
	for _, s := range a.Slopes {
		column, _ := find(s.Column, registry)
		out = append(out, claim{
			key: strings.Join([]string{"slope", s.Grid, AtText(s.At), s.Level, s.Column, s.Factor}, "|"), kind: "slope",
			what: grid(s.Grid) + a.growthWhat(s), unit: column.Unit,
			at: s.Estimate, in95: stats.Interval{Lo: s.Lo, Hi: s.Hi, Coverage: s.Coverage},
			told: Told{Bounded{s.Estimate, s.Lo, s.Hi}, s.N, string(s.Outcome)}, resolved: s.Outcome != GrowthUnknown,
		})
	}
	return out
}

// with compares a claim with the same one of a later run.
func (c claim) with(now claim) ClaimAgreement {
	d := stats.Difference(c.at, c.in95, now.at, now.in95)
	out := ClaimAgreement{What: c.what, Kind: c.kind, unit: c.unit, Then: c.told, Now: now.told, Change: Bounded{now.at - c.at, d.Lo, d.Hi}}
	if c.kind == "ratio" {
		out.Change = Bounded{math.Exp(now.at - c.at), math.Exp(d.Lo), math.Exp(d.Hi)}
	}
	differ := d.Coverage > 0 && (d.Lo > 0 || d.Hi < 0) && !c.floored && !now.floored
	same := c.resolved && now.resolved && c.told.Outcome == now.told.Outcome
	switch {
	case same && differ:
		out.Verdict = AgreeInKind
	case same:
		out.Verdict = AgreeFully
	case differ:
		out.Verdict = Disagree
	default:
		out.Verdict = AgreeUnknown
	}
	return out
}

// Count is the number of claims with a verdict.
func (a Agreement) Count(v Agrees) int {
	n := 0
	for _, c := range a.Claims {
		if c.Verdict == v {
			n++
		}
	}
	return n
}

// Write writes the table, and below it the sum and what was not compared.
func (a Agreement) Write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	slopes := false
	for i, c := range a.Claims {
		if i == 0 {
			fmt.Fprintln(w, "CLAIM\tTHEN\t\tNOW\t\tNOW / THEN\tVERDICT")
		}
		slopes = slopes || c.Kind == "slope"
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.What, c.value(c.Then.Bounded), c.Then.Outcome, c.value(c.Now.Bounded), c.Now.Outcome, c.change(), c.Verdict)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	var lines []string
	if n := len(a.Claims); n > 0 {
		var parts []string
		for _, v := range []Agrees{AgreeFully, AgreeInKind, Disagree, AgreeUnknown} {
			if k := a.Count(v); k > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", k, map[Agrees]string{
					AgreeFully: "agree", AgreeInKind: "agree but for the size", Disagree: "disagree", AgreeUnknown: "not resolved"}[v]))
			}
		}
		lines = append(lines, fmt.Sprintf("%s of both runs: %s. Intervals are of 95 %% or more, not corrected for their number: two runs of the same truth differ by chance in up to one claim of twenty.",
			countOf(n, "claim", "claims"), strings.Join(parts, ", ")))
	} else {
		lines = append(lines, fmt.Sprintf("No claim is in both runs: nothing to compare (a claim needs %d blocks, and the same levels).", MinPairs))
	}
	if slopes {
		lines = append(lines, "The size of a slope is the machine's, and changes with its speed: only its outcome is to agree.")
	}
	for _, only := range []struct {
		which string
		list  []string
	}{{"first", a.OnlyThen}, {"second", a.OnlyNow}} {
		if len(only.list) > 0 {
			lines = append(lines, fmt.Sprintf("Only in the %s run: %s.", only.which, strings.Join(only.list, "; ")))
		}
	}
	_, err := fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}

// value writes a ratio or a slope with its interval.
func (c ClaimAgreement) value(b Bounded) string {
	switch {
	case math.IsNaN(b.Estimate):
		return "-"
	case math.IsNaN(b.Lo) && c.Kind == "ratio":
		return threeDigits(b.Estimate) + "x"
	case c.Kind == "ratio":
		return ratioText(b.Estimate, b.Lo, b.Hi)
	}
	scale, unit := slopeUnit(max(math.Abs(c.Then.Estimate), math.Abs(c.Now.Estimate)), c.unit)
	if math.IsNaN(b.Lo) {
		return strings.TrimSpace(threeDigits(b.Estimate*scale) + " " + unit)
	}
	return slopeText(Slope{Estimate: b.Estimate, Lo: b.Lo, Hi: b.Hi}, scale, " "+unit)
}

// change writes by what factor a ratio changed. A change of a slope's size has
// no such factor: it may have had none.
func (c ClaimAgreement) change() string {
	if c.Kind != "ratio" || math.IsNaN(c.Change.Lo) {
		return "-"
	}
	return ratioText(c.Change.Estimate, c.Change.Lo, c.Change.Hi)
}
