package poller

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What epoll_et_linux.go, and the program above it, rely on.

// edges watches fd for every edge there is.
func edges(t *testing.T, fd int) int {
	t.Helper()
	return newEpoll(t, fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLPRI|unix.EPOLLET)
}

// coming is the next event of ep, which must come.
func coming(t *testing.T, ep int) uint32 {
	t.Helper()
	var events [8]unix.EpollEvent
	for {
		n, err := unix.EpollWait(ep, events[:], int(patience/time.Millisecond))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil || n != 1:
			t.Fatalf("%d events, %v; want one", n, err)
		}
		return events[0].Events
	}
}

// quiet fails if ep has an event.
func quiet(t *testing.T, ep int, why string) {
	t.Helper()
	if n, e := reported(t, ep); n != 0 {
		t.Fatalf("%s is reported: %#x", why, e.Events)
	}
}

// settled waits until fd shows all the events.
func settled(t *testing.T, fd int, events int16) {
	t.Helper()
	for start := time.Now(); ; {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		if _, err := unix.Poll(fds, 10); err != nil && !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
		if fds[0].Revents&events == events {
			return
		}
		if time.Since(start) > patience {
			t.Fatalf("events %#x of %#x", fds[0].Revents, events)
		}
	}
}

// acknowledged waits until the peer has all that was written to fd.
func acknowledged(t *testing.T, fd int) {
	t.Helper()
	for start := time.Now(); ; {
		switch n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ); {
		case err != nil:
			t.Fatal(err)
		case n == 0:
			return
		case time.Since(start) > patience:
			t.Fatalf("%d bytes were not acknowledged", n)
		}
	}
}

// TestKernelEdgeComesOnce: an edge is over when it was reported, new input is
// a new one although the old was not read, and EPOLL_CTL_MOD makes one of
// whatever is ready.
func TestKernelEdgeComesOnce(t *testing.T) {
	r := &rig{T: t}
	a, b := r.tcp()
	ep := edges(t, a)
	if e := coming(t, ep); e != unix.EPOLLOUT {
		t.Fatalf("%#x at first, want EPOLLOUT", e)
	}
	for range 2 {
		r.write(b, "x")
		if e := coming(t, ep); e != unix.EPOLLIN|unix.EPOLLOUT {
			t.Fatalf("%#x after input, want EPOLLIN with EPOLLOUT", e)
		}
		quiet(t, ep, "what was reported and not read")
	}
	mod := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(a)}
	for range 2 {
		if err := unix.EpollCtl(ep, unix.EPOLL_CTL_MOD, a, &mod); err != nil {
			t.Fatal(err)
		}
		if e := coming(t, ep); e != unix.EPOLLIN {
			t.Fatalf("%#x after EPOLL_CTL_MOD, want EPOLLIN", e)
		}
	}
}

// TestKernelEdgeSaysWhatIs, not what was: input that has been read when the
// report of it is taken shows as a report of the other direction.
func TestKernelEdgeSaysWhatIs(t *testing.T) {
	r := &rig{T: t}
	a, b := r.tcp()
	ep := edges(t, a)
	coming(t, ep)
	r.write(b, "x")
	acknowledged(t, b)
	r.empty(a)
	if e := coming(t, ep); e != unix.EPOLLOUT {
		t.Errorf("%#x, want EPOLLOUT alone", e)
	}
}

// TestKernelFINBehindData: why EPOLLRDHUP forbids to trust a short read, and
// why a FIN that comes after the report does not.
func TestKernelFINBehindData(t *testing.T) {
	r := &rig{T: t}
	a, b := r.tcp()
	ep := edges(t, a)
	coming(t, ep)
	r.write(b, "last words")
	r.must(unix.Shutdown(b, unix.SHUT_WR))
	settled(t, a, unix.POLLIN|unix.POLLRDHUP)
	if e := coming(t, ep); e&(unix.EPOLLIN|unix.EPOLLRDHUP) != unix.EPOLLIN|unix.EPOLLRDHUP {
		t.Fatalf("%#x, want EPOLLIN and EPOLLRDHUP in one", e)
	}
	if got := r.read(a); got != "last words" { // 64 bytes were asked
		t.Fatalf("read %q", got)
	}
	quiet(t, ep, "a FIN that was reported with the data")
	if got := r.read(a); got != "EOF" {
		t.Fatalf("read %q, want EOF", got)
	}

	a, b = r.tcp()
	ep = edges(t, a)
	coming(t, ep)
	r.write(b, "words")
	if e := coming(t, ep); e&unix.EPOLLRDHUP != 0 {
		t.Fatalf("%#x before the FIN", e)
	}
	r.must(unix.Shutdown(b, unix.SHUT_WR))
	settled(t, a, unix.POLLRDHUP)
	if got := r.read(a); got != "words" {
		t.Fatalf("read %q", got)
	}
	if e := coming(t, ep); e&unix.EPOLLRDHUP == 0 {
		t.Fatalf("%#x, want EPOLLRDHUP", e)
	}
}

