//go:build dragonfly || freebsd || netbsd || openbsd

package loop

// ignorePipeSignal has nothing to do: Go ignores SIGPIPE for sockets.
func ignorePipeSignal(int) error { return nil }
