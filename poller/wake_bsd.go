//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package poller

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// openWake makes a pipe: not every one of these systems has an eventfd.
func openWake() (read, write int, err error) {
	var ends [2]int
	syscall.ForkLock.RLock() // no child may inherit the pipe before it is close-on-exec
	err = unix.Pipe(ends[:])
	if err == nil {
		unix.CloseOnExec(ends[0])
		unix.CloseOnExec(ends[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, -1, failed("pipe", err)
	}
	for _, fd := range ends {
		if err := unix.SetNonblock(fd, true); err != nil {
			return -1, -1, errors.Join(failed("set the wake pipe non-blocking", err), closeWake(ends[0], ends[1]))
		}
	}
	return ends[0], ends[1], nil
}

// writeWake leaves one byte in the pipe. A full pipe is as good.
func writeWake(fd int) unix.Errno {
	for {
		_, err := unix.Write(fd, []byte{1})
		switch err {
		case nil, unix.EAGAIN:
			return 0
		case unix.EINTR:
			continue
		}
		var errno unix.Errno
		if !errors.As(err, &errno) {
			errno = unix.EIO
		}
		return errno
	}
}

// readWake empties the pipe, which holds one byte.
func readWake(fd int) {
	var b [8]byte
	for {
		if _, err := unix.Read(fd, b[:]); err != unix.EINTR {
			return
		}
	}
}

func closeWake(read, write int) error {
	return errors.Join(unix.Close(read), unix.Close(write))
}
