package poller

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cheapPoll: a zero-timeout call can be made without telling Go's scheduler.
const cheapPoll = true

const (
	selectResolution = time.Nanosecond // pselect6 takes a timespec
	pollResolution   = time.Nanosecond // so does ppoll
	selectMaxFD      = 0               // the kernel knows no FD_SETSIZE; only glibc's fd_set does
)

// callSelect is pselect6 without a signal mask. The system call, unlike the
// function of the C library, overwrites the timeout with the rest (select(2)),
// so it gets a fresh one each time.
func callSelect(nfds int, in, out *uint64, d time.Duration) (int, unix.Errno) {
	var ts unix.Timespec
	timeout := timespec(&ts, d)
	var n uintptr
	var errno unix.Errno
	if d == 0 {
		n, _, errno = unix.RawSyscall6(unix.SYS_PSELECT6, uintptr(nfds), uintptr(unsafe.Pointer(in)), uintptr(unsafe.Pointer(out)), 0, uintptr(unsafe.Pointer(timeout)), 0)
	} else {
		n, _, errno = unix.Syscall6(unix.SYS_PSELECT6, uintptr(nfds), uintptr(unsafe.Pointer(in)), uintptr(unsafe.Pointer(out)), 0, uintptr(unsafe.Pointer(timeout)), 0)
	}
	return result(n, errno)
}

// callPoll is ppoll without a signal mask. It overwrites the timeout too.
func callPoll(fds []unix.PollFd, d time.Duration) (int, unix.Errno) {
	var ts unix.Timespec
	timeout := timespec(&ts, d)
	var n uintptr
	var errno unix.Errno
	if d == 0 {
		n, _, errno = unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)), uintptr(unsafe.Pointer(timeout)), 0, 0, 0)
	} else {
		n, _, errno = unix.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)), uintptr(unsafe.Pointer(timeout)), 0, 0, 0)
	}
	return result(n, errno)
}

// timespec puts d in ts; for ever is nil.
func timespec(ts *unix.Timespec, d time.Duration) *unix.Timespec {
	if d < 0 {
		return nil
	}
	*ts = unix.NsecToTimespec(int64(d))
	return ts
}

// result makes 0 of the -1 that comes with an error.
func result(n uintptr, errno unix.Errno) (int, unix.Errno) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
