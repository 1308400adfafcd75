package poller

import (
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newEpoll watches fd for events with its number as user data.
func newEpoll(t *testing.T, fd int, events uint32) int {
	t.Helper()
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(ep) })
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}); err != nil {
		t.Fatal(err)
	}
	return ep
}

// reported is how many events a poll of ep gives, and the first.
func reported(t *testing.T, ep int) (int, unix.EpollEvent) {
	t.Helper()
	var events [8]unix.EpollEvent
	n, err := unix.EpollWait(ep, events[:], 0)
	if err != nil {
		t.Fatal(err)
	}
	return n, events[0]
}

// TestKernelCloseLeavesEpoll: why Remove before a close makes no call.
func TestKernelCloseLeavesEpoll(t *testing.T) {
	a, b := socketpair(t)
	defer unix.Close(b)
	ep := newEpoll(t, a, unix.EPOLLOUT)
	if n, _ := reported(t, ep); n != 1 {
		t.Fatalf("%d events of a writable socket", n)
	}
	unix.Close(a)
	if n, e := reported(t, ep); n != 0 {
		t.Errorf("a closed socket is reported: %+v", e)
	}
}

// TestKernelDuplicateStaysInEpoll: why that needs the promise that there is no
// duplicate. What is worse, the registration cannot be deleted any more.
func TestKernelDuplicateStaysInEpoll(t *testing.T) {
	a, b := socketpair(t)
	defer unix.Close(b)
	ep := newEpoll(t, a, unix.EPOLLOUT)
	other, err := unix.Dup(a)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(a)
	if n, e := reported(t, ep); n != 1 || e.Fd != int32(a) {
		t.Errorf("%d events, %+v; want one for the closed number", n, e)
	}
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_DEL, other, nil); err != unix.ENOENT {
		t.Errorf("EPOLL_CTL_DEL by the duplicate: %v, want ENOENT", err)
	}
	unix.Close(other)
	if n, _ := reported(t, ep); n != 0 {
		t.Errorf("%d events after the last duplicate has gone", n)
	}
}

// TestKernelEpollReportsHangupUnasked: why no interest means EPOLL_CTL_DEL.
func TestKernelEpollReportsHangupUnasked(t *testing.T) {
	a, b := socketpair(t)
	defer unix.Close(a)
	ep := newEpoll(t, a, 0)
	if n, e := reported(t, ep); n != 0 {
		t.Fatalf("reported without a reason: %+v", e)
	}
	unix.Close(b)
	if n, e := reported(t, ep); n != 1 || e.Events&unix.EPOLLHUP == 0 {
		t.Errorf("%d events, %+v; want EPOLLHUP", n, e)
	}
}

// TestKernelEpollGoesRound: a buffer of one reports the ready ones in turn.
func TestKernelEpollGoesRound(t *testing.T) {
	a, b := socketpair(t)
	defer unix.Close(a)
	defer unix.Close(b)
	ep := newEpoll(t, a, unix.EPOLLOUT)
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, b, &unix.EpollEvent{Events: unix.EPOLLOUT, Fd: int32(b)}); err != nil {
		t.Fatal(err)
	}
	var last int32 = -1
	for range 6 {
		var events [1]unix.EpollEvent
		if n, err := unix.EpollWait(ep, events[:], 0); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if events[0].Fd == last {
			t.Errorf("descriptor %d was reported twice running", last)
		}
		last = events[0].Fd
	}
}

// TestKernelEpollRefusesFiles: a file is always ready to select and poll, and
// no business of epoll's.
func TestKernelEpollRefusesFiles(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ep)
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, int(f.Fd()), &unix.EpollEvent{Events: unix.EPOLLIN}); err != unix.EPERM {
		t.Errorf("EPOLL_CTL_ADD of a file: %v, want EPERM", err)
	}
}

// TestKernelOverwritesTheTimeout: why each call gets a fresh one.
func TestKernelOverwritesTheTimeout(t *testing.T) {
	a, b := socketpair(t)
	defer unix.Close(a)
	defer unix.Close(b)
	fds := []unix.PollFd{{Fd: int32(a), Events: unix.POLLOUT}}
	ts := unix.Timespec{Sec: 3600}
	n, _, errno := unix.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), 1, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	if n != 1 || errno != 0 {
		t.Fatal(n, errno)
	}
	if ts.Sec != 3599 {
		t.Errorf("the timeout of an hour is now %+v", ts)
	}
}
