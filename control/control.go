// Package control is what the processes of a trial say to each other: JSON
// objects, one a line, over their standard streams. The runner starts a server
// process and a load process with `--control stdio`, writes commands to their
// standard input and reads events from their standard output. End of file on
// standard input ends a process, so that a runner that was killed leaves no
// orphan. Because nothing but lines on standard streams is used, a command
// prefix (ssh, srun) puts either process on another machine.
//
// The conversation:
//
//	server -> {"event":"ready", ...}               listening
//	load   -> {"event":"ready", ...}               started
//	load   -> {"event":"filled", ...}              every connection was opened, or given up
//	runner -> {"do":"go"}                          to load: warm up
//	load   -> {"event":"measure","at_ns":N}        the window begins
//	load   -> {"event":"done","at_ns":N}           the window has ended (what is in flight still drains)
//	load   -> {"event":"report","report":{...}}    everything measured; the process then ends
//	runner -> {"do":"snapshot","full":bool,"settle":bool}   to server, at any time
//	server -> {"event":"snapshot","snapshot":{...}}
//	runner -> {"do":"go"}                          to a fault process (medusa fault): begin
//	fault  -> {"event":"began","at_ns":N}          and {"event":"ended","at_ns":N}
//	fault  -> {"event":"report","report":{...}}    what it did
//	runner -> {"do":"stop"}                        to either; the process finishes and ends with status 0
//	either -> {"event":"error","message":"..."}    it failed, and ends with status 1
//
// A load process may divide its work among copies of itself, which speak the
// same with it, and hear two commands more:
//
//	parent -> {"do":"fill","at_ns":N}              open the connections, from that moment on
//	parent -> {"do":"report"}                      to those that send no requests: the others have ended
//
// A server of several processes has the others started by the one that speaks,
// and its snapshots are their sums.
package control

import "encoding/json"

// Command is one line to a process.
type Command struct {
	Do   string `json:"do"` // "go", "snapshot", "stop"; of parts also "fill", "report"
	Full bool   `json:"full,omitempty"`
	// AtNs, of "go" and "fill", is when what it begins is to begin, on
	// CLOCK_MONOTONIC; 0 is at once.
	AtNs int64 `json:"at_ns,omitempty"`
	// Settle, of a snapshot: the process first settles, see Settle. It costs
	// CPU time and memory that a window should not have to pay for.
	Settle bool `json:"settle,omitempty"`
}

// Event is one line from a process.
type Event struct {
	Event    string          `json:"event"` // "ready", "filled", "measure", "done", "report", "snapshot", "error"
	AtNs     int64           `json:"at_ns,omitempty"`
	Message  string          `json:"message,omitempty"`
	*Ready                   // of "ready": its fields stand in the line itself
	Snapshot *Snapshot       `json:"snapshot,omitempty"`
	Filled   *Filled         `json:"filled,omitempty"`
	Report   json.RawMessage `json:"report,omitempty"`
	// PIDs, of "filled" and "measure", are processes that do the load's work for
	// the one that speaks; of a server's "ready", the server's.
	PIDs []int `json:"pids,omitempty"`
}

// Ready describes a process that has started. A server has a key for each
// service, with the address it listens on.
type Ready struct {
	HTTP string `json:"http,omitempty"`
	Raw  string `json:"raw,omitempty"`
	Echo string `json:"echo,omitempty"`
	FTP  string `json:"ftp,omitempty"`

	PID        int    `json:"pid"`
	Backend    string `json:"backend"`
	Engine     string `json:"engine"` // "readiness", "goroutines", ...
	GOMAXPROCS int    `json:"gomaxprocs"`
	CPUs       []int  `json:"cpus"`     // the CPUs that the process may run on; empty where unknown
	NoFile     uint64 `json:"nofile"`   // RLIMIT_NOFILE, soft
	OpenFDs    int    `json:"open_fds"` // descriptors open at this moment
	// UsableFDs is how many connections the server holds at most: nofile - open -
	// reserve, or --max-connections if that is less. Of a load process it is how
	// many fit.
	UsableFDs  int   `json:"usable_fds"`
	ReserveFDs int   `json:"reserve_fds,omitempty"` // of a server: descriptors kept free of connections
	Peer       *Peer `json:"peer,omitempty"`
}

