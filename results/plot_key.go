package results

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// keyItem explains one mark that occurs in a figure. Series are labelled where
// they end and need no key.
type keyItem struct {
	draw func(p *pen, x, y float64) // centred at x, y in a box of 14 points; nil: words only
	text string
}

// keyBlock sets the items in rows.
func keyBlock(s sizes, items []keyItem) block {
	if len(items) == 0 {
		return block{4, func(*pen, float64) {}}
	}
	style := s.softStyle()
	const box, gap = 14.0, 12.0
	type place struct{ x, y float64 }
	places := make([]place, len(items))
	x, y := 4.0, 0.0
	leading := style.size * 1.55
	for i, it := range items {
		w := box + 3 + style.width(it.text)
		if it.draw == nil {
			w -= box + 3
		}
		if x > 4 && x+w > s.w-4 {
			x, y = 4, y+leading
		}
		places[i] = place{x, y}
		x += w + gap
	}
	return block{y + leading + 8, func(p *pen, top float64) {
		for i, it := range items {
			mid := top + 6 + places[i].y + style.size*.2
			x := places[i].x
			if it.draw != nil {
				it.draw(p, x+box/2, mid)
				x += box + 3
			}
			p.text(x, mid+style.size*.35, it.text, style)
		}
	}}
}

// seen are the kinds of marks that a chart has.
type seen struct {
	points, dots, intervals, saturated, open, censored bool
	unsteady, unsteadyDots                             bool
	floor, nearFloor                                   bool
	excluded                                           map[string]bool // by verdict
}

func (c *chart) seen() seen {
	s := seen{excluded: map[string]bool{}}
	for _, panel := range c.panels {
		s.floor = s.floor || panel.floor != nil
		for _, series := range panel.series {
			for _, pt := range series.Points {
				drawn := finite(pt.Y)
				s.nearFloor = s.nearFloor || pt.nearFloor()
				s.points = s.points || drawn
				s.intervals = s.intervals || drawn && pt.Interval
				s.saturated = s.saturated || drawn && pt.Saturated && !pt.Censored
				s.unsteady = s.unsteady || drawn && pt.Unsteady && !pt.Saturated && !pt.Censored
				s.open = s.open || drawn && pt.Open && !pt.Saturated && !pt.Unsteady && !pt.Censored
				s.censored = s.censored || drawn && pt.Censored
				s.dots = s.dots || len(pt.Dots) > 1
				for _, d := range pt.Dots {
					s.censored = s.censored || d.Censored
					s.unsteadyDots = s.unsteadyDots || d.Unsteady && !d.Censored && len(pt.Dots) > 1
				}
				for _, d := range pt.Excluded {
					s.excluded[d.Verdict] = true
				}
			}
		}
	}
	return s
}

// key explains the marks of a chart.
func (c *chart) key() []keyItem {
	if c.keyed != nil || c.kind == "stacked_share" || c.kind == kindHeat {
		return c.keyed
	}
	grey := look{color: inkSoft}
	have := c.seen()
	var items []keyItem
	add := func(text string, draw func(p *pen, x, y float64)) {
		items = append(items, keyItem{draw, text})
	}
	if have.points {
		text := "median of the blocks"
		if c.ratio {
			text = "ratio to " + c.baseline + " over pairs"
		}
		add(text, func(p *pen, x, y float64) { pointMarker(p, grey, x, y, 2.8, Point{}) })
	}
	if have.intervals {
		add(c.coverageText(), func(p *pen, x, y float64) {
			p.line(stroke{inkSoft, 1.2, nil}, point{x, y - 5}, point{x, y + 5})
		})
	}
	if have.dots {
		text := "one block"
		if c.ratio {
			text = "one pair"
		}
		add(text, func(p *pen, x, y float64) { blockDot(p, fade(inkSoft, .6), x, y, 1.3, false) })
	}
	if have.unsteadyDots {
		text := "unsteady block, enters"
		if c.ratio {
			text = "pair with an unsteady block, enters"
		}
		add(text, func(p *pen, x, y float64) { blockDot(p, fade(inkSoft, .6), x, y, 1.3, true) })
	}
	if have.unsteady {
		add("most blocks unsteady", func(p *pen, x, y float64) { pointMarker(p, grey, x, y, 2.8, Point{Unsteady: true}) })
	}
	if have.saturated {
		add("saturated", func(p *pen, x, y float64) { pointMarker(p, grey, x, y, 2.8, Point{Saturated: true}) })
	}
	if have.nearFloor {
		add(fmt.Sprintf("under %d x the wake floor", nearFloor), func(p *pen, x, y float64) { pointMarker(p, grey, x, y, 2.8, Point{Y: 1, Floor: 1}) })
	}
	if have.open {
		add("a quantile with 30 to 99 exceedances", func(p *pen, x, y float64) { pointMarker(p, grey, x, y, 2.8, Point{Open: true}) })
	}
	if have.censored {
		add("more than the timeout", func(p *pen, x, y float64) { censorMark(p, x, y, 3, inkSoft) })
	}
	// One entry for each form of cross.
	var others []string
	for _, verdict := range sortedKeys(have.excluded) {
		if verdict == VerdictClientLimited {
			add(verdict+", does not enter", func(p *pen, x, y float64) { crossMark(p, x, y, 2.4, verdict) })
			continue
		}
		others = append(others, verdict)
	}
	if len(others) > 0 {
		add(strings.Join(others, " or ")+", does not enter", func(p *pen, x, y float64) { crossMark(p, x, y, 2.4, others[0]) })
	}
	if have.floor {
		var labels []string
		for _, panel := range c.panels {
			if panel.floor != nil && !slices.Contains(labels, panel.floor.label) {
				labels = append(labels, panel.floor.label)
			}
		}
		text := strings.Join(labels, ", ")
		add(text, func(p *pen, x, y float64) { p.rect(bandInk, x-6, y-4, x+6, y+4) })
	}
	if have.points && !have.intervals {
		add("too few blocks for an interval: no claim", nil)
	}
	return items
}

// coverageText says what the bars are: intervals are exact, so their coverage
// is the next one above what they aim at that the number of blocks allows.
func (c *chart) coverageText() string {
	aims := cmp.Or(c.aims, "95 %")
	lo, hi := 0.0, 0.0
	for i, v := range c.coverage {
		if i == 0 {
			lo, hi = v, v
		}
		lo, hi = min(lo, v), max(hi, v)
	}
	switch {
	case lo == 0:
		return aims + " interval"
	case hi-lo < .0005:
		return fmt.Sprintf("%s interval (exactly %.1f %%)", aims, 100*lo)
	}
	return fmt.Sprintf("%s interval (exactly %.1f to %.1f %%)", aims, 100*lo, 100*hi)
}
