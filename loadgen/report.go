package loadgen

import (
	"fmt"
	"time"

	"medusa/control"
	"medusa/poller/loop"
)

// schemaVersion is that of Report.
const schemaVersion = 1

// Report is what `medusa load --json` writes: one object for one window. All
// times are nanoseconds. A request belongs to the window by its intended time.
type Report struct {
	SchemaVersion int    `json:"schema_version"`
	URL           string `json:"url"`
	Backend       string `json:"backend"` // of the generator
	Engine        string `json:"engine"`
	Pacing        string `json:"pacing"` // "busy" or "sleep"
	Mode          string `json:"mode"`   // "open" or "closed"
	Arrivals      string `json:"arrivals,omitempty"`
	Assign        string `json:"assign,omitempty"` // "turn": each client in turn is asked for; "": whichever is free
	Seed          uint64 `json:"seed"`
	ScheduleHash  string `json:"schedule_hash,omitempty"` // of the intended times; see Schedule.Window
	TraceSHA256   string `json:"trace_sha256,omitempty"`  // of the file that a trace of arrivals was read from
	Active        int    `json:"active_connections"`
	Depth         int    `json:"depth"` // requests that an active connection of a closed loop kept on their way
	Idle          int    `json:"idle_connections"`
	// IdleOpen are the idle connections that were still open when the drain
	// had ended, and whose first request, if they were to make one, had been
	// answered. Fewer than Idle: the load was not what was asked for.
	IdleOpen int `json:"idle_open"`
	// PerConnection is how many requests a connection had, 0 for any number, and
	// ReadRate the rate that each active one was read at, in bytes/s, 0 for any.
	PerConnection int     `json:"requests_per_connection,omitempty"`
	ReadRate      int64   `json:"read_rate_bytes_per_s,omitempty"`
	TimeoutNs     int64   `json:"timeout_ns"`
	IntendedRate  float64 `json:"intended_rate"`  // requests/s; of a trace the mean over the window; 0 in a closed loop
	AchievedRate  float64 `json:"achieved_rate"`  // requests answered well, a second of window
	DurationNs    int64   `json:"duration_ns"`    // of the window
	Scheduled     uint64  `json:"scheduled"`      // requests with an intended time in the window
	Sent          uint64  `json:"sent"`           // of them, sent
	Requests      uint64  `json:"requests"`       // of them, answered well
	SentLate      uint64  `json:"unsent_free"`    // of them, not sent although a connection was free
	BytesReceived uint64  `json:"bytes_received"` // of the replies to the window's requests, their heads included
	// Errors of the window's requests by kind; kinds that did not occur are
	// left out.
	Errors     map[string]uint64 `json:"errors"`
	Response   Dist              `json:"response_ns"`    // intended start to last byte; failures count as later than all
	ResponseOK Dist              `json:"response_ok_ns"` // the same, survivors only
	Service    Dist              `json:"service_ns"`     // sent to last byte, survivors only
	FirstByte  Dist              `json:"first_byte_ns"`  // sent to first byte, survivors only
	// Connect is connect() to established, of all connections that were; with
	// a connection for each request, of the window's and the idle ones.
	Connect Dist `json:"connect_ns"`
	// Admission is connect() to the first byte of the first reply. Connections
	// of the fill that were never answered count as later than all, known to
	// have waited for the fill limit.
	Admission     Dist              `json:"admission_ns"`
	Lag           Dist              `json:"lag_ns"`   // intended (or connection free, if later) to sent; of all that were sent; open loop only
	Queue         Dist              `json:"queue_ns"` // intended to a free connection; those that never got one count as later than all; open loop only
	Series        []SeriesPoint     `json:"series,omitempty"`
	Spans         []Span            `json:"spans,omitempty"`  // of Spec.Spans
	MeanInFlight  float64           `json:"mean_in_flight"`   // integrated over the window
	SumInWindowNs float64           `json:"sum_in_window_ns"` // sum over requests of their time inside the window; Little's law: the same as mean_in_flight times duration
	QueueStart    int               `json:"queue_start"`      // requests waiting for a connection when the window began
	QueueEnd      int               `json:"queue_end"`        // and when it ended
	Onset         Onset             `json:"onset"`            // replies at the beginning of the window
	Fate          map[string]uint64 `json:"fate"`             // connections by what became of them; together they are Offered
	Offered       int               `json:"offered"`          // connections attempted
	Opened        int               `json:"opened"`           // of them, established
	Admitted      int               `json:"admitted"`         // of those of the fill but the slow ones, answered at least once
	// Redialled are the connections with which clients came again whose own had
	// been answered before the server ended it, in a load that does not replace
	// lost ones: see Spec.Redial.
	Redialled int       `json:"redialled,omitempty"`
	Recovery  *Recovery `json:"recovery,omitempty"`
	Slow      *Slow     `json:"slow,omitempty"`
	// Stored is absent where nothing was stored by FTP.
	Stored        *Stored           `json:"stored,omitempty"`
	FillNs        int64             `json:"fill_ns"`
	TotalSent     uint64            `json:"total_sent"`     // requests over the whole life, those of the fill included
	TotalAnswered uint64            `json:"total_answered"` // whole replies, whatever they said
	TotalBytesIn  uint64            `json:"total_bytes_in"`
	TotalBytesOut uint64            `json:"total_bytes_out"`
	CPUNs         int64             `json:"cpu_ns"`     // of the generator's process, or all of them, over the window
	SpunNs        int64             `json:"spun_ns"`    // of it, spent polling with nothing to do
	BusyShare     float64           `json:"busy_share"` // (cpu - spun) / window; of several processes the largest
	Verdict       string            `json:"verdict"`    // the generator's own: "valid", "saturated" or "client-limited"
	Reasons       []string          `json:"reasons,omitempty"`
	Snapshot      *control.Snapshot `json:"snapshot,omitempty"` // of the load process at the end
	Start         *control.Snapshot `json:"start,omitempty"`    // and before the fill
	// Processes are those that the load was divided among; none when it was one.
	// Their windows began within WindowSpreadNs.
	Processes      []Process `json:"processes,omitempty"`
	WindowSpreadNs int64     `json:"window_spread_ns,omitempty"`
	// LogError is why a trial's latency log was left out; "" where it was
	// written, or not asked for.
	LogError string `json:"log_error,omitempty"`
}

