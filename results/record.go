package results

import "encoding/json"

// SchemaVersion is written into every record. Readers accept every version up
// to it.
const SchemaVersion = 1

// Record is one trial: what was asked, what both ends reported, what the
// machine did meanwhile. The raw parts (Server, Load, Machine) are never
// changed once written; Metrics, Missing, Verdict and Reasons are derived from
// them by Derive and can always be computed again (`medusa verify`).
type Record struct {
	SchemaVersion int    `json:"schema_version"`
	Trial         int    `json:"trial"` // order of execution, from 1
	ID            string `json:"id"`    // names the trial's files
	Grid          string `json:"grid"`
	Block         int    `json:"block"`      // from 1
	MiniBlock     int    `json:"mini_block"` // unique in a run; pairs are formed only inside one
	Position      int    `json:"position"`   // in the mini-block, from 1
	Attempt       int    `json:"attempt"`    // 1, or more when its mini-block was noisy, or was cut off, and run again
	Role          string `json:"role"`       // "trial", "capacity" (a probe that sets a rate)
	Level         string `json:"level"`      // of the compared factor
	// Factors are the levels of this cell by factor name (strings or
	// numbers; a named level stands as its name). Settings are all settings
	// in force, those of a named level expanded.
	Factors  map[string]any `json:"factors"`
	Settings map[string]any `json:"settings"`
	// ScheduleSeed seeds the arrival schedule; equal inside a mini-block.
	ScheduleSeed  uint64 `json:"schedule_seed"`
	StartedUnixNs int64  `json:"started_unix_ns"`
	DurationNs    int64  `json:"duration_ns"` // of the whole trial, start to reaped
	InsideNs      int64  `json:"inside_ns"`   // of it, inside fill, warm-up and window
	// EdgesNs are when the window began and ended, on the clock that
	// snapshots are stamped by; none where the processes were on several
	// machines, and in records of before they were kept.
	EdgesNs []int64 `json:"edges_ns,omitempty"`

	Server *ServerPart `json:"server,omitempty"`
	Load   *LoadReport `json:"load,omitempty"`
	// LoadSettled is of the load process, taken after the server's Settled:
	// all connections open and silent, its garbage given back (full).
	LoadSettled *Snapshot `json:"load_settled,omitempty"`

	Machine *MachinePart `json:"machine,omitempty"`
	Fault   *FaultPart   `json:"fault,omitempty"`
	Failure *Failure     `json:"failure,omitempty"` // why the trial is failed

	Metrics map[string]float64 `json:"metrics"`
	// Missing says for each column without a value why it has none.
	Missing map[string]string `json:"missing,omitempty"`
	// Censored holds, for a quantile that falls among failed requests, the
	// request timeout: the value is known to be at least this.
	Censored map[string]float64 `json:"censored,omitempty"`
	// Open lists the quantiles with 30 to 99 expected exceedances, to be drawn open.
	Open    []string `json:"open,omitempty"`
	Verdict string   `json:"verdict"`
	Reasons []string `json:"reasons,omitempty"`
	// Notes say what is to be known of a trial whatever its verdict.
	Notes []string `json:"notes,omitempty"`
}

// Failure is why a trial has no result.
type Failure struct {
	Stage        string `json:"stage"`                   // "server-start", "fill", "window", "report", "stop", ...
	Reason       string `json:"reason"`                  // one line
	ServerStderr string `json:"server_stderr,omitempty"` // the last 4 KiB
	LoadStderr   string `json:"load_stderr,omitempty"`
}

// ServerPart is what the server process said.
type ServerPart struct {
	PID        int       `json:"pid"`
	Backend    string    `json:"backend"`
	Engine     string    `json:"engine"`
	Address    string    `json:"address"`
	GOMAXPROCS int       `json:"gomaxprocs"`
	CPUs       []int     `json:"cpus"`
	NoFile     uint64    `json:"nofile"`
	UsableFDs  int       `json:"usable_fds"`
	Start      *Snapshot `json:"start,omitempty"`  // listening, no connection yet (full)
	Filled     *Snapshot `json:"filled,omitempty"` // all connections open, before the warm-up (full)
	// Settled is taken after Filled where the trial asked for it: all
	// connections open and silent, the server's garbage given back (full).
	Settled *Snapshot `json:"settled,omitempty"`
	Quiet   *Snapshot `json:"quiet,omitempty"`  // at the end of the quiet time after Filled, if there is one (cheap)
	Before  *Snapshot `json:"before,omitempty"` // the window begins
	After   *Snapshot `json:"after,omitempty"`  // the window has ended
	End     *Snapshot `json:"end,omitempty"`    // the load process has gone (full)
	// Peer describes a server of another program; nil for medusa's own.
	Peer *Peer `json:"peer,omitempty"`
	// RequestsBy is ByLoad where the server counts no requests, and figures
	// for each request divide by those of the generator.
	RequestsBy string `json:"requests_by,omitempty"`
}

