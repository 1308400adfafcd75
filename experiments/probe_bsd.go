//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package experiments

// speed measures nothing where a thread cannot be pinned: the probe would say
// where the scheduler put it, not how fast a CPU is.
func speed([]int) []float64 { return nil }
