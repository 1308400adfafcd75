package results

import (
	"fmt"
	"math"
)

// pair is a level and the baseline in one mini-block.
type pair struct {
	block       int
	level, base *Record // in the second analysis those of the last attempt
	// Bounds of the log ratio; equal unless a value is censored. near is
	// the possible value nearest to 0: it changes sign with the roles of
	// the two trials, so sign flips of it are exact too.
	lo, hi, near float64
	censored     bool
}

// span is what is known of a value: lo and hi are equal, or hi is +Inf.
type span struct{ lo, hi float64 }

// span returns a column's value, or the bound of a censored one.
func (r *Record) span(column string) (span, bool) {
	if v, ok := r.Value(column); ok {
		return span{v, v}, true
	}
	if v, ok := r.AtLeast(column); ok {
		return span{v, math.Inf(1)}, true
	}
	return span{}, false
}

// pairOf forms the pair of two trials; why says what prevents it.
func pairOf(block int, level, base *Record, column string) (p pair, why string) {
	l, ok := level.span(column)
	if !ok {
		return pair{}, "without a value (" + level.Why(column) + ")"
	}
	b, ok := base.span(column)
	if !ok {
		return pair{}, "without a value (" + base.Why(column) + ")"
	}
	if l.lo <= 0 || b.lo <= 0 {
		return pair{}, "with a value that is not positive, so without a ratio"
	}
	p = pair{block: block, level: level, base: base, lo: math.Log(l.lo / b.hi), hi: math.Log(l.hi / b.lo)}
	p.censored = math.IsInf(l.hi, 1) || math.IsInf(b.hi, 1)
	p.near = max(p.lo, min(p.hi, 0))
	return p, ""
}

// mainPairs are the pairs of the main analysis, at most one a mini-block, with
// the reasons for those that are missing.
func (a *Analysis) mainPairs(p *site, level, base, column string) ([]pair, []string) {
	var pairs []pair
	var missing reasons
	for _, m := range p.minis {
		if !m.plans(level, base) {
			continue
		}
		at := m.choose(level, base)
		if at == nil {
			missing.add("not run")
			continue
		}
		l, b := at.byLevel[level], at.byLevel[base]
		if why := excludes(l, b); why != "" {
			missing.add(why)
			continue
		}
		one, why := pairOf(m.block, l, b, column)
		if why != "" {
			missing.add(why)
			continue
		}
		pairs = append(pairs, one)
	}
	return pairs, missing.list()
}

// excludes returns the verdict that keeps a pair out, the gravest of both.
func excludes(l, b *Record) string {
	if l == nil || b == nil {
		return "not run"
	}
	for _, verdict := range precedence {
		if !enters(verdict, false) && (l.Verdict == verdict || b.Verdict == verdict) {
			return verdict
		}
	}
	return ""
}

// keptPairs are the pairs of the second analysis: every attempt of a mini-block
// counts, and their log ratios are averaged, as a block is one piece of
// evidence.
func (a *Analysis) keptPairs(p *site, level, base, column string) ([]pair, []string) {
	var pairs []pair
	var missing reasons
	for _, m := range p.minis {
		if !m.plans(level, base) {
			continue
		}
		var sum pair
		n, why := 0.0, "not run"
		for _, at := range m.attempts {
			l, b := at.byLevel[level], at.byLevel[base]
			if l == nil || b == nil {
				continue
			}
			if !enters(l.Verdict, true) || !enters(b.Verdict, true) {
				why = excludes(l, b)
				continue
			}
			one, reason := pairOf(m.block, l, b, column)
			if reason != "" {
				why = reason
				continue
			}
			n++
			one.lo, one.hi, one.near = sum.lo+one.lo, sum.hi+one.hi, sum.near+one.near
			one.censored = one.censored || sum.censored
			sum = one
		}
		if n == 0 {
			missing.add(why)
			continue
		}
		sum.lo, sum.hi, sum.near = sum.lo/n, sum.hi/n, sum.near/n
		pairs = append(pairs, sum)
	}
	return pairs, missing.list()
}

// reasons counts why something is missing, in order of appearance.
type reasons struct {
	order []string
	count map[string]int
}

func (r *reasons) add(why string) {
	if r.count == nil {
		r.count = map[string]int{}
	}
	if r.count[why] == 0 {
		r.order = append(r.order, why)
	}
	r.count[why]++
}

// list writes the reasons as "2 noisy", "1 failed".
func (r *reasons) list() []string {
	var out []string
	for _, why := range r.order {
		out = append(out, fmt.Sprintf("%d %s", r.count[why], why))
	}
	return out
}
