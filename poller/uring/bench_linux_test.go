package uring

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// This file has the bench on which the tests of the package stand. The tests
// named TestKernel pin what the kernel does where the code above it relies on
// that: if a system differs, it shows here and has a name.

// patience bounds what must end by itself. No passing test reaches it.
const patience = 20 * time.Second

// bench is a ring under test.
type bench struct {
	*testing.T
	*Ring
}

// open makes a ring for a test that has its thread for itself.
func open(t *testing.T, o Options) *bench {
	t.Helper()
	need(t)
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	r, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, Ring: r}
	t.Cleanup(func() { b.must(r.Close()) })
	return b
}

// need skips a test where there is no io_uring.
func need(t testing.TB) {
	t.Helper()
	if err := Probe().Missing; err != nil {
		t.Skipf("SKIPPED: no io_uring here: %v", err)
	}
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// next is Ring.Next with user data.
func (b *bench) next(userData uint64) *SQE {
	s := b.Next()
	s.UserData = userData
	return s
}

// enter submits, and takes what completes at once.
func (b *bench) enter() []CQE {
	b.Helper()
	b.must(b.Enter())
	if n := b.Pending(); n != 0 {
		b.Fatalf("%d entries were not submitted", n)
	}
	return b.reap()
}

func (b *bench) reap() []CQE {
	into := make([]CQE, b.Ready())
	b.Reap(into)
	return into
}

// await takes n completions, which must come.
func (b *bench) await(n int) []CQE {
	b.Helper()
	var got []CQE
	for start := time.Now(); len(got) < n; {
		b.must(b.Wait(patience))
		got = append(got, b.reap()...)
		if time.Since(start) > patience {
			b.Fatalf("%d completions of %d: %+v", len(got), n, got)
		}
	}
	if len(got) > n {
		b.Fatalf("%d completions, want %d: %+v", len(got), n, got)
	}
	return got
}

// one takes the only completion that there is.
func (b *bench) one(userData uint64) CQE {
	b.Helper()
	c := b.await(1)[0]
	if c.UserData != userData {
		b.Fatalf("completion of %d, want %d: %+v", c.UserData, userData, c)
	}
	return c
}

// quiet fails if anything completes without something else happening.
func (b *bench) quiet(why string) {
	b.Helper()
	for range 2 {
		if got := b.enter(); len(got) != 0 {
			b.Fatalf("%s: %+v", why, got)
		}
	}
}

// pair makes two connected local sockets, non-blocking.
func (b *bench) pair() (x, y int) {
	b.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	b.must(err)
	return b.own(fds[0]), b.own(fds[1])
}

// listen makes a listening socket on a port of its own.
func (b *bench) listen() (fd int, at *unix.SockaddrInet4) {
	b.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	b.must(err)
	b.own(fd)
	b.must(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	b.must(unix.Listen(fd, 16))
	name, err := unix.Getsockname(fd)
	b.must(err)
	return fd, name.(*unix.SockaddrInet4)
}

// dial connects to a listening socket. The end is non-blocking.
func (b *bench) dial(at *unix.SockaddrInet4) int {
	b.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	b.must(err)
	b.own(fd)
	b.must(unix.Connect(fd, at))
	b.must(unix.SetNonblock(fd, true))
	return fd
}

// tcp is a connection over loopback.
func (b *bench) tcp() (x, y int) {
	b.Helper()
	l, at := b.listen()
	x = b.dial(at)
	y, _, err := unix.Accept4(l, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	b.must(err)
	b.own(y)
	b.shut(l)
	return x, y
}

// owned are the open descriptors of the tests, which do not run in parallel.
var owned = map[int]bool{}

// own closes fd when the test ends, unless shut has.
func (b *bench) own(fd int) int {
	owned[fd] = true
	b.Cleanup(func() {
		if owned[fd] {
			b.shut(fd)
		}
	})
	return fd
}

func (b *bench) shut(fd int) {
	b.Helper()
	delete(owned, fd)
	b.must(unix.Close(fd))
}

func (b *bench) write(fd int, p []byte) {
	b.Helper()
	if n, err := unix.Write(fd, p); n != len(p) || err != nil {
		b.Fatalf("write: %d bytes of %d, %v", n, len(p), err)
	}
}

// fill writes until the socket takes no more, and returns how much it took.
func (b *bench) fill(fd int) (total int) {
	b.Helper()
	block := make([]byte, 4096)
	for size := len(block); size > 0; { // a last gap may be shorter than the block
		n, err := unix.Write(fd, block[:size])
		switch {
		case errors.Is(err, unix.EAGAIN):
			size /= 2
		case err != nil:
			b.Fatal(err)
		default:
			total += n
		}
	}
	return total
}

// drain reads all there is.
func (b *bench) drain(fd int) []byte {
	b.Helper()
	var all []byte
	block := make([]byte, 1<<16)
	for {
		n, err := unix.Read(fd, block)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return all
		case err != nil:
			b.Fatal(err)
		case n == 0:
			return all
		}
		all = append(all, block[:n]...)
	}
}

// sees waits until poll(2) reports some of the events of fd.
func (b *bench) sees(fd int, events int16) {
	b.Helper()
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	for start := time.Now(); time.Since(start) < patience; {
		n, err := unix.Poll(fds, 1000)
		if err != nil && !errors.Is(err, unix.EINTR) {
			b.Fatal(err)
		}
		if n == 1 && fds[0].Revents&events != 0 {
			return
		}
	}
	b.Fatalf("descriptor %d: events %#x, want some of %#x", fd, fds[0].Revents, events)
}

// ended says whether reading from fd gives the end now.
func (b *bench) ended(fd int) bool {
	b.Helper()
	n, err := unix.Read(fd, make([]byte, 1))
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		b.Fatal(err)
	}
	return n == 0 && err == nil
}
