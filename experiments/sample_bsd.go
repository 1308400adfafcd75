//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package experiments

// processName is never asked for: no signal names a process here.
func processName(int) string { return "" }
