//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package experiments

import (
	"golang.org/x/sys/unix"

	"medusa/results"
)

// systemFacts reads by sysctl(3). Names differ between the systems; the first
// that is there counts.
func systemFacts(m *results.Machine) {
	m.CPUModel = firstSysctl("machdep.cpu.brand_string", "hw.model")
	for _, name := range []string{"hw.memsize", "hw.physmem", "hw.physmem64"} {
		if n, err := unix.SysctlUint64(name); err == nil {
			m.MemoryBytes = n
			break
		}
	}
	m.ClockSource = firstSysctl("kern.timecounter.hardware")
	m.Congestion = firstSysctl("net.inet.tcp.cc.algorithm")
	m.Virtual = firstSysctl("kern.vm_guest")
	m.Sysctl = map[string]string{}
	for _, name := range []string{"kern.ipc.somaxconn", "kern.maxfilesperproc", "net.inet.ip.portrange.first", "net.inet.ip.portrange.last"} {
		if n, err := unix.SysctlUint32(name); err == nil {
			m.Sysctl[name] = show(float64(n))
		}
	}
	if m.CPUModel == "" {
		m.Unknown = append(m.Unknown, "cpu_model")
	}
	if m.MemoryBytes == 0 {
		m.Unknown = append(m.Unknown, "memory_bytes")
	}
	m.Unknown = append(m.Unknown, "mitigations", "governor", "load_average")
}

func firstSysctl(names ...string) string {
	for _, name := range names {
		if v, err := unix.Sysctl(name); err == nil && v != "" {
			return v
		}
	}
	return ""
}
