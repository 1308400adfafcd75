//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package poller

import (
	"errors"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cheapPoll: here each call goes through the scheduler, most through the C
// library, so a zero-timeout call before a blocking one would only cost.
const cheapPoll = false

const (
	selectResolution = time.Microsecond // a timeval
	pollResolution   = time.Millisecond
)

// selectMaxFD is 1024 on macOS, whose C library refuses more in the variant of
// select that Go links (select(2), _DARWIN_UNLIMITED_SELECT). The BSD kernels
// go by nfds alone: FD_SETSIZE is a size of the C header.
var selectMaxFD = map[string]int{"darwin": 1024}[runtime.GOOS]

// callSelect passes bitmaps of any length as an FdSet, of which the kernel
// reads nfds bits. Bitmaps are never shorter than an FdSet. All 64-bit ports
// of these systems are little-endian, so that words of 64 bits are laid out
// as those of 32 bits would be.
func callSelect(nfds int, in, out *uint64, d time.Duration) (int, unix.Errno) {
	var timeout *unix.Timeval
	if d >= 0 {
		tv := unix.NsecToTimeval(int64(roundUp(d, time.Microsecond)))
		timeout = &tv
	}
	return result(unix.Select(nfds, (*unix.FdSet)(unsafe.Pointer(in)), (*unix.FdSet)(unsafe.Pointer(out)), nil, timeout))
}

func callPoll(fds []unix.PollFd, d time.Duration) (int, unix.Errno) {
	ms := -1
	if d >= 0 {
		ms = int(roundUp(d, time.Millisecond) / time.Millisecond)
	}
	return result(unix.Poll(fds, ms))
}

// roundUp is what keeps a Wait from returning early.
func roundUp(d, unit time.Duration) time.Duration { return (d + unit - 1) / unit * unit }

func result(n int, err error) (int, unix.Errno) {
	if err == nil {
		return n, 0
	}
	var errno unix.Errno
	if !errors.As(err, &errno) {
		errno = unix.EIO
	}
	return 0, errno
}
