package results

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestSpreadLabels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		want        []float64
		gap, lo, hi float64
		places      []float64
	}{
		{"none", nil, 10, 0, 100, nil},
		{"apart already", []float64{10, 40, 90}, 10, 0, 100, []float64{10, 40, 90}},
		{"two at one place", []float64{50, 50}, 10, 0, 100, []float64{45, 55}},
		{"order of input is kept", []float64{52, 50}, 10, 0, 100, []float64{56, 46}},
		{"held at the top", []float64{99, 100}, 10, 0, 100, []float64{90, 100}},
		{"held at the bottom", []float64{0, 1, 2}, 10, 0, 100, []float64{0, 10, 20}},
	} {
		if got := spreadLabels(c.want, c.gap, c.lo, c.hi); !slices.EqualFunc(got, c.places, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("%s: %v, want %v", c.name, got, c.places)
		}
	}
}

func TestSpreadLabelsNeverOverlap(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		want := make([]float64, 1+r.IntN(9))
		for i := range want {
			want[i] = r.Float64() * 100
		}
		got := spreadLabels(want, 11, 0, 100)
		order := make([]int, len(want))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return int(math.Copysign(1, want[a]-want[b])) })
		for i, k := range order {
			if got[k] < -1e-9 || got[k] > 100+1e-9 {
				t.Fatalf("%v: %v leaves the panel", want, got)
			}
			if i > 0 && got[k]-got[order[i-1]] < 11-1e-9 {
				t.Fatalf("%v: %v overlap or change order", want, got)
			}
		}
	}
}

func TestScales(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		s      axisScale
		v, at  float64
		absent []float64
	}{
		{"linear", levelScale("linear", []float64{0, 10}), 5, .5, []float64{math.NaN(), math.Inf(1)}},
		{"log", levelScale("log", []float64{1, 100}), 10, .5, []float64{0, -1}},
		{"log2", levelScale("log2", []float64{64, 4096}), 512, .5, []float64{0}},
		{"log1p holds 0", levelScale("log1p", []float64{0, 100, 300}), 100, .5, []float64{-1}},
		{"log with a level 0 becomes log1p", levelScale("log", []float64{0, 100, 300}), 0, 0, nil},
		{"log with a negative level becomes linear", levelScale("log", []float64{-10, 10}), 0, .5, nil},
		{"even at a level", levelScale("even", []float64{.5, .9, 1, 1.1, 2}), 1, .5, []float64{math.NaN()}},
		{"even between levels", levelScale("even", []float64{.5, .9, 1, 1.1, 2}), 1.55, .875, nil},
		{"even with a level 0", levelScale("even", []float64{0, 1, 10}), 1, .5, nil},
		{"even under its levels", levelScale("even", []float64{1, 2, 10}), 0, 0, nil},
		{"one level only, even", levelScale("even", []float64{7}), 7, .5, nil},
		{"one level only", levelScale("log", []float64{7}), 7, .5, nil},
		{"nothing to show", valueScale("log", nil), math.Sqrt(10), .5, nil},
		{"zeros do not reach a log axis", valueScale("log", []float64{0, 0}), math.Sqrt(10), .5, []float64{0}},
	} {
		if got := c.s.at(c.v); math.Abs(got-c.at) > 1e-9 {
			t.Errorf("%s: %v is at %v, want %v", c.name, c.v, got, c.at)
		}
		for _, v := range c.absent {
			if c.s.holds(v) {
				t.Errorf("%s: %v has no place there", c.name, v)
			}
		}
	}
	if s := valueScale("linear", []float64{18, 36}); s.lo != 0 {
		t.Errorf("a linear axis for 18 to 36 begins at %v, want 0", s.lo)
	}
	if s := valueScale("linear", []float64{97, 99}); s.lo < 90 {
		t.Errorf("a linear axis for 97 to 99 begins at %v and flattens what differs", s.lo)
	}
	if s := valueScale("log", []float64{1, 1000}).withRoomAbove(1000, .1); math.Abs(s.at(1000)-.9) > 1e-9 {
		t.Errorf("with a tenth of room above, 1000 is at %v, want 0.9", s.at(1000))
	}
}

