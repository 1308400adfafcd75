package results

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"

	xfont "golang.org/x/image/font"
)

// Figures are drawn on gonum's vector canvases, but with a layout of our own:
// gonum's plot.Plot has no place for labels at the ends of lines, lays out
// each panel by itself, and its LogScale panics at zero.
//
// All lengths below are points (1/72 inch). The origin is the top left corner
// and y grows downwards, as on a page; pen turns it over for gonum.

// drawing is a figure whose size is known and that can be put on any canvas.
type drawing struct {
	w, h  float64
	title string // for readers that cannot see it
	draw  func(*pen)
}

// figureFonts holds the faces that figures use. Liberation Sans has the widths of
// Arial and Helvetica, so text fits its place also where it is not installed.
var figureFonts = font.NewCache(liberation.Collection())

// face finds a face of Liberation Sans; size in points.
func face(size float64, bold bool) font.Face {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return figureFonts.Lookup(f, vg.Points(size))
}

// textStyle is how a piece of text looks. align is the part of its width that
// stands left of the given position: 0 left, 0.5 centred, 1 right.
type textStyle struct {
	size  float64
	bold  bool
	color color.Color
	align float64
}

// width of s in points.
func (t textStyle) width(s string) float64 {
	f := face(t.size, t.bold)
	return f.Width(s).Points()
}

// wrap cuts s at spaces into lines that fit the width; a word that is too
// long has a line of its own.
func (t textStyle) wrap(s string, width float64) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		next := word
		if line != "" {
			next = line + " " + word
		}
		if line != "" && t.width(next) > width {
			lines = append(lines, line)
			next = word
		}
		line = next
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// stroke is how a line looks; width and dashes in points.
type stroke struct {
	color  color.Color
	width  float64
	dashes []float64
}

// point is a place on the page.
type point struct{ x, y float64 }

// pen draws on a page.
type pen struct {
	c   vg.Canvas
	h   float64
	pdf bool // the canvas is gonum's for PDF; see pdfFace and windows1252
}

func (p *pen) at(x, y float64) vg.Point {
	return vg.Point{X: vg.Points(x), Y: vg.Points(p.h - y)}
}

// text writes s with its baseline at y.
func (p *pen) text(x, y float64, s string, t textStyle) {
	if s == "" {
		return
	}
	f := face(t.size, t.bold)
	if t.align != 0 {
		x -= t.align * f.Width(s).Points()
	}
	if p.pdf {
		s, f = windows1252(s), pdfFace(f)
	}
	p.c.SetColor(t.color)
	p.c.FillString(f, p.at(x, y), s)
}

// line strokes a path through the points.
func (p *pen) line(s stroke, pts ...point) {
	if len(pts) < 2 {
		return
	}
	p.set(s)
	p.c.Stroke(p.path(pts, false))
}

func (p *pen) set(s stroke) {
	p.c.SetColor(s.color)
	p.c.SetLineWidth(vg.Points(s.width))
	dashes := make([]vg.Length, len(s.dashes))
	for i, d := range s.dashes {
		dashes[i] = vg.Points(d)
	}
	p.c.SetLineDash(dashes, 0)
}

func (p *pen) path(pts []point, closed bool) vg.Path {
	var path vg.Path
	path.Move(p.at(pts[0].x, pts[0].y))
	for _, q := range pts[1:] {
		path.Line(p.at(q.x, q.y))
	}
	if closed {
		path.Close()
	}
	return path
}

// polygon fills (fill non-nil) and strokes (width > 0) a closed path.
func (p *pen) polygon(fill color.Color, s stroke, pts ...point) {
	path := p.path(pts, true)
	p.closed(fill, s, path)
}

func (p *pen) closed(fill color.Color, s stroke, path vg.Path) {
	if fill != nil {
		p.c.SetColor(fill)
		p.c.Fill(path)
	}
	if s.width > 0 {
		p.set(s)
		p.c.Stroke(path)
	}
}

// circle fills and strokes a circle.
func (p *pen) circle(fill color.Color, s stroke, x, y, r float64) {
	var path vg.Path
	path.Move(p.at(x+r, y))
	path.Arc(p.at(x, y), vg.Points(r), 0, 2*math.Pi)
	path.Close()
	p.closed(fill, s, path)
}

// rect fills a rectangle.
func (p *pen) rect(fill color.Color, x0, y0, x1, y1 float64) {
	p.polygon(fill, stroke{}, point{x0, y0}, point{x1, y0}, point{x1, y1}, point{x0, y1})
}

// formats that a drawing can be written in.
var figureFormats = []string{"svg", "png", "pdf"}

// pngDPI gives a figure of 680 points 1,889 pixels: sharp on a printed column.
const pngDPI = 200

// encode writes the drawing in one of figureFormats.
func (d drawing) encode(format string) ([]byte, error) {
	w, h := vg.Points(d.w), vg.Points(d.h)
	var canvas vg.CanvasWriterTo
	switch format {
	case "svg":
		canvas = vgsvg.New(w, h)
	case "png":
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(pngDPI))}
	case "pdf":
		canvas = vgpdf.New(w, h)
	default:
		return nil, fmt.Errorf("figure format %q: use one of %s", format, strings.Join(figureFormats, ", "))
	}
	p := &pen{c: canvas, h: d.h, pdf: format == "pdf"}
	p.rect(color.White, 0, 0, d.w, d.h)
	d.draw(p)
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("writing figure as %s: %w", format, err)
	}
	if format == "svg" {
		return finishSVG(b.Bytes(), d.title), nil
	}
	return b.Bytes(), nil
}

// pdfFace gives a bold face a name of its own instead of a weight: gonum's PDF
// canvas registers every face as a regular one, then looks for a bold one.
func pdfFace(f font.Face) font.Face {
	if f.Font.Weight != xfont.WeightNormal {
		f.Font.Weight = xfont.WeightNormal
		f.Font.Variant += "Bold"
	}
	return f
}

// windows1252 is what gonum's PDF canvas takes; it would print each byte of
// UTF-8 as a letter.
func windows1252(s string) string {
	out, err := encoding.ReplaceUnsupported(charmap.Windows1252.NewEncoder()).String(s)
	if err != nil {
		return s
	}
	return out
}
