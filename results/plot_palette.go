package results

import (
	"image/color"
	"math"
)

// One look per backend in every figure. The colours are those of Okabe and Ito
// (jfly.uni-koeln.de/color), which stay apart for colour-blind readers; yellow,
// too pale on white, gives way to two of Paul Tol's. Shape and dash tell
// backends apart in grey print. Grey itself means excluded.
type look struct {
	color  color.NRGBA
	shape  []point   // outline in units of the marker's radius; nil: a circle
	dashes []float64 // points; nil: solid
}

var backendLooks = map[string]look{
	"select":        {rgb(0xD55E00), nil, []float64{7, 2}},
	"poll":          {rgb(0xE69F00), shapeSquare, []float64{3.5, 2}},
	"epoll":         {rgb(0x0072B2), shapeDiamond, nil},
	"epoll-et":      {rgb(0x56B4E9), shapeDown, []float64{9, 2, 2, 2}},
	"kqueue":        {rgb(0x000000), shapePentagon, nil},
	"io_uring-poll": {rgb(0xCC79A7), shapeLeft, []float64{1.5, 1.8}},
	"io_uring":      {rgb(0x882255), shapeRight, []float64{10, 2, 2, 2, 2, 2}},
	"goroutines":    {rgb(0x009E73), shapePlus, []float64{5, 1.5, 1.5, 1.5}},
	"threads":       {rgb(0x999933), shapeStar, []float64{2, 3}},
}

// otherLooks are for factors that are no backends, in the order of levels.
var otherLooks = []string{"epoll", "select", "goroutines", "poll", "io_uring", "epoll-et", "io_uring-poll", "threads", "kqueue"}

// lookOf is the look of a level: a backend's own, else by its place among the
// levels of its factor.
func lookOf(level string, place int) look {
	if l, ok := backendLooks[level]; ok {
		return l
	}
	if l, ok := peerLooks[level]; ok {
		return l
	}
	return backendLooks[otherLooks[place%len(otherLooks)]]
}

// fateColors are the parts of a stacked share in their order: good first, in a
// quiet tone, then failures. Neighbours differ in lightness, and none is the
// colour of a backend.
var fateColors = []color.NRGBA{rgb(0xBFD7EA), rgb(0xFFE3A3), rgb(0xA88FAC), rgb(0x54457F), rgb(0x2B2B2B), rgb(0xD9C9B6)}

var (
	ink      = rgb(0x222222)
	inkSoft  = rgb(0x595959)
	inkFaint = rgb(0x8C8C8C)
	axisInk  = rgb(0x777777)
	gridInk  = rgb(0xE9E9E9)
	bandInk  = rgb(0xECECEC)
	excluded = rgb(0x8A8A8A)
	white    = rgb(0xFFFFFF)
)

var (
	shapeSquare   = []point{{-.86, -.86}, {.86, -.86}, {.86, .86}, {-.86, .86}}
	shapeDiamond  = []point{{0, -1.25}, {1.1, 0}, {0, 1.25}, {-1.1, 0}}
	shapeDown     = []point{{-1.1, -.8}, {1.1, -.8}, {0, 1.2}}
	shapeUp       = []point{{-1.1, .8}, {1.1, .8}, {0, -1.2}}
	shapeLeft     = []point{{.8, -1.1}, {.8, 1.1}, {-1.2, 0}}
	shapeRight    = []point{{-.8, -1.1}, {-.8, 1.1}, {1.2, 0}}
	shapePentagon = regular(5, 1.15)
	shapePlus     = []point{{-.4, -1.15}, {.4, -1.15}, {.4, -.4}, {1.15, -.4}, {1.15, .4}, {.4, .4}, {.4, 1.15}, {-.4, 1.15}, {-.4, .4}, {-1.15, .4}, {-1.15, -.4}, {-.4, -.4}}
	shapeStar     = star(5, 1.4, .6)
)

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xFF}
}

// fade gives a colour an opacity of 0 to 1.
func fade(c color.NRGBA, opacity float64) color.NRGBA {
	c.A = uint8(math.Round(opacity * 255))
	return c
}

// readable darkens a colour until text in it has a contrast of 4.5 to white
// (WCAG 2.1, 1.4.3).
func readable(c color.NRGBA) color.NRGBA {
	for i := 0; i < 40 && 1.05/(luminance(c)+.05) < 4.5; i++ {
		c.R, c.G, c.B = uint8(float64(c.R)*.95), uint8(float64(c.G)*.95), uint8(float64(c.B)*.95)
	}
	return c
}

// luminance is WCAG's relative luminance, 0 to 1.
func luminance(c color.NRGBA) float64 {
	part := func(v uint8) float64 {
		f := float64(v) / 255
		if f <= .04045 {
			return f / 12.92
		}
		return math.Pow((f+.055)/1.055, 2.4)
	}
	return .2126*part(c.R) + .7152*part(c.G) + .0722*part(c.B)
}

func regular(n int, r float64) []point {
	pts := make([]point, n)
	for i := range pts {
		s, c := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		pts[i] = point{r * s, -r * c}
	}
	return pts
}

func star(n int, outer, inner float64) []point {
	pts := make([]point, 2*n)
	for i := range pts {
		r := outer
		if i%2 == 1 {
			r = inner
		}
		s, c := math.Sincos(math.Pi * float64(i) / float64(n))
		pts[i] = point{r * s, -r * c}
	}
	return pts
}
