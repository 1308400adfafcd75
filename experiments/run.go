package experiments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"medusa/results"
)

// Outcome is what became of a run.
type Outcome struct {
	Dir         string
	Planned     int            // trials of the plan
	Run         int            // of them, run
	Failed      int            // records whose verdict is failed, repeats included
	Repeated    int            // repetitions of noisy mini-blocks
	NotRepeated int            // noisy mini-blocks that were not, for want of time
	Verdicts    map[string]int // of all records
	Interrupted bool           // the run was ended early; what it has is valid
	Elapsed     time.Duration
}

// DefaultDir is where a run goes unless told otherwise.
func DefaultDir(suite string, now time.Time) string {
	return filepath.Join("results", "runs", suite+"-"+now.Format("20060102-150405"))
}

// runner is a run under way.
type runner struct {
	Options
	plan     *Planned
	bench    *bench
	writer   *results.Writer
	outcome  *Outcome
	records  []results.Record
	progress *progress
	began    time.Time
}

// Run runs a suite and writes the run folder. It returns an error when nothing
// could be measured or the folder could not be written. Cancelling ctx ends the
// trial in flight, which is then not recorded; the run stays valid and the
// outcome says Interrupted.
func Run(ctx context.Context, o Options) (*Outcome, error) {
	host := ThisHost(o.Here())
	plan, err := MakePlan(o.Suite, o.Request, host)
	if err != nil {
		return nil, err
	}
	b, err := o.bench(host)
	if err != nil {
		return nil, err
	}
	return o.run(ctx, plan, b)
}

func (o Options) run(ctx context.Context, plan *Planned, b *bench) (*Outcome, error) {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.Dir == "" {
		o.Dir = DefaultDir(plan.Suite, time.Now())
	}
	plan.Describe(o.Progress)
	before := machineFacts(b.server.binary, o.Version, o.Here())
	w, err := results.Create(o.Dir, results.Manifest{SuiteYAML: o.Suite.YAML, Plan: plan.Plan, Before: before})
	if err != nil {
		return nil, err
	}
	if err := w.Attach(o.Suite.PeerFiles()); err != nil {
		return nil, err
	}
	r := &runner{
		Options: o, plan: plan, bench: b, writer: w, began: time.Now(),
		outcome: &Outcome{Dir: o.Dir, Planned: len(plan.Trials), Verdicts: map[string]int{}},
	}
	r.progress = newProgress(o.Progress, plan)
	err = r.all(ctx)
	if err == nil {
		err = r.lost()
	}
	r.outcome.Elapsed = time.Since(r.began)
	if errors.Is(err, errInterrupted) {
		r.outcome.Interrupted = true
		err = nil
	}
	if finish := w.Finish(machineFacts(b.server.binary, o.Version, o.Here())); err == nil {
		err = finish
	}
	r.progress.end(r.outcome)
	return r.outcome, err
}

// span is a mini-block: the planned trials [from, to).
type span struct{ from, to int }

// all runs mini-block after mini-block, then those again that were noisy. They
// wait until then because what disturbed one goes on for a while, and because
// only then it is known how much time is left for them.
func (r *runner) all(ctx context.Context) error {
	trials := r.plan.Trials
	var noisy []span
	for from := 0; from < len(trials); {
		to := from
		for to < len(trials) && trials[to].MiniBlock == trials[from].MiniBlock {
			to++
		}
		first := len(r.records)
		if err := r.attempt(ctx, from, to, 1); err != nil {
			return err
		}
		if r.outcome.Failed == len(r.records) {
			// Whatever it is, it is not one cell's fault, and goes on.
			return fmt.Errorf("all of the first %s failed, so the run was stopped: %s", plural(len(r.records), "trial"), whyFailed(&r.records[0]))
		}
		if r.noisy(first) && r.claims(trials[from].Grid) {
			noisy = append(noisy, span{from, to})
		}
		from = to
	}
	return r.again(ctx, noisy)
}

