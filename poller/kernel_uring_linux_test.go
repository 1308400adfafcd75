package poller

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

// edgePoll arms a multishot poll on a ring of its own.
func edgePoll(r *rig, fd int, events uint32) *uring.Ring {
	r.Helper()
	if err := uring.Probe().Missing; err != nil {
		r.Skipf("SKIPPED: no io_uring here: %v", err)
	}
	runtime.LockOSThread()
	ring, err := uring.Open(uring.Options{Entries: 8})
	r.must(err)
	r.Cleanup(func() {
		r.must(ring.Close())
		runtime.UnlockOSThread()
	})
	s := ring.Next()
	s.PollAdd(fd, events, true)
	s.UserData = 7
	return ring
}

// brought is the only completion that a call brings.
func brought(r *rig, ring *uring.Ring) uring.CQE {
	r.Helper()
	r.must(ring.Enter())
	var c [2]uring.CQE
	if n := ring.Reap(c[:]); n != 1 {
		r.Fatalf("%d completions: %+v", n, c)
	}
	return c[0]
}

// TestKernelUringReportsTheWakeUp: not what is ready but what the waking side
// passed, which for input has EPOLLPRI; EPOLLRDBAND tells. Two wake-ups at once
// make the kernel ask the socket.
func TestKernelUringReportsTheWakeUp(t *testing.T) {
	r := &rig{T: t}
	a, b := r.tcp()
	const asked = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLPRI | unix.EPOLLRDBAND
	ring := edgePoll(r, a, asked)
	if c := brought(r, ring); c.Res != unix.EPOLLOUT || !c.More() {
		t.Fatalf("at first: %+v, want EPOLLOUT", c)
	}
	r.write(b, "x")
	acknowledged(t, b)
	if c := brought(r, ring); c.Res != unix.EPOLLIN|unix.EPOLLPRI|unix.EPOLLRDBAND || !c.More() {
		t.Errorf("after input: %+v, want what sock_def_readable passes", c)
	}
	r.write(b, "x")
	r.write(b, "x")
	acknowledged(t, b)
	if c := brought(r, ring); c.Res != unix.EPOLLIN|unix.EPOLLOUT || !c.More() {
		t.Errorf("after input twice: %+v, want EPOLLIN and EPOLLOUT", c)
	}
}

// TestKernelPollRemoveGivesUp beside a wake-up: why polls are ended by
// ASYNC_CANCEL, which does not.
func TestKernelPollRemoveGivesUp(t *testing.T) {
	r := &rig{T: t}
	a, b := r.tcp()
	ring := edgePoll(r, a, unix.EPOLLIN)
	if ring.Granted()&uring.DeferTaskrun == 0 {
		t.Skip("SKIPPED: without deferral the wake-up cannot be held back")
	}
	r.must(ring.Enter())
	r.write(b, "x")
	acknowledged(t, b)
	ring.Next().PollRemove(7)
	r.must(ring.Enter())
	var c [4]uring.CQE
	n := ring.Reap(c[:])
	if n != 2 || c[0].Err() != unix.EALREADY && c[1].Err() != unix.EALREADY {
		t.Fatalf("POLL_REMOVE: %+v, want EALREADY and the report", c[:n])
	}
	r.write(b, "x")
	acknowledged(t, b)
	if c := brought(r, ring); c.UserData != 7 || !c.More() {
		t.Fatalf("%+v, want a report of the poll that is still there", c)
	}

	r.write(b, "x")
	acknowledged(t, b)
	ring.Next().Cancel(7)
	r.must(ring.Enter())
	if n = ring.Reap(c[:]); n != 2 {
		t.Fatalf("ASYNC_CANCEL: %+v, want its success and the end of the poll", c[:n])
	}
	for _, c := range c[:n] {
		if c.UserData == 0 && c.Res != 0 || c.UserData == 7 && (c.Err() != unix.ECANCELED || c.More()) {
			t.Errorf("ASYNC_CANCEL: %+v", c)
		}
	}
}
