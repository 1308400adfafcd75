package experiments

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"medusa/results"
	"medusa/results/stats"
)

// untilPrecise gives the grids with claims the blocks that a run may take
// which goes on until it knows enough. Those that only show points keep theirs.
func (s *Suite) untilPrecise(grids []Grid, r Request) error {
	contrasts := false
	for i := range grids {
		g := &grids[i]
		if g.Blocks < results.MinPairs {
			continue
		}
		contrasts = contrasts || g.Slope == nil
		if r.Blocks == 0 {
			g.Blocks = stats.MostBlocks()
		}
	}
	if !contrasts {
		return fmt.Errorf("--until: suite %s has no grid here that claims contrasts (%d blocks or more, and no slope of its own): there is nothing to be precise about", s.Name, results.MinPairs)
	}
	return nil
}

// looksAfter reports whether the run is looked at when the planned trials
// before index to (from 0) are done: a block has ended that is one of the looks,
// and others follow.
func (r *runner) looksAfter(to int) bool {
	trials := r.plan.Trials
	return to < len(trials) && trials[to].Block != trials[to-1].Block && slices.Contains(r.plan.Design.Looks, trials[to-1].Block)
}

// wentBeyond reports whether trials from index to on have been run: an earlier
// session then looked there, and went on.
func (r *runner) wentBeyond(to int) bool {
	for i := range r.recorded {
		if i >= to {
			return true
		}
	}
	return false
}

// look repeats what was noisy, and says whether the goal is reached, so that
// the blocks from index to on need not be run. Only whether the intervals are
// narrow decides, never what they say.
func (r *runner) look(ctx context.Context, to int) (reached bool, err error) {
	if err := r.again(ctx); err != nil {
		return false, err
	}
	block := r.plan.Trials[to-1].Block
	precision := results.PrecisionOf(r.plan.Plan, r.records)
	text := fmt.Sprintf("look after %s: ", plural(block, "block"))
	if math.IsInf(precision.HalfWidth, 1) {
		text += "no interval yet for " + precision.Widest
	} else {
		text += fmt.Sprintf("the widest interval is within %.1f %% (%s)", 100*precision.HalfWidth, precision.Widest)
	}
	if !precision.Reached(r.plan.Design.Until) {
		fmt.Fprintf(r.Progress, "%s; the goal is %g %%: going on\n", text, 100*r.plan.Design.Until)
		return false, nil
	}
	r.outcome.Stopped, r.outcome.Planned = block, to
	fmt.Fprintf(r.Progress, "%s: the goal of %g %% is reached, the run ends here\n", text, 100*r.plan.Design.Until)
	return true, nil
}

// describeLooks says of a run that goes on until it knows enough when it is
// looked at, and what each look could find.
func (p *Planned) describeLooks(w io.Writer) {
	d := p.Design
	if d.Until <= 0 {
		return
	}
	var looks []string
	for _, n := range d.Looks {
		looks = append(looks, fmt.Sprintf("%d (about %v)", n, round(p.upToBlock(n))))
	}
	fmt.Fprintf(w, "  sequential: ends at the first look at which every contrast of %s is known to within %g %%; looks after so many blocks: %s\n",
		p.Metrics.Primary, 100*d.Until, strings.Join(looks, ", "))
	if n := len(d.Looks); n > 1 {
		fmt.Fprintf(w, "  for %d looks together to err in 5 %%, each interval aims at %.4g %% and p is %d times the exact one\n", n, 100*(1-stats.PerLook(0.05, n)), n)
	}
}

// upToBlock estimates the trials of all blocks up to one.
func (p *Planned) upToBlock(block int) time.Duration {
	for i, t := range p.Trials {
		if t.Block > block {
			return time.Duration(p.EstimateNs) - p.remaining(i)
		}
	}
	return time.Duration(p.EstimateNs)
}
