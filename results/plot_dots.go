package results

import "math"

// dotRow is a row of a chart of the kind "dots".
type dotRow struct {
	header string // a row that only names a group
	label  string
	level  string
	pt     Point
	floor  *floorBand // of its panel
}

// dotsBlock draws one row a level: its value or ratio, the interval, the
// blocks, and the numbers at the right.
func (c *chart) dotsBlock(s sizes) block {
	rows := c.dotRows()
	var ys []float64
	for _, r := range rows {
		ys = append(ys, r.pt.Y)
		if r.pt.Interval {
			ys = append(ys, r.pt.Lo, r.pt.Hi)
		}
		for _, d := range r.pt.Dots {
			ys = append(ys, d.Y)
		}
		for _, d := range r.pt.Excluded {
			ys = append(ys, d.Y)
		}
	}
	kind := c.y.kind
	if c.ratio {
		ys = append(ys, 1-Margin, 1+Margin)
	}
	for _, panel := range c.panels {
		if panel.floor != nil {
			ys = append(ys, panel.floor.shown(ys))
		}
	}
	scale := valueScale(kind, finiteOnly(ys))
	text, small := s.textStyle(), s.softStyle()
	left, right := 0.0, 0.0
	for _, r := range rows {
		left = math.Max(left, text.width(r.label)+22)
		header := textStyle{size: s.text, bold: true}.width(r.header) + 8
		if header < .35*s.w {
			left = math.Max(left, header)
		}
		right = math.Max(right, small.width(c.numbers(r.pt))+10)
	}
	pw := s.w - left - right - 8
	rowHeight := s.text * 2.1
	height := rowHeight * float64(len(rows))
	f := &frame{s: s, x: scale, pw: pw, inset: 10}
	ticks := scale.ticks(pw-20, c.y.unit)
	return block{height + s.small*4.2, func(p *pen, top float64) {
		x0, bottom := left+4, top+height
		for i, r := range rows {
			from := top + rowHeight*float64(i)
			if r.header == "" {
				c.drawDotGrid(p, f, ticks, r.floor, x0, from, from+rowHeight)
			}
		}
		centred := small
		centred.align = .5
		for _, t := range ticks {
			x := f.px(x0, t.value)
			p.text(x, bottom+6+small.size, t.label, centred)
			p.line(stroke{axisInk, .8, nil}, point{x, bottom}, point{x, bottom + 3})
		}
		p.line(stroke{axisInk, .8, nil}, point{x0, bottom}, point{x0 + pw, bottom})
		p.text(x0+pw/2, bottom+6+small.size*2.6, c.y.label, centred)
		for i, r := range rows {
			y := top + rowHeight*(float64(i)+.5)
			if r.header != "" {
				p.text(4, y+s.text*.35, r.header, textStyle{size: s.text, bold: true, color: ink})
				continue
			}
			c.drawDotRow(p, f, x0, y, r)
			p.text(x0+pw+8, y+small.size*.35, c.numbers(r.pt), small)
		}
	}}
}

// drawDotGrid draws what lies under a row.
func (c *chart) drawDotGrid(p *pen, f *frame, ticks []tick, floor *floorBand, x0, from, to float64) {
	if floor != nil {
		p.rect(bandInk, x0, from, math.Min(math.Max(f.px(x0, floor.upTo), x0), x0+f.pw), to)
	}
	if c.ratio {
		p.rect(bandInk, f.px(x0, 1-Margin), from, f.px(x0, 1+Margin), to)
	}
	for _, t := range ticks {
		if t.label != "" {
			p.line(stroke{gridInk, .7, nil}, point{f.px(x0, t.value), from}, point{f.px(x0, t.value), to})
		}
	}
	if c.ratio {
		p.line(stroke{inkFaint, 1, nil}, point{f.px(x0, 1), from}, point{f.px(x0, 1), to})
	}
}

func (c *chart) drawDotRow(p *pen, f *frame, x0, y float64, r dotRow) {
	look := c.looks[r.level]
	style := f.s.textStyle()
	drawMarker(p, look, 10, y, 2.8, look.color, stroke{})
	style.color = readable(look.color)
	p.text(18, y+style.size*.35, r.label, style)
	clamp := func(v float64) float64 {
		if !f.x.holds(v) {
			if v > 0 {
				return x0 + f.pw
			}
			return x0
		}
		return math.Min(math.Max(f.px(x0, v), x0), x0+f.pw)
	}
	if len(r.pt.Dots) > 1 {
		for _, d := range r.pt.Dots {
			if finite(d.Y) {
				blockDot(p, fade(look.color, .55), clamp(d.Y), y+f.s.marker+2.6, dotRadius, d.Unsteady)
			}
		}
	}
	for _, d := range r.pt.Excluded {
		if finite(d.Y) {
			crossMark(p, clamp(d.Y), y+f.s.marker+2.6, 2, d.Verdict)
		}
	}
	if !finite(r.pt.Y) {
		return
	}
	if r.pt.Interval {
		p.line(stroke{look.color, 1.3, nil}, point{clamp(r.pt.Lo), y}, point{clamp(r.pt.Hi), y})
	}
	if r.pt.Censored {
		drawMarker(p, lookRight(look), clamp(r.pt.Y), y, 3.4, look.color, stroke{white, .6, nil})
		return
	}
	pointMarker(p, look, clamp(r.pt.Y), y, f.s.marker, r.pt)
}

// lookRight points to the right: at least this much, on a horizontal axis.
func lookRight(l look) look { return look{color: l.color, shape: shapeRight} }

// dotRows puts the panels' points in rows, grouped by x where there are several.
func (c *chart) dotRows() []dotRow {
	var rows []dotRow
	for _, panel := range c.panels {
		if panel.title != "" {
			rows = append(rows, dotRow{header: panel.title})
		}
		var xs []string
		seen := map[string]bool{}
		for _, series := range panel.series {
			for _, pt := range series.Points {
				if !seen[xText(pt)] {
					seen[xText(pt)] = true
					xs = append(xs, xText(pt))
				}
			}
		}
		for _, x := range xs {
			if len(xs) > 1 && !c.rowsAreX() {
				rows = append(rows, dotRow{header: c.x.name + " = " + x})
			}
			for _, series := range panel.series {
				for _, pt := range series.Points {
					if xText(pt) == x {
						rows = append(rows, dotRow{label: series.Level, level: series.Level, pt: pt, floor: panel.floor})
					}
				}
			}
		}
	}
	return rows
}

// rowsAreX says whether x is the factor that rows are made of already.
func (c *chart) rowsAreX() bool {
	for _, panel := range c.panels {
		for _, series := range panel.series {
			for _, pt := range series.Points {
				if xText(pt) != series.Level {
					return false
				}
			}
		}
	}
	return true
}

func xText(pt Point) string {
	if pt.XText != "" {
		return pt.XText
	}
	return plainNumber(pt.X)
}

// numbers are a row's value and interval as text.
func (c *chart) numbers(pt Point) string {
	if !finite(pt.Y) {
		return "excluded"
	}
	s := threeDigits(pt.Y)
	if pt.Censored {
		s = "> " + s
	}
	if pt.Interval {
		s += " (" + boundText(pt.Lo) + " to " + boundText(pt.Hi) + ")"
	}
	return s
}

func boundText(v float64) string {
	if math.IsInf(v, 0) {
		return "unbounded"
	}
	return threeDigits(v)
}
