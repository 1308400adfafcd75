package results

import (
	"cmp"
	"slices"
	"strings"
)

// unitText is a column's unit as it stands on an axis. Shares are written as
// percentages.
func unitText(unit string) string {
	switch unit {
	case "us":
		return "µs"
	case "share":
		return "%"
	case "1/s":
		return "per second"
	}
	return unit
}

// axisLabel names a column on an axis: the name that `medusa plot` and the
// records use, and its unit.
func axisLabel(name, unit string) string {
	if u := unitText(unit); u != "" {
		return name + " (" + u + ")"
	}
	return name
}

// spokenWords are parts of column names that a reader would say otherwise.
var spokenWords = map[string]string{
	"cpu": "CPU", "rss": "RSS", "gc": "GC", "fds": "descriptors", "anon": "anonymous memory", "settled": "settled memory", "slab": "slab memory",
	"nofile": "descriptor limit", "rps": "rate", "p50": "median", "p90": "p90", "p99": "p99", "p999": "p99.9", "ok": "OK", "syscalls": "system calls",
}

// spoken turns a column's name into words: server_cpu_us_per_request is
// "server CPU per request". The unit stands on the axis.
func spoken(name string) string {
	parts := strings.Split(name, "_")
	var words []string
	for i, part := range parts {
		unit := part == "us" || part == "ms" || part == "s" || part == "bytes" || part == "share" && len(parts) == 1
		if i > 0 && unit {
			continue
		}
		if i == len(parts)-1 && part == "rps" && i > 0 && parts[0] == "capacity" {
			continue
		}
		if w, ok := spokenWords[part]; ok {
			part = w
		}
		words = append(words, part)
	}
	return strings.Join(words, " ")
}

// capital begins a sentence.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// sortedKeys are a map's keys in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
