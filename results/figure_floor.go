package results

import (
	"math"
	"strconv"
	"strings"
)

// setFloor draws the floor under each panel: the one that the figure gives as a
// number in the unit of y, else under every latency the machine's wake floor, at
// the same quantile, asked for or not. One that is asked for and cannot be drawn
// is said to be missing.
func (c *chart) setFloor(a *Analysis, f Figure) {
	if v, err := strconv.ParseFloat(f.Floor, 64); err == nil && v > 0 && !math.IsInf(v, 1) {
		for i := range c.panels {
			c.panels[i].floor = &floorBand{v, "floor " + plainNumber(v) + spaced(unitText(c.y.unit))}
		}
		return
	}
	drawn := false
	for i := range c.panels {
		c.panels[i].floor = c.panels[i].wakeFloor(c.y.unit)
		drawn = drawn || c.panels[i].floor != nil
	}
	c.nameHidden()
	if f.Floor != "" && !drawn && !c.ratio {
		c.notes = append(c.notes, "No floor is drawn: "+a.instrument.noFloor(f.Floor)+".")
	}
}

// wakeFloor is the highest floor of a panel's points; nil where none has one.
func (p panel) wakeFloor(unit string) *floorBand {
	highest, column := 0.0, ""
	for _, s := range p.series {
		for _, pt := range s.Points {
			if pt.Floor > highest {
				highest, column = pt.Floor, s.Column
			}
		}
	}
	if highest == 0 {
		return nil
	}
	quantile, _, _ := latencyOf(column)
	return &floorBand{highest, "wake floor " + quantileText(quantile) + " " + quantity(highest, unit)}
}

// quantileText writes "p99.9" for p999.
func quantileText(q string) string { return strings.Replace(q, "p999", "p99.9", 1) }

// noFloor says why there is no wake floor to draw.
func (i instrument) noFloor(what string) string {
	switch {
	case i.floor != nil:
		return "the time to " + what + " is no part of what this figure shows"
	case i.certificate != nil && len(i.elsewhere) > 0:
		return "the certificate is of " + joinWords(i.elsewhere)
	}
	return "how long this machine takes to " + what + " was not measured"
}

// wakes says whether a floor of the chart is the machine's.
func (c *chart) wakes() bool {
	for _, panel := range c.panels {
		if panel.wakeFloor(c.y.unit) != nil {
			return true
		}
	}
	return false
}

// farFloor is how far below all values a floor may lie and still be on a
// logarithmic axis with them.
const farFloor = 10

// shown is where a band ends among values, for the axis that shows them: a floor
// far from all of them does not stretch it until they cannot be told apart.
func (f *floorBand) shown(values []float64) float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range finiteOnly(values) {
		if v > 0 {
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
	}
	switch {
	case lo > hi:
		return f.upTo
	case f.upTo < lo/farFloor:
		return lo
	}
	return math.Min(f.upTo, 2*hi)
}

// nameHidden says of a floor that lies below a logarithmic axis that it does.
func (c *chart) nameHidden() {
	var values []float64
	for _, panel := range c.panels {
		for _, s := range panel.series {
			for _, pt := range s.Points {
				values = append(values, pt.Y)
				for _, d := range pt.Dots {
					values = append(values, d.Y)
				}
			}
		}
	}
	for _, panel := range c.panels {
		if f := panel.floor; f != nil && c.y.kind == "log" && f.shown(values) > f.upTo {
			f.label += ", below this axis"
		}
	}
}
