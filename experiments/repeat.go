package experiments

import (
	"context"
	"time"

	"medusa/results"
)

// span is a mini-block: the planned trials [from, to).
type span struct{ from, to int }

// miniBlocks are the mini-blocks of a plan, in order.
func (p *Planned) miniBlocks() []span {
	var out []span
	for from := 0; from < len(p.Trials); {
		to := from
		for to < len(p.Trials) && p.Trials[to].MiniBlock == p.Trials[from].MiniBlock {
			to++
		}
		out = append(out, span{from, to})
		from = to
	}
	return out
}

// history is what was recorded of a mini-block.
type history struct {
	attempts int  // the number of the last one
	whole    int  // attempts that have all their trials: not those that were cut off
	noisy    bool // the last whole attempt
}

// history reads the records, so that a run that is gone on with decides as one
// that was never cut off.
func (r *runner) history(s span) history {
	var h history
	attempt := map[int][]results.Record{}
	for i := range r.records {
		if rec := &r.records[i]; rec.MiniBlock == r.plan.Trials[s.from].MiniBlock {
			attempt[rec.Attempt] = append(attempt[rec.Attempt], *rec)
			h.attempts = max(h.attempts, rec.Attempt)
		}
	}
	for n := 1; n <= h.attempts; n++ {
		if len(attempt[n]) == s.to-s.from {
			h.whole++
			h.noisy = noisy(attempt[n])
		}
	}
	return h
}

// noisy reports whether any trial of an attempt is noisy, in the light of the
// others.
func noisy(attempt []results.Record) bool {
	for _, a := range results.RunVerdicts(attempt) {
		if a.Verdict == results.VerdictNoisy {
			return true
		}
	}
	return false
}

// again repeats noisy mini-blocks, as often as the design and the time allow.
func (r *runner) again(ctx context.Context) error {
	r.outcome.NotRepeated = 0 // an earlier look's are asked again
	for times := 1; times <= r.plan.Design.RepeatNoisy; times++ {
		for _, s := range r.toRepeat(times) {
			if !r.hasTimeFor(s) {
				r.outcome.NotRepeated++
				continue
			}
			if err := r.attempt(ctx, s); err != nil {
				return err
			}
			r.outcome.Repeated++
		}
	}
	return nil
}

// repeatWithin is until when noisy mini-blocks are repeated; 0: no bound.
func (r Request) repeatWithin(s *Suite) time.Duration {
	switch {
	case r.Budget > 0:
		return r.Budget
	case r.Until > 0:
		return 0 // the suite's bound is for the suite's blocks
	}
	return secs(s.RepeatBudget)
}

// toRepeat are the mini-blocks that are noisy after so many whole attempts.
func (r *runner) toRepeat(whole int) []span {
	var out []span
	for _, s := range r.plan.miniBlocks() {
		if h := r.history(s); h.whole == whole && h.noisy && r.claims(r.plan.Trials[s.from].Grid) {
			out = append(out, s)
		}
	}
	return out
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

// hasTimeFor reports whether the run still ends within the budget when the
// mini-block is repeated.
func (r *runner) hasTimeFor(s span) bool {
	budget := r.plan.repeatWithin
	if budget == 0 {
		return true
	}
	ahead := r.plan.remaining(s.from) - r.plan.remaining(s.to)
	// What is planned after the last trial that was run has its time, too.
	next := 0
	for i := range r.recorded {
		next = max(next, i+1)
	}
	ahead += r.plan.remaining(next)
	return r.spent+time.Since(r.began)+r.progress.scaled(ahead) <= budget
}
