package results

import (
	"math"
	"sort"
	"strconv"
	"strings"
)

// axisScale maps the values of one axis to 0..1. Kinds: "linear", "log" (base 10),
// "log2" (the same axis with powers of two as ticks), "log1p" (distance
// log(1 + v/knee): a log axis that has a place for 0), "even" (levels one after
// the other, equally far apart).
type axisScale struct {
	kind   string
	lo, hi float64   // values at 0 and 1
	knee   float64   // log1p only: the smallest positive level
	levels []float64 // even only: rising
}

// holds says whether a value has a place on the scale at all.
func (s axisScale) holds(v float64) bool {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return false
	}
	switch s.kind {
	case "log", "log2":
		return v > 0
	case "log1p":
		return v >= 0
	}
	return true
}

// at maps v, which the scale must hold; outside lo..hi it leaves 0..1.
func (s axisScale) at(v float64) float64 {
	a, b := s.bend(s.lo), s.bend(s.hi)
	if a == b {
		return .5
	}
	return (s.bend(v) - a) / (b - a)
}

func (s axisScale) bend(v float64) float64 {
	switch s.kind {
	case "log", "log2":
		return math.Log(v)
	case "log1p":
		return math.Log1p(v / s.knee)
	case "even":
		return evenly(s.levels, v)
	}
	return v
}

// evenly is the place of v among levels, 0 for the first and 1 for the second;
// between two of them in proportion.
func evenly(levels []float64, v float64) float64 {
	i := sort.SearchFloat64s(levels, v)
	switch {
	case i == 0:
		return 0
	case i == len(levels):
		return float64(i - 1)
	}
	return float64(i) - (levels[i]-v)/(levels[i]-levels[i-1])
}

// crowded reports whether the marks of several lines could not be told apart at
// two levels of a linear axis: they are nearer than a tenth of it.
func crowded(levels []float64) bool {
	for i := 1; i < len(levels); i++ {
		if levels[i]-levels[i-1] < (levels[len(levels)-1]-levels[0])/10 {
			return true
		}
	}
	return false
}

// levelScale is a scale for the levels of a factor: it ends at the outermost
// ones. A scale that cannot hold all of them becomes log1p (a zero among
// levels) or linear (a negative one).
func levelScale(kind string, levels []float64) axisScale {
	if kind == "" {
		kind = "linear"
	}
	s := axisScale{kind: kind, lo: math.Inf(1), hi: math.Inf(-1), knee: math.Inf(1), levels: levels}
	for _, v := range levels {
		s.lo, s.hi = math.Min(s.lo, v), math.Max(s.hi, v)
		if v > 0 {
			s.knee = math.Min(s.knee, v)
		}
	}
	if len(levels) == 0 {
		return axisScale{kind: "linear", lo: 0, hi: 1, knee: 1}
	}
	if math.IsInf(s.knee, 1) {
		s.knee = 1
	}
	if strings.HasPrefix(s.kind, "log") {
		switch {
		case s.lo == 0:
			s.kind = "log1p"
		case s.lo < 0:
			s.kind = "linear"
		}
	}
	return s
}

// valueScale is a scale for measured values, with room around them. Values
// that it cannot hold are passed over. A linear one begins at 0 unless all
// values lie in the upper part of the range, where it would hide what differs.
// What is measured has no levels to space evenly.
func valueScale(kind string, values []float64) axisScale {
	if kind == "" || kind == "even" {
		kind = "linear"
	}
	s := axisScale{kind: kind, lo: math.Inf(1), hi: math.Inf(-1), knee: 1}
	for _, v := range values {
		if s.holds(v) {
			s.lo, s.hi = math.Min(s.lo, v), math.Max(s.hi, v)
		}
	}
	switch {
	case s.lo > s.hi && s.kind == "linear":
		s.lo, s.hi = 0, 1
	case s.lo > s.hi:
		s.lo, s.hi = 1, 10
	case s.kind == "linear":
		if s.lo > 0 && s.lo < .75*s.hi {
			s.lo = 0
		}
		room := .06 * (s.hi - s.lo)
		if room == 0 {
			room = math.Max(math.Abs(s.hi)*.1, 1e-9)
		}
		s.hi += room
		if s.lo != 0 {
			s.lo -= room
		}
	default:
		room := math.Max(math.Pow(s.hi/s.lo, .06), 1.06)
		s.lo, s.hi = s.lo/room, s.hi*room
	}
	return s
}

