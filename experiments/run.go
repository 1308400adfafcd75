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
	Run         int            // of them, recorded, by earlier sessions too
	Failed      int            // records whose verdict is failed, repeats included
	Repeated    int            // repetitions of noisy mini-blocks
	NotRepeated int            // noisy mini-blocks that were not, for want of time
	Stopped     int            // the block after which the goal was reached and the run ended; 0: it ran them all
	Verdicts    map[string]int // of all records
	Interrupted bool           // the run was ended early; what it has is valid
	Whole       bool           // there was nothing left to run: the folder was not touched
	Elapsed     time.Duration  // of this session
}

// DefaultDir is where a run goes unless told otherwise.
func DefaultDir(suite string, now time.Time) string {
	return filepath.Join("results", "runs", suite+"-"+now.Format("20060102-150405"))
}

// runner is a run under way. What it does next follows from the plan and the
// records alone, so that a run that was cut off can be gone on with.
type runner struct {
	Options
	plan     *Planned
	bench    *bench
	writer   *results.Writer
	outcome  *Outcome
	records  []results.Record
	recorded map[int]bool // planned trials (from 0) that have a record
	progress *progress
	began    time.Time
	spent    time.Duration // by earlier sessions of the run
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
	if err := o.lookFirst(ctx, b, nil); errors.Is(err, errInterrupted) {
		return &Outcome{Planned: len(plan.Trials), Interrupted: true}, nil
	} else if err != nil {
		return nil, err
	}
	return o.run(ctx, plan, b)
}

func (o Options) run(ctx context.Context, plan *Planned, b *bench) (*Outcome, error) {
	if o.Dir == "" {
		o.Dir = DefaultDir(plan.Suite, time.Now())
	}
	r := o.runner(plan, b)
	plan.Describe(r.Progress)
	var err error
	if plan.Asked, err = o.asked(); err != nil {
		return nil, err
	}
	before := r.facts()
	b.quiet = quietOf(o.Certificate, before)
	r.writer, err = results.Create(o.Dir, results.Manifest{SuiteYAML: o.Suite.YAML, Plan: plan.Plan, Before: before, Certificate: o.Certificate, Doctor: o.Checkup, Files: o.Suite.PeerFiles()})
	if err != nil {
		return nil, err
	}
	return r.session(ctx)
}

// runner prepares a run that has no record yet.
func (o Options) runner(plan *Planned, b *bench) *runner {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	return &runner{
		Options: o, plan: plan, bench: b, began: time.Now(), recorded: map[int]bool{},
		outcome:  &Outcome{Dir: o.Dir, Planned: len(plan.Trials), Verdicts: map[string]int{}},
		progress: newProgress(o.Progress, plan),
	}
}

// facts are the machine's, as the run's environment has them.
func (r *runner) facts() results.Machine {
	m := machineFacts(r.bench.server.binary, r.Version, r.Here())
	if load := r.bench.load.binary; load != r.bench.server.binary {
		if sum, err := fileHash(load); err == nil {
			m.LoadSHA256 = sum
		} else {
			m.Unknown = append(m.Unknown, "load_binary_sha256")
		}
	}
	return m
}

// session runs what is left of the plan and closes the folder.
func (r *runner) session(ctx context.Context) (*Outcome, error) {
	err := r.all(ctx)
	if err == nil {
		r.writer.Done()
		err = r.lost()
	}
	r.outcome.Elapsed = time.Since(r.began)
	if errors.Is(err, errInterrupted) {
		r.outcome.Interrupted = true
		err = nil
	}
	if finish := r.writer.Finish(r.facts()); err == nil {
		err = finish
	}
	r.progress.end(r.outcome)
	return r.outcome, err
}

// all runs mini-block after mini-block, then those again that were noisy. They
// wait until then because what disturbed one goes on for a while, and because
// only then it is known how much time is left for them. A mini-block that was
// cut off is run again as a whole: its pairs have to stand back to back.
func (r *runner) all(ctx context.Context) error {
	for _, s := range r.plan.miniBlocks() {
		if r.history(s).whole == 0 {
			if err := r.attempt(ctx, s); err != nil {
				return err
			}
			if r.outcome.Failed == len(r.records) {
				// Whatever it is, it is not one cell's fault, and goes on.
				return fmt.Errorf("all of the first %s failed, so the run was stopped: %s", plural(len(r.records), "trial"), whyFailed(&r.records[0]))
			}
		}
		if r.looksAfter(s.to) && !r.wentBeyond(s.to) {
			if reached, err := r.look(ctx, s.to); reached || err != nil {
				return err
			}
		}
	}
	return r.again(ctx)
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

// attempt runs each trial of a mini-block once.
func (r *runner) attempt(ctx context.Context, s span) error {
	attempt := r.history(s).attempts + 1
	capacity := 0.0
	for i := s.from; i < s.to; i++ {
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
		r.count(i, rec)
		r.progress.done(i, rec, r.plan.expect(p).total())
	}
	return nil
}

// count takes the record of the planned trial i (from 0) into the outcome.
func (r *runner) count(i int, rec *results.Record) {
	r.records = append(r.records, *rec)
	if !r.recorded[i] {
		r.recorded[i] = true
		r.outcome.Run++
	}
	r.outcome.Verdicts[rec.Verdict]++
	if rec.Verdict == results.VerdictFailed {
		r.outcome.Failed++
	}
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
	return r.writer.Append(rec)
}
