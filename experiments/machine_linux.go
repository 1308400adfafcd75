package experiments

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"medusa/results"
)

// sysctls that change what a trial on loopback meets.
var sysctls = []string{
	"net.core.somaxconn", "net.core.rmem_max", "net.core.wmem_max", "net.core.busy_poll", "net.core.busy_read",
	"net.ipv4.ip_local_port_range", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", "net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_max_tw_buckets",
	"net.ipv4.tcp_max_syn_backlog", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_autocorking", "net.ipv4.tcp_fin_timeout",
	"fs.file-max", "fs.nr_open", "kernel.randomize_va_space", "kernel.sched_autogroup_enabled",
}

// systemFacts reads /proc and /sys (proc(5), sysfs(5)).
func systemFacts(m *results.Machine) {
	unknown := func(what string) { m.Unknown = append(m.Unknown, what) }
	m.LoadAverage = firstLine("/proc/loadavg")
	m.ClockSource = firstLine("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	m.Congestion = firstLine("/proc/sys/net/ipv4/tcp_congestion_control")
	m.Governor = firstLine("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
	if m.Governor == "" {
		unknown("governor")
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.MemoryBytes = uint64(info.Totalram) * uint64(max(info.Unit, 1))
	} else {
		unknown("memory_bytes")
	}
	var flags []string
	if fs, err := procfs.NewDefaultFS(); err == nil {
		if cpus, err := fs.CPUInfo(); err == nil && len(cpus) > 0 {
			m.CPUModel, flags = cpus[0].ModelName, cpus[0].Flags
		}
	}
	if m.CPUModel == "" {
		unknown("cpu_model")
	}
	m.Virtual = hypervisor(slices.Contains(flags, "hypervisor"), m.ClockSource)
	m.Sysctl = map[string]string{}
	for _, name := range sysctls {
		if v := firstLine("/proc/sys/" + strings.ReplaceAll(name, ".", "/")); v != "" {
			m.Sysctl[name] = strings.Join(strings.Fields(v), " ")
		}
	}
	m.Mitigations = mitigations()
	if m.Mitigations == nil {
		unknown("mitigations")
	}
}

// mitigations reads what the kernel does about each vulnerability that it knows
// this processor to have.
func mitigations() map[string]string {
	const folder = "/sys/devices/system/cpu/vulnerabilities"
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	out := map[string]string{}
	for _, e := range entries {
		if v := firstLine(filepath.Join(folder, e.Name())); v != "" && v != "Not affected" {
			out[e.Name()] = v
		}
	}
	return out
}

// hypervisor names the virtual machine's host, as far as the guest is told.
func hypervisor(flagged bool, clockSource string) string {
	if t := firstLine("/sys/hypervisor/type"); t != "" {
		return t
	}
	if !flagged {
		return ""
	}
	vendor := strings.TrimSpace(firstLine("/sys/class/dmi/id/sys_vendor") + " " + firstLine("/sys/class/dmi/id/product_name"))
	switch {
	case vendor != "":
		return vendor
	case clockSource == "kvm-clock":
		return "kvm"
	}
	return "a hypervisor that does not name itself"
}