// tick is a mark on an axis; one without a label is short.
type tick struct {
	value float64
	label string
}

// withRoomAbove raises hi so that v stands at most 1-part of the way up.
func (s axisScale) withRoomAbove(v, part float64) axisScale {
	if !s.holds(v) || s.at(v) <= 1-part {
		return s
	}
	b := s.bend(s.lo) + (s.bend(v)-s.bend(s.lo))/(1-part)
	if s.kind == "linear" {
		s.hi = b
	} else {
		s.hi = math.Exp(b)
	}
	return s
}

// ticks for an axis of the given length in points; unit "bytes" labels powers
// of 1024.
func (s axisScale) ticks(length float64, unit string) []tick {
	var values, minor []float64
	ratio := s.hi / s.lo
	switch {
	case s.kind == "log2" && s.lo > 0:
		values = powerTicks(2, s.lo, s.hi, length/34)
	case s.kind == "log1p":
		values = append([]float64{0}, decadeTicks(s.knee, s.hi, length*(1-s.at(s.knee)))...)
	case s.kind == "log" && s.lo > 0 && unit == "bytes" && ratio >= 8:
		values = powerTicks(2, s.lo, s.hi, length/30)
	case s.kind == "log" && s.lo > 0 && ratio < 8:
		values = unitTicks(s.lo, s.hi, length/30, unit)
	case s.kind == "log" && s.lo > 0:
		values = decadeTicks(s.lo, s.hi, length)
		minor = ticksWithin(s.lo, s.hi, minorTicks(s.lo, s.hi))
	default:
		values = unitTicks(s.lo, s.hi, length/42, unit)
	}
	values = ticksWithin(s.lo, s.hi, values)
	label := axisLabels(values, unit)
	out := make([]tick, 0, len(values)+len(minor))
	for i, v := range values {
		out = append(out, tick{v, label[i]})
	}
	for _, v := range minor {
		if !isNear(v, values) {
			out = append(out, tick{value: v})
		}
	}
	return out
}

// levelTicks puts a tick at each level of a factor; labels that would touch
// (width in points by the function) are left out, the outermost kept longest.
func (s axisScale) levelTicks(levels []float64, length float64, unit string, width func(string) float64) []tick {
	labels := axisLabels(levels, unit)
	out := make([]tick, len(levels))
	type taken struct{ from, to float64 }
	var used []taken
	order := make([]int, 0, len(levels))
	if n := len(levels); n > 0 {
		order = append(order, 0)
		if n > 1 {
			order = append(order, n-1)
		}
		for i := 1; i < n-1; i++ {
			order = append(order, i)
		}
	}
	for _, i := range order {
		out[i].value = levels[i]
		at, w := s.at(levels[i])*length, width(labels[i])+6
		free := true
		for _, u := range used {
			free = free && (at+w/2 <= u.from || at-w/2 >= u.to)
		}
		if free {
			out[i].label = labels[i]
			used = append(used, taken{at - w/2, at + w/2})
		}
	}
	return out
}

// unitTicks are linearTicks in the unit in which the axis is labelled: round
// numbers of bytes are not round in MiB.
func unitTicks(lo, hi, n float64, unit string) []float64 {
	size := 1.0
	if unit == "bytes" {
		size = byteUnit(math.Abs(hi) / 2).size
	}
	out := linearTicks(lo/size, hi/size, n)
	for i := range out {
		out[i] *= size
	}
	return out
}

