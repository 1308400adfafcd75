package results

import (
	"fmt"
	"image/color"
	"math"
	"slices"
)

// A heat map of ratios: a row for each level, a column for each x, the ratio as a
// number in the cell and as its colour. The scale diverges from 1, by logarithms,
// and is full at heatFull and its inverse; both its ends are dark, so that what is
// far from 1 shows in grey too, and the number says to which side.

const heatFull = 4.0

var (
	heatBetter = rgb(0x0072B2)
	heatWorse  = rgb(0xD55E00)
)

// heatColor is the colour of a ratio; higher says that more is better.
func heatColor(ratio float64, higher bool) color.NRGBA {
	t := math.Log(ratio) / math.Log(heatFull)
	if higher {
		t = -t
	}
	end := heatWorse
	if t < 0 {
		end, t = heatBetter, -t
	}
	t = .85 * math.Pow(math.Min(t, 1), .7)
	mix := func(to uint8) uint8 { return uint8(math.Round(255 + t*(float64(to)-255))) }
	return color.NRGBA{R: mix(end.R), G: mix(end.G), B: mix(end.B), A: 255}
}

// heatRow is a row of a heat map.
type heatRow struct {
	header string // a row that only names a panel
	level  string
	apart  bool // of the strip
	at     map[float64]Point
}

// heatRows puts the series of a chart in rows: of each panel those that can be
// best, then the strip.
func (c *chart) heatRows() (rows []heatRow) {
	for _, panel := range c.panels {
		if panel.title != "" {
			rows = append(rows, heatRow{header: panel.title})
		}
		var strip []heatRow
		for _, s := range panel.series {
			r := heatRow{level: s.Level, apart: slices.Contains(c.strip, s.Level), at: map[float64]Point{}}
			for _, pt := range s.Points {
				r.at[c.slot(pt)] = pt
			}
			if r.apart {
				strip = append(strip, r)
			} else {
				rows = append(rows, r)
			}
		}
		rows = append(rows, strip...)
	}
	return rows
}

func (c *chart) heatBlock(s sizes) block {
	rows, names := c.heatRows(), c.levelNames()
	text, small := s.textStyle(), s.softStyle()
	left := 0.0
	for _, r := range rows {
		left = math.Max(left, text.width(r.level)+14)
	}
	rowHeight, gap := s.text*2.2, s.text*.7
	height := 0.0
	for _, r := range rows {
		height += rowHeight
		if r.apart {
			height += gap
		}
	}
	cell := (s.w - left - 8) / math.Max(float64(len(names)), 1)
	scale := []float64{1 / heatFull, .5, 1, 2, heatFull}
	legend := s.small * 3.4
	return block{height + s.small*4 + legend, func(p *pen, top float64) {
		y := top
		for _, r := range rows {
			if r.header != "" {
				p.text(4, y+rowHeight*.7, r.header, textStyle{size: s.text, bold: true, color: ink})
				y += rowHeight
				continue
			}
			if r.apart {
				y += gap
			}
			p.text(4, y+rowHeight/2+text.size*.35, r.level, text)
			for i := range names {
				pt, ok := r.at[float64(i)]
				c.heatCell(p, s, left+cell*float64(i), y, cell, rowHeight, pt, ok)
			}
			y += rowHeight
		}
		centred := small
		centred.align = .5
		for i, name := range names {
			p.text(left+cell*(float64(i)+.5), y+small.size*1.4, name, centred)
		}
		p.text(left+cell*float64(len(names))/2, y+small.size*2.9, c.x.label, centred)
		y += s.small * 4
		x, w := left, math.Min(56, (s.w-left-8)/float64(len(scale)))
		for _, v := range scale {
			p.polygon(heatColor(v, c.higher), stroke{white, 1, nil}, point{x, y}, point{x + w, y}, point{x + w, y + s.small*1.7}, point{x, y + s.small*1.7})
			centred.color = heatInk(heatColor(v, c.higher))
			p.text(x+w/2, y+s.small*1.2, threeDigits(v), centred)
			x += w
		}
		note := small
		p.text(x+6, y+s.small*1.2, "ratio; blue is better", note)
	}}
}

// heatInk is readable on a colour.
func heatInk(c color.NRGBA) color.NRGBA {
	if luminance(c) > .3 {
		return ink
	}
	return white
}

// heatCell draws one cell. The best one has a frame; one that no pair stands
// behind is hatched; with too few for an interval the number has a question mark.
func (c *chart) heatCell(p *pen, s sizes, x, y, w, h float64, pt Point, ok bool) {
	x0, y0, x1, y1 := x+1, y+1, x+w-1, y+h-1
	if !ok || !finite(pt.Y) {
		p.rect(bandInk, x0, y0, x1, y1)
		for d := -h; d < w; d += 7 {
			a, b := math.Max(d, 0), math.Min(d+h, w)
			p.line(stroke{inkFaint, .5, nil}, point{math.Min(x0+a, x1), y1 - (a - d)}, point{math.Min(x0+b, x1), math.Max(y1-(b-d), y0)})
		}
		return
	}
	fill := heatColor(pt.Y, c.higher)
	edge := stroke{}
	if pt.Best {
		edge = stroke{ink, 1.4, nil}
	}
	p.polygon(fill, edge, point{x0, y0}, point{x1, y0}, point{x1, y1}, point{x0, y1})
	label := threeDigits(pt.Y)
	switch {
	case pt.Best:
		label = "best"
	case !pt.Interval:
		label += "?"
	}
	p.text((x0+x1)/2, (y0+y1)/2+s.text*.35, label, textStyle{size: s.text, align: .5, color: heatInk(fill), bold: pt.Best})
}

// readHeat tells how to read a heat map.
func (c *chart) readHeat() string {
	text := fmt.Sprintf("Each cell is a ratio to %s, at the same place; the colour diverges from 1, and is full at %g and 1/%g: blue is better, orange worse.", c.baseline, heatFull, heatFull)
	if c.baseline == Best {
		text = fmt.Sprintf("In each column the framed level was best on the odd blocks; the other cells are ratios to it on the even ones, so that luck in the choice does not count. The colour diverges from 1, and is full at %g and 1/%g: blue is better, orange worse.", heatFull, heatFull)
	}
	if len(c.strip) > 0 {
		text += " " + capital(joinWords(c.strip)) + " stands apart: it is set beside the best of the others and cannot be it."
	}
	return text + " A question mark: too few pairs for an interval. Hatched: none."
}
