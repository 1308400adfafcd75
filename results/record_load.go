package results

// Recovery mirrors loadgen.Recovery.
type Recovery struct {
	Left     int    `json:"left"`
	Waiting  int    `json:"waiting"`
	Served   int    `json:"served"`
	Ns       *int64 `json:"ns,omitempty"`
	LimitNs  int64  `json:"limit_ns"`
	Censored bool   `json:"censored,omitempty"`
	Missing  string `json:"missing,omitempty"`
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
	Slow          *Slow             `json:"slow,omitempty"`
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
