package results

import (
	"fmt"
	"slices"
	"strings"
)

// passing are the facts that change while a machine stays what it is.
var passing = []string{"looked at", "load average"}

// differences are the facts in which two machines, or one at two times, differ,
// those that pass left out.
func (m Machine) differences(other Machine) []Difference {
	texts := func(m Machine) (out map[string]string, order []string) {
		out = map[string]string{}
		for _, f := range facts(m) {
			if !slices.Contains(passing, f[0]) {
				out[f[0]], order = f[1], append(order, f[0])
			}
		}
		return out, order
	}
	a, order := texts(m)
	b, more := texts(other)
	for _, name := range more { // those that only the other has come last
		if _, both := a[name]; !both {
			order = append(order, name)
		}
	}
	var out []Difference
	compareText(&out, "", a, b, order)
	return out
}

// Changes says in what a machine is not as it was, one short phrase each, such
// as "kernel: 6.18.0, was 6.17.2"; none when it is the same. What passes, such
// as the load, is no change.
func (m Machine) Changes(now Machine) []string {
	var out []string
	for _, d := range m.differences(now) {
		out = append(out, fmt.Sprintf("%s: %s, was %s", d.What, brief(d.What, d.B), brief(d.What, d.A)))
	}
	return out
}

// brief is a fact for a line that has others.
func brief(name, value string) string {
	switch {
	case value == "":
		return "unknown"
	case strings.HasPrefix(name, "binary") && len(value) > 12:
		return value[:12]
	}
	return value
}
