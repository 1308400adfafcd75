package experiments

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"medusa/results"
)

// Resume goes on with the run in o.Dir where it was cut off: the same plan in
// the same order, with the seeds, flags and repeats that it had. Of the
// options those count that do not say what is measured (Here, Version,
// Progress, Launcher, Timeouts); the rest is taken from the folder.
//
// It refuses a folder whose plan was changed and, unless changedAnyway, one
// that was last worked on by another binary, or on another machine or kernel:
// the folder then says from which trial on, and so does the report.
func Resume(ctx context.Context, o Options, changedAnyway bool) (*Outcome, error) {
	w, run, err := results.Reopen(o.Dir)
	if err != nil {
		return nil, err
	}
	defer w.Close() // again, where the session has closed it
	if run.Whole() {
		n := len(run.Plan.Trials)
		r := &runner{plan: &Planned{Plan: run.Plan}, records: run.Records}
		return &Outcome{Dir: o.Dir, Planned: n, Run: n, Whole: true}, r.lost()
	}
	if o, err = o.AsAsked(run); err != nil {
		return nil, fmt.Errorf("cannot go on with the run: %w", err)
	}
	b, err := o.bench(ThisHost(o.Here()))
	if err != nil {
		return nil, err
	}
	if err := o.lookFirst(ctx, b, run); errors.Is(err, errInterrupted) {
		return nil, fmt.Errorf("interrupted before it went on: %s is as it was", o.Dir)
	} else if err != nil {
		return nil, err
	}
	return o.resume(ctx, w, run, b, changedAnyway)
}

func (o Options) resume(ctx context.Context, w *results.Writer, run *results.Run, b *bench, changedAnyway bool) (*Outcome, error) {
	r := o.runner(o.planOf(run, b.host), b)
	r.writer = w
	if err := r.recall(run); err != nil {
		return nil, err
	}
	facts := r.facts()
	b.quiet = quietOf(run.Certificate, facts) // as before, whatever was calibrated since
	changed := run.Changed(facts)
	if was := loadBackendOf(run); was != "" && was != b.loadBackend {
		changed = append(changed, fmt.Sprintf("backend of the generator: %s, was %s", b.loadBackend, was))
	}
	if len(changed) > 0 && !changedAnyway {
		return nil, fmt.Errorf("cannot go on with the run in %s: something has changed since (%s); --changed-anyway goes on, and the report then says so", o.Dir, some(changed))
	}
	if err := w.Begin(results.Session{Machine: facts, Changed: changed, Doctor: o.Checkup}); err != nil {
		return nil, err
	}
	if err := w.DropHistogram(recordID(len(r.records) + 1)); err != nil {
		return nil, err
	}
	r.describe(changed)
	return r.session(ctx)
}

// planOf is the plan of a run as it was made, with what the runner needs
// beside.
func (o Options) planOf(run *results.Run, host Host) *Planned {
	p := &Planned{Plan: run.Planned, suite: o.Suite, host: host, phases: map[string]Phases{}, repeatWithin: o.Request.repeatWithin(o.Suite)}
	for _, g := range o.Suite.Grids {
		p.phases[g.Name] = g.Phases
	}
	return p
}

// recall takes the records of earlier sessions for the run's own.
func (r *runner) recall(run *results.Run) error {
	type spot struct {
		miniBlock, position int
		role                string
	}
	planned := map[spot]int{}
	for i, t := range r.plan.Trials {
		planned[spot{t.MiniBlock, t.Position, t.Role}] = i
	}
	for k := range run.Records {
		rec := &run.Records[k]
		i, ok := planned[spot{rec.MiniBlock, rec.Position, rec.Role}]
		if !ok {
			return fmt.Errorf("cannot go on with the run in %s: trial %d was not planned", r.Dir, rec.Trial)
		}
		r.count(i, rec)
		r.progress.learn(rec, r.plan.expect(&r.plan.Trials[i]).total())
	}
	for _, s := range r.plan.miniBlocks() {
		r.outcome.Repeated += max(0, r.history(s).whole-1)
	}
	r.spent = spent(run)
	return nil
}

// spent is how long earlier sessions went on, each to its last record.
func spent(run *results.Run) time.Duration {
	began := []int64{run.Environment.Before.UnixNs}
	from := []int{1}
	for _, s := range run.Environment.Resumed {
		began, from = append(began, s.Machine.UnixNs), append(from, s.FromTrial)
	}
	var sum int64
	for k := range from {
		last := len(run.Records)
		if k+1 < len(from) {
			last = from[k+1] - 1
		}
		if last >= from[k] && last <= len(run.Records) {
			rec := &run.Records[last-1]
			sum += max(0, rec.StartedUnixNs+rec.DurationNs-began[k])
		}
	}
	return time.Duration(sum)
}

// loadBackendOf is the backend of the run's generator; "" where no trial got so
// far, or each has a generator of its own.
func loadBackendOf(run *results.Run) string {
	for i := range run.Records {
		r := &run.Records[i]
		if l := r.Load; l != nil && l.Peer == nil && values(r.Settings).text("load_backend") == "" {
			return l.Backend
		}
	}
	return ""
}

// describe says what is left.
func (r *runner) describe(changed []string) {
	var left time.Duration
	blocks, half := 0, false
	for _, s := range r.plan.miniBlocks() {
		switch h := r.history(s); {
		case h.whole > 0:
			continue
		case h.attempts > 0:
			half = true
		}
		blocks++
		left += r.plan.remaining(s.from) - r.plan.remaining(s.to)
	}
	noisy := 0
	for times := 1; times <= r.plan.Design.RepeatNoisy; times++ {
		noisy += len(r.toRepeat(times))
	}
	var parts []string
	if blocks > 0 {
		parts = append(parts, plural(blocks, "mini-block")+", about "+round(r.progress.scaled(left)).String())
	}
	if half {
		parts = append(parts, "one of them was cut off in the middle and is run again, whole")
	}
	if noisy > 0 {
		parts = append(parts, plural(noisy, "noisy mini-block")+" so far to be repeated")
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing but the end of the run")
	}
	fmt.Fprintf(r.Progress, "%s: resumed with %d of %s recorded; left: %s\n", r.plan.Suite, r.outcome.Run, plural(r.outcome.Planned, "planned trial"), strings.Join(parts, "; "))
	if len(changed) > 0 {
		fmt.Fprintf(r.Progress, "warning: resumed although something has changed: %s\n", strings.Join(changed, "; "))
	}
}

// some are the first few of a list, for one line.
func some(list []string) string {
	const most = 3
	if n := len(list); n > most {
		return strings.Join(list[:most], "; ") + fmt.Sprintf("; and %d more", n-most)
	}
	return strings.Join(list, "; ")
}
