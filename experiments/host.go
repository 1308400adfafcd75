package experiments

import (
	"fmt"
	"slices"
	"sort"

	"medusa/results"
)

// BackendInfo is one I/O backend that a suite may name.
type BackendInfo struct {
	Name string
	// Why says why this system does not have it, or forbids it; "" where it is
	// here. It is never a failure of the moment, such as too few descriptors:
	// that fails the trials, and with all of its trials the run.
	Why string
}

// Host is what a plan needs to know about a machine.
type Host struct {
	Backends []BackendInfo
	// Peers are the servers of other programs that a suite names.
	Peers []BackendInfo
	// Generators are the load generators of other programs that it names.
	Generators []BackendInfo
	// Program finds a program's file; nil looks on this machine.
	Program func(name string) (string, error)
	// CPUs are the CPUs that processes may run on, or as many numbers as
	// there are CPUs where they cannot be pinned.
	CPUs []int
	// Pin says that the system can tie a process to a CPU.
	Pin bool
	// NoFile is the hard limit of descriptors of a process.
	NoFile uint64
	// Ports is the number of ephemeral ports, which bounds the connections
	// from one source address to one destination; 0: unknown.
	Ports int
	// Congestion are the congestion controls that may be asked for; empty:
	// unknown.
	Congestion []string
	// Loopback says that all of 127/8 is this machine (Linux), so that each
	// trial can have an address of its own.
	Loopback bool
}

// ThisHost describes the machine that the program runs on.
func ThisHost(backends []BackendInfo) Host {
	h := readHost()
	h.Backends = backends
	return h
}

// here returns the names of the backends that this system has.
func (h Host) here() []string {
	var names []string
	for _, b := range h.Backends {
		if b.Why == "" {
			names = append(names, b.Name)
		}
	}
	return names
}

// all are medusa's own backends and the servers of other programs.
func (h Host) all() []BackendInfo { return slices.Concat(h.Backends, h.Peers) }

// backend returns why a backend cannot be used. The error is for a name that
// no system has.
func (h Host) backend(name string) (why string, err error) {
	var names []string
	for _, b := range h.all() {
		if b.Name == name {
			return b.Why, nil
		}
		names = append(names, b.Name)
	}
	return "", fmt.Errorf("there is no backend %q; the nearest is %q", name, results.Nearest(name, names))
}

// serverCPUs and loadCPU divide the CPUs: the server gets the first n, the
// generator the last, which on common numberings is no sibling of the first.
// On a single CPU both share it.
func (h Host) serverCPUs(n int) []int {
	if n > len(h.CPUs)-1 {
		n = max(len(h.CPUs)-1, 1)
	}
	return h.CPUs[:min(n, len(h.CPUs))]
}

func (h Host) loadCPU() int {
	return h.CPUs[len(h.CPUs)-1]
}

// faultCPU is for the clients of a fault: one that neither the server nor the load
// has, or else the load's, which they then have the rest of (see faultArgs).
func (h Host) faultCPU(serverCPUs int) int {
	if free := len(h.CPUs) - 2; free >= len(h.serverCPUs(serverCPUs)) {
		return h.CPUs[free]
	}
	return h.loadCPU()
}

// probed returns the CPUs whose speed is measured around a trial: those that
// the trial uses.
func (h Host) probed(serverCPUs int) []int {
	if !h.Pin || len(h.CPUs) == 0 {
		return nil
	}
	cpus := append([]int(nil), h.serverCPUs(serverCPUs)...)
	if last := h.loadCPU(); last != cpus[len(cpus)-1] {
		cpus = append(cpus, last)
	}
	sort.Ints(cpus)
	return cpus
}
