package results

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPlotCertificate(t *testing.T) {
	t.Parallel()
	c := &Certificate{Floor: WakeFloor{Block: Floor{P50: 81_000}}, Machine: Machine{CPUModel: "A processor"}}
	dir := t.TempDir()
	out := filepath.Join(dir, "excess.svg")
	if err := PlotCertificate(c, out); err == nil {
		t.Error("a figure of nothing was drawn")
	}
	for _, series := range []string{"constant", "exponential"} {
		for i := range 50 {
			c.Excess = append(c.Excess, Excess{series, (float64(i) + .5) / 50, 20 + float64(i%7)})
		}
	}
	if err := PlotCertificate(c, filepath.Join(dir, "excess.gif")); err == nil || !strings.Contains(err.Error(), ".svg, .png, .pdf") {
		t.Errorf("a GIF: %v", err)
	}
	if err := PlotCertificate(c, filepath.Join(dir, "none", "excess.svg")); err == nil {
		t.Error("written into a folder that is not there")
	}
	if err := PlotCertificate(c, out); err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{">constant<", ">exponential<", "wake floor p50 81 µs", "A processor", "rank by true time", "one fiftieth"} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("the figure does not say %q", want)
		}
	}
	numbers, err := os.ReadFile(filepath.Join(dir, "excess.csv"))
	if err != nil || bytes.Count(numbers, []byte("\n")) != 101 || !bytes.HasPrefix(numbers, []byte("series,rank,excess_us\nconstant,0.01,20\n")) {
		t.Errorf("%.80s, %v", numbers, err)
	}
}
