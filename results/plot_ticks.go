package results

import (
	"math"
	"sort"
	"strings"
)

// tick is a mark on an axis; one without a label is short.
type tick struct {
	value float64
	label string
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
// Shares lose their sign where that makes room: the axis has it.
func (s axisScale) levelTicks(levels []float64, length float64, unit string, width func(string) float64) []tick {
	labels := axisLabels(levels, unit)
	out, whole := s.labelled(levels, labels, length, width)
	if !whole && unit == "share" {
		for i := range labels {
			labels[i] = strings.TrimSuffix(labels[i], " %")
		}
		if bare, whole := s.labelled(levels, labels, length, width); whole {
			return bare
		}
	}
	return out
}

// labelled gives levels those of their labels that have room, and reports
// whether all had it.
func (s axisScale) labelled(levels []float64, labels []string, length float64, width func(string) float64) (out []tick, whole bool) {
	out, whole = make([]tick, len(levels)), true
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
		whole = whole && free
	}
	return out, whole
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