// TestKernelUrgentMark: why EPOLLPRI forbids it as well: a read stops at the
// mark, and what stands behind was reported already.
func TestKernelUrgentMark(t *testing.T) {
	r := &rig{T: t}
	a, b := r.tcp()
	ep := edges(t, a)
	coming(t, ep)
	r.write(b, "before")
	r.must(unix.Sendto(b, []byte("!"), unix.MSG_OOB, nil))
	r.write(b, "behind")
	settled(t, a, unix.POLLIN|unix.POLLPRI)
	acknowledged(t, b)
	if e := coming(t, ep); e&unix.EPOLLPRI == 0 {
		t.Fatalf("%#x, want EPOLLPRI", e)
	}
	if got := r.read(a); got != "before" {
		t.Fatalf("read %q, want what is before the mark", got)
	}
	quiet(t, ep, "what is behind the mark")
	if got := r.read(a); got != "behind" {
		t.Fatalf("read %q, want what is behind the mark", got)
	}
}

// TestKernelWritableOnlyAfterFull: room that was made while there was room is
// no edge. A send that was cut short has found the buffer full as surely as
// one that failed.
func TestKernelWritableOnlyAfterFull(t *testing.T) {
	r := &rig{T: t}
	for _, how := range []string{"EAGAIN", "short"} {
		a, b := r.tcp()
		ep := newEpoll(t, a, unix.EPOLLOUT|unix.EPOLLET)
		coming(t, ep)
		r.write(a, "x")
		settled(t, b, unix.POLLIN)
		r.empty(b)
		quiet(t, ep, "room beside room")
		if how == "EAGAIN" {
			r.fill(a)
		} else if n, err := unix.Write(a, make([]byte, 64<<20)); err != nil || n == 64<<20 {
			t.Fatalf("wrote %d bytes, %v; want some", n, err)
		}
		quiet(t, ep, "a full buffer")
		drained := make(chan struct{})
		var stop atomic.Bool
		go func() { // the peer's window may open bit by bit
			defer close(drained)
			for !stop.Load() {
				r.empty(b)
				time.Sleep(time.Millisecond)
			}
		}()
		if e := coming(t, ep); e != unix.EPOLLOUT {
			t.Errorf("%s: %#x, want EPOLLOUT", how, e)
		}
		stop.Store(true)
		<-drained
	}
}

// TestKernelShortSendfileIsNotFull: a file that ends leaves no mark, so no edge
// will come.
func TestKernelShortSendfileIsNotFull(t *testing.T) {
	r := &rig{T: t}
	path := filepath.Join(t.TempDir(), "file")
	r.must(os.WriteFile(path, make([]byte, 1000), 0o600))
	f, err := os.Open(path)
	r.must(err)
	defer f.Close()
	a, b := r.tcp()
	ep := newEpoll(t, a, unix.EPOLLOUT|unix.EPOLLET)
	coming(t, ep)
	off := int64(0)
	if n, err := unix.Sendfile(a, int(f.Fd()), &off, 5000); n != 1000 || err != nil {
		t.Fatalf("sendfile: %d, %v", n, err)
	}
	settled(t, b, unix.POLLIN)
	r.empty(b)
	quiet(t, ep, "room after a file that ended")
}

// TestKernelEdgeOfListener: reports of connections are not counted.
func TestKernelEdgeOfListener(t *testing.T) {
	r := &rig{T: t}
	l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	r.must(err)
	r.own(l)
	r.must(unix.Bind(l, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	r.must(unix.Listen(l, 8))
	addr, err := unix.Getsockname(l)
	r.must(err)
	ep := newEpoll(t, l, unix.EPOLLIN|unix.EPOLLET)
	const n = 3
	for range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		r.must(err)
		r.must(unix.Connect(fd, addr))
		r.own(fd)
	}
	coming(t, ep)
	quiet(t, ep, "the second of three")
	for i := range n {
		fd, _, err := unix.Accept(l)
		if err != nil {
			t.Fatalf("number %d: %v", i, err)
		}
		r.own(fd)
	}
}

// TestKernelSignalsDoNotCutReads: a read that does not wait gets all there is,
// whatever signals strike it. (Go preempts by signals, so a stall would come
// with load.)
func TestKernelSignalsDoNotCutReads(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := &rig{T: t}
	a, b := r.tcp()
	pid, tid := unix.Getpid(), unix.Gettid()
	var stop atomic.Bool
	var group sync.WaitGroup
	defer group.Wait()
	defer stop.Store(true)
	group.Go(func() {
		for !stop.Load() {
			if err := unix.Tgkill(pid, tid, unix.SIGURG); err != nil {
				t.Error(err)
				return
			}
		}
	})
	block, buf := make([]byte, 48<<10), make([]byte, 1<<20)
	for round := range 2000 {
		if n, err := unix.Write(b, block); n != len(block) || err != nil {
			t.Fatal(n, err)
		}
		for start := time.Now(); ; {
			n, err := unix.IoctlGetInt(a, unix.SIOCINQ)
			if err != nil || time.Since(start) > patience {
				t.Fatalf("round %d: %d bytes came, %v", round, n, err)
			}
			if n == len(block) {
				break
			}
		}
		n, _, err := unix.Recvfrom(a, buf, unix.MSG_DONTWAIT)
		if n != len(block) || err != nil {
			t.Fatalf("round %d: %d bytes of %d, %v", round, n, len(block), err)
		}
	}
}
