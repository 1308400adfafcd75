package results

import "math"

// markRow is a row of mark labels above the panels; indices into the marks.
type markRow []int

// markRows deals the labels of vertical marks to as few rows as keep them
// apart. Marks that the x scale does not reach are left out.
func (l *lines) markRows() []markRow {
	style := l.s.softStyle()
	var rows []markRow
	var ends []float64
	for i, m := range l.c.marks {
		if !l.x.holds(m.x) || l.x.at(m.x) < -1e-9 || l.x.at(m.x) > 1+1e-9 {
			continue
		}
		row := 0
		for row < len(ends) && ends[row] > l.px(0, m.x) {
			row++
		}
		if row == len(ends) {
			ends = append(ends, 0)
			rows = append(rows, nil)
		}
		ends[row] = l.px(0, m.x) + style.width(m.label) + 8
		rows[row] = append(rows[row], i)
	}
	return rows
}

// drawMarks draws the marks; their labels stand above the first row of panels.
func (l *lines) drawMarks(p *pen, top float64, rows []markRow) {
	style := l.s.softStyle()
	leading := style.size * 1.25
	for i := range l.c.panels {
		x0, y0 := l.area(top, i)
		baseline := func(row int) float64 { return y0 - l.head - leading*float64(len(rows)-1-row) - 3.5 }
		for r, row := range rows {
			for _, k := range row {
				up := y0
				if i < l.columns {
					up = baseline(r) - style.size
				}
				x := l.px(x0, l.c.marks[k].x)
				p.line(stroke{inkFaint, .7, []float64{1, 2}}, point{x, up}, point{x, y0 + l.ph})
			}
		}
		if i >= l.columns {
			continue
		}
		for r, row := range rows {
			for _, k := range row {
				m := l.c.marks[k]
				x, y := l.px(x0, m.x)+2.5, baseline(r)
				p.rect(white, x-1, y-style.size, x+style.width(m.label)+1, y+2)
				p.text(x, y, m.label, style)
			}
		}
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func finiteOnly(values []float64) []float64 {
	var out []float64
	for _, v := range values {
		if finite(v) {
			out = append(out, v)
		}
	}
	return out
}
