package poller

import (
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// This file has the bench on which the conformance tests stand: one suite that
// runs over every backend of this system and looks at its traits, never at its
// name.

// variants are further ways to open a backend, for code that a recent system
// does not reach; files for one system add to it.
var variants []Backend

// patience bounds a Wait that must end by itself. No passing test reaches it.
const patience = 20 * time.Second

// rig is a Poller under test and the descriptors of the test.
type rig struct {
	*testing.T
	Poller
	traits Traits
	events []Event
}

// conform runs a test on each backend that this system has.
func conform(t *testing.T, test func(*rig)) {
	for _, b := range append(Backends(), variants...) {
		t.Run(b.Name, func(t *testing.T) {
			if err := b.Available(); err != nil {
				t.Skipf("SKIPPED: no %s here: %v", b.Name, err)
			}
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			p, err := b.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := p.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}()
			test(&rig{T: t, Poller: p, traits: b.Traits, events: make([]Event, 64)})
		})
	}
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// wait makes one Wait and returns a copy of what it reported.
func (r *rig) wait(timeout time.Duration) []Event {
	r.Helper()
	n, err := r.Wait(r.events, timeout)
	r.must(err)
	return slices.Clone(r.events[:n])
}

// expect makes one Wait that must report want and nothing else, in any order.
func (r *rig) expect(want ...Event) {
	r.Helper()
	timeout := patience
	if len(want) == 0 {
		timeout = 0
	}
	got := r.wait(timeout)
	byToken := func(a, b Event) int { return int(int64(a.Token) - int64(b.Token)) }
	slices.SortFunc(got, byToken)
	slices.SortFunc(want, byToken)
	if !slices.Equal(got, want) {
		r.Fatalf("Wait reported %+v, want %+v", got, want)
	}
}

// ending is how input is reported behind which nothing more will come.
func (r *rig) ending() Interest {
	if r.traits.Mode == Edge {
		return Read | More
	}
	return Read
}

// still is what a Wait reports of something that was ready in the Wait before
// and was left so.
func (r *rig) still(e ...Event) []Event {
	if r.traits.Mode == Edge {
		return nil
	}
	return e
}

// pair makes two connected local sockets, non-blocking, closed at the end of
// the test unless it closes them itself by shut.
func (r *rig) pair() (a, b int) {
	r.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	r.must(err)
	return r.own(fds[0]), r.own(fds[1])
}

// pipe is a pipe with both ends non-blocking.
func (r *rig) pipe() (read, write int) {
	r.Helper()
	var fds [2]int
	r.must(unix.Pipe(fds[:]))
	return r.own(fds[0]), r.own(fds[1])
}

// tcp is a connection over loopback.
func (r *rig) tcp() (a, b int) {
	r.Helper()
	l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	r.must(err)
	defer unix.Close(l)
	r.must(unix.Bind(l, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	r.must(unix.Listen(l, 1))
	addr, err := unix.Getsockname(l)
	r.must(err)
	a, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	r.must(err)
	r.must(unix.Connect(a, addr))
	b, _, err = unix.Accept(l)
	r.must(err)
	return r.own(a), r.own(b)
}

// owned are the open descriptors of the tests.
var owned = map[int]bool{}

// own makes fd non-blocking and closes it when the test ends.
func (r *rig) own(fd int) int {
	r.Helper()
	r.must(unix.SetNonblock(fd, true))
	unix.CloseOnExec(fd)
	owned[fd] = true
	r.Cleanup(func() {
		if owned[fd] {
			r.shut(fd)
		}
	})
	return fd
}

// shut closes a descriptor of the test before its end.
func (r *rig) shut(fd int) {
	r.Helper()
	delete(owned, fd)
	r.must(unix.Close(fd))
}

func (r *rig) write(fd int, text string) {
	r.Helper()
	if n, err := unix.Write(fd, []byte(text)); err != nil || n != len(text) {
		r.Fatalf("write: %d bytes, %v", n, err)
	}
}

// read is what one read gets: text, "EOF", or the error in words.
func (r *rig) read(fd int) string {
	var b [64]byte
	n, err := unix.Read(fd, b[:])
	switch {
	case err != nil:
		return err.Error()
	case n == 0:
		return "EOF"
	}
	return string(b[:n])
}

// fill writes until the descriptor takes no more.
func (r *rig) fill(fd int) {
	r.Helper()
	block := make([]byte, 4096)
	for size := len(block); size > 0; { // a last gap may be shorter than the block
		_, err := unix.Write(fd, block[:size])
		switch {
		case errors.Is(err, unix.EAGAIN):
			size /= 2
		case err != nil:
			r.Fatal(err)
		}
	}
}

// empty reads until there is nothing left.
func (r *rig) empty(fd int) {
	r.Helper()
	block := make([]byte, 1<<16)
	for {
		if _, err := unix.Read(fd, block); errors.Is(err, unix.EAGAIN) {
			return
		} else if err != nil {
			r.Fatal(err)
		}
	}
}

// reset makes the next close of a TCP socket send RST.
func (r *rig) reset(fd int) {
	r.Helper()
	r.must(unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
	r.shut(fd)
}

// descriptors raises the soft limit so that n more descriptors can be opened,
// or skips the test.
func descriptors(t testing.TB, n int) {
	t.Helper()
	need := uint64(n) + 256
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if uint64(limit.Cur) >= need {
		return
	}
	if uint64(limit.Max) < need {
		t.Skipf("SKIPPED: %d descriptors wanted, the hard limit is %d; raise it (ulimit -Hn)", need, limit.Max)
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Skipf("SKIPPED: cannot raise the descriptor limit to %d: %v", limit.Max, err)
	}
}
