package results

import (
	"math"
	"slices"
	"sort"
)

// lines is a chart of the kind "lines" at one width.
type lines struct {
	*frame
	c      *chart
	levels []string       // in the order of dodging
	place  map[string]int // of a level in levels
	// ceiling is the highest timeout that censors a value: nothing lies above.
	ceiling float64
	dodge   float64 // points between the marks of two levels at one x
	// above are the marks over the panel being drawn, by their place on x.
	above map[float64][]aboveMark
}

const (
	dotRadius   = 1.25
	labelIndent = 18 // from the panel's edge to an end label's text
)

// linesBlock draws y against a numeric (or ordered) x, one line a level.
func (c *chart) linesBlock(s sizes) block {
	l := &lines{c: c, place: map[string]int{}}
	labelWidth := 0.0
	style := s.textStyle()
	var titles []string
	for _, panel := range c.panels {
		titles = append(titles, panel.title)
		for _, series := range panel.series {
			if _, ok := l.place[series.Level]; !ok {
				l.place[series.Level] = len(l.levels)
				l.levels = append(l.levels, series.Level)
				labelWidth = math.Max(labelWidth, style.width(series.Level))
			}
		}
	}
	x, y := l.scales(s)
	l.frame = newFrame(s, c.x, c.y, x, y, titles, labelWidth+labelIndent+2, 10, 0)
	n := float64(len(l.levels))
	inset := 10.0
	if len(c.x.levels) > 0 {
		l.dodge = math.Min(9.5, .6*l.closest()/math.Max(n, 1))
		inset += l.dodge * n / 2
	}
	l.frame = newFrame(s, c.x, c.y, x, y, titles, labelWidth+labelIndent+2, inset, 0)
	l.yTicks = slices.DeleteFunc(l.yTicks, func(t tick) bool { return t.value > l.ceiling*(1+1e-9) && !c.ratio })
	rows := l.markRows()
	l.lead += float64(len(rows)) * s.small * 1.25
	return block{l.height(), func(p *pen, top float64) {
		l.drawBands(p, top)
		l.drawGrid(p, top)
		l.drawMarks(p, top, rows)
		l.drawTitles(p, top)
		for i := range c.panels {
			x0, y0 := l.area(top, i)
			l.drawPanel(p, x0, y0, c.panels[i])
		}
	}}
}

