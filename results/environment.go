package results

// Environment is the machine that a run was made on, before and after it.
type Environment struct {
	Before Machine  `json:"before"`
	After  *Machine `json:"after,omitempty"` // absent when the run was cut off
	// Doctor is what looking at the machine before the run found; nil in runs
	// that were made before it was kept.
	Doctor *Checkup `json:"doctor,omitempty"`
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
	LoadAverage  string            `json:"load_average,omitempty"`
	Backends     map[string]string `json:"backends"`          // name to "" or the reason why it is not here
	Unknown      []string          `json:"unknown,omitempty"` // facts that this system cannot supply
}
