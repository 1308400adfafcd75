package results

import (
	"strings"

	"medusa/results/stats"
)

// The rules of a claim. They are fixed here, before any run.
const (
	// MinPairs is the least number of clean pairs (or blocks) that may carry
	// an interval or a claim: below it the exact signed-rank interval cannot
	// reach 95 %.
	MinPairs = 6
	// Margin is the relative difference that counts as the same.
	Margin = 0.05
	// Coverage is the coverage that an interval aims at; the exact coverage
	// stands beside each interval.
	Coverage = 0.95
	// Alpha is the error rate, over all contrasts together (Holm), at which
	// a contrast is starred.
	Alpha = 0.05
	// stateChange is the relative difference of machine speed from which two
	// trials of a pair are said to straddle a change of the machine's state:
	// the bound of the verdict `noisy` at the edges of a trial.
	stateChange = 0.05
)

// Analysis is what a run's records support: computed by Analyse from the plan
// and the records alone, so that anyone can compute it again.
type Analysis struct {
	Plan    Plan
	Primary string // the declared primary metric, a column name
	Compare string // the compared factor
	// Baseline is the level of Compare that the others are compared with.
	Baseline string

	// Tally counts the trials of the whole run, Grids those of each grid, in
	// the plan's order.
	Tally Tally
	Grids []GridTally

	// Contrasts are the tests of the primary metric: every level against the
	// baseline at every setting of the other factors (inside primary_at), in
	// every grid with claims. They are in the order of the plan's levels.
	// Only these are corrected together (Holm) and only these are starred.
	Contrasts []Contrast
	// Slopes are the growth of the primary metric with the factor named by
	// metrics.slope, one for each level, and what grids claim with a slope of
	// their own; empty when the suite names none. Those of one column and
	// factor are corrected together (Holm).
	Slopes []Slope
	// KeptContrasts and KeptSlopes are the second analysis, in the same order, in which every trial
	// enters except `failed` and `inconsistent` ones.
	KeptContrasts []Contrast
	KeptSlopes    []Slope
	// Flips are the claims whose outcome differs between both analyses.
	Flips []Flip

	Machine    MachineState
	Generator  GeneratorState
	Saturation SaturationState

	// Answer, Believe and Why are the front page in words. Every sentence
	// was generated from data that supports it.
	Answer  []Sentence
	Believe []Line
	Why     []Sentence

	// Records are the run's, with the verdicts that they have in the run
	// (RunVerdicts).
	Records []Record

	sites      []*site
	instrument instrument
}

// Tally counts trials by what became of them.
type Tally struct {
	Planned int // of the plan
	Run     int // of them, run: records without those below
	// Repeats are records of repeated attempts, Cut those of attempts in
	// which the run was cut off and that were made again when it was
	// resumed; Probes are capacity probes. None of them is counted in Run.
	Repeats int
	Cut     int
	Probes  int
	// Entered are the planned trials of which a record enters the main
	// analysis: the trial itself, or a clean repeat of its mini-block.
	Entered int
	// Verdicts counts records (repeats included, probes not) by verdict.
	Verdicts map[string]int
}

// GridTally is the tally of one grid.
type GridTally struct {
	Grid   string
	Claims bool // blocks >= MinPairs
	Blocks int  // planned
	Done   int  // blocks with at least one record
	Tally
}

// Setting is one factor with its level. A list of them, sorted by factor name,
// names a cell without the compared factor.
type Setting struct {
	Factor string
	Level  any // string, bool or float64
}

// AtText writes settings as in "idle_connections=2000 load=ping"; "" for none.
func AtText(at []Setting) string {
	parts := make([]string, len(at))
	for i, s := range at {
		parts[i] = s.Factor + "=" + LevelText(s.Level)
	}
	return strings.Join(parts, " ")
}

