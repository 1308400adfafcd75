package experiments

import (
	"fmt"

	"medusa/experiments/peers"
	"medusa/loadgen/faults"
)

// The choices of the setting fault that are no clients: the runner does them.
const (
	noFault       = "none"
	serverStopped = "server-stopped" // SIGSTOP to the server, and SIGCONT when the fault ends
	// loadKilled is a second load process, a closed loop, that is killed when
	// the fault ends, with a request in flight on each of its connections.
	loadKilled = "load-killed"
)

// faultChoices are the choices of the setting fault.
func faultChoices() []string {
	out := []string{noFault}
	for _, k := range faults.Kinds() {
		out = append(out, k.Name)
	}
	return append(out, serverStopped, loadKilled)
}

// withFault says that a trial has one of the choices other than none.
func (v values) withFault() bool { return v.has("fault") && v.text("fault") != noFault }

// faultWrong is what is wrong with the settings of a fault whatever the machine.
func (v values) faultWrong() string {
	others := []string{"fault_connections", "fault_after_s", "fault_s"}
	if !v.has("fault") {
		for _, name := range append(others, "fault_path", "fault_rate_per_s", "fault_evicts") {
			if v.has(name) {
				return name + " needs fault: what the fault is"
			}
		}
		return ""
	}
	for _, name := range others {
		if !v.has(name) {
			return "a fault needs " + name
		}
	}
	_, file := v.faultFile()
	switch {
	case v.on("fault_evicts") && v.text("fault") != faults.Download:
		return "fault_evicts: true is for fault: " + faults.Download
	case v.on("fault_evicts") && !file:
		return "fault_evicts needs a fault_path that is a file, such as /files/1048576"
	case v.text("protocol") != "http":
		return "faults speak http: remove protocol: " + v.text("protocol")
	case v.text("mode") != "open":
		return "what others see of a fault needs a load that does not wait for the server: set mode: open"
	case v.number("fault_after_s")+v.number("fault_s") >= v.number("window_s"):
		return fmt.Sprintf("the fault lasts to %s s, and the window of %s s has to go on after it", show(v.number("fault_after_s")+v.number("fault_s")), show(v.number("window_s")))
	}
	return ""
}

// faultMissing says why this machine cannot put the fault of a cell on a server.
func (h Host) faultMissing(v values) string {
	if !v.withFault() {
		return ""
	}
	name := v.text("fault")
	if why := faults.Missing(name); why != "" {
		return fmt.Sprintf("the fault %s is not here: %s", name, why)
	}
	if v.on("fault_evicts") && diskFolder() == "" {
		return "fault_evicts needs a folder that is not in memory: TMPDIR and /var/tmp are; set TMPDIR"
	}
	k, err := faults.Lookup(name)
	holds := name == loadKilled || err == nil && k.Holds
	if need := uint64(v.number("fault_connections")) + uint64(connections(v)) + reserveFDs; holds && need > min(h.NoFile, uint64(v.number("nofile"))) {
		return fmt.Sprintf("the fault %s with %s connections needs %d descriptors in the server, its limit is %s", name, show(v.number("fault_connections")), need, show(v.number("nofile")))
	}
	return ""
}

// faultFile is the size of the file that clients of the fault ask for; false where
// that is none of the runner's.
func (v values) faultFile() (size int, file bool) {
	return peers.FileSize(v.text("fault_path"), filesPrefix)
}

// spanArgs tell the load process which part of its window the fault is in.
func spanArgs(v values) []string {
	if !v.has("fault") {
		return nil
	}
	begin := secs(v.number("fault_after_s"))
	return []string{"--span", begin.String() + "," + (begin + secs(v.number("fault_s"))).String()}
}
