package poller

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

// TestUringReleases: when Remove has returned, close(2) is the end: of a
// connection that was being reported, of one parked a moment ago, of a listener
// with its port, of one that was never submitted.
func TestUringReleases(t *testing.T) {
	uringRig(t, func(r *rig, p *uringPoller) {
		for name, state := range map[string]func(a, b int) (had Interest){
			"idle": func(a, b int) Interest {
				r.must(r.Add(a, Read, 1))
				r.expect()
				return Read
			},
			"not submitted": func(a, b int) Interest {
				r.must(r.Add(a, Read, 1))
				return Read
			},
			"reported": func(a, b int) Interest {
				r.must(r.Add(a, Read|Write, 1))
				r.expect(Event{Token: 1, Ready: Write})
				return Read | Write
			},
			"about to be reported": func(a, b int) Interest {
				r.must(r.Add(a, Read, 1))
				r.expect()
				r.write(b, "x")
				return Read
			},
			"parked": func(a, b int) Interest {
				r.must(r.Add(a, Read, 1))
				r.expect()
				r.must(r.Change(a, Read, 0, 1))
				return 0
			},
			"parked behind a full queue": func(a, b int) Interest {
				r.must(r.Add(a, Read, 1))
				r.expect()
				r.must(r.Change(a, Read, 0, 1))
				r.must(p.ring.Submit())
				return 0
			},
		} {
			a, b := r.tcp()
			had := state(a, b)
			r.must(r.Remove(a, had, 1, true))
			r.shut(a)
			if got := r.read(b); got != "EOF" && got != unix.ECONNRESET.Error() {
				r.Errorf("%s: the peer reads %q when close has returned, want the end", name, got)
			}
			r.expect()
		}
	})
}

// TestUringReleasesBehindMuchWork: one call does only so much of it, and the end of
// what was cancelled comes last.
func TestUringReleasesBehindMuchWork(t *testing.T) {
	const n = 10 * uring.DeferredWork
	uringRig(t, func(r *rig, p *uringPoller) {
		behindWork(r, n, func(fd int) { r.must(r.Remove(fd, Read, n, true)) })
		behindWork(r, n, func(fd int) { r.must(r.Change(fd, Read, 0, n)); r.must(r.Remove(fd, 0, n, true)) })
		behindWork(r, n, func(int) { r.must(r.Close()) })
	})
}

// behindWork ends the last of n+1 registrations when all others are ready.
func behindWork(r *rig, n int, end func(fd int)) {
	r.Helper()
	var fds, peers []int
	for i := range n {
		a, b := r.pair()
		fds, peers = append(fds, a), append(peers, b)
		r.must(r.Add(a, Read, Token(i)))
	}
	a, b := r.tcp()
	r.must(r.Add(a, Read, Token(n)))
	r.expect()
	for _, peer := range peers {
		r.write(peer, "x")
	}
	end(a)
	r.shut(a)
	if got := r.read(b); got != "EOF" {
		r.Errorf("the peer reads %q when close has returned, want the end", got)
	}
	if r.Poller.(*uringPoller).closed {
		return
	}
	for i, fd := range fds {
		r.must(r.Remove(fd, Read, Token(i), true))
		r.shut(fd)
	}
	r.expect()
}

func TestUringReleasesPorts(t *testing.T) {
	listen := func(r *rig, at *unix.SockaddrInet4) (int, error) {
		l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		r.must(err)
		r.own(l)
		return l, errors.Join(unix.Bind(l, at), unix.Listen(l, 1))
	}
	uringRig(t, func(r *rig, p *uringPoller) {
		at := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
		for range 2 { // the second by Close
			l, err := listen(r, at)
			r.must(err)
			name, err := unix.Getsockname(l)
			r.must(err)
			at = name.(*unix.SockaddrInet4)
			r.must(r.Add(l, Read, 1))
			r.expect()
			if _, err := listen(r, at); !errors.Is(err, unix.EADDRINUSE) {
				r.Fatalf("a second listener: %v", err)
			}
			r.must(r.Remove(l, Read, 1, true))
			r.shut(l)
		}
		l, err := listen(r, at)
		r.must(err)
		r.must(r.Add(l, Read, 1))
		r.expect()
		r.must(r.Close())
		r.shut(l)
		if _, err := listen(r, at); err != nil {
			r.Errorf("after Close of the backend and of the listener: %v", err)
		}
	})
}