// Contrast is one level against the baseline, at one setting.
//
// Ratios are level / baseline; intervals are of the Hodges-Lehmann estimate
// over the log ratios of pairs, exact by the signed-rank distribution.
type Contrast struct {
	Grid     string
	At       []Setting // the other factors with several levels in this grid
	Level    string
	Baseline string
	Column   string // the metric

	N int // pairs: one a block
	// Missing says why there are fewer pairs than blocks, one line a reason;
	// empty when none is missing.
	Missing []string

	Ratio    float64 // the estimate; NaN without pairs
	Lo, Hi   float64 // its interval; NaN below MinPairs; Lo may be 0 and Hi +Inf (see Censored)
	Coverage float64 // the exact coverage of [Lo, Hi], such as 0.969 for 6 pairs; 0 below MinPairs
	// Lo90 and Hi90 are the 90 % interval that "same" is judged by (TOST). In
	// a run that was looked at several times they cover more, like Lo and Hi.
	Lo90, Hi90 float64
	// PairSD is the standard deviation of the log ratios.
	PairSD float64
	// Smallest is the smallest relative effect that this many pairs with this
	// scatter could have found (stats.SmallestEffect), such as 0.045; NaN
	// when it cannot be known.
	Smallest float64
	// Censored counts pairs in which the value fell among failed requests on
	// one side or both. Their ratio is known as a bound only: the interval
	// then covers every value that they could have, and Ratio is computed
	// with the value nearest to 1.
	Censored int
	// Beyond counts those of them in which it fell there on both sides: both
	// values are later than a bound, and their ratio can be any.
	Beyond int

	P         float64 // exact sign-flip, two-sided, times the looks; NaN below MinPairs
	PHolm     float64 // corrected over all contrasts of the analysis
	PWilcoxon float64 // the second opinion: exact signed-rank, uncorrected
	Starred   bool    // PHolm <= Alpha

	Outcome stats.Outcome // faster is on the good side for the column, whichever that is
	// Within says that the 90 % interval lies inside 1 +- Margin. It may hold
	// beside faster or slower: a difference that is certain and small.
	Within bool
	// Floor says why the machine's wake floor leaves this not resolved whatever
	// the interval says; "" where it does not. See Floor.Resolves.
	Floor string
	// Baseline and level medians over the trials of the pairs, in the
	// column's unit, for tables; never the basis of the ratio.
	LevelMedian, BaselineMedian float64
}

// Slope is the growth of a metric with one factor for one level:
// ordinary least squares inside each block, then Hodges-Lehmann and the exact
// signed-rank interval over the blocks.
type Slope struct {
	Grid   string
	At     []Setting // other factors with several levels, if any
	Level  string
	Column string // y
	Factor string // x

	N        int     // blocks
	Estimate float64 // units of Column for each one of Factor; NaN without blocks
	Lo, Hi   float64 // NaN below MinPairs
	Coverage float64
	P        float64 // exact sign-flip that the slope is 0; NaN below MinPairs
	PHolm    float64 // over the slopes of this column and factor
	Starred  bool
	Outcome  Growth
	Floor    string // why the wake floor does not let growth be claimed; "" where it does
	Missing  []string
}

// Growth is what a slope's interval says.
type Growth string

// The outcomes of a slope.
const (
	Grows         Growth = "grows"        // the interval lies above 0
	Falls         Growth = "falls"        // the interval lies below 0
	NoGrowth      Growth = "no growth"    // the interval holds 0
	GrowthUnknown Growth = "not resolved" // too few clean blocks
)

// Flip is a claim that changes when every trial is kept.
type Flip struct {
	What       string // "select at idle_connections=2000"
	Main, Kept string // the outcomes
}

// MachineState is what the speed probes say about the machine over the run.
type MachineState struct {
	// Moved is the relative distance of the slowest from the fastest trial
	// by speed probe: 0.38 says that the machine's speed moved by 38 %. NaN
	// without probes.
	Moved float64
	// Straddle is the share of pairs whose two trials' probes differ by more
	// than 5 %; NaN without probes.
	Straddle float64
	Pairs    int
}

// SaturationState is whether the server or the generator set the pace of the
// closed loops.
type SaturationState struct {
	Trials     int     // closed-loop trials with many connections that entered
	BusyMedian float64 // share of the window in which the server's CPU was busy
	Idle       int     // trials in which that was under SaturatedFrom
}

