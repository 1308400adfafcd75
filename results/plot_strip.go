package results

import (
	"fmt"
	"image/color"
	"math"
)

// stripTrial is one trial of a run strip.
type stripTrial struct {
	number        int
	before, after float64 // speed probe relative to the run's median; NaN where there is none
	verdict       string
	newBlock      bool // the first trial of a block
}

// strip is the history of a run: how fast the machine was at each trial.
type strip struct {
	title, subtitle string
	trials          []stripTrial
}

// verdictLook is how a verdict looks in the run strip.
type verdictLook struct {
	color color.NRGBA
	draw  func(p *pen, x, y float64, c color.NRGBA)
}

var verdictLooks = map[string]verdictLook{
	VerdictValid:         {rgb(0x4C78A8), stripDot},
	VerdictUnverified:    {rgb(0x9AB3CC), stripDot},
	VerdictSaturated:     {rgb(0x0072B2), stripRing},
	VerdictClientLimited: {rgb(0xB8860B), stripPlus},
	VerdictNoisy:         {rgb(0xD55E00), stripCross},
	VerdictUnsteady:      {rgb(0xAA4499), stripTriangle},
	VerdictInconsistent:  {rgb(0x000000), stripSquare},
	VerdictFailed:        {rgb(0x000000), stripCross},
}

// verdictOrder is the order of keys and tables.
var verdictOrder = []string{VerdictValid, VerdictUnverified, VerdictSaturated, VerdictClientLimited, VerdictUnsteady, VerdictNoisy, VerdictInconsistent, VerdictFailed}

func stripDot(p *pen, x, y float64, c color.NRGBA)  { p.circle(c, stroke{}, x, y, 1.8) }
func stripRing(p *pen, x, y float64, c color.NRGBA) { p.circle(white, stroke{c, 1.1, nil}, x, y, 2) }
func stripCross(p *pen, x, y float64, c color.NRGBA) {
	s := stroke{c, 1.2, nil}
	p.line(s, point{x - 2.4, y - 2.4}, point{x + 2.4, y + 2.4})
	p.line(s, point{x - 2.4, y + 2.4}, point{x + 2.4, y - 2.4})
}
func stripPlus(p *pen, x, y float64, c color.NRGBA) {
	s := stroke{c, 1.2, nil}
	p.line(s, point{x - 2.8, y}, point{x + 2.8, y})
	p.line(s, point{x, y - 2.8}, point{x, y + 2.8})
}
func stripTriangle(p *pen, x, y float64, c color.NRGBA) {
	drawMarker(p, look{shape: shapeUp}, x, y, 2.4, white, stroke{c, 1, nil})
}
func stripSquare(p *pen, x, y float64, c color.NRGBA) {
	drawMarker(p, look{shape: shapeSquare}, x, y, 2, c, stroke{})
}

// draw lays the strip out at a width in points.
func (t *strip) draw(w float64) drawing {
	s := sizesFor(w)
	s.plotHeight = 150
	var ys, xs []float64
	counts := map[string]int{}
	for _, trial := range t.trials {
		ys = append(ys, trial.before, trial.after)
		xs = append(xs, float64(trial.number))
		counts[trial.verdict]++
	}
	known := finiteOnly(ys)
	y := valueScale("log", append(known, .9, 1.1))
	x := levelScale("linear", xs)
	f := newFrame(s, axisSpec{label: "trial, in order of execution"}, axisSpec{label: "speed probe, relative to the median (higher is slower)"}, x, y, []string{""}, 4, 8, 0)
	if len(t.trials) == 1 {
		f.xTicks = []tick{{xs[0], plainNumber(xs[0])}}
	}
	var items []keyItem
	for _, v := range verdictOrder {
		if counts[v] > 0 {
			l := verdictLooks[v]
			items = append(items, keyItem{func(p *pen, x, y float64) { l.draw(p, x, y, l.color) }, fmt.Sprintf("%s (%d)", v, counts[v])})
		}
	}
	items = append(items,
		keyItem{func(p *pen, x, y float64) { p.rect(bandInk, x-6, y-4, x+6, y+4) }, "within 10 % of the median"},
		keyItem{func(p *pen, x, y float64) {
			p.line(stroke{inkFaint, .7, []float64{1, 2}}, point{x, y - 5}, point{x, y + 5})
		}, "a block begins"})
	body := block{f.height(), func(p *pen, top float64) {
		x0, y0 := f.area(top, 0)
		p.rect(bandInk, x0, f.clampY(y0, 1.1), x0+f.pw, f.clampY(y0, .9))
		f.drawGrid(p, top)
		p.line(stroke{inkFaint, .8, nil}, point{x0, f.py(y0, 1)}, point{x0 + f.pw, f.py(y0, 1)})
		for _, trial := range t.trials {
			t.drawTrial(p, f, x0, y0, trial)
		}
	}}
	return stack(w, t.title,
		paragraph(s, t.title, s.titleStyle(), 2),
		paragraph(s, t.subtitle, s.softStyle(), 8),
		body, keyBlock(s, items))
}

func (t *strip) drawTrial(p *pen, f *frame, x0, y0 float64, trial stripTrial) {
	l, ok := verdictLooks[trial.verdict]
	if !ok {
		l = verdictLooks[VerdictUnverified]
	}
	x := f.px(x0, float64(trial.number))
	if trial.newBlock {
		p.line(stroke{inkFaint, .5, []float64{1, 2}}, point{x, y0}, point{x, y0 + f.ph})
	}
	values := finiteOnly([]float64{trial.before, trial.after})
	if len(values) == 0 {
		l.draw(p, x, y0+f.ph-4, l.color)
		return
	}
	mean := 0.0
	for _, v := range values {
		mean += math.Log(v) / float64(len(values))
	}
	p.line(stroke{fade(l.color, .5), .9, nil}, point{x, f.clampY(y0, values[0])}, point{x, f.clampY(y0, values[len(values)-1])})
	l.draw(p, x, f.clampY(y0, math.Exp(mean)), l.color)
}
