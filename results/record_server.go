package results

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
	ColdReads           uint64            `json:"cold_reads,omitempty"`
	StaleEvents         uint64            `json:"stale_events"`
	BufferBytes         int64             `json:"buffer_bytes,omitempty"`
	RingWorkers         int               `json:"ring_workers,omitempty"` // kernel threads that work for io_uring
	VoluntarySwitches   int64             `json:"voluntary_switches"`
	InvoluntarySwitches int64             `json:"involuntary_switches"`
	GCCycles            uint32            `json:"gc_cycles"`
	PIDs                []int             `json:"pids,omitempty"`
	TCPMemoryBytes      *int64            `json:"tcp_memory_bytes,omitempty"`
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