// SaturatedFrom is the busy share from which a server counts as saturated.
const SaturatedFrom = 0.95

// GeneratorState is how late the generator was. Lags are p99, in
// microseconds, over the trials of the open loop that enter; NaN where no
// trial has one.
type GeneratorState struct {
	LagMedianUs, LagWorstUs float64
	Trials                  int
	ClosedOnly              bool // no trial had a schedule that could be missed
}

// Sentence is one statement of the front page.
type Sentence struct {
	Text string
	Kind SentenceKind
	Grid string
}

// SentenceKind says what stands behind a sentence.
type SentenceKind string

// The kinds of sentences.
const (
	KindClaim      SentenceKind = "claim"        // an interval excludes equality, or lies inside the margin, or is a slope's
	KindUnresolved SentenceKind = "not resolved" // tried, and not decided
	KindPoints     SentenceKind = "points only"  // medians of a grid with too few blocks: no claim
	KindNote       SentenceKind = "note"         // about the analysis itself
)

// Line is one labelled line of "CAN I BELIEVE IT?".
type Line struct {
	Label string // "trials", "machine", "generator", "tested", ...
	Text  string
}

// Series is one line of a figure: one level of the figure's `by` factor in one
// facet, for one y column.
type Series struct {
	Column string // y
	// Facet are the figure's facet factors with this series' levels, in the
	// figure's order; empty without facets.
	Facet  []Setting
	Level  string  // of By, as text
	By     string  // factor name
	Points []Point // by X, ascending
}

// Point is one cell of a figure: the median over blocks, or, with RatioTo, the
// estimate over pairs.
type Point struct {
	X float64 // of the cell: the factor's level, or the median of the metric; the index when XText is set
	// XText is the level's name where the factor is not numeric; X then
	// counts the levels from 0 in the suite's order.
	XText string
	// Cell are all factors of the cell but By and the facets.
	Cell []Setting

	N int // trials (or pairs) behind Y
	// Y is the median over blocks, or the Hodges-Lehmann ratio. NaN when
	// only Excluded dots exist: draw those and no line through the point.
	Y float64
	// Lo, Hi is the 95 % interval: of the median by order statistics
	// (distribution-free), or of the ratio by signed ranks. Only drawn when
	// Interval is true (a grid with claims and N >= MinPairs).
	Lo, Hi   float64
	Interval bool
	Coverage float64 // exact, of [Lo, Hi]
	// Censored: Y is a lower bound (draw an arrow up, print "> value"): the
	// quantile falls among failed requests and Y is their timeout.
	// HiCensored says the same of Hi.
	Censored, HiCensored bool
	// Open: at least one trial's quantile has 30 to 99 expected exceedances:
	// draw the mark open.
	Open bool
	// Saturated: most of the trials behind the point are saturated: draw it
	// hollow and no line through it.
	Saturated bool
	// Unsteady: most of the trials behind the point are unsteady. They enter:
	// draw it hollow, and lines go on through it.
	Unsteady bool
	// Floor is how long a CPU takes to wake, at the same quantile and in the
	// unit of Y; 0 where Y is no latency, or a ratio, or it is not known.
	Floor float64
	// Dots are the trials (or pairs) behind Y; Excluded are trials that have
	// a value and do not enter: noisy and client-limited ones, and those of
	// a mini-block of which another attempt enters (verdict "repeated").
	// Failed trials have no value and inconsistent ones are never plotted.
	// With RatioTo there are no Excluded dots.
	Dots, Excluded []Dot
	// Best: with RatioTo Best, this level is the best one, which the others are
	// ratios to.
	Best bool
}

// Dot is one trial (or pair) of a point.
type Dot struct {
	X, Y     float64
	Block    int
	Trial    int    // record's trial number; of the level's trial for a pair
	Verdict  string // in the run, or "repeated"
	Censored bool   // Y is a lower bound
	Open     bool
	Unsteady bool // the trial, or one of the pair, has a window without a single level
}
