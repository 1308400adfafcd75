package results

import (
	"image/color"
	"math"
)

// shareStack is one column of a chart of the kind "stacked_share": parts of a
// whole, from the bottom up, at one x.
type shareStack struct {
	x     float64   // place among the levels, from 0
	parts []float64 // by the chart's columns; NaN where there is none
}

// stackedBlock draws for each x how a whole divides among the y columns. The
// y axis is linear from 0, so that areas are true.
func (c *chart) stackedBlock(s sizes) block {
	columns, zero := c.shareColumns()
	names := c.levelNames()
	y := axisScale{kind: "linear", lo: 0, hi: 1}
	x := axisScale{kind: "linear", lo: -.5, hi: float64(len(names)) - .5}
	var titles []string
	for _, panel := range c.panels {
		titles = append(titles, panel.title)
	}
	xAxis := axisSpec{label: c.x.label, names: names}
	f := newFrame(s, xAxis, c.y, x, y, titles, 6, 0, 0)
	style := s.softStyle()
	var items []keyItem
	for k, name := range columns {
		if !zero[name] {
			items = append(items, keyItem{func(p *pen, x, y float64) { p.rect(fateColor(k), x-5, y-4, x+5, y+4) }, name})
		}
	}
	key := keyBlock(s, items)
	return block{f.height() + key.height, func(p *pen, top float64) {
		f.drawGrid(p, top)
		f.drawTitles(p, top)
		for i, panel := range c.panels {
			x0, y0 := f.area(top, i)
			slot := f.pw / math.Max(float64(len(names)), 1)
			half := math.Min(slot*.38, 26)
			for _, st := range c.stacks(panel, columns) {
				at, base := f.px(x0, st.x), 0.0
				for k, v := range st.parts {
					if !finite(v) || v <= 0 {
						continue
					}
					from, to := f.clampY(y0, base), f.clampY(y0, base+v)
					edge := stroke{white, .7, nil}
					if from-to < 4 {
						edge.width = 0 // it would hide a small part
					}
					p.polygon(fateColor(k), edge, point{at - half, to}, point{at + half, to}, point{at + half, from}, point{at - half, from})
					label := shareText(v, 1)
					if style.width(label) > 2*half-2 {
						label = shareText(v, 0)
					}
					if from-to > style.size*1.3 && style.width(label) < 2*half-2 {
						p.text(at, (from+to)/2+style.size*.35, label, textStyle{size: style.size, align: .5, color: onColor(k)})
					}
					base += v
				}
			}
			p.line(stroke{axisInk, .8, nil}, point{x0, y0 + f.ph}, point{x0 + f.pw, y0 + f.ph})
		}
		key.draw(p, top+f.height())
	}}
}

func fateColor(k int) color.NRGBA { return fateColors[k%len(fateColors)] }

// onColor is black or white, whichever is readable on a part's colour.
func onColor(k int) color.NRGBA {
	if luminance(fateColor(k)) > .3 {
		return ink
	}
	return white
}

// shareText is a share as a percentage; what is not all is never "100 %".
func shareText(v float64, decimals int) string {
	scale := math.Pow(10, float64(decimals))
	percent := math.Round(100*v*scale) / scale
	if v < 1 && percent >= 100 {
		percent = 100 - 1/scale
	}
	return plainNumber(percent) + " %"
}

// shareColumns are the y columns in the figure's order, and those of them that
// are zero everywhere: these keep their colour, and need no place in the key.
func (c *chart) shareColumns() (columns []string, zero map[string]bool) {
	zero = map[string]bool{}
	for _, panel := range c.panels {
		for _, series := range panel.series {
			if _, seen := zero[series.Column]; !seen {
				zero[series.Column] = true
				columns = append(columns, series.Column)
			}
			for _, pt := range series.Points {
				zero[series.Column] = zero[series.Column] && !(pt.Y > 0)
			}
		}
	}
	return columns, zero
}

// levelNames are the x levels of the chart as text, in order.
func (c *chart) levelNames() []string {
	if c.x.names != nil {
		return c.x.names
	}
	return axisLabels(c.x.levels, c.x.unit)
}

// stacks collects a panel's parts by x.
func (c *chart) stacks(panel panel, columns []string) []shareStack {
	column := map[string]int{}
	for k, name := range columns {
		column[name] = k
	}
	var out []shareStack
	at := map[string]int{}
	for _, series := range panel.series {
		k, ok := column[series.Column]
		if !ok {
			continue
		}
		for _, pt := range series.Points {
			text := xText(pt)
			i, ok := at[text]
			if !ok {
				i = len(out)
				at[text] = i
				st := shareStack{x: c.slot(pt), parts: make([]float64, len(columns))}
				for j := range st.parts {
					st.parts[j] = math.NaN()
				}
				out = append(out, st)
			}
			out[i].parts[k] = pt.Y
		}
	}
	return out
}

// slot is the place of a point's x among the levels.
func (c *chart) slot(pt Point) float64 {
	if pt.XText != "" {
		return pt.X
	}
	for i, v := range c.x.levels {
		if v == pt.X {
			return float64(i)
		}
	}
	return math.NaN()
}
