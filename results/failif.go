package results

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"medusa/results/stats"
)

// FailIf is a condition on the rows of a comparison, for a machine to act on:
//
//	LEVEL.FIELD OP NUMBER [at NAME=LEVEL, ...]
//	LEVEL.OUTCOME [at NAME=LEVEL, ...]
//
// LEVEL is one of the compared levels, or any. FIELD is ratio, lo, hi (of its
// interval), p, p_holm (two runs have none) or n (pairs; the fewer of two runs); OP is <, <=, > or
// >=. OUTCOME is faster, slower, same, unresolved or starred. It holds when it
// holds for any row that it speaks of.
type FailIf struct {
	Text   string
	Level  string // "any" for every row
	Field  string // a field or an outcome
	Op     string // "" for an outcome
	Number float64
	At     []Setting

	levelAt, placeAt int // columns in Text, from 1
}

// anyLevel speaks of every row.
const anyLevel = "any"

var (
	failFields   = []string{"ratio", "lo", "hi", "p", "p_holm", "n"}
	failOutcomes = []string{"faster", "slower", "same", "unresolved", "starred"}
)

// Tri is the truth of a condition: false, unknown or true.
type Tri int

// A condition of which no row says that it holds is unknown when a row that
// it speaks of lacks the value: it is not resolved, or has too few pairs.
const (
	False Tri = iota
	Unknown
	True
)

// Judged is a row of a comparison as a condition sees it.
type Judged struct {
	Level                   string
	Ratio, Lo, Hi, P, PHolm float64 // NaN where it has none
	N                       int
	Outcome                 stats.Outcome
	Starred                 bool
	Interval                bool   // it has pairs enough for one
	Floored                 bool   // the wake floor took its outcome back
	Text                    string // the row in one line

	placed func(name string) (string, bool)
}

// ParseFailIf reads a condition. An error is one line that says at which
// column, and names the nearest name.
func ParseFailIf(text string) (FailIf, error) {
	f := FailIf{Text: text, placeAt: len(text) + 1}
	head := text
	if i := strings.Index(text, " at "); i >= 0 {
		head, f.placeAt = text[:i], i+5
		at, err := f.places(text[i+4:])
		if err != nil {
			return f, err
		}
		f.At = at
	}
	operand := head
	if i := strings.IndexAny(head, "<>="); i >= 0 {
		operand = head[:i]
		end := i + len(head[i:]) - len(strings.TrimLeft(head[i:], "<>="))
		f.Op = head[i:end]
		if !slices.Contains([]string{"<", "<=", ">", ">="}, f.Op) {
			return f, f.fail(i+1, "%q is no comparison: use <, <=, > or >=", f.Op)
		}
		number := strings.TrimSpace(head[end:])
		var err error
		if f.Number, err = strconv.ParseFloat(number, 64); err != nil || math.IsNaN(f.Number) || math.IsInf(f.Number, 0) {
			return f, f.fail(end+1+leading(head[end:]), "%q is no number; write such as 1.05", number)
		}
	}
	f.levelAt = leading(operand) + 1
	name := strings.TrimSpace(operand)
	dot := strings.LastIndexByte(name, '.')
	if dot < 1 {
		return f, f.fail(f.levelAt, "it must be LEVEL.FIELD > NUMBER, such as epoll-et.ratio > 1.05, or LEVEL.OUTCOME, such as any.slower")
	}
	f.Level, f.Field = name[:dot], name[dot+1:]
	known, what := failOutcomes, "outcome"
	if f.Op != "" {
		known, what = failFields, "field"
	}
	if slices.Contains(known, f.Field) {
		return f, nil
	}
	fieldAt := f.levelAt + dot + 1
	switch {
	case f.Op == "" && slices.Contains(failFields, f.Field):
		return f, f.fail(fieldAt, "%s needs a comparison, such as %s.%s > 1.05", f.Field, f.Level, f.Field)
	case f.Op != "" && slices.Contains(failOutcomes, f.Field):
		return f, f.fail(fieldAt, "%s is an outcome and has no size: write %s.%s alone", f.Field, f.Level, f.Field)
	}
	return f, f.fail(fieldAt, "there is no %s %q; the nearest is %q (%s)", what, f.Field, Nearest(f.Field, known), strings.Join(known, ", "))
}

// places reads "a=1, b=x".
func (f FailIf) places(s string) ([]Setting, error) {
	at := f.placeAt
	for part := range strings.SplitSeq(s, ",") {
		name, level, ok := strings.Cut(part, "=")
		if !ok || strings.TrimSpace(name) == "" || strings.TrimSpace(level) == "" {
			return nil, f.fail(at+leading(part), "the place %q must be NAME=LEVEL", strings.TrimSpace(part))
		}
		at += len(part) + 1
	}
	return readConditions(s)
}

func (f FailIf) fail(column int, format string, args ...any) error {
	return fmt.Errorf("--fail-if %q: column %d: %s", f.Text, column, fmt.Sprintf(format, args...))
}