// ByLoad is a value of ServerPart.RequestsBy.
const ByLoad = "load"

// Peer mirrors control.Peer.
type Peer struct {
	Version string     `json:"version,omitempty"`
	Command []string   `json:"command"`
	Files   []PeerFile `json:"files,omitempty"`
}

// PeerFile mirrors control.PeerFile.
type PeerFile struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Snapshot mirrors control.Snapshot; see there for units.
type Snapshot struct {
	AtNs                int64             `json:"at_ns"`
	CPUNs               int64             `json:"cpu_ns"`
	Requests            uint64            `json:"requests"`
	Connections         int               `json:"connections"`
	Calls               map[string]uint64 `json:"calls"`
	Waits               uint64            `json:"waits"`
	Events              uint64            `json:"events"`
	BytesIn             uint64            `json:"bytes_in"`
	BytesOut            uint64            `json:"bytes_out"`
	Accepted            uint64            `json:"accepted"`
	AcceptFailures      uint64            `json:"accept_failures"`
	ListenPauses        uint64            `json:"listen_pauses"`
	Shed                uint64            `json:"shed,omitempty"`
	Reaped              uint64            `json:"reaped,omitempty"`
	StaleEvents         uint64            `json:"stale_events"`
	RingWorkers         int               `json:"ring_workers,omitempty"` // kernel threads that work for io_uring
	VoluntarySwitches   int64             `json:"voluntary_switches"`
	InvoluntarySwitches int64             `json:"involuntary_switches"`
	GCCycles            uint32            `json:"gc_cycles"`
	PIDs                []int             `json:"pids,omitempty"`
	Full                *Full             `json:"full,omitempty"`
}

// Full mirrors control.Full.
type Full struct {
	OpenFDs    int    `json:"open_fds"`
	RSSBytes   int64  `json:"rss_bytes"`
	AnonBytes  int64  `json:"anon_bytes"`
	HeapBytes  uint64 `json:"heap_bytes"`
	RunDelayNs int64  `json:"run_delay_ns"`
	Sockets    int    `json:"sockets"`
	// SlabBytes is 0 in records of before it was told, -1 where unknown.
	SlabBytes int64 `json:"slab_bytes,omitempty"`
	// UnusedBytes is 0 where unknown, and in records of before it was told.
	UnusedBytes int64 `json:"unused_bytes,omitempty"`
}

// Recovery mirrors loadgen.Recovery.
type Recovery struct {
	Left     int    `json:"left"`
	Waiting  int    `json:"waiting"`
	Served   int    `json:"served"`
	Ns       *int64 `json:"ns,omitempty"`
	LimitNs  int64  `json:"limit_ns"`
	Censored bool   `json:"censored,omitempty"`
}

