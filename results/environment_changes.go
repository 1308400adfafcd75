package results

import (
	"fmt"
	"strings"
)

// passing are the facts that change while a machine stays what it is.
var passing = map[string]bool{"looked at": true, "load average": true}

// Changes says in what a machine is not as it was, one short phrase each, such
// as "kernel: 6.18.0, was 6.17.2"; none when it is the same. What passes, such
// as the load, is no change.
func (m Machine) Changes(now Machine) []string {
	was, is := map[string]string{}, map[string]string{}
	for _, f := range facts(m) {
		was[f[0]] = f[1]
	}
	var out []string
	for _, f := range facts(now) {
		name, value := f[0], f[1]
		is[name] = value
		if old := was[name]; !passing[name] && old != value {
			out = append(out, fmt.Sprintf("%s: %s, was %s", name, brief(name, value), brief(name, old)))
		}
	}
	for _, f := range facts(m) {
		if name := f[0]; !passing[name] && is[name] == "" {
			out = append(out, fmt.Sprintf("%s: unknown, was %s", name, brief(name, f[1])))
		}
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