func TestTicks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		s      axisScale
		length float64
		unit   string
		labels string
	}{
		{"linear from 0", axisScale{kind: "linear", lo: 0, hi: 37}, 280, "us", "0 10 20 30"},
		{"linear, large", axisScale{kind: "linear", lo: 0, hi: 9000}, 200, "", "0 2,000 4,000 6,000 8,000"},
		{"linear, small", axisScale{kind: "linear", lo: 0, hi: .09}, 200, "", "0 0.02 0.04 0.06 0.08"},
		{"shares", axisScale{kind: "linear", lo: 0, hi: 1}, 100, "share", "0 % 50 % 100 %"},
		{"log, a decade and more", axisScale{kind: "log", lo: .8, hi: 30}, 280, "", "1 2 5 10 20"},
		{"log, many decades", axisScale{kind: "log", lo: 1, hi: 1e6}, 200, "", "1 10 100 1,000 10,000 100,000 1,000,000"},
		{"log, so many that some are left out", axisScale{kind: "log", lo: 1, hi: 1e9}, 60, "", "1 1,000 1,000,000 1,000,000,000"},
		{"log, less than a decade", axisScale{kind: "log", lo: .9, hi: 3.1}, 200, "", "1 1.5 2 2.5 3"},
		{"log2", axisScale{kind: "log2", lo: 64, hi: 4096}, 600, "", "64 128 256 512 1,024 2,048 4,096"},
		{"bytes", axisScale{kind: "log2", lo: 512, hi: 1 << 20}, 200, "bytes", "512 4 KiB 32 KiB 256 KiB"},
		{"log1p", axisScale{kind: "log1p", lo: 0, hi: 9000, knee: 100}, 300, "", "0 100 200 500 1,000 2,000 5,000"},
	} {
		var labels []string
		for _, k := range c.s.ticks(c.length, c.unit) {
			if !c.s.holds(k.value) || c.s.at(k.value) < -1e-6 || c.s.at(k.value) > 1+1e-6 {
				t.Errorf("%s: a tick at %v lies outside", c.name, k.value)
			}
			if k.label != "" {
				labels = append(labels, k.label)
			}
		}
		if got := strings.Join(labels, " "); got != c.labels {
			t.Errorf("%s: ticks %q, want %q", c.name, got, c.labels)
		}
	}
}

func TestLevelTicksDoNotTouch(t *testing.T) {
	t.Parallel()
	levels := []float64{0, 100, 300, 1000, 3000, 10000, 19000}
	s := levelScale("log1p", levels)
	width := func(label string) float64 { return 5 * float64(len(label)) }
	ticks := s.levelTicks(levels, 130, "", width)
	if len(ticks) != len(levels) {
		t.Fatalf("%d ticks for %d levels", len(ticks), len(levels))
	}
	if ticks[0].label != "0" || ticks[6].label != "19,000" {
		t.Errorf("the outermost labels are %q and %q, want 0 and 19,000", ticks[0].label, ticks[6].label)
	}
	end := math.Inf(-1)
	for _, k := range ticks {
		if k.label == "" {
			continue
		}
		at := s.at(k.value) * 130
		if at-width(k.label)/2 < end {
			t.Errorf("label %q touches the one before", k.label)
		}
		end = at + width(k.label)/2
	}
}

