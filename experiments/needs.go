package experiments

import (
	"strconv"
	"strings"

	"medusa/experiments/doctor"
)

// What a suite is reckoned to take, on the generous side: these only decide
// whether a warning is due.
const (
	bytesOfTrial      = 32 << 10  // in a run folder: record, latency log, its part of the plan and of the figures
	bytesOfRun        = 16 << 20  // beside its trials
	bytesOfProcess    = 128 << 20 // of each process, without connections
	bytesOfConnection = 64 << 10  // both ends of it, and the kernel's part
	roomyNoFile       = 1 << 30   // a limit of descriptors that keeps no cell out
)

// needs reckons what a suite asks of a machine, with the cells that it would
// have if descriptors were not limited.
func needs(s *Suite, r Request, h Host) doctor.Needs {
	n := doctor.Needs{Suite: s.Name}
	plan, err := MakePlan(s, r, h)
	if err != nil {
		n.Stop = err
	} else {
		for _, skip := range plan.Skipped {
			n.LostCells += skip.Cells
			n.LostWhy = skip.Why
		}
	}
	roomy := h
	roomy.NoFile = roomyNoFile
	if whole, err := MakePlan(s, r, roomy); err == nil {
		plan = whole
	}
	if plan == nil {
		return n
	}
	for _, b := range plan.NotHere {
		n.Backends = append(n.Backends, b.Backend)
	}
	processes := 1
	for i := range plan.Trials {
		n.Disk += bytesOfTrial
		v := values(plan.Trials[i].Settings)
		if most := connections(v); most >= n.Connections {
			n.Connections = most
			n.Descriptors = descriptors(v, most)
		}
		if b := v.text("backend"); !contains(n.Backends, b) {
			n.Backends = append(n.Backends, b)
		}
		processes = max(processes, v.serverProcesses())
		n.ServerCPUs = max(n.ServerCPUs, int(v.number("server_cpus")))
		n.Churn = n.Churn || v.churns()
		n.SystemCongestion = n.SystemCongestion || !v.has("congestion")
		n.Settles = n.Settles || v.on("settle_memory")
		n.Body = max(n.Body, responseBytes(v))
	}
	n.Disk += bytesOfRun
	n.Memory = uint64(1+processes)*bytesOfProcess + uint64(min(n.Connections, int(h.NoFile)))*bytesOfConnection
	return n
}

// descriptors is how many one process of a trial with so many connections needs
// at most. A server that is offered a share of what it can hold has just its
// limit, and load processes that are not counted are as many as they need to be.
func descriptors(v values, connections int) uint64 {
	processes := v.serverProcesses()
	server := uint64((connections+processes-1)/processes + reserveFDs)
	if v.has("offered_share") {
		server = uint64(v.number("nofile"))
	}
	processes = int(v.number("load_processes"))
	if v.text("generator") != "" {
		processes = 1
	}
	if processes == 0 {
		return server
	}
	return max(server, uint64((connections+processes-1)/processes+reserveFDs))
}

// responseBytes is the size of a response, as far as the settings tell; 0
// where they do not.
func responseBytes(v values) int64 {
	if v.text("protocol") == "echo" {
		return int64(v.number("message_bytes"))
	}
	size, ok := strings.CutPrefix(v.text("path"), "/fixed/")
	if n, err := strconv.ParseInt(size, 10, 64); ok && err == nil && v.text("protocol") == "http" {
		return n
	}
	return 0
}
