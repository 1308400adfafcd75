package loop

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// noNetwork is among the errors that accept passes on: the machine is not on the
// network.
const noNetwork = unix.ENONET

// setDeferAccept lets a connection wait in the kernel until the client has sent
// something (tcp(7), TCP_DEFER_ACCEPT), for d, which it takes in whole seconds and
// rounds up to the end of a retransmission.
func setDeferAccept(fd int, d time.Duration) error {
	seconds := int((d + time.Second - 1) / time.Second)
	return os.NewSyscallError("setsockopt TCP_DEFER_ACCEPT", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, seconds))
}
