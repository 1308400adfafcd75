package results

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"
)

// reportFile is the report's name in the run folder.
const reportFile = "report.html"

//go:embed report.html.tmpl
var reportTemplate string

//go:embed report.css
var reportCSS string

// WriteReport writes report.html, the figures of a run and its trials for
// benchstat into its folder and returns the path of the report. Of a run that was cut off it reports what is
// there, and says so first.
func WriteReport(run *Run) (string, error) {
	a := run.Analyse()
	figures := renderAll(run, a)
	if err := writeFigures(filepath.Join(run.Dir, figuresFolder), figures); err != nil {
		return "", err
	}
	if err := a.writeBenchFile(run); err != nil {
		return "", err
	}
	page, err := reportPage(run, a, figures)
	if err != nil {
		return "", err
	}
	if err := replaceFile(run.Dir, reportFile, page); err != nil {
		return "", err
	}
	return filepath.Join(run.Dir, reportFile), nil
}

// writeFigures writes each figure as SVG and PNG with its numbers.
func writeFigures(dir string, figures []rendered) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot write figures: %w", err)
	}
	for _, f := range figures {
		if f.err != nil {
			continue
		}
		d := f.draw(wideFigure)
		files := map[string][]byte{"csv": f.csv}
		for _, format := range []string{"svg", "png"} {
			b, err := d.encode(format)
			if err != nil {
				return err
			}
			files[format] = b
		}
		for _, ext := range sortedKeys(files) {
			if err := replaceFile(dir, f.file+"."+ext, files[ext]); err != nil {
				return err
			}
		}
	}
	return nil
}

// reportPage is the report as one HTML page without scripts and without
// anything that it would have to load.
func reportPage(run *Run, a *Analysis, figures []rendered) ([]byte, error) {
	view, err := newReportView(run, a, figures)
	if err != nil {
		return nil, err
	}
	t, err := template.New(reportFile).Parse(reportTemplate)
	if err != nil {
		return nil, fmt.Errorf("report template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, view); err != nil {
		return nil, fmt.Errorf("report template: %w", err)
	}
	return b.Bytes(), nil
}

// inlineSVG is a drawing as an element of the page. What it says was escaped
// by the SVG canvas; nothing in it names an address.
func inlineSVG(d drawing, class string) (template.HTML, error) {
	svg, err := d.encode("svg")
	if err != nil {
		return "", err
	}
	i := bytes.Index(svg, []byte("<svg"))
	if i < 0 {
		return "", fmt.Errorf("figure %q has no svg element", d.title)
	}
	body := svg[i+bytes.IndexByte(svg[i:], '>')+1:]
	head := fmt.Sprintf(`<svg class="%s" viewBox="0 0 %g %g" role="img">`, class, d.w, d.h)
	return template.HTML(head + strings.TrimSpace(string(body))), nil
}
