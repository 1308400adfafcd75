package results

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// CheckFigureName says what is wrong with the name of a figure's file: its end
// says the format.
func CheckFigureName(out string) error {
	if format := strings.TrimPrefix(strings.ToLower(filepath.Ext(out)), "."); !slices.Contains(figureFormats, format) {
		return fmt.Errorf("cannot draw %s: the file name must end in .%s", out, strings.Join(figureFormats, ", ."))
	}
	return nil
}

// PlotCertificate draws what a calibration measured over what was true, against
// rank, and writes it to the file out (.svg, .png or .pdf), with the numbers
// behind it in a .csv file of the same name beside it.
func PlotCertificate(c *Certificate, out string) error {
	if err := CheckFigureName(out); err != nil {
		return err
	}
	figure, err := excessChart(c)
	if err != nil {
		return err
	}
	b, err := figure.draw(wideFigure).encode(strings.TrimPrefix(strings.ToLower(filepath.Ext(out)), "."))
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, b, 0o644); err != nil {
		return fmt.Errorf("cannot write the figure: %w", err)
	}
	if err := os.WriteFile(strings.TrimSuffix(out, filepath.Ext(out))+".csv", excessCSV(c), 0o644); err != nil {
		return fmt.Errorf("cannot write the figure's numbers: %w", err)
	}
	return nil
}

// excessChart is the certificate's figure. The wake floor's median is the band:
// what is measured over the truth there says nothing about a server.
func excessChart(c *Certificate) (*chart, error) {
	if len(c.Excess) == 0 {
		return nil, errors.New("the certificate has no measured excess to draw")
	}
	floor := float64(c.Floor.Block.P50) / 1e3
	f := &chart{
		kind: kindLines, title: "What the generator measures over the truth",
		subtitle: fmt.Sprintf("%s, %s. Each point: the median of a fiftieth of the requests, in the order of their true time.", c.Machine.CPUModel, c.Machine.Kernel),
		x:        axisSpec{name: "rank", label: "rank by true time", unit: "share", kind: "linear"},
		y:        axisSpec{name: "excess_us", label: axisLabel("measured service over true", "us"), unit: "us", kind: "linear"},
		looks:    map[string]look{},
	}
	at := map[string]int{}
	p := panel{floor: &floorBand{floor, fmt.Sprintf("wake floor p50 %s µs", significantDigits(floor, 3))}}
	for _, e := range c.Excess {
		i, ok := at[e.Series]
		if !ok {
			i = len(p.series)
			at[e.Series] = i
			p.series = append(p.series, Series{Level: e.Series, Column: f.y.name})
			f.looks[e.Series] = lookOf(e.Series, i)
		}
		p.series[i].Points = append(p.series[i].Points, Point{X: e.Rank, Y: e.Us, N: 1})
	}
	f.panels = []panel{p}
	f.keyed = []keyItem{{text: "one fiftieth of a server's requests", draw: func(p *pen, x, y float64) {
		pointMarker(p, look{color: inkSoft}, x, y, 2.8, Point{})
	}}}
	return f, nil
}

// excessCSV writes the numbers behind the certificate's figure.
func excessCSV(c *Certificate) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	write(w, []string{"series", "rank", "excess_us"})
	for _, e := range c.Excess {
		write(w, []string{e.Series, csvNumber(e.Rank), csvNumber(e.Us)})
	}
	w.Flush()
	return b.Bytes()
}
