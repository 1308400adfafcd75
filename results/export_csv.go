package results

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// WriteCSV writes every record of a run, one line a trial in the order of
// execution, repeats and capacity probes included, with every column. A value
// that is missing is empty. Behind the columns stand: enters (true for a trial
// that the answer rests on), reasons (of the verdict), censored (columns of
// which only a bound is known, "response_p99_us > 1000000") and open (quantiles
// of few exceedances).
func WriteCSV(w io.Writer, run *Run) error {
	a := run.Analyse()
	entered := a.enteredRecords()
	columns := slices.Concat(registry, a.Plan.ownFactors())
	var head []string
	for _, c := range columns {
		head = append(head, c.Name)
	}
	out := csv.NewWriter(w)
	if err := out.Write(append(head, "enters", "reasons", "censored", "open")); err != nil {
		return fmt.Errorf("cannot write the trials as CSV: %w", err)
	}
	for i := range a.Records {
		r := &a.Records[i]
		row := make([]string, 0, len(columns)+4)
		for _, c := range columns {
			row = append(row, r.csvText(c))
		}
		var bounds []string
		for _, name := range sortedKeys(r.Censored) {
			bounds = append(bounds, name+" > "+csvNumber(r.Censored[name]))
		}
		row = append(row, strconv.FormatBool(entered[r]), strings.Join(r.Reasons, "; "), strings.Join(bounds, "; "), strings.Join(r.Open, " "))
		if err := out.Write(row); err != nil {
			return fmt.Errorf("cannot write the trials as CSV: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("cannot write the trials as CSV: %w", err)
	}
	return nil
}

// csvText is a column of a record, metrics with nine digits as behind figures.
func (r *Record) csvText(c Column) string {
	if c.Kind == Metric {
		v, ok := r.Metrics[c.Name]
		if !ok {
			return ""
		}
		return csvNumber(v)
	}
	return r.Text(c.Name)
}

// enteredRecords are the records that the answer rests on.
func (a *Analysis) enteredRecords() map[*Record]bool {
	out := map[*Record]bool{}
	for _, p := range a.sites {
		for _, m := range p.minis {
			for _, level := range m.planned {
				if r := m.entered(level); r != nil {
					out[r] = true
				}
			}
		}
	}
	return out
}