// snapshot is the state of the process and of its loop.
func snapshot(l *loop.Loop, full bool) control.Snapshot {
	var s control.Snapshot
	if l.Engine() != "sim" {
		s = control.Take(full)
	}
	c := l.Counts()
	s.Connections, s.Calls = c.Open, c.Calls.Map()
	s.Waits, s.Events, s.BytesIn, s.BytesOut = c.Waits, c.Events, c.BytesIn, c.BytesOut
	s.Accepted, s.AcceptFailures = c.Accepted, c.AcceptFailures
	s.ListenPauses, s.StaleEvents = c.ListenPauses, c.StaleEvents
	s.RingWorkers = l.Workers()
	return s
}

// makeReport is called once, when every request has ended.
func (g *ledger) makeReport() *Report {
	rec := g.rec
	rec.join()
	seconds := g.s.Duration.Seconds()
	failed := rec.failed()
	r := &Report{
		SchemaVersion: schemaVersion, URL: redacted(g.s.URL), Backend: g.backend, Engine: g.engine,
		Pacing: g.s.Pacing, Mode: "closed", Active: g.s.Connections, Depth: g.s.Depth, Idle: g.s.Idle, IdleOpen: g.idleOpen,
		TimeoutNs: int64(g.s.Timeout), DurationNs: int64(g.s.Duration),
		Scheduled: rec.scheduled, Sent: rec.sent, Requests: rec.errors[OK], SentLate: rec.lateFree,
		AchievedRate:  float64(rec.errors[OK]) / seconds,
		BytesReceived: rec.bytes,
		Errors:        map[string]uint64{},
		Response:      rec.response.publish(failed, g.s.Timeout),
		ResponseOK:    rec.response.publish(0, 0),
		Service:       rec.service.publish(0, 0),
		FirstByte:     rec.firstByte.publish(0, 0),
		Connect:       rec.connect.publish(0, 0),
		// Whoever was never answered waited longer than those who were.
		Admission:    rec.admission.publish(uint64(g.begun-g.admitted-g.unasked), max(g.s.FillLimit, time.Duration(rec.admission.max))),
		Lag:          rec.lag.publish(0, 0),
		Queue:        rec.queue.publish(rec.unassigned, g.s.Timeout),
		Series:       rec.series.points(int64(g.s.Timeout)),
		Spans:        rec.spans.publish(g.s.Timeout),
		Onset:        rec.onset,
		MeanInFlight: rec.flow.meanInFlight(), SumInWindowNs: float64(rec.flow.sum),
		QueueStart: g.queueStart, QueueEnd: g.queueEnd,
		Fate:    map[string]uint64{},
		Offered: g.offered, Opened: g.openedCount, Admitted: g.admitted, FillNs: g.fillNs,
		TotalSent: g.sent, TotalAnswered: g.answered,
		TotalBytesIn: g.final.BytesIn, TotalBytesOut: g.final.BytesOut,
		CPUNs: g.edge[1].cpu - g.edge[0].cpu, SpunNs: int64(g.edge[1].spun - g.edge[0].spun),
		Snapshot: &g.final, Start: &g.start,
		Redialled: g.redialled, Recovery: g.recovery, Slow: g.slowCounts.report(g.s),
		PerConnection: g.s.each(), ReadRate: g.s.ReadRate,
		Processes: g.processes, WindowSpreadNs: g.spread,
	}
	if s := g.storedCounts; s != (Stored{}) {
		r.Stored = &s
	}
	for k, n := range rec.errors {
		if Kind(k) != OK && n > 0 {
			r.Errors[Kind(k).String()] = n
		}
	}
	for f, n := range g.fates {
		if n > 0 {
			r.Fate[fateNames[f]] = n
		}
	}
	if elapsed := g.edge[1].at - g.edge[0].at; elapsed > 0 {
		r.BusyShare = max(0, float64(r.CPUNs-r.SpunNs)/float64(elapsed))
	}
	if len(g.processes) > 0 {
		r.BusyShare = 0 // of one: the busiest is the first at its limit
	}
	for _, p := range g.processes {
		r.BusyShare = max(r.BusyShare, p.BusyShare)
	}
	odd := g.limits
	if n := g.storedCounts; n.Differed > 0 {
		odd = append(odd, fmt.Sprintf("%d of the %d files that were stored last are not what was sent", n.Differed, n.Verified+n.Differed+n.Unread))
	}
	if !g.s.Closed {
		if g.s.Assign == AssignTurn {
			r.Assign = AssignTurn
		}
		r.Mode, r.Arrivals, r.Seed, r.IntendedRate = "open", g.s.Schedule.Arrivals, g.s.Schedule.Seed, g.s.Schedule.Rate
		var planned uint64
		planned, r.ScheduleHash = g.s.Schedule.Window(loop.Time(g.s.Warmup), loop.Time(g.s.Warmup+g.s.Duration))
		if t := g.s.Schedule.Trace; t != nil {
			r.IntendedRate, r.TraceSHA256 = float64(planned)/seconds, t.SHA256
		}
		if planned != rec.scheduled {
			odd = append(odd, fmt.Sprintf("%d requests of the schedule lie in the window, but %d were taken from it", planned, rec.scheduled))
		}
	}
	if n := rec.backward(); n > 0 {
		odd = append(odd, fmt.Sprintf("%d durations were negative: the clock went backwards", n))
	}
	r.Verdict, r.Reasons = verdict(r, rec.flow.waiting(), odd)
	return r
}
