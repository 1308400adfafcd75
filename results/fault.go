package results

// FaultPart is what was done to the server of a trial on purpose, and what became
// of it. Moments are of the clock that snapshots are stamped by.
type FaultPart struct {
	Kind        string `json:"kind"` // "none": nothing was, so that there is something to compare with
	Connections int    `json:"connections"`
	// FromNs and ToNs are where in the window it was meant to be: what others
	// saw is told before, between and after.
	FromNs  int64 `json:"from_ns"`
	ToNs    int64 `json:"to_ns"`
	BeganNs int64 `json:"began_ns,omitempty"`
	EndedNs int64 `json:"ended_ns,omitempty"`
	// Did counts what the clients of the fault did, by their own account; none
	// where the fault was not clients, or they were killed.
	Did map[string]uint64 `json:"did,omitempty"`
	// Recovered says that the server was back at the connections that it had
	// before, and WatchedNs when that was seen first, or how long it was
	// looked for, from EndedNs.
	Recovered bool  `json:"recovered,omitempty"`
	WatchedNs int64 `json:"watched_ns,omitempty"`
	// The server when it had not had a connection yet, and when all had gone,
	// its garbage given back both times (full).
	SettledBefore *Snapshot `json:"settled_before,omitempty"`
	SettledAfter  *Snapshot `json:"settled_after,omitempty"`
}

// Span mirrors loadgen.Span: the requests of a part of the window.
type Span struct {
	FromNs   int64  `json:"from_ns"` // from the window's start
	ToNs     int64  `json:"to_ns"`
	Count    uint64 `json:"count"`
	Failed   uint64 `json:"failed"`
	Response Dist   `json:"response_ns"`
}

// FaultNone is the Kind of a trial to which nothing was done.
const FaultNone = "none"

// disturbs says that a fault was put on the server.
func (f *FaultPart) disturbs() bool { return f != nil && f.Kind != FaultNone }

// asked is what the clients of the fault may have added, at most, to the requests
// and bytes that the server counts; a refusal that nobody asked for counts as a
// request. known is false where they were killed before they could tell.
func (f *FaultPart) asked() (requests, bytes uint64, known bool) {
	if !f.disturbs() || f.Kind == "server-stopped" {
		return 0, 0, true
	}
	return f.Did["requests"] + f.Did["opened"], f.Did["bytes_out"], f.Did != nil
}
