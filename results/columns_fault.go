package results

// faultColumns are what others saw of a fault, and what is left of it.
var faultColumns = []Column{
	{Name: "before_p99_ms", Unit: "ms", Better: Lower, Censored: true,
		Meaning: "99th percentile of response of the others before the fault: intended start to last byte; a failure counts as later than all"},
	{Name: "fault_p99_ms", Unit: "ms", Better: Lower, Censored: true,
		Meaning: "the same of requests that were meant to start while the fault was to last"},
	{Name: "after_p99_ms", Unit: "ms", Better: Lower, Censored: true,
		Meaning: "the same after it, up to the window's end"},
	{Name: "fault_p50_ms", Unit: "ms", Better: Lower, Censored: true,
		Meaning: "median of response of the others while the fault was to last"},
	{Name: "fault_ok_share", Unit: "share", Better: Higher,
		Meaning: "requests of the others answered well, of those meant to start while the fault was to last"},
	{Name: "after_ok_share", Unit: "share", Better: Higher,
		Meaning: "the same after it"},
	{Name: "fault_lasted_ms", Unit: "ms",
		Meaning: "from the fault's beginning to its end, which some faults reach before the time planned for them (all their clients are done) and some after it"},
	{Name: "fault_recovery_ms", Unit: "ms", Better: Lower, Censored: true,
		Meaning: "from the fault's end until no request of the others failed and their median stayed within twice that of before, plus 1 ms, looked at in parts of the window (a hundredth); 0: it was so at once"},
	{Name: "server_recovery_ms", Unit: "ms", Better: Lower, Censored: true,
		Meaning: "from the fault's end until the server had no more connections than before it, looked at every 10 ms"},
	{Name: "leaked_connections", Better: Lower,
		Meaning: "connections that the server had when all clients had gone, less those at its start"},
	{Name: "leaked_fds", Better: Lower,
		Meaning: "the same of its descriptors; up to two are Go's own"},
	{Name: "leaked_bytes", Unit: "bytes", Better: Lower,
		Meaning: "live anonymous memory of the server when all clients had gone, its garbage given back, less that at its start: buffers kept for the next crowd are in it, so it is told and not judged"},
}