// linearTicks are about n multiples of 1, 2 or 5 times a power of ten.
func linearTicks(lo, hi, n float64) []float64 {
	span := hi - lo
	if span <= 0 || math.IsInf(span, 0) || math.IsNaN(span) {
		return []float64{lo}
	}
	raw := span / math.Max(math.Min(n, 8), 2)
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*step >= raw {
			step *= m
			break
		}
	}
	var out []float64
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+step*1e-9; k++ {
		out = append(out, roundBits(k*step)+0) // +0: no -0
	}
	return out
}

// decadeTicks are powers of ten, with 2 and 5 between where there is room.
func decadeTicks(lo, hi, length float64) []float64 {
	decades := math.Log10(hi / lo)
	perDecade := length / math.Max(decades, 1e-9)
	if perDecade < 20 {
		every := math.Ceil(20 / perDecade)
		return powerTicks(math.Pow(10, every), lo, hi, 99)
	}
	var out []float64
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for _, m := range []float64{1, 2, 5} {
			if m == 1 || perDecade >= 66 {
				out = append(out, roundBits(m*math.Pow(10, e)))
			}
		}
	}
	return out
}

func minorTicks(lo, hi float64) []float64 {
	if hi/lo > 1e6 {
		return nil
	}
	var out []float64
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for m := 2.0; m <= 9; m++ {
			out = append(out, roundBits(m*math.Pow(10, e)))
		}
	}
	return out
}

// powerTicks are powers of base between lo and hi, thinned to about n.
func powerTicks(base, lo, hi, n float64) []float64 {
	from, to := math.Ceil(math.Log(lo)/math.Log(base)-1e-9), math.Floor(math.Log(hi)/math.Log(base)+1e-9)
	every := math.Max(1, math.Ceil((to-from+1)/math.Max(n, 2)))
	var out []float64
	for e := math.Ceil(from/every) * every; e <= to; e += every {
		out = append(out, roundBits(math.Pow(base, e)))
	}
	return out
}

func ticksWithin(lo, hi float64, values []float64) []float64 {
	var out []float64
	eps := 1e-9 * math.Max(math.Abs(lo), math.Abs(hi))
	for _, v := range values {
		if v >= lo-eps && v <= hi+eps {
			out = append(out, v)
		}
	}
	sort.Float64s(out)
	return out
}

func isNear(v float64, values []float64) bool {
	for _, w := range values {
		if math.Abs(v-w) <= 1e-9*math.Abs(w) {
			return true
		}
	}
	return false
}

// roundBits drops the last bits that repeated arithmetic leaves.
func roundBits(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 12, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// axisLabels writes the values of one axis: 8,000 not 8e+03, and as many
// decimals as each needs; bytes in powers of 1024, shares in per cent.
func axisLabels(values []float64, unit string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = plainNumber(v)
		switch unit {
		case "bytes":
			out[i] = bytesLabel(v)
		case "share":
			out[i] = plainNumber(roundBits(100*v)) + " %"
		}
	}
	return out
}

// plainNumber writes up to 12 digits with thousands separators.
func plainNumber(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	if a := math.Abs(v); a >= 1e15 || (a > 0 && a < 1e-6) {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return thousands(roundBits(v))
}

// significantDigits writes v with at most n significant digits.
func significantDigits(v float64, n int) string {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', n, 64), 64)
	if err != nil {
		return plainNumber(v)
	}
	return plainNumber(r)
}

// threeDigits writes v with three significant digits, trailing zeros kept, so
// that numbers below each other agree; from 1,000 on, whole.
func threeDigits(v float64) string {
	a := math.Abs(v)
	switch {
	case v == 0:
		return "0"
	case a >= 999.5:
		return thousands(math.Round(v))
	case a < 1e-3:
		return significantDigits(v, 3)
	}
	return fixed(v, max(0, 2-int(math.Floor(math.Log10(a*1.0005)))))
}
