package results

import (
	"math"
	"slices"
	"strings"
	"time"

	"medusa/results/stats"
)

// nearFloor is how many times its floor a quantile must be to be drawn like any
// other: below it the machine's waking is a large part of it.
const nearFloor = 3

// waking are the distributions that hold the time in which a sleeping server
// wakes. Others do not: the kernel establishes a connection by itself (connect),
// and lag and queue are over before the server has anything to do.
var waking = []string{"response", "response_ok", "service", "first_byte", "admission", "before", "fault", "after"}

// latencyOf takes a latency column apart: its quantile and how many nanoseconds
// its unit has. false for every other column.
func latencyOf(column string) (quantile string, ns float64, ok bool) {
	for _, dist := range waking {
		rest, found := strings.CutPrefix(column, dist+"_")
		quantile, unit, _ := strings.Cut(rest, "_")
		ns := map[string]float64{"us": 1e3, "ms": 1e6}[unit]
		if found && ns > 0 && slices.ContainsFunc(quantileLevels, func(q quantileLevel) bool { return q.name == quantile }) {
			return quantile, ns, true
		}
	}
	return "", 0, false
}

// At is the floor's own quantile ("p50", "p90", "p99", "p999"), in nanoseconds;
// 0 for another.
func (f *Floor) At(quantile string) int64 {
	return map[string]int64{"p50": f.P50, "p90": f.P90, "p99": f.P99, "p999": f.P999}[quantile]
}

// Spread is how far the floor itself scatters, in nanoseconds: from its median
// to its 90th percentile. Its tail is no measure of that, as a few wakes of a
// thousand meet the hypervisor. See Resolves.
func (f *Floor) Spread() int64 { return f.P90 - f.P50 }

// Resolves says whether the wake floor lets a comparison of a latency claim what
// it found: why is "" if so. A difference smaller than the floor's spread may be
// the machine's waking, whatever its p: neither that it exists may be claimed
// nor, where the margin of sameness is smaller than the spread, that there is
// none. Baseline is the baseline's value in the unit of the column, ratio the
// level's over it. Every outcome of another column, and without a floor (nil),
// may be claimed.
func (f *Floor) Resolves(column string, found stats.Outcome, baseline, ratio, margin float64) (why string) {
	switch found {
	case stats.Faster, stats.Slower:
		return f.hides(column, baseline*math.Abs(ratio-1), "%s")
	case stats.Same:
		return f.hides(column, baseline*margin, percentText(margin)+" of it, %s,")
	}
	return ""
}

// hides says why a difference of a column, in its unit, is too small to be
// told from the scatter of waking; "" where it is not, or is none of a latency.
// words say what the difference is, %s standing for its size.
func (f *Floor) hides(column string, difference float64, words string) string {
	_, ns, latency := latencyOf(column)
	if f == nil || !latency || math.IsNaN(difference) {
		return ""
	}
	unit := map[float64]string{1e3: "us", 1e6: "ms"}[ns]
	spread := float64(f.Spread()) / ns
	if difference >= spread {
		return ""
	}
	return strings.Replace(words, "%s", rough(difference, unit), 1) + " is less than the " + rough(spread, unit) + " by which waking a CPU scatters here"
}

// rough is a quantity with two digits.
func rough(v float64, unit string) string { return quantity(roundDigits(v, 2), unit) }

// instrument is what was known of the instrument when a run began.
type instrument struct {
	certificate *Certificate
	age         time.Duration
	elsewhere   []string   // see Certificate.Elsewhere
	floor       *WakeFloor // nil: not measured, or on another machine
}

// instrument reads the certificate of a run.
func (run *Run) instrument() instrument {
	c := run.Certificate
	if c == nil {
		return instrument{}
	}
	at := run.Environment.Before.UnixNs
	if at == 0 {
		at = run.Stamp.CreatedUnixNs
	}
	i := instrument{certificate: c, age: c.Age(time.Unix(0, at)), elsewhere: c.Elsewhere(run.Environment.Before)}
	if len(c.AnotherMachine(run.Environment.Before)) == 0 && c.Floor.Block.P50 > 0 {
		i.floor = &c.Floor
	}
	return i
}

// floorAt is the floor of the trials at a place; nil when it is unknown. It is
// that of a sleeping CPU unless neither the server nor the generator sleeps.
func (a *Analysis) floorAt(p *site) *Floor {
	f := a.instrument.floor
	if f == nil {
		return nil
	}
	wait, _ := p.level("server_wait")
	pacing, _ := p.level("pacing")
	if LevelText(wait) == "poll" && LevelText(pacing) != "sleep" && a.Compare != "server_wait" && a.Compare != "pacing" {
		return &f.Poll
	}
	return &f.Block
}

// floorOf is the floor under a column at a place, in the column's unit; 0 where
// there is none.
func (a *Analysis) floorOf(p *site, column string) float64 {
	quantile, ns, ok := latencyOf(column)
	f := a.floorAt(p)
	if !ok || f == nil {
		return 0
	}
	return float64(f.At(quantile)) / ns
}

// floorUnder says why the wake floor does not let a contrast be the same within
// a margin; "" where it does.
func (a *Analysis) floorUnder(c Contrast, margin float64) string {
	for _, p := range a.sites {
		if p.grid.Name == c.Grid && AtText(p.at()) == AtText(c.At) {
			return a.floorAt(p).Resolves(c.Column, stats.Same, c.BaselineMedian, c.Ratio, margin)
		}
	}
	return ""
}

// limit takes back what a contrast may not claim.
func (a *Analysis) limit(p *site, c *Contrast, margin float64) {
	c.Floor = a.floorAt(p).Resolves(c.Column, c.Outcome, c.BaselineMedian, c.Ratio, margin)
	if c.Floor != "" {
		c.Outcome, c.Within = stats.NotResolved, false
	}
}