// LoadReport is what `medusa load --json` writes: one object for one window.
// All times are nanoseconds. METHOD of measuring: a request belongs to the
// window by its intended time.
type LoadReport struct {
	SchemaVersion int    `json:"schema_version"`
	URL           string `json:"url"`
	Backend       string `json:"backend"` // of the generator
	Engine        string `json:"engine"`
	Pacing        string `json:"pacing"` // "busy" or "sleep"
	Mode          string `json:"mode"`   // "open" or "closed"
	Arrivals      string `json:"arrivals,omitempty"`
	Assign        string `json:"assign,omitempty"` // "turn": each client in turn is asked for; "": whichever is free
	Seed          uint64 `json:"seed"`
	ScheduleHash  string `json:"schedule_hash,omitempty"` // of the intended times; equal schedules have equal hashes
	TraceSHA256   string `json:"trace_sha256,omitempty"`  // of the file that a trace of arrivals was read from
	Active        int    `json:"active_connections"`
	Idle          int    `json:"idle_connections"`
	// IdleOpen are those still open at the end, and answered if they asked;
	// nil in reports of before they were counted.
	IdleOpen      *int    `json:"idle_open,omitempty"`
	TimeoutNs     int64   `json:"timeout_ns"`
	IntendedRate  float64 `json:"intended_rate"`  // requests/s; 0 in a closed loop
	AchievedRate  float64 `json:"achieved_rate"`  // requests completed well, of the window, per second of window
	DurationNs    int64   `json:"duration_ns"`    // of the window
	Scheduled     uint64  `json:"scheduled"`      // arrivals with an intended time in the window
	Sent          uint64  `json:"sent"`           // of them, sent
	Requests      uint64  `json:"requests"`       // of them, answered well
	SentLate      uint64  `json:"unsent_free"`    // of them, not sent although a connection was free
	BytesReceived uint64  `json:"bytes_received"` // of the window
	// Errors of the window's requests by kind: refused, reset, timeout,
	// unserved, status, short, wrong_bytes, local, shed.
	Errors     map[string]uint64 `json:"errors"`
	Response   Dist              `json:"response_ns"`    // intended start to last byte; failures count as later than all
	ResponseOK Dist              `json:"response_ok_ns"` // the same, survivors only
	Service    Dist              `json:"service_ns"`     // sent to last byte
	FirstByte  Dist              `json:"first_byte_ns"`  // sent to first byte
	Connect    Dist              `json:"connect_ns"`     // connect() to established
	Admission  Dist              `json:"admission_ns"`   // connect() to the first byte of the first reply
	Lag        Dist              `json:"lag_ns"`         // intended (or connection free, if later) to sent: the generator's fault
	Queue      Dist              `json:"queue_ns"`       // intended to a free connection: the server's doing
	// Series are consecutive parts of the window in order, for stationarity.
	Series []SeriesPoint `json:"series,omitempty"`
	// Spans are the parts into which the window was cut; none without a cut.
	Spans []Span `json:"spans,omitempty"`
	// MeanInFlight is the time-averaged number of requests between intended
	// start and end over the window; Little's law: it equals arrival rate
	// times mean response.
	MeanInFlight  float64 `json:"mean_in_flight"`
	SumInWindowNs float64 `json:"sum_in_window_ns"` // sum over requests of the part of [intended, end] inside the window
	// Onset is how many of the window's requests were answered well in each of
	// its first slots; records of older versions have none.
	Onset         *Onset            `json:"onset,omitempty"`
	QueueStart    int               `json:"queue_start"` // requests waiting for a connection when the window began
	QueueEnd      int               `json:"queue_end"`   // and when it ended
	Fate          map[string]uint64 `json:"fate"`        // connections by end of the trial: ok, unserved, refused, reset, timeout, local, closed, shed
	Recovery      *Recovery         `json:"recovery,omitempty"`
	Redialled     int               `json:"redialled,omitempty"` // clients that were served, let go, and came again
	Offered       int               `json:"offered"`             // connections attempted
	Opened        int               `json:"opened"`              // connected
	Admitted      int               `json:"admitted"`            // answered at least once
	FillNs        int64             `json:"fill_ns"`
	TotalSent     uint64            `json:"total_sent"` // requests over the whole life, for agreement of both ends
	TotalAnswered uint64            `json:"total_answered"`
	TotalBytesIn  uint64            `json:"total_bytes_in"`
	TotalBytesOut uint64            `json:"total_bytes_out"`
	CPUNs         int64             `json:"cpu_ns"`     // of the generator over the window
	SpunNs        int64             `json:"spun_ns"`    // of it, spent spinning
	BusyShare     float64           `json:"busy_share"` // (cpu - spun) / window
	Verdict       string            `json:"verdict"`    // the generator's own: "valid", "saturated" or "client-limited"
	Reasons       []string          `json:"reasons,omitempty"`
	Snapshot      *Snapshot         `json:"snapshot,omitempty"` // of the load process at the end
	Start         *Snapshot         `json:"start,omitempty"`
	// Processes are those that the load was divided among; none when it was one.
	// Their windows began within WindowSpreadNs.
	Processes      []LoadProcess `json:"processes,omitempty"`
	WindowSpreadNs int64         `json:"window_spread_ns,omitempty"`
	// LogError is why there is no latency log; "" where there is one, or none
	// was asked for.
	LogError string `json:"log_error,omitempty"`
	// Peer describes a generator that is another program. Told is what it
	// prints of latencies, by its own rules: p50, p90, p99, mean, min, max.
	Peer *Peer `json:"peer,omitempty"`
	// LeadNs is how long a generator of another program had run when the window
	// began; what it counts is of all its run.
	LeadNs int64            `json:"lead_ns,omitempty"`
	Told   map[string]int64 `json:"told_ns,omitempty"`
	Notes  []string         `json:"notes,omitempty"` // what is to be known of these
}

// LoadProcess is one of several processes that put a load on together.
type LoadProcess struct {
	PID       int     `json:"pid"`
	CPUs      []int   `json:"cpus"`
	Active    int     `json:"active_connections"`
	Idle      int     `json:"idle_connections"`
	BusyShare float64 `json:"busy_share"` // of the window
	CPUNs     int64   `json:"cpu_ns"`
	LagP99    *int64  `json:"lag_p99_ns"`
}

