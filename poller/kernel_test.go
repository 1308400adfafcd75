package poller

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The tests named TestKernel pin what the kernel does, where the code above it
// relies on that: if a system differs, it shows here and has a name.

// socketpair is two connected non-blocking sockets.
func socketpair(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
	}
	return fds[0], fds[1]
}

// TestKernelPollReportsHangupUnasked: why no interest means no entry.
func TestKernelPollReportsHangupUnasked(t *testing.T) {
	a, b := socketpair(t)
	defer unix.Close(a)
	unix.Close(b)
	fds := []unix.PollFd{{Fd: int32(a)}}
	if n, errno := callPoll(fds, 0); n != 1 || errno != 0 || fds[0].Revents&unix.POLLHUP == 0 {
		t.Errorf("poll without events: %d, %v, revents %#x; want POLLHUP", n, errno, fds[0].Revents)
	}
}

// TestKernelPollMarksClosed: the one call that says which descriptor is bad.
func TestKernelPollMarksClosed(t *testing.T) {
	a, b := socketpair(t)
	defer unix.Close(a)
	unix.Close(b)
	fds := []unix.PollFd{{Fd: int32(b), Events: unix.POLLIN}, {Fd: -2, Events: unix.POLLIN}}
	if n, errno := callPoll(fds, 0); n != 1 || errno != 0 || fds[0].Revents != unix.POLLNVAL || fds[1].Revents != 0 {
		t.Errorf("poll: %d, %v, %+v; want POLLNVAL for the first alone", n, errno, fds)
	}
}

// TestKernelSelectFailsForOneClosed: and does not say which.
func TestKernelSelectFailsForOneClosed(t *testing.T) {
	a, b := socketpair(t)
	defer unix.Close(a)
	unix.Close(b)
	in := make([]uint64, fdSetWords)
	for _, fd := range []int{a, b} {
		in[fd/wordBits] |= 1 << (fd % wordBits)
	}
	if n, errno := callSelect(max(a, b)+1, &in[0], nil, 0); n != 0 || errno != unix.EBADF {
		t.Errorf("select with a closed descriptor: %d, %v; want EBADF", n, errno)
	}
}

// TestKernelSelectBeyond1024: FD_SETSIZE is not the kernel's limit.
func TestKernelSelectBeyond1024(t *testing.T) {
	if selectMaxFD > 0 {
		t.Skipf("SKIPPED: select stops at %d here", selectMaxFD)
	}
	descriptors(t, 3000)
	a, b := socketpair(t)
	defer unix.Close(b)
	high, err := unix.FcntlInt(uintptr(a), unix.F_DUPFD_CLOEXEC, 2500)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(high)
	unix.Close(a)
	in, out := make([]uint64, 64), make([]uint64, 64)
	w, bit := high/wordBits, uint64(1)<<(high%wordBits)
	in[w], out[w] = bit, bit
	if n, errno := callSelect(high+1, &in[0], &out[0], time.Second); n != 1 || errno != 0 || in[w] != 0 || out[w] != bit {
		t.Errorf("select of descriptor %d: %d, %v, readable %v, writable %v; want writable alone", high, n, errno, in[w] != 0, out[w] != 0)
	}
	in[w] = bit
	if _, err := unix.Write(b, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, errno := callSelect(high+1, &in[0], nil, time.Second); n != 1 || errno != 0 || in[w] != bit {
		t.Errorf("select of descriptor %d: %d, %v; want readable", high, n, errno)
	}
}

// TestKernelHalfCloseIsReadable: the end of input comes as a read of nothing,
// again and again, and output goes on.
func TestKernelHalfCloseIsReadable(t *testing.T) {
	a, b := socketpair(t)
	defer unix.Close(a)
	defer unix.Close(b)
	if err := unix.Shutdown(b, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		fds := []unix.PollFd{{Fd: int32(a), Events: unix.POLLIN | unix.POLLOUT}}
		if n, errno := callPoll(fds, 0); n != 1 || errno != 0 || fds[0].Revents&(unix.POLLIN|unix.POLLOUT) != unix.POLLIN|unix.POLLOUT {
			t.Errorf("poll: %d, %v, revents %#x; want POLLIN and POLLOUT", n, errno, fds[0].Revents)
		}
		if n, err := unix.Read(a, make([]byte, 8)); n != 0 || err != nil {
			t.Errorf("read: %d, %v; want the end", n, err)
		}
	}
	if _, err := unix.Write(a, []byte("x")); err != nil {
		t.Errorf("write after the peer's end: %v", err)
	}
}

// TestKernelGivesTheLowestNumber: why a number comes back inside a batch.
func TestKernelGivesTheLowestNumber(t *testing.T) {
	a, b := socketpair(t)
	defer unix.Close(b)
	unix.Close(a)
	again, err := unix.FcntlInt(uintptr(b), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(again)
	if again > a {
		t.Errorf("%d was free, and %d was given", a, again)
	}
	if err := unix.Close(-1); !errors.Is(err, unix.EBADF) {
		t.Errorf("close of a bad descriptor: %v", err)
	}
}