// Peer describes a program that is not ours, whose process (and those that it
// starts) another process of ours watches and speaks for.
type Peer struct {
	Version string     `json:"version,omitempty"` // as the program tells it, one line
	Command []string   `json:"command"`           // as it was started
	Files   []PeerFile `json:"files,omitempty"`   // that it was configured with, or made from
}

// PeerFile is a file as it stands in the suite, before names are filled in.
type PeerFile struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Filled says what became of the connections of a load process.
type Filled struct {
	Offered  int   `json:"offered"`  // connections attempted
	Open     int   `json:"open"`     // connected
	Admitted int   `json:"admitted"` // connected and answered once
	FillNs   int64 `json:"fill_ns"`
}

// Snapshot is the state of a process, stamped by itself. The cheap part is
// taken always; the fields of Full cost the process up to some milliseconds
// and are asked for outside of a window only.
type Snapshot struct {
	AtNs                int64             `json:"at_ns"`  // CLOCK_MONOTONIC of the process's machine
	CPUNs               int64             `json:"cpu_ns"` // CLOCK_PROCESS_CPUTIME_ID
	Requests            uint64            `json:"requests"`
	Connections         int               `json:"connections"` // open now
	Calls               map[string]uint64 `json:"calls"`       // system calls by kind
	Waits               uint64            `json:"waits"`       // turns in which the engine asked the system what is ready
	Events              uint64            `json:"events"`
	BytesIn             uint64            `json:"bytes_in"`
	BytesOut            uint64            `json:"bytes_out"`
	Accepted            uint64            `json:"accepted"`
	AcceptFailures      uint64            `json:"accept_failures"`
	ListenPauses        uint64            `json:"listen_pauses"`
	Shed                uint64            `json:"shed,omitempty"`       // clients refused at the limit
	Reaped              uint64            `json:"reaped,omitempty"`     // idle connections closed at the limit
	ColdReads           uint64            `json:"cold_reads,omitempty"` // parts of files that were read from the disk for the loop
	StaleEvents         uint64            `json:"stale_events"`
	BufferBytes         int64             `json:"buffer_bytes,omitempty"` // user-space buffers that connections have in hand
	RingWorkers         int               `json:"ring_workers,omitempty"` // kernel threads that work for io_uring
	VoluntarySwitches   int64             `json:"voluntary_switches"`
	InvoluntarySwitches int64             `json:"involuntary_switches"`
	GCCycles            uint32            `json:"gc_cycles"`
	PIDs                []int             `json:"pids,omitempty"` // the processes that it is of, where not the one that speaks alone
	// TCPMemoryBytes is what TCP holds in the buffers of all sockets of the
	// machine, both ends of its loopback connections included; nil where unknown.
	TCPMemoryBytes *int64 `json:"tcp_memory_bytes,omitempty"`
	Full           *Full  `json:"full,omitempty"`
}

// Full is the part of a snapshot that is expensive to take.
type Full struct {
	OpenFDs    int    `json:"open_fds"`
	RSSBytes   int64  `json:"rss_bytes"`
	AnonBytes  int64  `json:"anon_bytes"`   // smaps_rollup Anonymous; -1 where unknown
	HeapBytes  uint64 `json:"heap_bytes"`   // Go heap in use
	RunDelayNs int64  `json:"run_delay_ns"` // /proc/self/schedstat; -1 where unknown
	Sockets    int    `json:"sockets"`      // TCP sockets in use system-wide, -1 where unknown
	SlabBytes  int64  `json:"slab_bytes"`   // the kernel's slabs system-wide: proc(5), meminfo Slab; -1 where unknown
	// UnusedBytes is memory that neither a process nor the kernel needs,
	// system-wide: proc(5), meminfo MemFree, Buffers and Cached; 0 where unknown.
	// MemAvailable is no such thing: it has part of the slabs that could be
	// reclaimed, among them the inode and the directory entry of each socket,
	// which cannot be while it is open.
	UnusedBytes int64 `json:"unused_bytes,omitempty"`
}
