package experiments

import (
	"fmt"
	"strconv"
	"strings"
)

// condition is a conjunction of comparisons of a factor or setting with a
// literal: "offered_share <= 1.0 and mode == open".
type condition []comparison

type comparison struct {
	name, op, literal string
}

// operators, the longer ones first so that "<=" is not read as "<".
var operators = []string{"<=", ">=", "==", "!=", "<", ">", "="}

func parseCondition(text string) (condition, error) {
	var c condition
	for _, part := range strings.Split(text, " and ") {
		one, err := parseComparison(part)
		if err != nil {
			return nil, fmt.Errorf("condition %q: %w", text, err)
		}
		c = append(c, one)
	}
	return c, nil
}

func parseComparison(text string) (comparison, error) {
	i := strings.IndexAny(text, "<>=!")
	if i < 0 {
		return comparison{}, fmt.Errorf("%q must be a name, one of <= >= == != < >, and a value", strings.TrimSpace(text))
	}
	for _, op := range operators {
		if rest, ok := strings.CutPrefix(text[i:], op); ok {
			c := comparison{strings.TrimSpace(text[:i]), op, strings.TrimSpace(rest)}
			if c.name == "" || c.literal == "" {
				return comparison{}, fmt.Errorf("%q lacks a name or a value", strings.TrimSpace(text))
			}
			_, err := strconv.ParseFloat(c.literal, 64)
			if strings.ContainsAny(op, "<>") && err != nil {
				return comparison{}, fmt.Errorf("%q compares by size with %q, which is no number", strings.TrimSpace(text), c.literal)
			}
			return c, nil
		}
	}
	return comparison{}, fmt.Errorf("%q has no comparison that is known", strings.TrimSpace(text))
}

// holds evaluates the condition; lookup returns a factor's or setting's value.
// A name without a value, or a text compared by size, does not hold.
func (c condition) holds(lookup func(name string) (any, bool)) bool {
	for _, one := range c {
		v, ok := lookup(one.name)
		if !ok || !one.holds(v) {
			return false
		}
	}
	return true
}

func (c comparison) holds(v any) bool {
	switch c.op {
	case "==", "=":
		return sameLevel(levelName(v), c.literal)
	case "!=":
		return !sameLevel(levelName(v), c.literal)
	}
	n, ok := v.(float64)
	if !ok {
		return false
	}
	m, _ := strconv.ParseFloat(c.literal, 64)
	switch c.op {
	case "<=":
		return n <= m
	case ">=":
		return n >= m
	case "<":
		return n < m
	}
	return n > m
}

// sameLevel compares two levels as they are written; 1 and 1.0 are the same.
func sameLevel(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}
