package experiments

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// readHost reads what a plan needs to know from the kernel: the affinity mask
// (sched_getaffinity(2)), RLIMIT_NOFILE, ip(7) ip_local_port_range and
// tcp(7) tcp_available_congestion_control.
func readHost() Host {
	h := Host{Loopback: true}
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) == nil {
		for cpu := 0; cpu < len(set)*strconv.IntSize; cpu++ {
			if set.IsSet(cpu) {
				h.CPUs = append(h.CPUs, cpu)
			}
		}
		h.Pin = true
	} else {
		for cpu := range runtime.NumCPU() {
			h.CPUs = append(h.CPUs, cpu)
		}
	}
	h.NoFile = noFileHard()
	if f := strings.Fields(firstLine("/proc/sys/net/ipv4/ip_local_port_range")); len(f) == 2 {
		lo, errLo := strconv.Atoi(f[0])
		hi, errHi := strconv.Atoi(f[1])
		if errLo == nil && errHi == nil && hi >= lo {
			h.Ports = hi - lo + 1
		}
	}
	h.Congestion = strings.Fields(firstLine("/proc/sys/net/ipv4/tcp_available_congestion_control"))
	return h
}

// firstLine returns the first line of a file, without blanks around it; "" when
// it cannot be read.
func firstLine(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line)
}
