package experiments

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"medusa/results"
)

// What a trial is assumed to take beside fill, warm-up and window: starting two processes, two speed probes, closing and reaping, a
// synced record; and for each connection, opening and closing it. These only
// set the first estimate: the time left is corrected by how a run goes.
const (
	trialOverhead = 160 * time.Millisecond
	fillEach      = 50 * time.Microsecond // the load process opens 20,000 a second
	fillLimit     = time.Second           // and waits so long for who is not answered
	closeEach     = 28 * time.Microsecond
)

// spans are the parts of one trial.
type spans struct {
	inside time.Duration // fill, warm-up and window
	beside time.Duration // all else
}

func (s spans) total() time.Duration { return s.inside + s.beside }

// expect estimates one trial.
func (p *Planned) expect(t *results.PlannedTrial) spans {
	v := values(t.Settings)
	n := time.Duration(connections(v))
	timeout := ms(v.number("request_timeout_ms"))
	phases := p.phases[t.Grid]
	fill, limit := n*fillEach, fillLimit
	if phases.Fill > 0 {
		limit = secs(phases.Fill)
	}
	drain := time.Duration(0)
	if v.number("offered_share") > 1 {
		// Who is not served is waited for twice: when it has connected, and
		// until its request times out when the window has ended.
		fill += limit
		drain = timeout
	}
	if v.number("rate_share") >= 1 {
		drain = timeout
	}
	return spans{
		inside: fill + secs(v.number("warmup_s")) + secs(v.number("window_s")),
		beside: trialOverhead + n*closeEach + drain + secs(phases.Quiet) + phases.recovery(v),
	}
}

// recovery is what it takes until others have the places of those who leave, on
// the generous side.
func (p Phases) recovery(v values) time.Duration {
	if p.Leave == 0 || v.number("offered_share") <= 1 {
		return 0
	}
	return 100 * time.Millisecond
}

// estimate sums all trials.
func (p *Planned) estimate() time.Duration {
	var sum time.Duration
	for i := range p.Trials {
		sum += p.expect(&p.Trials[i]).total()
	}
	return sum
}

// InsideShare is the share of the estimated time that lies inside fill,
// warm-up and window.
func (p *Planned) InsideShare() float64 {
	var inside, total time.Duration
	for i := range p.Trials {
		s := p.expect(&p.Trials[i])
		inside += s.inside
		total += s.total()
	}
	if total == 0 {
		return 0
	}
	return float64(inside) / float64(total)
}

// remaining estimates the trials from index i (from 0) on.
func (p *Planned) remaining(i int) time.Duration {
	var sum time.Duration
	for ; i < len(p.Trials); i++ {
		sum += p.expect(&p.Trials[i]).total()
	}
	return sum
}

func (p *Planned) longestMiniBlock() (longest time.Duration, grid string) {
	var sum time.Duration
	for i := range p.Trials {
		if i > 0 && p.Trials[i].MiniBlock != p.Trials[i-1].MiniBlock {
			sum = 0
		}
		sum += p.expect(&p.Trials[i]).total()
		if sum > longest {
			longest, grid = sum, p.Trials[i].Grid
		}
	}
	return longest, grid
}

// Describe writes the estimate: what will be run, how long it takes, what it
// can find, what is skipped and why.
func (p *Planned) Describe(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n", p.Suite, p.Question)
	for _, g := range p.Grids {
		fmt.Fprintf(w, "  grid %-12s %s: %s x %s\n", g.Name, p.cross(g), plural(g.Cells, "cell"), plural(g.Blocks, "block"))
	}
	trials, probes := 0, 0
	for _, t := range p.Trials {
		if t.Role == closedLoopProbe {
			probes++
		} else {
			trials++
		}
	}
	extra := ""
	if probes > 0 {
		extra = " and " + plural(probes, "capacity probe")
	}
	fmt.Fprintf(w, "  %s%s, about %v (%.0f %% of it inside fill, warm-up and window)", plural(trials, "trial"), extra, round(time.Duration(p.EstimateNs)), 100*p.InsideShare())
	if p.Design.RepeatNoisy > 0 {
		fmt.Fprintf(w, "; a mini-block (what is compared, back to back) that the machine disturbed is repeated up to %s more", times(p.Design.RepeatNoisy))
		if p.repeatWithin > 0 {
			fmt.Fprintf(w, ", while the run is expected to end within %v", round(p.repeatWithin))
		}
	}
	fmt.Fprintln(w)
	p.describeLooks(w)
	if !math.IsNaN(p.Effect) {
		fmt.Fprintf(w, "  smallest difference it can find: %.1f %% (pairs that scatter by 5 %%)\n", 100*p.Effect)
	}
	for _, b := range p.NotHere {
		fmt.Fprintf(w, "  not on this system: %s: %s\n", b.Backend, b.Why)
	}
	for _, s := range p.Skipped {
		fmt.Fprintf(w, "  skipped: %s (%s): %s\n", s.What, plural(s.Cells, "cell"), s.Why)
	}
	for _, n := range p.Notes {
		fmt.Fprintf(w, "  %s\n", n)
	}
}

// cross writes the factors of a grid with their numbers of levels.
func (p *Planned) cross(g results.GridPlan) string {
	var parts []string
	if f := g.Factors[p.Design.Compare]; len(f) > 0 {
		parts = append(parts, p.Design.Compare+" ["+strings.Join(levelNames(f), " ")+"]")
	}
	for _, name := range p.suite.factorNames() {
		if f := g.Factors[name]; name != p.Design.Compare && len(f) > 0 {
			parts = append(parts, name+" ["+strings.Join(levelNames(f), " ")+"]")
		}
	}
	return strings.Join(parts, " x ")
}

func ms(n float64) time.Duration   { return time.Duration(n * float64(time.Millisecond)) }
func secs(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// round makes a duration fit for people.
func round(d time.Duration) time.Duration {
	switch {
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func times(n int) string {
	return map[int]string{1: "once", 2: "twice"}[n]
}
