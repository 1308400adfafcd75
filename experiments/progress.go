package experiments

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"medusa/results"
)

// progress writes a line after each trial. Nothing is written while one runs.
type progress struct {
	w        io.Writer
	plan     *Planned
	expected time.Duration // of the trials that were run, repeats included
	took     time.Duration
}

func newProgress(w io.Writer, p *Planned) *progress { return &progress{w: w, plan: p} }

// scaled corrects an estimate by how the run has gone so far.
func (p *progress) scaled(d time.Duration) time.Duration {
	if p.expected <= 0 || p.took <= 0 {
		return d
	}
	return time.Duration(float64(d) * float64(p.took) / float64(p.expected))
}

// learn takes into account how long a trial took. One that failed at once says
// nothing about how long others take.
func (p *progress) learn(rec *results.Record, expected time.Duration) {
	if rec.Failure == nil {
		p.expected += expected
		p.took += time.Duration(rec.DurationNs)
	}
}

// done reports the planned trial i (from 0).
func (p *progress) done(i int, rec *results.Record, expected time.Duration) {
	p.learn(rec, expected)
	n := len(p.plan.Trials)
	again := ""
	if rec.Attempt > 1 {
		again = fmt.Sprintf(" (again, %d)", rec.Attempt)
	}
	left := round(p.scaled(p.plan.remaining(i + 1)))
	fmt.Fprintf(p.w, "%*d/%d  %-44s %-26s %s%s  %v left\n", len(fmt.Sprint(n)), i+1, n, p.cell(rec), p.result(rec), rec.Verdict, again, left)
	indent := strings.Repeat(" ", 2*len(fmt.Sprint(n))+3)
	switch {
	case rec.Failure != nil:
		fmt.Fprintf(p.w, "%sfailed at %s: %s%s\n", indent, rec.Failure.Stage, rec.Failure.Reason, firstWords(rec.Failure.ServerStderr+rec.Failure.LoadStderr))
	case rec.Verdict == results.VerdictFailed || rec.Verdict == results.VerdictInconsistent:
		fmt.Fprintf(p.w, "%s%s\n", indent, rec.Reasons[0])
	}
	if rec.Load != nil && rec.Load.LogError != "" {
		fmt.Fprintf(p.w, "%swarning: its latency log could not be written: %s\n", indent, rec.Load.LogError)
	}
}

// firstWords is the first line of what a process wrote to standard error, for
// a line of ours; the record has the rest.
func firstWords(stderr string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	if line == "" {
		return ""
	}
	if len(line) > 160 {
		line = line[:160] + "..."
	}
	return " (" + strings.ToValidUTF8(line, "?") + ")"
}

// cell names what was run, the compared factor first.
func (p *progress) cell(rec *results.Record) string {
	var rest []string
	for name, v := range rec.Factors {
		if name != p.plan.Design.Compare {
			rest = append(rest, name+"="+levelName(v))
		}
	}
	sort.Strings(rest)
	out := rec.Level
	if rec.Role == closedLoopProbe {
		out += " (capacity)"
	}
	return out + " " + strings.Join(rest, " ")
}

// result is the primary metric of the trial, or the capacity that a probe found.
func (p *progress) result(rec *results.Record) string {
	name := p.plan.Metrics.Primary
	if rec.Role == closedLoopProbe {
		name = "capacity_rps"
	}
	unit := ""
	if c, err := p.plan.LookupColumn(name); err == nil && c.Unit != "" {
		unit = " " + c.Unit
	}
	if rec.Verdict == results.VerdictFailed {
		return name + " -"
	}
	if v, ok := rec.Value(name); ok {
		return fmt.Sprintf("%s %.4g%s", name, v, unit)
	}
	if v, ok := rec.AtLeast(name); ok {
		return fmt.Sprintf("%s > %.4g%s", name, v, unit)
	}
	return name + " -"
}

// end sums the run up.
func (p *progress) end(o *Outcome) {
	var parts []string
	for v, n := range o.Verdicts {
		parts = append(parts, fmt.Sprintf("%d %s", n, v))
	}
	sort.Strings(parts)
	fmt.Fprintf(p.w, "%d of %d trials in %v", o.Run, o.Planned, round(o.Elapsed))
	if len(parts) > 0 {
		fmt.Fprintf(p.w, ": %s", strings.Join(parts, ", "))
	}
	if o.Repeated > 0 {
		fmt.Fprintf(p.w, "; %s of noisy mini-blocks", plural(o.Repeated, "repetition"))
	}
	if o.NotRepeated > 0 {
		fmt.Fprintf(p.w, "; %s not repeated, for want of time", plural(o.NotRepeated, "noisy mini-block"))
	}
	if o.Interrupted {
		fmt.Fprint(p.w, "; interrupted")
	}
	fmt.Fprintf(p.w, "\n%s\n", o.Dir)
}
