package results

import (
	"image/color"
	"math"
)

// chart is a figure's content, ready to be laid out at any width.
type chart struct {
	kind     string // "lines", "dots", "stacked_share", "heat"
	title    string
	subtitle string // machine, kernel, suite, blocks
	caption  string // for the report: what the columns mean
	x, y     axisSpec
	panels   []panel
	looks    map[string]look // by level
	ratio    bool            // y is a ratio: a line at 1, a band of the margin
	baseline string          // ratio: the level at 1
	strip    []string        // of a heat map: levels apart from the others
	higher   bool            // more is better
	marks    []xMark
	coverage []float64 // exact coverages of the intervals drawn
	aims     string    // the coverage that they aim at; "" is 95 %
	notes    []string  // below the key
	keyed    []keyItem // in place of the key to marks of trials
}

// axisSpec is what an axis shows.
type axisSpec struct {
	name   string // of the column
	label  string // with its unit
	unit   string // of the column, for tick labels
	kind   string // of axisScale
	levels []float64
	names  []string // of levels that are no numbers, in place of their index
}

// panel is one of several small multiples.
type panel struct {
	title  string
	series []Series
	floor  *floorBand // nil: none
}

// floorBand is a range of values that say nothing: the machine needs as long
// to wake up.
type floorBand struct {
	upTo  float64 // in the unit of y
	label string
}

// xMark is a labelled vertical line.
type xMark struct {
	x     float64
	label string
}

// sizes are the measures of a figure, by its width in points. A narrow figure
// is not a small copy of a wide one: its text keeps its size.
type sizes struct {
	w                   float64
	title, text, small  float64 // font sizes
	columns             int     // of panels, at most
	plotHeight, perItem float64 // of a single panel, of one of several
	marker              float64 // radius
}

const (
	wideFigure   = 680 // points: 907 CSS pixels
	narrowFigure = 272 // 363 CSS pixels: a telephone
)

func sizesFor(w float64) sizes {
	if w < 400 {
		return sizes{w: w, title: 11.5, text: 9.5, small: 8.5, columns: 1, plotHeight: 210, perItem: 140, marker: 2.5}
	}
	return sizes{w: w, title: 13.5, text: 10, small: 9, columns: 3, plotHeight: 280, perItem: 170, marker: 2.9}
}

func (s sizes) titleStyle() textStyle { return textStyle{size: s.title, bold: true, color: ink} }
func (s sizes) textStyle() textStyle  { return textStyle{size: s.text, color: ink} }
func (s sizes) softStyle() textStyle  { return textStyle{size: s.small, color: inkSoft} }

// block is a part of a page with a height, drawn from its top.
type block struct {
	height float64
	draw   func(p *pen, top float64)
}

// stack puts blocks under each other.
func stack(w float64, title string, blocks ...block) drawing {
	h := 0.0
	for _, b := range blocks {
		h += b.height
	}
	return drawing{w: w, h: math.Ceil(h), title: title, draw: func(p *pen) {
		top := 0.0
		for _, b := range blocks {
			b.draw(p, top)
			top += b.height
		}
	}}
}

// paragraph is wrapped text, with some room after it.
func paragraph(s sizes, text string, style textStyle, after float64) block {
	if text == "" {
		return block{draw: func(*pen, float64) {}}
	}
	lines := style.wrap(text, s.w-8)
	leading := style.size * 1.3
	return block{float64(len(lines))*leading + after, func(p *pen, top float64) {
		for i, line := range lines {
			p.text(4, top+leading*float64(i)+style.size, line, style)
		}
	}}
}

// draw lays the chart out at a width in points.
func (c *chart) draw(w float64) drawing {
	s := sizesFor(w)
	blocks := []block{
		paragraph(s, c.title, s.titleStyle(), 2),
		paragraph(s, c.subtitle, s.softStyle(), 8),
	}
	switch c.kind {
	case "dots":
		blocks = append(blocks, c.dotsBlock(s))
	case "stacked_share":
		blocks = append(blocks, c.stackedBlock(s))
	case "heat":
		blocks = append(blocks, c.heatBlock(s))
	default:
		blocks = append(blocks, c.linesBlock(s))
	}
	blocks = append(blocks, keyBlock(s, c.key()))
	for _, n := range c.notes {
		blocks = append(blocks, paragraph(s, n, s.softStyle(), 3))
	}
	return stack(w, c.title, blocks...)
}

// drawMarker draws a level's marker.
func drawMarker(p *pen, l look, x, y, r float64, fill color.Color, edge stroke) {
	if l.shape == nil {
		p.circle(fill, edge, x, y, r)
		return
	}
	pts := make([]point, len(l.shape))
	for i, q := range l.shape {
		pts[i] = point{x + q.x*r, y + q.y*r}
	}
	p.polygon(fill, edge, pts...)
}

// Marker styles: full; hollow for a saturated cell; hollow with a point inside
// for an unsteady one; hollow with a broken edge for a quantile with few
// exceedances.
// One near the wake floor is hatched, whatever else it is.
func pointMarker(p *pen, l look, x, y, r float64, pt Point) {
	if pt.nearFloor() {
		defer hatch(p, l, x, y, r)
	}
	switch {
	case pt.Saturated:
		drawMarker(p, l, x, y, r, white, stroke{l.color, 1.3, nil})
	case pt.Unsteady:
		drawMarker(p, l, x, y, r, white, stroke{l.color, 1.1, nil})
		p.circle(l.color, stroke{}, x, y, r*.3)
	case pt.Open:
		drawMarker(p, l, x, y, r, white, stroke{l.color, 1.1, []float64{1.4, 1.2}})
	case pt.nearFloor():
		drawMarker(p, l, x, y, r, white, stroke{l.color, 1, nil})
	default:
		drawMarker(p, l, x, y, r, l.color, stroke{})
	}
}

// hatch draws slanted strokes over a marker.
func hatch(p *pen, l look, x, y, r float64) {
	s := stroke{l.color, .8, nil}
	for _, off := range []float64{-.4 * r, .4 * r} {
		half := math.Sqrt(1.3*r*r-off*off) * math.Sqrt2 / 2
		at := off * math.Sqrt2 / 2
		p.line(s, point{x + at - half, y + at + half}, point{x + at + half, y + at - half})
	}
}

// nearFloor says that a point is a latency of which the machine's waking is a
// large part.
func (pt Point) nearFloor() bool {
	return pt.Floor > 0 && finite(pt.Y) && !pt.Censored && pt.Y < nearFloor*pt.Floor
}

// blockDot is one block (or pair): full, or hollow where it is unsteady.
func blockDot(p *pen, c color.NRGBA, x, y, r float64, unsteady bool) {
	if unsteady {
		p.circle(white, stroke{c, .7, nil}, x, y, r+.35)
		return
	}
	p.circle(c, stroke{}, x, y, r)
}

// censorMark is an upward triangle: at least this much.
func censorMark(p *pen, x, y, r float64, c color.NRGBA) {
	drawMarker(p, look{shape: shapeUp}, x, y, r, c, stroke{white, .6, nil})
}

// crossMark is a grey x: excluded. A client-limited trial is a grey plus.
func crossMark(p *pen, x, y, r float64, verdict string) {
	s := stroke{excluded, 1, nil}
	if verdict == VerdictClientLimited {
		p.line(s, point{x - r, y}, point{x + r, y})
		p.line(s, point{x, y - r}, point{x, y + r})
		return
	}
	p.line(s, point{x - r, y - r}, point{x + r, y + r})
	p.line(s, point{x - r, y + r}, point{x + r, y - r})
}