// Onset counts replies in consecutive slots since the window began: Fine slots
// of SlotNs, after them twice as long every Fine/2 slots.
type Onset struct {
	SlotNs   int64    `json:"slot_ns"`
	Fine     int      `json:"fine"`
	Answered []uint32 `json:"answered"`
}

// within is how many replies came in the first so many nanoseconds, and by how
// many that may be wrong; ok is false when the slots do not reach so far.
func (o *Onset) within(ns float64) (n, bound float64, ok bool) {
	if o == nil || o.SlotNs <= 0 || o.Fine < 2 {
		return 0, 0, false
	}
	width := float64(o.SlotNs)
	for i, answered := range o.Answered {
		if i >= o.Fine && (i-o.Fine)%(o.Fine/2) == 0 {
			width *= 2
		}
		if ns < width {
			return n + float64(answered)*ns/width, float64(answered), true
		}
		n, ns = n+float64(answered), ns-width
	}
	return 0, 0, false
}

// Dist is a distribution: nanoseconds unless the field says otherwise. A
// quantile is null when fewer than 30 exceedances are expected (Missing says
// so) or when it falls among failures (Censored has the timeout).
type Dist struct {
	Count    uint64            `json:"count"`
	Failed   uint64            `json:"failed,omitempty"` // of count, requests that failed
	Mean     *float64          `json:"mean"`
	Min      *int64            `json:"min"`
	P50      *int64            `json:"p50"`
	P90      *int64            `json:"p90"`
	P99      *int64            `json:"p99"`
	P999     *int64            `json:"p999"`
	Max      *int64            `json:"max"`
	Missing  map[string]string `json:"missing,omitempty"`
	Censored map[string]int64  `json:"censored,omitempty"`
	Open     []string          `json:"open,omitempty"` // 30 to 99 expected exceedances
}

// SeriesPoint is one part of the window.
type SeriesPoint struct {
	StartNs int64  `json:"start_ns"` // from the window's start
	Count   uint64 `json:"count"`    // requests whose intended time lies in it
	Failed  uint64 `json:"failed"`
	P50     int64  `json:"p50"` // of response, 0 where none
}

// MachinePart is what the machine did around and during the window.
type MachinePart struct {
	CPUs          int       `json:"cpus,omitempty"`  // of the machine
	ProbeBeforeNs []float64 `json:"probe_before_ns"` // per CPU: time of a fixed piece of work; empty where it cannot be pinned
	ProbeAfterNs  []float64 `json:"probe_after_ns"`
	StealShare    *float64  `json:"steal_share"`            // of all CPUs' time in the window; null where unknown
	ForeignShare  *float64  `json:"foreign_share"`          // CPU used by others than the trial's processes and the runner
	ForeignMost   string    `json:"foreign_most,omitempty"` // the other process that used the most of it, such as "sh (pid 4711) 24.1 %"
	PSISomeShare  *float64  `json:"psi_some_share"`         // of the window, in which some task of the system waited for a CPU
	// RunDelayShare is the time that the server's threads were ready to run
	// and waited for a CPU, summed, of the window; at most 1.
	RunDelayShare *float64 `json:"run_delay_share,omitempty"`
	// PSIQuietShare and RunDelayQuietShare are what the machine's certificate
	// found for both while nothing else ran; nil without a certificate.
	PSIQuietShare      *float64 `json:"psi_quiet_share,omitempty"`
	RunDelayQuietShare *float64 `json:"run_delay_quiet_share,omitempty"`
	SocketsBefore      *int     `json:"sockets_before"` // TCP sockets in use
	SocketsAfter       *int     `json:"sockets_after"`
	ListenOverflows    *uint64  `json:"listen_overflows"` // TcpExt over the trial
	ListenDrops        *uint64  `json:"listen_drops"`     // overflows and all other SYNs and connections dropped
	SynRetrans         *uint64  `json:"syn_retrans"`
	Unknown            []string `json:"unknown,omitempty"` // signals that this system cannot supply
}

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
	Kind       string            `json:"kind,omitempty" yaml:"kind"` // "lines" (default), "dots", "stacked_share"
	Grid       string            `json:"grid,omitempty" yaml:"grid"` // of a suite with several
	X          string            `json:"x" yaml:"x"`
	XScale     string            `json:"xscale,omitempty" yaml:"xscale"` // linear, log, log2, log1p
	Y          Columns           `json:"y" yaml:"y"`
	YScale     string            `json:"yscale,omitempty" yaml:"yscale"` // linear, log
	By         string            `json:"by,omitempty" yaml:"by"`         // default: the compared factor
	Facet      Columns           `json:"facet,omitempty" yaml:"facet"`
	Where      map[string]any    `json:"where,omitempty" yaml:"where"`
	RatioTo    string            `json:"ratio_to,omitempty" yaml:"ratio_to"`
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
