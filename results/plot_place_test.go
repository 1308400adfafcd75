package results

import (
	"bytes"
	"image/color"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/recorder"
)

// inked is a path that was filled or stroked.
type inked struct {
	color  color.Color
	filled bool
	x, y   float64 // the middle of its points; the centre of a circle
	radius float64 // of a circle; else 0
}

// inkOf draws a block and lists what was drawn, in its order.
func inkOf(b block) []inked {
	var canvas recorder.Canvas
	b.draw(&pen{c: &canvas, h: 1000}, 0)
	var out []inked
	var c color.Color
	for _, action := range canvas.Actions {
		var path vg.Path
		filled := false
		switch a := action.(type) {
		case *recorder.SetColor:
			c = a.Color
			continue
		case *recorder.Stroke:
			path = a.Path
		case *recorder.Fill:
			path, filled = a.Path, true
		default:
			continue
		}
		one := inked{color: c, filled: filled}
		lo, hi := vg.Point{X: vg.Inch * 100, Y: vg.Inch * 100}, vg.Point{X: -vg.Inch * 100, Y: -vg.Inch * 100}
		for _, part := range path {
			switch part.Type {
			case vg.ArcComp:
				one.radius = part.Radius.Points()
				lo, hi = part.Pos, part.Pos
			case vg.MoveComp, vg.LineComp:
				if one.radius == 0 {
					lo.X, lo.Y = min(lo.X, part.Pos.X), min(lo.Y, part.Pos.Y)
					hi.X, hi.Y = max(hi.X, part.Pos.X), max(hi.Y, part.Pos.Y)
				}
			}
		}
		one.x, one.y = (lo.X+hi.X).Points()/2, (lo.Y+hi.Y).Points()/2
		out = append(out, one)
	}
	return out
}

// placedChart has two levels side by side; select's mark is a circle.
func placedChart(pt Point) *chart {
	c := &chart{kind: kindLines, x: axisSpec{label: "x", kind: "linear", levels: []float64{0, 100}}, y: axisSpec{label: "y", kind: "linear"}, looks: map[string]look{}}
	var all []Series
	for k, level := range []string{"select", "epoll"} {
		c.looks[level] = lookOf(level, k)
		points := []Point{{X: 0, Y: 10, N: 6}, {X: 100, Y: 20, N: 6}}
		if level == "select" {
			points[1] = pt
		}
		all = append(all, Series{Column: "ok_share", Level: level, Points: points})
	}
	c.panels = []panel{{series: all}}
	return c
}

// TestCrossesStandAtTheirMark: what does not enter stands exactly over or under
// the mark of its level, not between it and the next one.
func TestCrossesStandAtTheirMark(t *testing.T) {
	t.Parallel()
	s := sizesFor(wideFigure)
	c := placedChart(Point{X: 100, Y: 20, N: 6, Excluded: []Dot{{X: 100, Y: 15, Verdict: VerdictNoisy}, {X: 100, Y: 5, Verdict: VerdictClientLimited}}})
	var mark []float64
	var crosses []float64
	for _, i := range inkOf(c.linesBlock(s)) {
		if i.color == excluded && !i.filled {
			crosses = append(crosses, i.x)
		}
		if i.color == c.looks["select"].color && i.filled && i.radius == s.marker {
			mark = append(mark, i.x)
		}
	}
	if len(mark) != 2 || len(crosses) != 4 {
		t.Fatalf("marks at %v, strokes of crosses at %v", mark, crosses)
	}
	for _, x := range crosses {
		if math.Abs(x-mark[1]) > 1e-6 {
			t.Errorf("a cross stands at %.2f, its mark at %.2f", x, mark[1])
		}
	}
}