// scales fits both axes to what is drawn. Excluded values widen the y axis a
// little only: an outlier that says nothing must not flatten what does.
func (l *lines) scales(s sizes) (x, y axisScale) {
	var xs, ys, out, timeouts []float64
	for _, panel := range l.c.panels {
		for _, series := range panel.series {
			for _, pt := range series.Points {
				xs = append(xs, pt.X)
				ys = append(ys, pt.Y)
				if pt.Censored {
					timeouts = append(timeouts, pt.Y)
				}
				if pt.Interval {
					ys = append(ys, pt.Lo, pt.Hi)
				}
				for _, d := range pt.Dots {
					ys = append(ys, d.Y)
					xs = append(xs, d.X)
					if d.Censored {
						timeouts = append(timeouts, d.Y)
					}
				}
				for _, d := range pt.Excluded {
					out = append(out, d.Y)
				}
			}
		}
	}
	if l.c.ratio {
		ys = append(ys, 1-Margin, 1+Margin)
	}
	for _, panel := range l.c.panels {
		if panel.floor != nil {
			ys = append(ys, panel.floor.shown(ys))
		}
	}
	if len(finiteOnly(ys)) == 0 {
		ys = append(ys, out...)
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range finiteOnly(ys) {
		lo, hi = math.Min(lo, v), math.Max(hi, v)
	}
	for _, v := range out {
		ys = append(ys, math.Min(v, hi+.15*(hi-math.Min(lo, 0))))
	}
	if len(l.c.x.levels) > 0 {
		x = levelScale(l.c.x.kind, l.c.x.levels)
		if l.c.x.names != nil {
			x.lo, x.hi = -.3, float64(len(l.c.x.names))-.7
		}
	} else {
		x = valueScale(l.c.x.kind, xs)
	}
	y = valueScale(l.c.y.kind, ys)
	height := s.plotHeight
	if len(l.c.panels) > 1 {
		height = s.perItem
	}
	l.ceiling = math.Inf(1)
	for i, v := range finiteOnly(timeouts) {
		y = y.withRoomAbove(v, (s.small*1.2+8)/height)
		if i == 0 || v > l.ceiling {
			l.ceiling = v
		}
	}
	return x, y
}

// drawBands draws the floor and the band of equality.
func (l *lines) drawBands(p *pen, top float64) {
	for i := range l.c.panels {
		x0, y0 := l.area(top, i)
		if f := l.c.panels[i].floor; f != nil {
			p.rect(bandInk, x0, l.clampY(y0, f.upTo), x0+l.pw, y0+l.ph)
		}
		if l.c.ratio {
			p.rect(bandInk, x0, l.clampY(y0, 1+Margin), x0+l.pw, l.clampY(y0, 1-Margin))
			p.line(stroke{inkFaint, 1, nil}, point{x0, l.clampY(y0, 1)}, point{x0 + l.pw, l.clampY(y0, 1)})
		}
	}
}

// xOf is where a level's marks stand for x.
func (l *lines) xOf(x0, x float64, level string) float64 {
	return l.px(x0, x) + (float64(l.place[level])-float64(len(l.levels)-1)/2)*l.dodge
}

// segments cuts a series where no line may pass: at points that are saturated,
// censored, without a trial that enters, or without a place on the scale.
func segments(points []Point, y axisScale) [][]Point {
	var out [][]Point
	open := false
	for _, pt := range points {
		if !finite(pt.Y) || pt.N == 0 || pt.Saturated || pt.Censored || !y.holds(pt.Y) {
			open = false
			continue
		}
		if !open {
			out, open = append(out, nil), true
		}
		out[len(out)-1] = append(out[len(out)-1], pt)
	}
	return out
}

func (l *lines) drawPanel(p *pen, x0, y0 float64, in panel) {
	all := in.series
	l.drawTimeout(p, x0, y0, all)
	l.drawFloorLabel(p, x0, y0, in.floor)
	for _, series := range all {
		look := l.c.looks[series.Level]
		for _, run := range segments(series.Points, l.y) {
			var path []point
			for _, pt := range run {
				path = append(path, point{l.xOf(x0, pt.X, series.Level), l.clampY(y0, pt.Y)})
			}
			p.line(stroke{look.color, 1.2, look.dashes}, path...)
		}
	}
	l.above = map[float64][]aboveMark{}
	for _, series := range all {
		for _, pt := range series.Points {
			l.drawDots(p, x0, y0, series.Level, pt)
		}
	}
	for _, series := range all {
		for _, pt := range series.Points {
			l.drawPoint(p, x0, y0, series.Level, pt)
		}
	}
	l.drawAbove(p, x0, y0)
	l.drawEnds(p, x0, y0, all)
}

// drawFloorLabel names the floor inside its band where that is high enough: what
// matters stands on its edge, and the key names it too.
func (l *lines) drawFloorLabel(p *pen, x0, y0 float64, f *floorBand) {
	style := l.s.softStyle()
	if f == nil {
		return
	}
	if y := l.clampY(y0, f.upTo) + style.size + 2; y+3 <= y0+l.ph {
		p.text(x0+4, y, f.label, style)
	}
}

func (l *lines) drawDots(p *pen, x0, y0 float64, level string, pt Point) {
	look := l.c.looks[level]
	at := func(d Dot) float64 {
		if len(l.c.x.levels) > 0 {
			return l.xOf(x0, pt.X, level) + math.Min(l.s.marker+1.6, l.dodge/2)
		}
		return l.px(x0, d.X)
	}
	// What does not enter stands where the mark would be, so that none of it
	// is taken for the neighbour's.
	out := func(d Dot) float64 {
		if len(l.c.x.levels) > 0 {
			return l.xOf(x0, pt.X, level)
		}
		return l.px(x0, d.X)
	}
	if len(pt.Dots) > 1 {
		for _, d := range pt.Dots {
			switch {
			case !finite(d.Y):
			case d.Censored:
				censorMark(p, at(d), l.clampY(y0, d.Y), 1.6, fade(look.color, .6))
			default:
				blockDot(p, fade(look.color, .55), at(d), l.clampY(y0, d.Y), dotRadius, d.Unsteady)
			}
		}
	}
	var highest *Dot
	for i, d := range pt.Excluded {
		if !finite(d.Y) {
			continue
		}
		crossMark(p, out(d), l.clampY(y0, d.Y), 2.2, d.Verdict)
		if d.Y > l.y.hi && (highest == nil || d.Y > highest.Y) {
			highest = &pt.Excluded[i]
		}
	}
	if highest != nil {
		l.above[pt.X] = append(l.above[pt.X], aboveMark{level, out(*highest), highest.Y})
	}
}

// aboveMark is the highest of a level's marks that stand on the upper end of
// the axis because they lie above it.
type aboveMark struct {
	level string
	x, v  float64
}

// drawAbove says how far above the axis such marks lie: for each place on x a
// list beside its marks, left of them where the lines' names are to the right.
// Each line names its level, as the marks are too close together to tell. A list
// that would cover the one before stands under it.
func (l *lines) drawAbove(p *pen, x0, y0 float64) {
	style := l.s.softStyle()
	before := listEnd{right: math.Inf(-1)}
	for _, at := range sortedKeys(l.above) {
		marks := l.above[at]
		first, last, width := marks[0].x, marks[0].x, 0.0
		texts := make([]string, len(marks))
		for i, m := range marks {
			first, last = math.Min(first, m.x), math.Max(last, m.x)
			texts[i] = "↑ " + m.level + " " + quantity(m.v, l.c.y.unit)
			width = math.Max(width, style.width(texts[i]))
		}
		left := last + 5
		if left+width > x0+l.pw {
			left = first - 5 - width
		}
		y := before.next(left, width+4, l.clampY(y0, l.y.hi)+l.s.small, style.size*1.25*float64(len(texts)))
		for i, text := range texts {
			p.rect(white, left-1, y-style.size, left+width+1, y+2)
			style.color = readable(l.c.looks[marks[i].level].color)
			p.text(left, y, text, style)
			y += style.size * 1.25
		}
	}
}

// listEnd is where the lists that were drawn end, to the right and below.
type listEnd struct{ right, under float64 }

// next places one more list: at the top, or under those before where it would
// cover them.
func (e *listEnd) next(left, width, top, height float64) (y float64) {
	y = top
	if left <= e.right {
		y = e.under
	}
	e.right, e.under = math.Max(e.right, left+width), y+height
	return y
}

func (l *lines) drawPoint(p *pen, x0, y0 float64, level string, pt Point) {
	if !finite(pt.Y) {
		return
	}
	look := l.c.looks[level]
	x, y := l.xOf(x0, pt.X, level), l.clampY(y0, pt.Y)
	if pt.Interval {
		p.line(stroke{look.color, 1.2, nil}, point{x, l.clampY(y0, pt.Lo)}, point{x, l.clampY(y0, pt.Hi)})
		if pt.HiCensored && !pt.Censored {
			censorMark(p, x, l.clampY(y0, pt.Hi), 2.2, look.color)
		}
	}
	if pt.Censored {
		censorMark(p, x, y, 3.4, look.color)
		return
	}
	pointMarker(p, look, x, y, l.s.marker, pt)
}

// drawTimeout draws a line at each timeout that censors a value of the panel.
func (l *lines) drawTimeout(p *pen, x0, y0 float64, all []Series) {
	at := map[float64]bool{}
	for _, series := range all {
		for _, pt := range series.Points {
			if pt.Censored && finite(pt.Y) {
				at[pt.Y] = true
			}
			for _, d := range pt.Dots {
				if d.Censored && finite(d.Y) && !l.c.ratio {
					at[d.Y] = true
				}
			}
		}
	}
	if l.c.ratio {
		return
	}
	for _, v := range sortedKeys(at) {
		y := l.clampY(y0, v)
		p.line(stroke{inkFaint, .8, []float64{3, 2}}, point{x0, y}, point{x0 + l.pw, y})
		style := l.s.softStyle()
		text := "> timeout of " + plainNumber(v) + " " + unitText(l.c.y.unit)
		p.rect(white, x0+2, y-7-style.size, x0+5+style.width(text), y-5)
		p.text(x0+3, y-7, text, style)
	}
}

// drawEnds labels each line where it ends.
func (l *lines) drawEnds(p *pen, x0, y0 float64, all []Series) {
	type end struct {
		level string
		at    point
	}
	var ends []end
	for _, series := range all {
		for i := len(series.Points) - 1; i >= 0; i-- {
			pt := series.Points[i]
			y := pt.Y
			if !finite(y) && len(pt.Excluded) > 0 {
				y = pt.Excluded[len(pt.Excluded)-1].Y
			}
			if finite(y) {
				ends = append(ends, end{series.Level, point{l.xOf(x0, pt.X, series.Level), l.clampY(y0, y)}})
				break
			}
		}
	}
	style := l.s.textStyle()
	sort.SliceStable(ends, func(a, b int) bool { return ends[a].at.y < ends[b].at.y })
	want := make([]float64, len(ends))
	for i, e := range ends {
		want[i] = e.at.y
	}
	places := spreadLabels(want, style.size*1.25, y0+style.size*.3, y0+l.ph-style.size*.3)
	for i, e := range ends {
		look := l.c.looks[e.level]
		x := x0 + l.pw
		p.line(stroke{fade(look.color, .45), .7, nil}, point{e.at.x + l.s.marker + 4, e.at.y}, point{x, places[i]}, point{x + 4, places[i]})
		drawMarker(p, look, x+10, places[i], 2.8, look.color, stroke{})
		style.color = readable(look.color)
		p.text(x+labelIndent, places[i]+style.size*.35, e.level, style)
	}
}
