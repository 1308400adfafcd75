package doctor

import (
	"fmt"
	"io"
	"strings"

	"medusa/results"
)

// Print writes a checkup for people: the worst first, each with what it does
// and what to do about it.
func Print(w io.Writer, c *results.Checkup) error {
	width := 0
	for _, item := range c.Findings {
		width = max(width, len(item.ID))
	}
	var b strings.Builder
	for _, item := range c.Of(results.CheckupLevels...) {
		fmt.Fprintf(&b, "%-7s  %-*s  %s\n", item.Level, width, item.ID, item.Found)
		indent := strings.Repeat(" ", width+11)
		if item.Why != "" {
			fmt.Fprintf(&b, "%s%s\n", indent, item.Why)
		}
		if item.Remedy != "" {
			fmt.Fprintf(&b, "%s-> %s\n", indent, item.Remedy)
		}
	}
	if len(c.Unknown) > 0 {
		fmt.Fprintf(&b, "%-7s  on this system: %s\n", "unknown", strings.Join(c.Unknown, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// PrintShort writes what may spoil or stop a run, one line each; notes are
// counted.
func PrintShort(w io.Writer, c *results.Checkup) {
	for _, item := range c.Of(results.CheckupStop, results.CheckupWarning) {
		fmt.Fprintf(w, "  doctor: %s: %s: %s: %s -> %s\n", item.Level, item.ID, item.Found, item.Why, item.Remedy)
	}
	if n := len(c.Of(results.CheckupNote)); n > 0 {
		fmt.Fprintf(w, "  doctor: %s; ./medusa doctor tells\n", things(n, "note"))
	}
}

// Refusal is why a run must not begin, in one line; nil where it may. Noise is
// passed over when it is wanted anyway.
func Refusal(c *results.Checkup, noisyAnyway bool) error {
	stops := c.Of(results.CheckupStop)
	for _, item := range stops {
		if !item.Noise {
			return fmt.Errorf("this machine cannot run it: %s: %s: %s; remedy: %s", item.ID, item.Found, item.Why, item.Remedy)
		}
	}
	if len(stops) == 0 || noisyAnyway {
		return nil
	}
	item := stops[0]
	return fmt.Errorf("the machine is busy: %s: %s; %s; remedy: %s, or run with --noisy-anyway (MEDUSA_NOISY_ANYWAY=true make bench)", item.ID, item.Found, item.Why, item.Remedy)
}
