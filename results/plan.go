package results

import "encoding/json"

// Plan is a suite expanded and ordered: everything that results needs to know
// about what was asked. Its hash is in the run's manifest.
type Plan struct {
	SchemaVersion int            `json:"schema_version"`
	Suite         string         `json:"suite"`
	Question      string         `json:"question"`
	NotShown      []string       `json:"not_shown,omitempty"`
	Reproduces    []Reproduces   `json:"reproduces,omitempty"`
	Design        Design         `json:"design"`
	Metrics       Metrics        `json:"metrics"`
	Figures       []Figure       `json:"figures"`
	Grids         []GridPlan     `json:"grids"`
	Trials        []PlannedTrial `json:"trials"`
	Skipped       []Skipped      `json:"skipped,omitempty"`
	NotHere       []NotHere      `json:"not_here,omitempty"`
	EstimateNs    int64          `json:"estimate_ns"`
	Command       string         `json:"command"` // that makes this run again
	// Asked is what was asked for beside the suite, as package experiments
	// writes and reads it: going on with the run needs it. Runs of before it
	// was kept lack it.
	Asked json.RawMessage `json:"asked,omitempty"`
}

// GridPlan is one grid of a plan.
type GridPlan struct {
	Name    string           `json:"name"`
	Blocks  int              `json:"blocks"`
	Factors map[string][]any `json:"factors"` // levels in the suite's order
	Fixed   map[string]any   `json:"fixed"`
	Cells   int              `json:"cells"`
	Claims  bool             `json:"claims"` // blocks >= 6: intervals and claims; else points only
	// Phases are those of a trial outside of warm-up and window, by the names
	// that suites have for them; nil in plans of earlier versions.
	Phases map[string]float64 `json:"phases,omitempty"`
	// Slope, when set, is what this grid claims: growth of columns of its
	// own. The suite's primary metric is neither tested nor told there.
	Slope *GridSlope `json:"slope,omitempty"`
}

// GridSlope names the columns whose growth with a numeric factor is claimed,
// for each level of the compared factor.
type GridSlope struct {
	Y Columns `json:"y"`
	X string  `json:"x"`
}

// PlannedTrial is one trial to be run.
type PlannedTrial struct {
	Index        int            `json:"index"` // from 1
	Grid         string         `json:"grid"`
	Block        int            `json:"block"`
	MiniBlock    int            `json:"mini_block"`
	Position     int            `json:"position"`
	Role         string         `json:"role"`
	Level        string         `json:"level"`
	Factors      map[string]any `json:"factors"`
	Settings     map[string]any `json:"settings"`
	ScheduleSeed uint64         `json:"schedule_seed"`
}

// Skipped is something that the suite asked for and that cannot be run here.
type Skipped struct {
	What  string `json:"what"`
	Why   string `json:"why"`
	Cells int    `json:"cells"`
}

// NotHere is a backend that the suite asks for and that the machine does not
// have, or does not allow.
type NotHere struct {
	Backend string `json:"backend"`
	Why     string `json:"why"`
}

// Reproduces is a published finding that a suite redraws.
type Reproduces struct {
	Cite    string `json:"cite" yaml:"cite"`
	Finding string `json:"finding" yaml:"finding"`
	Check   string `json:"check,omitempty" yaml:"check"`
}

// Design says how trials are ordered and compared.
type Design struct {
	Blocks   int    `json:"blocks" yaml:"blocks"`
	Compare  string `json:"compare" yaml:"compare"`   // the compared factor
	Baseline string `json:"baseline" yaml:"baseline"` // its level that others are compared with
	// Anchor is the level through which this run is compared with another:
	// its server is the same in both. "": the baseline.
	Anchor       string `json:"anchor,omitempty" yaml:"anchor"`
	SameSchedule bool   `json:"same_schedule" yaml:"same_schedule"`
	Seed         uint64 `json:"seed" yaml:"seed"`
	RepeatNoisy  int    `json:"repeat_noisy" yaml:"repeat_noisy"` // times that a noisy mini-block is repeated, 0 to 2
	// Until, when not 0, ended the run at the first of Looks (numbers of
	// blocks) at which every contrast of the primary metric was known to
	// within that relative half-width, such as 0.05; see PrecisionOf.
	Until float64 `json:"until,omitempty"`
	Looks []int   `json:"looks,omitempty"`
}

// Metrics are the columns that a suite reports.
type Metrics struct {
	Primary   string         `json:"primary" yaml:"primary"`
	PrimaryAt map[string]any `json:"primary_at,omitempty" yaml:"primary_at"`
	// Slope, when set, names the numeric factor whose slope per level is
	// the claim of the suite.
	Slope string   `json:"slope,omitempty" yaml:"slope"`
	Also  []string `json:"also,omitempty" yaml:"also"`
}

// Figure is one figure that a suite asks for.
type Figure struct {
	ID         string            `json:"id" yaml:"id"`
	Title      string            `json:"title,omitempty" yaml:"title"`
	Kind       string            `json:"kind,omitempty" yaml:"kind"` // "lines" (default), "dots", "stacked_share", "heat"
	Grid       string            `json:"grid,omitempty" yaml:"grid"` // of a suite with several
	X          string            `json:"x" yaml:"x"`
	XScale     string            `json:"xscale,omitempty" yaml:"xscale"` // linear, log, log2, log1p, even; "": linear, or even where levels would lie on each other
	Y          Columns           `json:"y" yaml:"y"`
	YScale     string            `json:"yscale,omitempty" yaml:"yscale"` // linear, log
	By         string            `json:"by,omitempty" yaml:"by"`         // default: the compared factor
	Facet      Columns           `json:"facet,omitempty" yaml:"facet"`
	Where      map[string]any    `json:"where,omitempty" yaml:"where"`
	RatioTo    string            `json:"ratio_to,omitempty" yaml:"ratio_to"` // a level, or Best
	Strip      Columns           `json:"strip,omitempty" yaml:"strip"`       // with Best: levels that are set beside it and cannot be it
	Floor      string            `json:"floor,omitempty" yaml:"floor"`
	CensoredAt string            `json:"censored_at,omitempty" yaml:"censored_at"`
	Marks      map[string]string `json:"marks,omitempty" yaml:"marks"` // x value to label
}

// Columns is one column name or a list of them.
type Columns []string

// UnmarshalJSON accepts a string or a list.
func (c *Columns) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*c = Columns{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return err
	}
	*c = many
	return nil
}