// lost is the error of a run in which every trial of a level failed: it
// answers nothing about that level, whatever the others say.
func (r *runner) lost() error {
	first, well := map[string]string{}, map[string]bool{}
	for i := range r.records {
		rec := &r.records[i]
		if rec.Role != measured {
			continue
		}
		if rec.Verdict != results.VerdictFailed {
			well[rec.Level] = true
		} else if first[rec.Level] == "" {
			first[rec.Level] = whyFailed(rec)
		}
	}
	var lost []string
	for _, g := range r.plan.Grids {
		for _, level := range levelNames(g.Factors[r.plan.Design.Compare]) {
			if why := first[level]; why != "" && !well[level] {
				lost = append(lost, level+": "+why)
			}
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return fmt.Errorf("every trial failed of %s", strings.Join(unique(lost), "; "))
}

// whyFailed tells a failed trial's reason in one line.
func whyFailed(rec *results.Record) string {
	if f := rec.Failure; f != nil {
		return f.Stage + ": " + f.Reason + firstWords(f.ServerStderr+f.LoadStderr)
	}
	return "no request was answered well"
}

// claims says whether a grid has the blocks for a claim. Points that claim
// nothing are shown as they are: no time is spent on repeating them.
func (r *runner) claims(grid string) bool {
	for _, g := range r.plan.Grids {
		if g.Name == grid {
			return g.Claims
		}
	}
	return false
}

// again repeats noisy mini-blocks, as often as the design and the time allow.
func (r *runner) again(ctx context.Context, noisy []span) error {
	for attempt := 2; attempt <= 1+r.plan.Design.RepeatNoisy; attempt++ {
		var still []span
		for _, s := range noisy {
			if !r.hasTimeFor(s) {
				r.outcome.NotRepeated++
				continue
			}
			first := len(r.records)
			if err := r.attempt(ctx, s.from, s.to, attempt); err != nil {
				return err
			}
			r.outcome.Repeated++
			if r.noisy(first) {
				still = append(still, s)
			}
		}
		noisy = still
	}
	return nil
}

// noisy reports whether any record from first on is noisy, in the light of the
// run so far.
func (r *runner) noisy(first int) bool {
	for _, a := range results.RunVerdicts(r.records)[first:] {
		if a.Verdict == results.VerdictNoisy {
			return true
		}
	}
	return false
}

// hasTimeFor reports whether the run still ends within the budget when the
// mini-block is repeated.
func (r *runner) hasTimeFor(s span) bool {
	budget := r.plan.repeatWithin
	if budget == 0 {
		return true
	}
	again := r.plan.remaining(s.from) - r.plan.remaining(s.to)
	return time.Since(r.began)+r.progress.scaled(again) <= budget
}

// attempt runs each trial of a mini-block once.
func (r *runner) attempt(ctx context.Context, from, to, attempt int) error {
	capacity := 0.0
	for i := from; i < to; i++ {
		p := &r.plan.Trials[i]
		rec := &results.Record{
			SchemaVersion: results.SchemaVersion, Trial: len(r.records) + 1, Grid: p.Grid, Block: p.Block, MiniBlock: p.MiniBlock,
			Position: p.Position, Attempt: attempt, Role: p.Role, Level: p.Level, Factors: p.Factors,
			Settings: values(p.Settings).clone(), ScheduleSeed: p.ScheduleSeed,
		}
		rec.ID = recordID(rec.Trial)
		if err := r.one(ctx, rec, capacity); err != nil {
			return err
		}
		if rec.Role == closedLoopProbe && rec.Load != nil {
			capacity = rec.Load.AchievedRate
		}
		if attempt == 1 {
			r.outcome.Run++
		}
		r.progress.done(i, rec, r.plan.expect(p).total())
	}
	return nil
}

// one runs one trial, derives its record and appends it.
func (r *runner) one(ctx context.Context, rec *results.Record, capacity float64) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	share, byShare := rec.Settings["rate_share"].(float64)
	if byShare {
		rec.Settings["rate_rps"] = share * capacity
	}
	if byShare && capacity <= 0 {
		delete(rec.Settings, "rate_rps")
		rec.StartedUnixNs = time.Now().UnixNano()
		rec.Failure = &results.Failure{Stage: "capacity", Reason: "the capacity probe of this mini-block failed, so there is no rate to run at"}
	} else {
		hlog, err := r.writer.HistogramPath(rec.ID)
		if err != nil {
			return err
		}
		// The load process has another working directory when it runs
		// elsewhere, and may have here.
		if hlog, err = filepath.Abs(hlog); err != nil {
			return err
		}
		if len(r.bench.load.via) > 0 {
			hlog = "" // the file would be written on the other machine
		}
		if err := r.bench.run(ctx, rec, r.plan.phases[rec.Grid], hlog); err != nil {
			return err
		}
	}
	results.Derive(rec)
	if err := r.writer.Append(rec); err != nil {
		return err
	}
	r.records = append(r.records, *rec)
	r.outcome.Verdicts[rec.Verdict]++
	if rec.Verdict == results.VerdictFailed {
		r.outcome.Failed++
	}
	return nil
}
