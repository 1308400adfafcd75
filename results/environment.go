package results

// Environment is the machine that a run was made on, before and after it.
type Environment struct {
	Before Machine  `json:"before"`
	After  *Machine `json:"after,omitempty"` // absent when the run was cut off
	// Resumed are the times that the run was gone on with after it had been
	// cut off, in order.
	Resumed []Session `json:"resumed,omitempty"`
	// Done says that nothing of the plan was left when the run ended, repeats
	// of noisy mini-blocks included. Runs of before it was told lack it.
	Done bool `json:"done,omitempty"`
	// Doctor is what looking at the machine before the run found; nil in runs
	// that were made before it was kept.
	Doctor *Checkup `json:"doctor,omitempty"`
}

// Session is one time that a run was gone on with.
type Session struct {
	FromTrial int     `json:"from_trial"` // the first trial of the session
	Machine   Machine `json:"machine"`    // when it began
	// Changed says what was not as when the run was last worked on, one
	// short phrase each (Machine.Changes), and what else differed. Such a
	// session was asked for in spite of it.
	Changed []string `json:"changed,omitempty"`
	Doctor  *Checkup `json:"doctor,omitempty"` // what looking at the machine then found
}

// last is the machine when the run was last worked on.
func (e Environment) last() Machine {
	if n := len(e.Resumed); n > 0 {
		return e.Resumed[n-1].Machine
	}
	return e.Before
}

// Machine are the facts that a figure must carry to mean anything.
type Machine struct {
	UnixNs       int64             `json:"unix_ns"`
	OS           string            `json:"os"`     // runtime.GOOS
	Arch         string            `json:"arch"`   // runtime.GOARCH
	Kernel       string            `json:"kernel"` // uname release and version
	CPUModel     string            `json:"cpu_model"`
	CPUs         int               `json:"cpus"`
	MemoryBytes  uint64            `json:"memory_bytes"`
	Virtual      string            `json:"virtual,omitempty"` // hypervisor, where told
	Mitigations  map[string]string `json:"mitigations,omitempty"`
	Governor     string            `json:"governor,omitempty"`
	ClockSource  string            `json:"clock_source,omitempty"`
	Congestion   string            `json:"congestion,omitempty"` // the system's default
	Sysctl       map[string]string `json:"sysctl,omitempty"`
	NoFileSoft   uint64            `json:"nofile_soft"`
	NoFileHard   uint64            `json:"nofile_hard"`
	GoVersion    string            `json:"go_version"`
	Medusa       string            `json:"medusa"` // version or VCS revision of the binary
	BinarySHA256 string            `json:"binary_sha256"`
	// LoadSHA256 is the hash of the binary that made the load, where that is
	// not the server's.
	LoadSHA256  string            `json:"load_binary_sha256,omitempty"`
	LoadAverage string            `json:"load_average,omitempty"`
	Backends    map[string]string `json:"backends"`          // name to "" or the reason why it is not here
	Unknown     []string          `json:"unknown,omitempty"` // facts that this system cannot supply
}
