package experiments

import "strconv"

// processName is a process's name (proc(5), comm); "" where it has ended.
func processName(pid int) string { return firstLine("/proc/" + strconv.Itoa(pid) + "/comm") }
