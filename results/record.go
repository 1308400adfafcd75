package results

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

// MachinePart is what the machine did around and during the window.
type MachinePart struct {
	CPUs          int       `json:"cpus,omitempty"`  // of the machine
	ProbeBeforeNs []float64 `json:"probe_before_ns"` // per CPU: time of a fixed piece of work; empty where it cannot be pinned
	ProbeAfterNs  []float64 `json:"probe_after_ns"`
	StealShare    *float64  `json:"steal_share"`            // of all CPUs' time in the window; null where unknown
	ForeignShare  *float64  `json:"foreign_share"`          // CPU used by other programs than the trial's processes and the runner
	ForeignMost   string    `json:"foreign_most,omitempty"` // the other process that used the most of it, such as "sh (pid 4711) 24.1 %"
	// DeferredShare is the CPU time, of all CPUs' in the window, of threads of the
	// kernel that do what programs left to it (softirqs, RCU, work queues), those of
	// the trial foremost; it is not part of ForeignShare.
	DeferredShare *float64 `json:"deferred_share,omitempty"`
	PSISomeShare  *float64 `json:"psi_some_share"` // of the window, in which some task of the system waited for a CPU
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
