package results

import (
	"bytes"
	"encoding/csv"
	"math"
	"strconv"
	"strings"
)

// figureCSV writes the numbers behind a figure:
//
//	mark      "median" or "ratio" for what a large mark shows, "block" or
//	          "pair" for a small dot, "excluded" for a grey mark
//	<facets>  the levels of the figure's facets
//	<by>      the level that the line belongs to
//	x         the level or value of the figure's x column
//	column    the y column
//	y lo hi   the value, and its interval where there is one
//	coverage  the exact coverage of that interval
//	n         trials or pairs behind it
//	block trial verdict   of one dot
//	state     saturated, open, censored (the value is at least y),
//	          interval-censored (the same of hi), near-floor (under three
//	          times what waking a CPU takes); several with + between
func figureCSV(c *chart, f Figure, series []Series) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	by := f.By
	if len(series) > 0 {
		by = series[0].By
	}
	header := append([]string{"mark"}, f.Facet...)
	header = append(header, by, f.X, "column", "y", "lo", "hi", "coverage", "n", "block", "trial", "verdict", "state")
	write(w, header)
	point, dot := "median", "block"
	if c.ratio {
		point, dot = "ratio", "pair"
	}
	for _, s := range series {
		for _, pt := range s.Points {
			row := func(mark string, x float64, rest ...string) {
				fields := []string{mark}
				for _, set := range s.Facet {
					fields = append(fields, LevelText(set.Level))
				}
				at := pt.XText
				if at == "" {
					at = csvNumber(x)
				}
				fields = append(fields, s.Level, at, s.Column)
				write(w, append(fields, rest...))
			}
			if finite(pt.Y) {
				lo, hi, coverage := "", "", ""
				if pt.Interval {
					lo, hi, coverage = csvNumber(pt.Lo), csvNumber(pt.Hi), csvNumber(pt.Coverage)
				}
				row(point, pt.X, csvNumber(pt.Y), lo, hi, coverage, strconv.Itoa(pt.N), "", "", "", pointState(pt))
			}
			dots := func(mark string, all []Dot) {
				for _, d := range all {
					state := stateText([]string{"open", "censored"}, d.Open, d.Censored)
					row(mark, d.X, csvNumber(d.Y), "", "", "", "", strconv.Itoa(d.Block), strconv.Itoa(d.Trial), d.Verdict, state)
				}
			}
			dots(dot, pt.Dots)
			dots("excluded", pt.Excluded)
		}
	}
	w.Flush()
	return b.Bytes()
}

// write adds a row to a writer that keeps everything in memory and cannot fail.
func write(w *csv.Writer, row []string) { _ = w.Write(row) }

func pointState(pt Point) string {
	return stateText([]string{"saturated", "open", "censored", "interval-censored", "near-floor"}, pt.Saturated, pt.Open, pt.Censored, pt.HiCensored, pt.nearFloor())
}

func stateText(names []string, on ...bool) string {
	var out []string
	for i, name := range names {
		if on[i] {
			out = append(out, name)
		}
	}
	return strings.Join(out, "+")
}

// csvNumber writes a number with ten significant digits, nothing for NaN. What
// was measured has fewer; later ones would differ between processors that round
// a product and a sum together and those that do not, and then a run could not
// be verified elsewhere.
func csvNumber(v float64) string {
	switch {
	case math.IsNaN(v):
		return ""
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	}
	return strconv.FormatFloat(v, 'g', 10, 64)
}