func leading(s string) int { return len(s) - len(strings.TrimLeft(s, " \t")) }

// Judge says whether the condition holds, and of which row; of Unknown it names
// the first row that lacks the value. An error says that the condition speaks
// of no row.
func (f FailIf) Judge(rows []Judged) (Tri, string, error) {
	var levels, names, values []string
	truth, text, spoken := False, "", false
	for _, row := range rows {
		levels = append(levels, row.Level)
		if f.Level != anyLevel && f.Level != row.Level {
			continue
		}
		here := true
		for _, w := range f.At {
			v, ok := row.placed(w.Factor)
			if ok {
				names, values = append(names, w.Factor), append(values, v)
			}
			here = here && ok && sameText(v, LevelText(w.Level))
		}
		if !here {
			continue
		}
		spoken = true
		if one := f.holds(row); one > truth {
			truth, text = one, row.Text
		}
	}
	switch {
	case spoken:
		return truth, text, nil
	case f.Level != anyLevel && !slices.Contains(levels, f.Level):
		return False, "", f.fail(f.levelAt, "no row is of the level %q; the nearest is %q", f.Level, Nearest(f.Level, append(levels, anyLevel)))
	case len(f.At) == 1 && slices.Contains(names, f.At[0].Factor):
		return False, "", f.fail(f.placeAt, "no row has %s; the nearest is %s=%s", AtText(f.At), f.At[0].Factor, Nearest(LevelText(f.At[0].Level), values))
	}
	return False, "", f.fail(f.placeAt, "no row of %s is at %s", f.Level, AtText(f.At))
}

// holds judges one row. A ratio is beyond a bar when its whole interval is: what
// the interval leaves open, or the wake floor, is unknown.
func (f FailIf) holds(row Judged) Tri {
	if f.Op == "" {
		return f.hasOutcome(row)
	}
	if f.Field == "ratio" {
		above := strings.HasPrefix(f.Op, ">")
		switch {
		case !row.Interval || row.Floored:
			return Unknown
		case above && row.Lo > f.Number, !above && row.Hi < f.Number:
			return True
		case above && row.Hi < f.Number, !above && row.Lo > f.Number:
			return False
		}
		return Unknown
	}
	v := map[string]float64{"lo": row.Lo, "hi": row.Hi, "p": row.P, "p_holm": row.PHolm, "n": float64(row.N)}[f.Field]
	if math.IsNaN(v) || f.Field != "n" && !row.Interval {
		return Unknown
	}
	holds := map[string]bool{"<": v < f.Number, "<=": v <= f.Number, ">": v > f.Number, ">=": v >= f.Number}[f.Op]
	if holds {
		return True
	}
	return False
}

func (f FailIf) hasOutcome(row Judged) Tri {
	holds, known := false, row.Interval
	switch f.Field {
	case "unresolved":
		holds, known = row.Outcome == stats.NotResolved, true
	case "starred":
		holds = row.Starred
	default:
		holds = string(row.Outcome) == f.Field
		known = known && row.Outcome != stats.NotResolved
	}
	switch {
	case holds:
		return True
	case !known:
		return Unknown
	}
	return False
}

// Judged are the rows of a comparison inside a run.
func (c *Comparison) Judged() []Judged {
	var out []Judged
	for _, r := range c.Rows {
		out = append(out, Judged{Level: r.Level, Ratio: r.Ratio, Lo: r.Lo, Hi: r.Hi, P: r.P, PHolm: r.PHolm, N: r.N, Outcome: r.Outcome, Starred: r.Starred,
			Interval: r.Coverage > 0, Floored: r.Floor != "", Text: rowText(r.Level, c.Place(r), r.Ratio, r.Lo, r.Hi, r.Outcome), placed: r.site.placed})
	}
	return out
}

// Judged are the anchored rows of a comparison of two runs.
func (c *RunsComparison) Judged() []Judged {
	var out []Judged
	for _, r := range c.Rows {
		if r.Level != c.Anchor {
			out = append(out, Judged{Level: r.Level, Ratio: r.Ratio, Lo: r.Lo, Hi: r.Hi, P: math.NaN(), PHolm: math.NaN(), N: min(r.NA, r.NB), Outcome: r.Outcome,
				Interval: r.Coverage > 0, Floored: r.Floor != "", Text: rowText(r.Level, c.Place(r), r.Ratio, r.Lo, r.Hi, r.Outcome), placed: r.site.placed})
		}
	}
	return out
}

// rowText is a row in one line: "select at idle_connections=8000: 2.9x
// (2.8-3.0), slower".
func rowText(level, at string, ratio, lo, hi float64, outcome stats.Outcome) string {
	text := level
	if at != "" {
		text += " at " + at
	}
	switch {
	case math.IsNaN(ratio):
		return text + ": no pair"
	case math.IsNaN(lo):
		return text + ": " + threeDigits(ratio) + "x, without an interval"
	}
	return text + ": " + ratioText(ratio, lo, hi) + ", " + string(outcome)
}