// Shares keep their sign where it has room, and all their numbers where that is
// what leaves them room.
func TestShareTicks(t *testing.T) {
	t.Parallel()
	levels := []float64{.5, .9, 1, 1.1, 2}
	s := levelScale("even", levels)
	width := func(label string) float64 { return 5 * float64(len(label)) }
	for _, c := range []struct {
		length float64
		want   string
	}{
		{200, "50 %|90 %|100 %|110 %|200 %"},
		{110, "50|90|100|110|200"},
		{60, "50 %||||200 %"}, // neither has
	} {
		var labels []string
		for _, k := range s.levelTicks(levels, c.length, "share", width) {
			labels = append(labels, k.label)
		}
		if got := strings.Join(labels, "|"); got != c.want {
			t.Errorf("%v wide: %s, want %s", c.length, got, c.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v                   float64
		plain, significant3 string
		three               string
	}{
		{0, "0", "0", "0"}, {8000, "8,000", "8,000", "8,000"}, {-1234567, "-1,234,567", "-1,230,000", "-1,234,567"},
		{.1 + .2, "0.3", "0.3", "0.300"}, {18.04, "18.04", "18", "18.0"}, {999.7, "999.7", "1,000", "1,000"}, {9.996, "9.996", "10", "10.0"},
		{math.NaN(), "", "", "NaN"},
	} {
		if got := plainNumber(c.v); got != c.plain {
			t.Errorf("plainNumber(%v) is %q, want %q", c.v, got, c.plain)
		}
		if math.IsNaN(c.v) {
			continue
		}
		if got := significantDigits(c.v, 3); got != c.significant3 {
			t.Errorf("significantDigits(%v, 3) is %q, want %q", c.v, got, c.significant3)
		}
		if got := threeDigits(c.v); got != c.three {
			t.Errorf("threeDigits(%v) is %q, want %q", c.v, got, c.three)
		}
	}
}

// TestBackendsLookDifferent: apart in colour, and without colour in shape or
// dash; labels are readable; no backend looks like what is excluded, or like a
// part of a stacked share.
func TestBackendsLookDifferent(t *testing.T) {
	t.Parallel()
	names := sortedKeys(backendLooks)
	if want := []string{"epoll", "epoll-et", "goroutines", "io_uring", "io_uring-poll", "kqueue", "poll", "select", "threads"}; !slices.Equal(names, want) {
		t.Fatalf("looks for %v, want %v", names, want)
	}
	for i, a := range names {
		la := backendLooks[a]
		if contrast := 1.05 / (luminance(readable(la.color)) + .05); contrast < 4.5 {
			t.Errorf("the label of %s has a contrast of %.2f, want 4.5", a, contrast)
		}
		if slices.Contains(fateColors, la.color) || la.color == excluded {
			t.Errorf("the colour of %s means something else too", a)
		}
		for _, b := range names[i+1:] {
			lb := backendLooks[b]
			if la.color == lb.color {
				t.Errorf("%s and %s have one colour", a, b)
			}
			if slices.Equal(la.shape, lb.shape) {
				t.Errorf("%s and %s have one shape", a, b)
			}
		}
	}
	if !slices.Equal(lookOf("epoll", 5).shape, backendLooks["epoll"].shape) || lookOf("cubic", 0).color == lookOf("reno", 1).color {
		t.Error("a backend keeps its look at any place, other levels differ by place")
	}
}

// TestNoLineThroughWhatIsNoMeasurement: lines end before points that are
// saturated, censored or excluded, and begin again after them.
func TestNoLineThroughWhatIsNoMeasurement(t *testing.T) {
	t.Parallel()
	plain := func(x float64) Point { return Point{X: x, Y: 2, N: 6} }
	for _, c := range []struct {
		name string
		odd  Point
	}{
		{"saturated", Point{X: 3, Y: 2, N: 6, Saturated: true}},
		{"censored", Point{X: 3, Y: 2, N: 6, Censored: true}},
		{"excluded only", Point{X: 3, Y: math.NaN(), Excluded: []Dot{{Y: 2}}}},
		{"no place on a log axis", Point{X: 3, Y: 0, N: 6}},
	} {
		got := segments([]Point{plain(1), plain(2), c.odd, plain(4), plain(5)}, axisScale{kind: "log", lo: 1, hi: 10})
		if len(got) != 2 || len(got[0]) != 2 || len(got[1]) != 2 || got[1][0].X != 4 {
			t.Errorf("%s: lines through %v, want 1-2 and 4-5", c.name, got)
		}
	}
	if got := segments([]Point{plain(1), {X: 2, Y: 3, N: 6, Open: true}, plain(3)}, axisScale{kind: "linear", hi: 5}); len(got) != 1 || len(got[0]) != 3 {
		t.Errorf("a quantile with few exceedances is measured: lines %v, want one", got)
	}
}

// oddChart has every kind of mark, values that no log axis holds, and infinite
// bounds.
func oddChart(kind, scale string) *chart {
	pts := func(shift float64) []Point {
		return []Point{
			{X: 0, Y: 10 + shift, Lo: 9, Hi: 12, Interval: true, Coverage: .969, N: 6, Dots: []Dot{{X: 0, Y: 10}, {X: 0, Y: 11}}},
			{X: 100, Y: 20 + shift, N: 6, Saturated: true, Excluded: []Dot{{X: 100, Y: 4000, Verdict: VerdictNoisy}, {X: 100, Y: 15, Verdict: VerdictClientLimited}}},
			{X: 300, Y: 0, N: 6, Lo: math.Inf(-1), Hi: math.Inf(1), Interval: true},
			{X: 1000, Y: math.NaN(), Excluded: []Dot{{X: 1000, Y: 12, Verdict: VerdictNoisy}}},
			{X: 3000, Y: 500, N: 6, Censored: true, Dots: []Dot{{X: 3000, Y: 500, Censored: true}, {X: 3000, Y: 30}}},
			{X: 9000, Y: 40 + shift, N: 6, Open: true, Floor: 20, HiCensored: true, Interval: true, Lo: 30, Hi: 500},
		}
	}
	c := &chart{kind: kind, title: "Title <b> & more", subtitle: "machine", ratio: scale == "log", baseline: "epoll",
		x: axisSpec{label: "x", kind: "log1p", levels: []float64{0, 100, 300, 1000, 3000, 9000}}, y: axisSpec{label: "y (µs)", unit: "us", kind: scale},
		looks: map[string]look{}, marks: []xMark{{100, "a"}, {1e9, "beyond"}, {-1, "before"}}, notes: []string{"a note"}}
	for i := range 5 {
		var all []Series
		for k, level := range []string{"select", "epoll", "io_uring-poll"} {
			c.looks[level] = lookOf(level, k)
			all = append(all, Series{Column: "ok_share", Level: level, Points: pts(float64(k))})
		}
		c.panels = append(c.panels, panel{title: "panel " + plainNumber(float64(i)), series: all, floor: &floorBand{5, "floor"}})
	}
	return c
}

// TestAboveTheAxis: what lies above the axis is said with its level's name, as
// the marks of several levels stand side by side.
func TestAboveTheAxis(t *testing.T) {
	t.Parallel()
	b, err := oddChart(kindLines, "linear").draw(wideFigure).encode("svg")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"↑ select 4 ms", "↑ epoll 4 ms", "↑ io_uring-poll 4 ms"} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("the figure does not say %q", want)
		}
	}
}

