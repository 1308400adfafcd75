package results

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"medusa/results/stats"
)

// WriteSlopes writes Markdown tables of what a run says of growth: for each
// level of the compared factor and each column that a grid claims the growth of,
// what one more of the factor adds, with its 95 % interval ("-" below MinPairs
// blocks); then the medians that these slopes go through, over the trials that
// enter the answer. Numbers are in the column's own unit.
func WriteSlopes(w io.Writer, run *Run) error {
	a := run.Analyse()
	written := 0
	for i := range a.Plan.Grids {
		g := &a.Plan.Grids[i]
		if g.Slope == nil || len(g.Factors[g.Slope.X]) < 2 {
			continue
		}
		var b strings.Builder
		a.slopeTable(&b, g)
		a.medianTable(&b, g)
		if _, err := io.WriteString(w, b.String()); err != nil {
			return fmt.Errorf("cannot write the slopes: %w", err)
		}
		written++
	}
	if written == 0 {
		return fmt.Errorf("the run %s has no grid that claims slopes", a.Plan.Suite)
	}
	return nil
}

func (a *Analysis) slopeTable(b *strings.Builder, g *GridPlan) {
	fmt.Fprintf(b, "%s: for each of %s\n\n", g.Name, g.Slope.X)
	tableHead(b, append([]string{a.Compare}, g.Slope.Y...))
	slopes := a.gridSlopes(g, false)
	for _, level := range g.Factors[a.Compare] {
		row := []string{LevelText(level)}
		for _, column := range g.Slope.Y {
			text := "-"
			for _, s := range slopes {
				if s.Level == row[0] && s.Column == column && s.N >= MinPairs {
					text = fmt.Sprintf("%.0f (%.0f to %.0f)", s.Estimate, s.Lo, s.Hi)
				}
			}
			row = append(row, text)
		}
		tableRow(b, row)
	}
	b.WriteString("\n")
}

func (a *Analysis) medianTable(b *strings.Builder, g *GridPlan) {
	entered := a.enteredRecords()
	fmt.Fprintf(b, "%s: medians\n\n", g.Name)
	tableHead(b, append([]string{a.Compare, g.Slope.X}, g.Slope.Y...))
	sizes := slices.Clone(g.Factors[g.Slope.X])
	slices.SortFunc(sizes, func(x, y any) int {
		m, _ := levelNumber(x)
		n, _ := levelNumber(y)
		return cmp.Compare(m, n)
	})
	for _, level := range g.Factors[a.Compare] {
		for _, size := range sizes {
			row := []string{LevelText(level), LevelText(size)}
			for _, column := range g.Slope.Y {
				var values []float64
				for i := range a.Records {
					r := &a.Records[i]
					if v, ok := r.Value(column); ok && entered[r] && r.Grid == g.Name && r.Level == row[0] && r.Text(g.Slope.X) == row[1] {
						values = append(values, v)
					}
				}
				text := "-"
				if len(values) > 0 {
					text = fmt.Sprintf("%.0f", stats.Median(values))
				}
				row = append(row, text)
			}
			tableRow(b, row)
		}
	}
	b.WriteString("\n")
}

func tableHead(b *strings.Builder, names []string) {
	tableRow(b, names)
	b.WriteString(strings.Repeat("|---", len(names)) + "|\n")
}

func tableRow(b *strings.Builder, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}
