package results

import (
	"fmt"
	"slices"
	"strings"
)

// The levels of what a checkup finds, from harmless to the worst.
const (
	CheckupOK      = "ok"
	CheckupNote    = "note"    // good to know when reading figures
	CheckupWarning = "warning" // may spoil a measurement, or leaves cells out
	CheckupStop    = "stop"    // a suite cannot, or must not, be run now
)

// CheckupLevels lists the levels, the worst first.
var CheckupLevels = []string{CheckupStop, CheckupWarning, CheckupNote, CheckupOK}

// What a trial may meet before it is noisy, for those who look beforehand.
// Shares of all CPUs' time.
const (
	QuietSteal   = stealMost
	QuietForeign = foreignMost
)

// Checkup is what `medusa doctor` found on a machine.
type Checkup struct {
	SchemaVersion int    `json:"schema_version"`
	UnixNs        int64  `json:"unix_ns"`
	System        string `json:"system"` // runtime.GOOS
	// Suites are those whose needs were compared with what is here.
	Suites   []string        `json:"suites"`
	Level    string          `json:"level"` // the worst of the findings
	Findings []CheckupItem   `json:"findings"`
	Samples  []MachineSample `json:"samples,omitempty"` // in order; the findings are about the last
	Unknown  []string        `json:"unknown,omitempty"` // what this system does not tell
	// NoisyAnyway says that the run was wanted whatever else goes on here.
	NoisyAnyway bool `json:"noisy_anyway,omitempty"`
}

// CheckupItem is one thing that was looked at.
type CheckupItem struct {
	ID     string `json:"id"`               // short, such as "descriptors"
	Level  string `json:"level"`            // CheckupOK ... CheckupStop
	Found  string `json:"found"`            // the value
	Why    string `json:"why,omitempty"`    // what it does to a measurement; "" when ok
	Remedy string `json:"remedy,omitempty"` // a command to type, or what to do; "" when ok
	// Noise says that other programs are the cause: it passes, and a run may
	// be wanted in spite of it.
	Noise bool `json:"noise,omitempty"`
}

// MachineSample is what a machine did over a short time in which nothing was
// measured. Shares are of one, nil where the system does not tell.
type MachineSample struct {
	DurationNs   int64    `json:"duration_ns"`
	CPUs         int      `json:"cpus"`
	ForeignShare *float64 `json:"foreign_share"` // of all CPUs' time: neither idle nor stolen nor this program's
	StealShare   *float64 `json:"steal_share"`   // of all CPUs' time
	PSISomeShare *float64 `json:"psi_some_share"`
	// Busiest are the processes that used most, the busiest first; few.
	Busiest []BusyProcess `json:"busiest,omitempty"`
}

// BusyProcess is a process that used CPU time during a sample.
type BusyProcess struct {
	PID      int     `json:"pid"`
	Name     string  `json:"name"`      // as the kernel has it (proc(5), comm); "" where it ended meanwhile
	CPUShare float64 `json:"cpu_share"` // of one CPU's time; above 1 with several threads
}

// Add appends a finding and keeps Level the worst.
func (c *Checkup) Add(item CheckupItem) {
	c.Findings = append(c.Findings, item)
	if c.Level == "" || levelRank(item.Level) < levelRank(c.Level) {
		c.Level = item.Level
	}
}

// levelRank is 0 for the worst level.
func levelRank(level string) int { return slices.Index(CheckupLevels, level) }

// Of returns the findings of some levels, in the order of these.
func (c *Checkup) Of(levels ...string) []CheckupItem {
	var out []CheckupItem
	for _, level := range levels {
		for _, item := range c.Findings {
			if item.Level == level {
				out = append(out, item)
			}
		}
	}
	return out
}

// checkupLines are the findings that a reader of the report should know: all
// that are not ok.
func checkupLines(c *Checkup) []Line {
	if c == nil {
		return nil
	}
	var out []Line
	for _, item := range c.Of(CheckupStop, CheckupWarning, CheckupNote) {
		level := item.Level
		if level == CheckupStop && c.NoisyAnyway {
			level = "stop, passed by --noisy-anyway"
		}
		text := item.Found
		if item.Why != "" {
			text += ": " + item.Why
		}
		out = append(out, Line{fmt.Sprintf("doctor (%s)", level), item.ID + ": " + text})
	}
	if len(c.Unknown) > 0 {
		out = append(out, Line{"doctor (unknown)", strings.Join(c.Unknown, ", ")})
	}
	return out
}
