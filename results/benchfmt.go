package results

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// benchFile is the file for benchstat in a run folder.
const benchFile = "benchfmt.txt"

// WriteBenchfmt writes the trials that enter a run's answer in the Go benchmark
// format (golang.org/design/14313-benchmark-format), one line a trial, for
// tools such as benchstat:
//
//	go tool benchstat -col /backend benchfmt.txt
//
// The columns are those that the suite reports. A cell in which a trial knows
// only a bound of a column (its quantile falls among failed requests) does not
// have that column: without its worst trials it would look too good.
func WriteBenchfmt(w io.Writer, run *Run) error {
	return run.Analyse().writeBenchfmt(w, run.Environment.Before)
}

func (a *Analysis) writeBenchfmt(w io.Writer, m Machine) error {
	out := benchfmt.NewWriter(w)
	results, units := a.benchResults(benchConfig(a, m))
	for _, column := range units {
		unit := benchUnit(column.Name)
		pairs := [][2]string{{"assume", "nothing"}}
		if column.Better != Neither {
			pairs = append(pairs, [2]string{"better", string(column.Better)})
		}
		for _, kv := range pairs {
			if err := out.Write(&benchfmt.UnitMetadata{UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: unit, Key: kv[0]}, OrigUnit: unit, Value: kv[1]}); err != nil {
				return fmt.Errorf("cannot write %s: %w", benchFile, err)
			}
		}
	}
	for _, r := range results {
		if err := out.Write(r); err != nil {
			return fmt.Errorf("cannot write %s: %w", benchFile, err)
		}
	}
	return nil
}

// benchResults are the lines, cell by cell with the baseline's first, as
// benchstat compares with what it meets first, and the columns that any has.
func (a *Analysis) benchResults(config []benchfmt.Config) ([]*benchfmt.Result, []Column) {
	var out []*benchfmt.Result
	var units []Column
	for _, p := range a.sites {
		columns := a.benchColumns(p.grid)
		levels := a.levels(p.grid)
		slices.SortStableFunc(levels, func(x, y string) int { return boolOrder(y == a.Baseline) - boolOrder(x == a.Baseline) })
		for _, level := range levels {
			var known []Column
			for _, c := range columns {
				if len(trialValues(p, level, question{column: c.Name})) == 0 {
					continue
				}
				if known = append(known, c); !slices.Contains(units, c) {
					units = append(units, c)
				}
			}
			for _, m := range p.minis {
				if r := m.entered(level); r != nil {
					if line := a.benchResult(p, r, known); len(line.Values) > 0 {
						line.Config = config
						out = append(out, line)
					}
				}
			}
		}
	}
	return out, units
}

// benchResult is the line of one trial.
func (a *Analysis) benchResult(p *site, r *Record, columns []Column) *benchfmt.Result {
	line := &benchfmt.Result{Name: benchfmt.Name(a.benchName(p, r)), Iters: benchIterations(r)}
	for _, c := range columns {
		if v, ok := r.Value(c.Name); ok {
			line.Values = append(line.Values, benchfmt.Value{Value: v, Unit: benchUnit(c.Name)})
		}
	}
	return line
}

// benchColumns are the columns that a grid reports, one of each that exists in
// two units.
func (a *Analysis) benchColumns(g *GridPlan) []Column {
	var out []Column
	for _, name := range a.gridColumns(g) {
		if base, ok := strings.CutSuffix(name, "_ms"); ok {
			if _, twin := find(base+"_us", registry); twin {
				name = base + "_us"
			}
		}
		if c, ok := find(name, registry); ok && c.Kind == Metric && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// benchName names a cell: the suite, the grid where there are several, the
// compared factor, the others, and at the end the server's GOMAXPROCS as Go
// writes it, without which a level that ends in a number would be taken for it.
func (a *Analysis) benchName(p *site, r *Record) string {
	parts := []string{capital(a.Plan.Suite)}
	if len(a.Plan.Grids) > 1 {
		parts = append(parts, "grid="+url.PathEscape(p.grid.Name))
	}
	parts = append(parts, a.Compare+"="+url.PathEscape(r.Level))
	for _, s := range p.factors {
		parts = append(parts, s.Factor+"="+url.PathEscape(LevelText(s.Level)))
	}
	procs := 1
	if r.Server != nil && r.Server.GOMAXPROCS > 0 {
		procs = r.Server.GOMAXPROCS
	}
	return fmt.Sprintf("%s-%d", strings.Join(parts, "/"), procs)
}

// benchIterations is how many requests a trial's figures are over.
func benchIterations(r *Record) int {
	if r.Load == nil || r.Load.Requests == 0 {
		return 1
	}
	return int(r.Load.Requests)
}

// benchUnit is a column as a unit: server-cpu-us/req, p99-us.
func benchUnit(column string) string {
	s := strings.TrimPrefix(column, "response_p")
	if s != column {
		s = "p" + s
	}
	for _, per := range [][2]string{{"_per_request", "/req"}, {"_per_connection", "/conn"}, {"_per_wait", "/wait"}, {"_per_s", "/s"}} {
		s = strings.Replace(s, per[0], per[1], 1)
	}
	return strings.ReplaceAll(s, "_", "-")
}

// benchConfig are the facts that a figure must carry to mean anything.
func benchConfig(a *Analysis, m Machine) []benchfmt.Config {
	var out []benchfmt.Config
	for _, kv := range [][2]string{
		{"goos", m.OS}, {"goarch", m.Arch}, {"cpu", m.CPUModel}, {"cpus", fmt.Sprint(m.CPUs)}, {"kernel", m.Kernel}, {"virtual", m.Virtual},
		{"mitigations", mitigationsText(m)}, {"congestion", m.Congestion}, {"nofile", fmt.Sprint(m.NoFileSoft)}, {"go", m.GoVersion},
		{"medusa", m.Medusa}, {"suite", a.Plan.Suite},
	} {
		if value := strings.Join(strings.Fields(kv[1]), " "); value != "" {
			out = append(out, benchfmt.Config{Key: kv[0], Value: []byte(value), File: true})
		}
	}
	return out
}

// writeBenchFile writes benchfmt.txt into a run folder.
func (a *Analysis) writeBenchFile(run *Run) error {
	var b bytes.Buffer
	if err := a.writeBenchfmt(&b, run.Environment.Before); err != nil {
		return err
	}
	return replaceFile(run.Dir, benchFile, b.Bytes())
}
