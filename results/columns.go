package results

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind says where the value of a column comes from.
type Kind string

const (
	Metric Kind = "metric" // measured: Record.Metrics
	Factor Kind = "factor" // asked for: Record.Factors or Record.Settings
	Place  Kind = "place"  // where the trial stands in the run: Record's own fields
)

// Better says in which direction a metric improves.
type Better string

const (
	Lower   Better = "lower"
	Higher  Better = "higher"
	Neither Better = "" // factors, and metrics that explain rather than judge
)

// Column is one name that may stand on an axis, in a table, in a condition or
// in a suite's list of metrics. A figure's axis, a column of `medusa plot` and
// a record's field are this one name.
type Column struct {
	Name    string
	Unit    string // "us", "ms", "s", "1/s", "bytes", "bytes/s", "share" (0 to 1), "" (a count or a name)
	Meaning string
	Kind    Kind
	Better  Better
	// Text is true for a factor whose levels are names, not numbers.
	Text bool
	// Censored is true for a metric that can be known only to be at least
	// the request timeout, as too many of its requests failed.
	Censored bool
	// ByMode is true for a metric that means different things in a closed
	// loop (the cost under saturation) and in an open loop (the cost at a
	// fixed rate): both never stand on one axis. See OneMode.
	ByMode bool
}

// AllColumns returns all columns in the order in which `medusa columns` lists
// them: metrics first, then factors, then places.
func AllColumns() []Column {
	return slices.Clone(registry)
}

// LookupColumn returns the column of that name. The error for an unknown name
// is one line that names the nearest one.
func LookupColumn(name string) (Column, error) {
	return lookup(name, registry)
}

// LookupColumn is like the function, but knows also the factors that only this
// plan has: those with named levels, such as "load".
func (p *Plan) LookupColumn(name string) (Column, error) {
	return lookup(name, slices.Concat(registry, p.ownFactors()))
}

// ownFactors returns the factors of the plan that the registry does not know.
func (p *Plan) ownFactors() []Column {
	var own []Column
	for _, g := range p.Grids {
		for _, name := range slices.Sorted(maps.Keys(g.Factors)) {
			_, known := find(name, registry)
			_, seen := find(name, own)
			if known || seen {
				continue
			}
			text := false
			for _, level := range g.Factors[name] {
				if _, ok := levelNumber(level); !ok {
					text = true
				}
			}
			own = append(own, Column{Name: name, Kind: Factor, Text: text, Meaning: "a factor of the suite " + p.Suite})
		}
	}
	return own
}

func find(name string, columns []Column) (Column, bool) {
	for _, c := range columns {
		if c.Name == name {
			return c, true
		}
	}
	return Column{}, false
}

func lookup(name string, columns []Column) (Column, error) {
	if c, ok := find(name, columns); ok {
		return c, nil
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return Column{}, fmt.Errorf("there is no column %q; the nearest name is %q (`medusa columns` lists all)", name, Nearest(name, names))
}

// Nearest returns the name with the smallest edit distance to the given one;
// of several the first, of none "".
func Nearest(name string, names []string) string {
	best, nearest := 0, ""
	for i, candidate := range names {
		d := editDistance(strings.ToLower(name), strings.ToLower(candidate))
		if i == 0 || d < best {
			best, nearest = d, candidate
		}
	}
	return nearest
}

// editDistance is Levenshtein's, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			substitute := diagonal
			if a[i-1] != b[j-1] {
				substitute++
			}
			diagonal = row[j]
			row[j] = min(substitute, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// Value returns the number in a column: a metric, a numeric factor or setting,
// or a place. The second result is false where there is none; Missing or
// Censored then say why.
func (r *Record) Value(column string) (float64, bool) {
	if v, ok := r.Metrics[column]; ok {
		return v, true
	}
	if v, ok := r.place(column); ok {
		return v, true
	}
	if v, ok := r.Factors[column]; ok {
		return levelNumber(v)
	}
	if v, ok := r.Settings[column]; ok {
		return levelNumber(v)
	}
	return 0, false
}

// AtLeast returns the bound below which a censored value cannot lie, in the
// unit of the column.
func (r *Record) AtLeast(column string) (float64, bool) {
	v, ok := r.Censored[column]
	return v, ok
}

// Why returns why a column has no value; "" where it has one.
func (r *Record) Why(column string) string {
	if _, ok := r.Value(column); ok {
		return ""
	}
	if v, ok := r.Censored[column]; ok {
		return fmt.Sprintf("it falls among failed requests: at least %g", v)
	}
	if why := r.Missing[column]; why != "" {
		return why
	}
	return "this trial has no " + column
}

// Text returns what a column holds as it is written on an axis or in a
// condition: names as they are, numbers in their shortest form, and "" where
// there is nothing.
func (r *Record) Text(column string) string {
	if v, ok := r.Factors[column]; ok {
		return LevelText(v)
	}
	switch column {
	case "level":
		return r.Level
	case "grid":
		return r.Grid
	case "role":
		return r.Role
	case "verdict":
		return r.Verdict
	case "id":
		return r.ID
	}
	if v, ok := r.Settings[column]; ok {
		return LevelText(v)
	}
	if v, ok := r.Value(column); ok {
		return LevelText(v)
	}
	return ""
}

func (r *Record) place(column string) (float64, bool) {
	switch column {
	case "trial":
		return float64(r.Trial), true
	case "block":
		return float64(r.Block), true
	case "mini_block":
		return float64(r.MiniBlock), true
	case "position":
		return float64(r.Position), true
	case "attempt":
		return float64(r.Attempt), true
	}
	return 0, false
}
