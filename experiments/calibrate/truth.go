package calibrate

import (
	"math"

	"medusa/results"
)

// builder puts a truth together.
type builder struct{ results.Truth }

func newTruth(id, title string) *builder {
	return &builder{results.Truth{ID: id, Title: title, Pass: true}}
}

// bound is what a part has to lie in; nil does not bind.
type bound struct{ truth, lo, hi *float64 }

func atMost(hi float64) bound      { return bound{hi: &hi} }
func atLeast(lo float64) bound     { return bound{lo: &lo} }
func between(lo, hi float64) bound { return bound{lo: &lo, hi: &hi} }
func exactly(v float64) bound      { return bound{truth: &v, lo: &v, hi: &v} }

// shown is a part that is only told.
func shown() bound { return bound{} }

func (b bound) of(truth float64) bound { b.truth = &truth; return b }

// part adds a number. What is no number fails: there was nothing to measure.
func (b *builder) part(name, unit string, measured float64, in bound) {
	p := results.Part{Name: name, Unit: unit, Truth: in.truth, Measured: measured, Lo: in.lo, Hi: in.hi}
	p.Pass = !(p.Lo != nil && measured < *p.Lo || p.Hi != nil && measured > *p.Hi)
	if math.IsNaN(measured) || math.IsInf(measured, 0) {
		p.Measured, p.Pass = 0, false
	}
	b.Pass = b.Pass && p.Pass
	b.Parts = append(b.Parts, p)
}

// chance says how often a correct instrument fails.
func (b *builder) chance(rate float64, how string) {
	rate = min(max(rate, 0), 1)
	b.FalseFail, b.FalseFailHow = &rate, how
}

func us[T int64 | float64](ns T) float64 { return float64(ns) / 1e3 }

// share is a part of a whole; of nothing it is NaN, which fails.
func share(part, whole int) float64 { return float64(part) / float64(whole) }
