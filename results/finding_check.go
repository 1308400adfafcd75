package results

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// FindingCheck is a statement about a published finding that a run can decide. A
// suite writes it as
//
//	slope(COLUMN ~ FACTOR | FACTOR=LEVEL, ...) > 0        (or < 0)
//	step(COLUMN ~ FACTOR at NUMBER | FACTOR=LEVEL, ...) > 0        (or < 0)
//	same_within(5%, FACTOR in [LEVEL, ...] vs LEVEL, FACTOR=LEVEL, ...)
//	ratio(COLUMN: LEVEL vs LEVEL | FACTOR=LEVEL, ...) > 1.1        (or < 0.9)
//
// where conditions may be left out. A step is what the column jumps by beside
// its slope as the factor passes a number. same_within is about the suite's
// primary metric; ratio compares two levels of the compared factor.
type FindingCheck struct {
	// Column is what grows or is compared, "" in same_within.
	Column string
	// Factor is what it grows with, or what is compared; "" in ratio.
	Factor string
	// At is the level of the factor at which it is said to step; 0 in the
	// other forms.
	At float64
	// Falls: the slope or step is said to be negative, or the ratio under the
	// bound.
	Falls bool
	// Bound is what the ratio of Levels[0] to Base is said to be over (or
	// under); 0 in the other forms.
	Bound float64
	// Levels are said to be the same as Base within Margin, a share of 1.
	Levels []string
	Base   string
	Margin float64
	// Where are the cells that the statement is about, levels as text; a name
	// is a factor or a setting.
	Where []Setting
}

var (
	slopeCheck = regexp.MustCompile(`^slope\(\s*(\w+)\s*~\s*(\w+)\s*(?:\|([^)]*))?\)\s*([<>])\s*0$`)
	stepCheck  = regexp.MustCompile(`^step\(\s*(\w+)\s*~\s*(\w+)\s+at\s+([^|)\s]+)\s*(?:\|([^)]*))?\)\s*([<>])\s*0$`)
	ratioCheck = regexp.MustCompile(`^ratio\(\s*(\w+)\s*:\s*(\S+)\s+vs\s+([^|)\s]+)\s*(?:\|([^)]*))?\)\s*([<>])\s*(\S+)$`)
	sameCheck  = regexp.MustCompile(`^same_within\(\s*([\d.]+)\s*%\s*,\s*(\w+)\s+in\s+\[([^\]]*)\]\s+vs\s+([^,)\s]+)\s*(?:,([^)]*))?\)$`)
)

// ParseCheck reads a check. Whether its names exist is the suite's to know.
func ParseCheck(text string) (FindingCheck, error) {
	text = strings.TrimSpace(text)
	var c FindingCheck
	var err error
	if m := slopeCheck.FindStringSubmatch(text); m != nil {
		c.Column, c.Factor, c.Falls = m[1], m[2], m[4] == "<"
		c.Where, err = readConditions(m[3])
	} else if m := stepCheck.FindStringSubmatch(text); m != nil {
		c.Column, c.Factor, c.Falls = m[1], m[2], m[5] == "<"
		if c.At, err = strconv.ParseFloat(m[3], 64); err != nil || !(c.At > 0) || math.IsInf(c.At, 1) {
			return FindingCheck{}, fmt.Errorf("check %q: %s is no place for a step: it must be a number over 0", text, m[3])
		}
		c.Where, err = readConditions(m[4])
	} else if m := ratioCheck.FindStringSubmatch(text); m != nil {
		c.Column, c.Levels, c.Base, c.Falls = m[1], []string{m[2]}, m[3], m[5] == "<"
		if c.Bound, err = strconv.ParseFloat(m[6], 64); err != nil || !(c.Bound > 0) || math.IsInf(c.Bound, 1) {
			return FindingCheck{}, fmt.Errorf("check %q: %s is no ratio: it must be a number over 0", text, m[6])
		}
		c.Where, err = readConditions(m[4])
	} else if m := sameCheck.FindStringSubmatch(text); m != nil {
		c.Factor, c.Base = m[2], m[4]
		for level := range strings.SplitSeq(m[3], ",") {
			if level = strings.TrimSpace(level); level == "" {
				return FindingCheck{}, fmt.Errorf("check %q: an empty name in the list of levels", text)
			}
			c.Levels = append(c.Levels, level)
		}
		percent, perr := strconv.ParseFloat(m[1], 64)
		if perr != nil || percent <= 0 || percent >= 100 {
			return FindingCheck{}, fmt.Errorf("check %q: %s %% is no margin between 0 and 100 %%", text, m[1])
		}
		c.Margin = percent / 100
		c.Where, err = readConditions(m[5])
	} else {
		err = errors.New("it must be slope(COLUMN ~ FACTOR | FACTOR=LEVEL, ...) > 0 (or < 0), step(COLUMN ~ FACTOR at NUMBER | FACTOR=LEVEL, ...) > 0 (or < 0), same_within(5%, FACTOR in [LEVEL, ...] vs LEVEL, FACTOR=LEVEL, ...), or ratio(COLUMN: LEVEL vs LEVEL | FACTOR=LEVEL, ...) > 1.1 (or < 0.9)")
	}
	if err != nil {
		return FindingCheck{}, fmt.Errorf("check %q: %w", text, err)
	}
	return c, nil
}

// readConditions reads "a=1, b=x"; "" has none.
func readConditions(s string) ([]Setting, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var out []Setting
	for part := range strings.SplitSeq(s, ",") {
		name, level, ok := strings.Cut(part, "=")
		name, level = strings.TrimSpace(name), strings.TrimSpace(level)
		if !ok || name == "" || level == "" {
			return nil, fmt.Errorf("the condition %q must be FACTOR=LEVEL", strings.TrimSpace(part))
		}
		out = append(out, Setting{name, level})
	}
	return out, nil
}
