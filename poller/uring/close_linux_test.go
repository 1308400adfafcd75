package uring

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// descriptors is the number of open descriptors of this process.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// mapped is the number of mappings of the process that a ring has made.
func mapped(t *testing.T) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(maps, []byte("io_uring"))
}

// virtual is the size of the process's address space in pages.
func virtual(t *testing.T) int {
	t.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(string(bytes.Fields(statm)[0]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCloseGivesEverythingBack, with rings opened one after the other on one
// thread, whose table has room for 16.
func TestCloseGivesEverythingBack(t *testing.T) {
	open(t, Options{Entries: 8}) // the thread is locked, and has its table
	once := func() {
		r, err := Open(Options{}) // large: 1,000 pages of vectors, and 1,000 of buffers
		if err != nil {
			t.Fatal(err)
		}
		if r.Granted() != Probe().Granted {
			t.Fatalf("granted %v, the probe was granted %v", r.Granted(), Probe().Granted)
		}
		g, err := r.NewBuffers(0, 1024, 4096)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(g.Close(), r.Close(), r.Close()); err != nil {
			t.Fatal(err)
		}
	}
	fds, maps := descriptors(t), mapped(t)
	once()
	pages := virtual(t)
	for range 50 {
		once()
	}
	if n := descriptors(t); n != fds {
		t.Errorf("%d descriptors, %d before", n, fds)
	}
	if n := mapped(t); n != maps {
		t.Errorf("%d mappings of rings, %d before", n, maps)
	}
	if n := virtual(t); n > pages+20*1000 { // the Go heap may grow
		t.Errorf("%d pages of address space, %d before", n, pages)
	}
}

// inFlight are operations that hold a socket.
var inFlight = map[string]func(b *bench, fd int){
	"receive": func(b *bench, fd int) { b.next(7).RecvGroup(fd, 0, true) },
	"poll":    func(b *bench, fd int) { b.next(7).PollAdd(fd, unix.POLLIN, true) },
}

// TestCloseReleasesSockets: what is in flight ends with the ring, although its
// thread lives on, which has the ring in a table of its own.
func TestCloseReleasesSockets(t *testing.T) {
	for name, start := range inFlight {
		t.Run(name, func(t *testing.T) {
			b := open(t, Options{Entries: 8})
			b.group(0, 8, 8, 8) // closed after the ring
			x, y := b.tcp()
			start(b, x)
			b.quiet("nothing to receive")
			b.shut(x)
			if b.ended(y) {
				t.Fatal("the peer sees the end while the operation is in flight")
			}
			b.must(b.Ring.Close())
			b.sees(y, unix.POLLIN)
			if !b.ended(y) {
				t.Error("the peer sees no end")
			}
		})
	}
}

// TestKernelCloseSendsNoFIN while an operation is in flight; its end does, if
// the ring is entered, and so does shutdown(2) at once.
func TestKernelCloseSendsNoFIN(t *testing.T) {
	for name, start := range inFlight {
		for how, end := range map[string]func(b *bench, x int){
			"cancelled": func(b *bench, x int) {
				b.shut(x)
				b.next(8).Cancel(7)
			},
			"shut down": func(b *bench, x int) {
				b.must(unix.Shutdown(x, unix.SHUT_RDWR))
				b.shut(x)
			},
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				b := open(t, Options{Entries: 8})
				b.group(0, 8, 8, 8)
				x, y := b.tcp()
				start(b, x)
				b.quiet("nothing to receive")
				end(b, x)
				if how == "shut down" {
					b.sees(y, unix.POLLIN) // without the ring
					return
				}
				if b.ended(y) {
					t.Fatal("the peer sees the end before the operation has ended")
				}
				// One call submits the cancellation, ends the operation, and
				// gives up its hold on the socket.
				if got := b.enter(); len(got) != 2 {
					t.Fatalf("%+v, want the cancellation and what it ended", got)
				}
				if !b.ended(y) {
					t.Error("the peer sees no end when the call has returned")
				}
			})
		}
	}
}

// TestKernelShutdownEndsOperations with an end, not with an error, and they are
// over.
func TestKernelShutdownEndsOperations(t *testing.T) {
	b := open(t, Options{Entries: 8})
	b.group(0, 8, 8, 8)
	x, _ := b.tcp()
	b.next(7).RecvGroup(x, 0, true)
	b.quiet("nothing to receive")
	b.must(unix.Shutdown(x, unix.SHUT_RDWR))
	if c := b.one(7); c.Res != 0 || c.More() {
		t.Errorf("a receive: %+v, want the end", c)
	}
	l, at := b.listen()
	b.next(8).Accept(l, unix.SOCK_CLOEXEC, true)
	b.quiet("nobody to accept")
	b.must(unix.Shutdown(l, unix.SHUT_RDWR))
	if c := b.one(8); c.Err() != unix.EINVAL || c.More() {
		t.Errorf("an accept: %+v, want EINVAL", c)
	}
	if err := b.port(at); err != nil {
		t.Errorf("the port after shutdown, before close: %v", err)
	}
}

// port says whether another socket may listen at an address.
func (b *bench) port(at *unix.SockaddrInet4) error {
	b.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	b.must(err)
	defer unix.Close(fd)
	if err := unix.Bind(fd, at); err != nil {
		return err
	}
	return unix.Listen(fd, 1)
}

// TestKernelAcceptHoldsThePort: close does not free it while an accept is in
// flight; cancelling that does, when the call returns; shutdown(2) does at once.
func TestKernelAcceptHoldsThePort(t *testing.T) {
	b := open(t, Options{Entries: 8})
	l, at := b.listen()
	b.next(7).Accept(l, unix.SOCK_CLOEXEC, true)
	b.quiet("nobody to accept")
	b.shut(l)
	if err := b.port(at); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("the port after close: %v, want EADDRINUSE", err)
	}
	b.next(8).Cancel(7)
	if got := b.enter(); len(got) != 2 {
		t.Fatalf("%+v, want the cancellation and what it ended", got)
	}
	if err := b.port(at); err != nil {
		t.Errorf("the port after the cancellation: %v", err)
	}

	l, at = b.listen()
	b.next(7).Accept(l, unix.SOCK_CLOEXEC, true)
	b.quiet("nobody to accept")
	b.must(unix.Shutdown(l, unix.SHUT_RD))
	if err := b.port(at); err != nil {
		t.Errorf("the port after shutdown: %v", err)
	}
	b.shut(l)
	b.one(7)
}

// TestCloseWithEntriesPending drops them.
func TestCloseWithEntriesPending(t *testing.T) {
	b := open(t, Options{Entries: 8})
	b.next(7).Nop()
	b.must(b.Ring.Close())
	b.must(b.Ring.Close())
}

// TestCloseOperation closes a descriptor by the ring.
func TestCloseOperation(t *testing.T) {
	b := open(t, Options{Entries: 8})
	x, y := b.pair()
	delete(owned, x)
	b.next(7).Close(x)
	if c := b.one(7); c.Res != 0 {
		t.Fatalf("%+v", c)
	}
	if _, err := unix.FcntlInt(uintptr(x), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
		t.Errorf("after its close: %v, want EBADF", err)
	}
	for start := time.Now(); !b.ended(y); {
		if time.Since(start) > patience {
			t.Fatal("the peer sees no end")
		}
	}
	b.next(7).Close(x)
	if c := b.one(7); c.Err() != unix.EBADF {
		t.Errorf("a second close: %+v, want EBADF", c)
	}
}