// TestEveryFormatOfEveryKind draws what is oddest and checks that each format
// is what it says, that an SVG is well formed, and that nothing is drawn at no
// place.
func TestEveryFormatOfEveryKind(t *testing.T) {
	t.Parallel()
	magic := map[string]string{"svg": "<?xml", "png": "\x89PNG", "pdf": "%PDF-"}
	for _, kind := range []string{kindLines, kindDots, kindStacked, kindHeat} {
		for _, scale := range []string{"linear", "log"} {
			for _, width := range []float64{wideFigure, narrowFigure} {
				d := oddChart(kind, scale).draw(width)
				for _, format := range figureFormats {
					if format == "png" && (kind != kindDots || width == wideFigure || scale == "log") {
						continue // slow, and the same code
					}
					b, err := d.encode(format)
					if err != nil {
						t.Fatalf("%s %s %s: %v", kind, scale, format, err)
					}
					if !bytes.HasPrefix(b, []byte(magic[format])) {
						t.Errorf("%s %s: the %s begins with %q", kind, scale, format, b[:8])
					}
					if format == "svg" {
						checkSVG(t, b)
					}
				}
			}
		}
	}
	if _, err := oddChart(kindLines, "log").draw(wideFigure).encode("gif"); err == nil {
		t.Error("a GIF was written")
	}
}

func checkSVG(t *testing.T, svg []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("SVG is not well formed: %v", err)
		}
	}
	for _, bad := range []string{"NaN", "Inf", "e+0", "<b>", "<script", "Liberation Serif"} {
		if bytes.Contains(svg, []byte(bad)) {
			t.Errorf("SVG has %q", bad)
		}
	}
}

func TestShareText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v         float64
		one, none string
	}{{1, "100 %", "100 %"}, {.9999, "99.9 %", "99 %"}, {.996, "99.6 %", "99 %"}, {.125, "12.5 %", "13 %"}, {.5, "50 %", "50 %"}} {
		if one, none := shareText(c.v, 1), shareText(c.v, 0); one != c.one || none != c.none {
			t.Errorf("%v is %q and %q, want %q and %q", c.v, one, none, c.one, c.none)
		}
	}
}

func TestPDFText(t *testing.T) {
	t.Parallel()
	if got := windows1252("5 µs · 2 × 3 – …"); got != "5 \xb5s \xb7 2 \xd7 3 \x96 \x85" {
		t.Errorf("text for PDF is %q", got)
	}
}
