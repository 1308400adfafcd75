package results

import "math"

// frame is the grid of panels with their shared axes.
type frame struct {
	s              sizes
	x, y           axisScale
	xTicks, yTicks []tick
	xAxis, yAxis   axisSpec
	columns, rows  int
	left, right    float64 // of the first column's tick labels; of each panel's end labels
	pw, ph         float64 // plot area of a panel
	head, foot     float64 // above each panel (title), below the grid (tick labels, axis label)
	lead           float64 // above the grid (y label, mark labels)
	inset          float64 // between a panel's edge and the outermost x
	titles         []string
	yLabel         []string // lines
	gap            float64
}

const yGap = 14 // between rows of panels

// newFrame divides the width among panels. The widths of labels to the right
// of each panel and the room that marks need beside the outermost x are given.
func newFrame(s sizes, xAxis, yAxis axisSpec, x, y axisScale, titles []string, right, inset, lead float64) *frame {
	f := &frame{s: s, x: x, y: y, xAxis: xAxis, yAxis: yAxis, titles: titles, right: right, inset: inset, gap: 10}
	n := len(titles)
	f.ph = s.plotHeight
	if n > 1 {
		f.ph = s.perItem
		f.head = s.text * 1.5
	}
	f.yTicks = y.ticks(f.ph, yAxis.unit)
	small := s.softStyle()
	for _, t := range f.yTicks {
		f.left = math.Max(f.left, small.width(t.label))
	}
	f.left += 12
	f.columns = min(n, s.columns)
	if n == 4 {
		f.columns = min(2, s.columns)
	}
	for {
		f.pw = (s.w-f.left-4)/float64(f.columns) - f.right - f.gap*float64(f.columns-1)/float64(f.columns)
		if f.pw >= 120 || f.columns == 1 {
			break
		}
		f.columns--
	}
	f.rows = (n + f.columns - 1) / f.columns
	f.lead = lead
	if f.yLabel = small.wrap(yAxis.label, s.w-8); len(f.yLabel) > 0 {
		f.lead += s.small * (.4 + 1.3*float64(len(f.yLabel)))
	}
	f.foot = s.small*1.6 + 6
	if xAxis.label != "" {
		f.foot += s.small * 1.5
	}
	f.xTicks = f.makeXTicks()
	return f
}

// closest is the least distance in points between two levels of x.
func (f *frame) closest() float64 {
	least := f.pw
	levels := f.xAxis.levels
	for i := 1; i < len(levels); i++ {
		least = math.Min(least, (f.x.at(levels[i])-f.x.at(levels[i-1]))*(f.pw-2*f.inset))
	}
	return least
}

func (f *frame) makeXTicks() []tick {
	length := f.pw - 2*f.inset
	small := f.s.softStyle()
	switch {
	case f.xAxis.names != nil:
		return nameTicks(f.x, f.xAxis.names, length, small.width)
	case len(f.xAxis.levels) > 0 && len(f.xAxis.levels) <= 12:
		return f.x.levelTicks(f.xAxis.levels, length, f.xAxis.unit, small.width)
	}
	return f.x.ticks(length, f.xAxis.unit)
}

// nameTicks label levels that are names, cut where they would touch.
func nameTicks(x axisScale, names []string, length float64, width func(string) float64) []tick {
	room := length
	if len(names) > 1 {
		room = length*(x.at(1)-x.at(0)) - 4
	}
	out := make([]tick, len(names))
	for i, name := range names {
		r := []rune(name)
		for len(r) > 2 && width(string(r)) > room {
			r = append(r[:len(r)-2], '…')
		}
		out[i] = tick{float64(i), string(r)}
	}
	return out
}

func (f *frame) height() float64 {
	return f.lead + float64(f.rows)*(f.head+f.ph) + float64(f.rows-1)*yGap + f.foot
}

// area is the plot area of panel i: its left edge and top.
func (f *frame) area(top float64, i int) (x0, y0 float64) {
	col, row := i%f.columns, i/f.columns
	return f.left + float64(col)*(f.pw+f.right+f.gap), top + f.lead + f.head + float64(row)*(f.ph+f.head+yGap)
}

// px and py place values in a panel's area.
func (f *frame) px(x0, v float64) float64 { return x0 + f.inset + f.x.at(v)*(f.pw-2*f.inset) }
func (f *frame) py(y0, v float64) float64 { return y0 + (1-f.y.at(v))*f.ph }

// clampY is py, held inside the panel; a value that has no place on the scale
// lies at the lower edge.
func (f *frame) clampY(y0, v float64) float64 {
	if math.IsInf(v, 1) {
		return y0
	}
	if !f.y.holds(v) {
		return y0 + f.ph
	}
	return math.Min(math.Max(f.py(y0, v), y0), y0+f.ph)
}

// drawTitles names the panels, over what crosses their place.
func (f *frame) drawTitles(p *pen, top float64) {
	if len(f.titles) < 2 {
		return
	}
	style := textStyle{size: f.s.text, bold: true, color: ink}
	for i, title := range f.titles {
		x0, y0 := f.area(top, i)
		p.rect(white, x0-1, y0-5-style.size, x0+style.width(title)+2, y0-2)
		p.text(x0, y0-5, title, style)
	}
}

// drawGrid draws what lies under the data: grid lines, axes, tick labels.
func (f *frame) drawGrid(p *pen, top float64) {
	small := f.s.softStyle()
	for i, line := range f.yLabel {
		p.text(4, top+small.size*(1+1.3*float64(i)), line, small)
	}
	n := len(f.titles)
	for i := range f.titles {
		x0, y0 := f.area(top, i)
		for _, t := range f.yTicks {
			y := f.py(y0, t.value)
			if t.label == "" {
				p.line(stroke{axisInk, .5, nil}, point{x0 - 3, y}, point{x0, y})
				continue
			}
			p.line(stroke{gridInk, .7, nil}, point{x0, y}, point{x0 + f.pw, y})
			if i%f.columns == 0 {
				right := small
				right.align = 1
				p.text(x0-6, y+small.size*.35, t.label, right)
			}
		}
		bottom := y0 + f.ph
		p.line(stroke{axisInk, .8, nil}, point{x0, bottom}, point{x0 + f.pw, bottom})
		last := i+f.columns >= n
		for _, t := range f.xTicks {
			x := f.px(x0, t.value)
			long := 4.0
			if t.label == "" {
				long = 2.5
			}
			p.line(stroke{axisInk, .8, nil}, point{x, bottom}, point{x, bottom + long})
			if last && t.label != "" {
				centred := small
				centred.align = .5
				p.text(x, bottom+6+small.size, t.label, centred)
			}
		}
		if last && f.xAxis.label != "" && i%f.columns == 0 {
			end, _ := f.area(top, min(i+f.columns-1, n-1))
			half := small.width(f.xAxis.label) / 2
			x := math.Max(math.Min((x0+end+f.pw)/2, f.s.w-4-half), 4+half)
			p.text(x-half, bottom+6+small.size*2.6, f.xAxis.label, small)
		}
	}
}
