//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package loop

const kernelFactor = 1

// setUnsent does nothing: of these systems only macOS has TCP_NOTSENT_LOWAT, and
// there it changes only when a socket is reported as writable, not what it takes.
func setUnsent(int, int) error { return nil }
