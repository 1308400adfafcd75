package results

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/perf/benchmath"

	"medusa/results/stats"
)

// Unpaired is what a tool that knows no pairs, such as benchstat, makes of the
// same trials: medians of both levels with their intervals, and a Mann-Whitney
// U test. All by golang.org/x/perf/benchmath, so that benchstat prints the same.
type Unpaired struct {
	Level, Base Median
	P           float64 // NaN without values
	Different   bool    // P <= 5 %
	// SD is the standard deviation of a log ratio whose trials are not
	// paired; PairSD that of the pairs. NaN below two values.
	SD, PairSD float64
	// Disagrees explains, where both come to different conclusions, why;
	// "" where they do not, and without enough pairs for a conclusion.
	Disagrees string
}

// Median is the median of the trials that enter, by benchmath.
type Median struct {
	N              int
	Center, Lo, Hi float64
	// Spread is the interval relative to the median as benchstat writes it:
	// "2%", or "∞" for too few values.
	Spread string
}

// benchCoverage is the coverage that benchstat asks for unless told otherwise.
const benchCoverage = 0.95

// unpaired compares the levels of a contrast by their trials alone.
func unpaired(p *site, c Contrast, q question) Unpaired {
	l, b := trialValues(p, c.Level, q), trialValues(p, q.base, q)
	u := Unpaired{Level: medianOf(l), Base: medianOf(b), P: math.NaN(), SD: math.NaN(), PairSD: math.NaN()}
	if len(l) == 0 || len(b) == 0 {
		return u
	}
	compared := benchmath.AssumeNothing.Compare(benchSample(l), benchSample(b))
	u.P, u.Different = compared.P, compared.P <= compared.Alpha
	u.SD = math.Hypot(stats.SD(logs(l)), stats.SD(logs(b)))
	u.PairSD = c.PairSD
	u.Disagrees = u.against(c)
	return u
}

// against explains where paired and unpaired disagree.
func (u Unpaired) against(c Contrast) string {
	if c.Coverage == 0 || c.Censored > 0 || c.Floor != "" {
		return ""
	}
	paired := c.Outcome == stats.Faster || c.Outcome == stats.Slower
	scatter := ""
	if finite(u.SD) && finite(u.PairSD) { // a value of 0 has no logarithm
		scatter = fmt.Sprintf(", sd %s -> %s", percentText(u.SD), percentText(u.PairSD))
	}
	switch {
	case paired && !u.Different:
		return fmt.Sprintf("unpaired: ~ (p=%s); paired: %s: pairing removes the machine's state%s", benchP(u.P), c.Outcome, scatter)
	case paired && (u.Level.Center > u.Base.Center) != (c.Ratio > 1):
		return fmt.Sprintf("unpaired: the other way (p=%s); paired: %s: the medians are of different states of the machine%s", benchP(u.P), c.Outcome, scatter)
	case !paired && u.Different && u.PairSD > u.SD:
		return fmt.Sprintf("unpaired: differs (p=%s); paired: %s: here pairs scatter more than trials%s", benchP(u.P), c.Outcome, scatter)
	case !paired && u.Different:
		return fmt.Sprintf("unpaired: differs (p=%s); paired: %s: it takes trials for independent that share a machine's state%s", benchP(u.P), c.Outcome, scatter)
	}
	return ""
}

// benchP writes a p as benchstat does.
func benchP(p float64) string { return fixed(p, 3) }

// trialValues are the values of the trials of a level that enter, in the order
// of their blocks. Censored ones are none, and a cell that has one has no
// values at all: without its worst trials its median would be too good.
func trialValues(p *site, level string, q question) []float64 {
	var out []float64
	for _, m := range p.minis {
		r := m.entered(level)
		if r == nil || q.evenBlocks && stats.Chooses(m.block) {
			continue
		}
		if _, censored := r.AtLeast(q.column); censored {
			return nil
		}
		if v, ok := r.Value(q.column); ok {
			out = append(out, v)
		}
	}
	return out
}

func benchSample(values []float64) *benchmath.Sample {
	return benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
}

func medianOf(values []float64) Median {
	if len(values) == 0 {
		return Median{Center: math.NaN(), Lo: math.NaN(), Hi: math.NaN()}
	}
	s := benchmath.AssumeNothing.Summary(benchSample(values), benchCoverage)
	return Median{N: len(values), Center: s.Center, Lo: s.Lo, Hi: s.Hi, Spread: s.PctRangeString()}
}

func logs(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.Log(v)
	}
	return out
}
