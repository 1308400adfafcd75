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
