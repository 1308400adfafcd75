package poller

import (
	"fmt"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkWait is one Wait that finds one of n+1 descriptors ready: what a
// backend charges for those that are idle. An edge backend is told first to
// report anew, which is a system call more.
func BenchmarkWait(b *testing.B) {
	for _, backend := range Backends() {
		for _, idle := range []int{0, 100, 1000, 5000, 15000} {
			b.Run(fmt.Sprintf("backend=%s/idle=%d", backend.Name, idle), func(b *testing.B) {
				benchmarkWait(b, backend, idle)
			})
		}
	}
}

func benchmarkWait(b *testing.B, backend Backend, idle int) {
	if err := backend.Available(); err != nil {
		b.Skipf("SKIPPED: %v", err)
	}
	if limit := backend.Traits.MaxFD; limit > 0 && idle > limit-100 {
		b.Skipf("SKIPPED: %s stops at descriptor %d", backend.Name, limit)
	}
	descriptors(b, idle+2)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p, err := backend.Open()
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	add := func(token Token) (fd, peer int) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			unix.Close(fds[0])
			unix.Close(fds[1])
		})
		for i, fd := range fds {
			if err := unix.SetNonblock(fd, true); err != nil {
				b.Fatal(err)
			}
			if err := p.Add(fd, Read, token+Token(i)); err != nil {
				b.Fatal(err)
			}
		}
		return fds[0], fds[1]
	}
	active, peer := add(0) // the active one, and one more that is idle
	for i := 2; i < idle+1; i += 2 {
		add(Token(i))
	}
	if _, err := unix.Write(peer, []byte("x")); err != nil {
		b.Fatal(err)
	}
	events := make([]Event, 512)
	for b.Loop() {
		if backend.Traits.Mode == Edge {
			if err := p.Change(active, Read, Read, 0); err != nil {
				b.Fatal(err)
			}
		}
		if n, err := p.Wait(events, -1); n != 1 || err != nil {
			b.Fatal(n, err)
		}
	}
}
