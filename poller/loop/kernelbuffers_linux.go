package loop

import "golang.org/x/sys/unix"

// kernelFactor: Linux takes twice what is asked for, for what it needs itself
// beside the bytes, and tells that (socket(7)).
const kernelFactor = 2

// setUnsent sets TCP_NOTSENT_LOWAT (tcp(7)); 0 means no bound.
func setUnsent(fd, bytes int) error {
	if bytes == 0 {
		bytes = -1 // 2^32-1 is the system's default
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, bytes)
}
