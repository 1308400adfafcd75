package results

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// counted are the words for factors that count something: one, several, and
// where a number of them stands in a sentence.
var counted = map[string]struct{ one, several string }{
	"idle_connections":   {"idle connection", "idle connections"},
	"active_connections": {"active connection", "active connections"},
}

// circumstance says in words where one factor has one level: "at 8,000 idle
// connections", "with no idle connections", "at nofile 64".
func circumstance(s Setting) string {
	n, numeric := levelNumber(s.Level)
	words, known := counted[s.Factor]
	switch {
	case known && n == 0:
		return "with no " + words.several
	case known && n == 1:
		return "at 1 " + words.one
	case known:
		return "at " + thousands(n) + " " + words.several
	case s.Factor == "nofile":
		return "at a limit of " + thousands(n) + " descriptors"
	case s.Factor == "offered_share":
		return "with " + shortest(n) + " times the usable descriptors offered"
	case s.Factor == "rate_share":
		return "at " + quantity(n, "share") + " of the baseline's capacity"
	case s.Factor == "rate_rps":
		return "at " + thousands(n) + " requests per second"
	case numeric:
		return "at " + s.Factor + " " + shortest(n)
	}
	return "with " + s.Factor + " " + LevelText(s.Level)
}

// circumstances says where several factors have their levels.
func circumstances(at []Setting) []string {
	parts := make([]string, len(at))
	for i, s := range at {
		parts[i] = circumstance(s)
	}
	return parts
}

// ratioText writes a ratio with its interval: "2.9x (2.8-3.0)". It has as many
// decimals as the interval's width deserves, and enough that no bound is
// rounded to the other side of 1 or onto it. A bound that is not known is said
// in words.
func ratioText(ratio, lo, hi float64) string {
	if math.IsInf(hi, 1) {
		if lo <= 0 {
			return "an unknown multiple"
		}
		return "at least " + fixed(lo, ratioDecimals(lo, lo)) + "x"
	}
	if lo <= 0 {
		return "at most " + fixed(hi, ratioDecimals(hi, hi)) + "x"
	}
	d := ratioDecimals(lo, hi)
	return fmt.Sprintf("%sx (%s-%s)", fixed(ratio, d), fixed(lo, d), fixed(hi, d))
}

func ratioDecimals(lo, hi float64) int {
	d := decimalsFor(max(hi-lo, lo/50))
	for d < 4 && (oneSided(lo, d) || oneSided(hi, d)) {
		d++
	}
	return d
}

// oneSided reports whether rounding to d decimals puts v onto 1.
func oneSided(v float64, d int) bool {
	scale := math.Pow(10, float64(d))
	return v != 1 && math.Round(v*scale) == scale
}

// decimalsFor is the number of decimals at which half a width is still seen:
// 1 for 0.2, 2 for 0.04; none from 2 on.
func decimalsFor(width float64) int {
	if width <= 0 || math.IsInf(width, 0) || math.IsNaN(width) {
		return 2
	}
	// A width that is a power of ten but for rounding must not gain a digit.
	return min(4, max(0, int(math.Ceil(-math.Log10(width/2)-1e-9))))
}

// changeText writes an interval of a ratio as changes: "-3 % to +4 %".
func changeText(lo, hi float64) string {
	if lo <= 0 && math.IsInf(hi, 1) {
		return "no bound either way"
	}
	d := 0
	if !math.IsInf(hi, 1) {
		d = min(2, decimalsFor(100*(hi-lo)))
	}
	low, high := "no bound", "no bound"
	if lo > 0 {
		low = signed(100*(lo-1), d) + " %"
	}
	if !math.IsInf(hi, 1) {
		high = signed(100*(hi-1), d) + " %"
	}
	return low + " to " + high
}

// percentText writes a share of 1 with two digits: "4.5 %", "12 %".
func percentText(v float64) string {
	return shortest(roundDigits(100*v, 2)) + " %"
}

// signed writes a number with its sign, 0 without; minus is a hyphen, as on a
// keyboard.
func signed(v float64, decimals int) string {
	s := fixed(v, decimals)
	if strings.Trim(s, "-0.") == "" {
		return strings.TrimPrefix(s, "-")
	}
	if v > 0 {
		return "+" + s
	}
	return s
}

func fixed(v float64, decimals int) string {
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// shortest writes a number in its shortest form, without exponent.
func shortest(v float64) string {
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// thousands writes a number with commas: 8,000.
func thousands(v float64) string { return commas(shortest(v)) }

// grouped is fixed with commas: 10,296.0.
func grouped(v float64, decimals int) string { return commas(fixed(v, decimals)) }

func commas(s string) string {
	whole, fraction, _ := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return sign + whole
}

// roundDigits rounds to significant digits.
func roundDigits(v float64, digits int) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return v
	}
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', digits-1, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// quantity writes a value with its unit, in the size of unit that reads best:
// 0.00197 us is "2.0 ns", 0.5 share is "50 %".
func quantity(v float64, unit string) string {
	if unit == "share" {
		return shortest(roundDigits(100*v, 3)) + " %"
	}
	scale, name := unitFor(math.Abs(v), unit)
	s := thousands(roundDigits(v*scale, 3))
	if name == "" {
		return s
	}
	return s + " " + name
}

// unitFor returns by what to multiply values up to the given size, and the
// name of the unit they then have.
func unitFor(size float64, unit string) (scale float64, name string) {
	type step struct {
		from  float64 // size in the column's unit
		scale float64
		name  string
	}
	var steps []step
	switch unit {
	case "us":
		steps = []step{{1e6, 1e-6, "s"}, {1e3, 1e-3, "ms"}, {1, 1, "µs"}, {0, 1e3, "ns"}}
	case "ms":
		steps = []step{{1e3, 1e-3, "s"}, {1, 1, "ms"}, {1e-3, 1e3, "µs"}, {0, 1e6, "ns"}}
	case "bytes":
		steps = []step{{1 << 20, 1.0 / (1 << 20), "MiB"}, {1 << 10, 1.0 / (1 << 10), "KiB"}, {0, 1, "bytes"}}
	case "1/s":
		return 1, "per second"
	case "share":
		return 100, "percentage points"
	default:
		return 1, unit
	}
	for _, s := range steps {
		if size >= s.from {
			return s.scale, s.name
		}
	}
	return 1, unit
}

// joinWords joins a list in a sentence: "a", "a and b", "a, b and c".
func joinWords(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// countOf writes a number of things: "1 pair", "3 pairs".
func countOf(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(float64(n)) + " " + several
}
