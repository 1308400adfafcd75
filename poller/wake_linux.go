package poller

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// openWake makes an eventfd (eventfd(2)): one descriptor that is both ends.
func openWake() (read, write int, err error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return -1, -1, failed("eventfd", err)
	}
	return fd, fd, nil
}

// writeWake adds 1 to the counter. It cannot block, so the scheduler need not
// know of it.
func writeWake(fd int) unix.Errno {
	one := uint64(1)
	_, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one))
	return errno
}

// readWake takes the counter back to 0. An error would be EAGAIN: nothing to
// take.
func readWake(fd int) {
	var count uint64
	unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&count)), unsafe.Sizeof(count))
}

func closeWake(read, _ int) error { return unix.Close(read) }
