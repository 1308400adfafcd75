package loop

import "golang.org/x/sys/unix"

// ignorePipeSignal: Darwin has no MSG_NOSIGNAL.
func ignorePipeSignal(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_NOSIGPIPE, 1)
}