// TestUnsteadyIsHollow: a block without a single level is drawn hollow among
// the others, a point of mostly such is too, lines go on, and the key says what
// that is.
func TestUnsteadyIsHollow(t *testing.T) {
	t.Parallel()
	s := sizesFor(wideFigure)
	steady := Point{X: 100, Y: 20, N: 3, Dots: []Dot{{Y: 19}, {Y: 20}, {Y: 21}}}
	one := Point{X: 100, Y: 20, N: 3, Dots: []Dot{{Y: 19}, {Y: 20}, {Y: 21, Unsteady: true}}}
	most := Point{X: 100, Y: 20, N: 3, Unsteady: true, Dots: []Dot{{Y: 19}, {Y: 20, Unsteady: true}, {Y: 21, Unsteady: true}}}
	for _, c := range []struct {
		name            string
		pt              Point
		dots, marks     int // white circles
		says, saysOther bool
	}{
		{"steady", steady, 0, 0, false, false},
		{"one block", one, 1, 0, true, false},
		{"most blocks", most, 2, 1, true, true},
	} {
		chart := placedChart(c.pt)
		for _, kind := range []string{kindLines, kindDots} {
			chart.kind = kind
			draw := chart.linesBlock(s)
			if kind == kindDots {
				draw = chart.dotsBlock(s)
			}
			dots, marks := 0, 0
			for _, i := range inkOf(draw) {
				if i.color == white && i.filled && i.radius > 0 {
					if i.radius < 2 {
						dots++
					} else {
						marks++
					}
				}
			}
			if dots != c.dots || marks != c.marks {
				t.Errorf("%s, %s: %d hollow dots and %d hollow marks, want %d and %d", c.name, kind, dots, marks, c.dots, c.marks)
			}
		}
		var key []string
		for _, item := range chart.key() {
			key = append(key, item.text)
		}
		text := strings.Join(key, "; ")
		if strings.Contains(text, "unsteady block, enters") != c.says || strings.Contains(text, "most blocks unsteady") != c.saysOther {
			t.Errorf("%s: the key is %q", c.name, text)
		}
		if got := segments([]Point{{X: 0, Y: 10, N: 6}, c.pt}, axisScale{kind: "linear", hi: 30}); len(got) != 1 || len(got[0]) != 2 {
			t.Errorf("%s: lines through %v: what enters is on the line", c.name, got)
		}
		if strings.Contains(chart.howToRead(), "unsteady") != c.says {
			t.Errorf("%s: %s", c.name, chart.howToRead())
		}
	}
}

// TestUnsteadyPoints: the analysis tells figures which blocks are unsteady, of
// a pair either one.
func TestUnsteadyPoints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		level  string // that is unsteady, in blocks 1 to 4 of 6
		median bool   // is select's median so
		ratio  bool   // is its ratio to epoll
	}{
		{"select", true, true}, {"epoll", false, true}, {"poll", false, false},
	} {
		a := synthetic{blocks: 6, touch: func(r *Record) {
			if r.Level == c.level && r.Block <= 4 {
				r.Verdict = VerdictUnsteady
			}
		}}.analyse()
		for _, ratio := range []string{"", "epoll"} {
			series, err := a.Points(Figure{ID: "cost", X: "idle_connections", Y: Columns{costColumn}, RatioTo: ratio})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range series {
				if s.Level != "select" {
					continue
				}
				want, dots := c.median, 0
				if ratio != "" {
					want = c.ratio
				}
				for _, pt := range s.Points {
					for _, d := range pt.Dots {
						if d.Unsteady {
							dots++
						}
					}
					if pt.Unsteady != want || pt.N != 6 {
						t.Errorf("%s unsteady, ratio to %q: select at %v is %v with %d blocks, want %v with 6", c.level, ratio, pt.X, pt.Unsteady, pt.N, want)
					}
				}
				if (dots == 4*len(s.Points)) != want {
					t.Errorf("%s unsteady, ratio to %q: %d unsteady dots", c.level, ratio, dots)
				}
			}
		}
	}
	var b bytes.Buffer
	run := sampleRun(6)
	for i := range run.Records {
		if r := &run.Records[i]; r.Level == "epoll" && r.Block == 1 {
			r.Verdict, r.Reasons = VerdictUnsteady, []string{"unsteady: made so"}
		}
	}
	if err := PlotTo(&b, run, run.Plan.Figures[0]); err != nil || !bytes.Contains(b.Bytes(), []byte("unsteady block, enters")) {
		t.Errorf("the figure has no key for unsteady blocks (%v)", err)
	}
}
