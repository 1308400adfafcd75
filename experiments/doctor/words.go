package doctor

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// percent writes a share of one.
func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// size writes bytes for people.
func size(bytes uint64) string {
	for _, u := range []struct {
		from uint64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if bytes >= u.from {
			return fmt.Sprintf("%.1f %s", float64(bytes)/float64(u.from), u.name)
		}
	}
	return fmt.Sprintf("%d B", bytes)
}

// limit writes a resource limit; systems write "none" as a very large number.
func limit(n uint64) string {
	if n >= math.MaxInt64 {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

// sysctl is the number that a sysctl has; ok is false where it is not known.
func (f *Facts) sysctl(names ...string) (n uint64, name string, ok bool) {
	for _, name := range names {
		if n, err := strconv.ParseUint(f.Machine.Sysctl[name], 10, 64); err == nil {
			return n, name, true
		}
	}
	return 0, "", false
}

// setSysctl is the command that sets one.
func setSysctl(name string, value any) string {
	return fmt.Sprintf("sudo sysctl -w %s=%v", name, value)
}

func list(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ",")
}

func things(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
