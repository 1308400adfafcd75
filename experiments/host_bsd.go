//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package experiments

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// readHost reads what a plan needs to know by sysctl(3). The kernel bounds a
// process's descriptors also by kern.maxfilesperproc, whatever RLIMIT_NOFILE
// says. Processes are not tied to CPUs here.
func readHost() Host {
	h := Host{NoFile: noFileHard()}
	for cpu := range runtime.NumCPU() {
		h.CPUs = append(h.CPUs, cpu)
	}
	if n, err := unix.SysctlUint32("kern.maxfilesperproc"); err == nil && uint64(n) < h.NoFile {
		h.NoFile = uint64(n)
	}
	first, errFirst := unix.SysctlUint32("net.inet.ip.portrange.first")
	last, errLast := unix.SysctlUint32("net.inet.ip.portrange.last")
	if errFirst == nil && errLast == nil && last >= first {
		h.Ports = int(last-first) + 1
	}
	return h
}
