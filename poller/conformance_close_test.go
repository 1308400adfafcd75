package poller

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPeerSeesEndWithoutAnotherWait: a backend must hold no reference to a
// descriptor that is removed and closed, or the peer would wait for the FIN
// until the loop comes round.
func TestPeerSeesEndWithoutAnotherWait(t *testing.T) {
	conform(t, func(r *rig) {
		a, b := r.tcp()
		r.must(r.Add(a, Read, 1))
		r.expect()
		r.must(r.Remove(a, Read, 1, true))
		r.shut(a)
		fds := []unix.PollFd{{Fd: int32(b), Events: unix.POLLIN}}
		for {
			n, err := unix.Poll(fds, int(patience/time.Millisecond))
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if n != 1 || err != nil {
				r.Fatalf("the peer saw no end: poll says %d, %v", n, err)
			}
			break
		}
		if got := r.read(b); got != "EOF" {
			r.Fatalf("the peer read %q, want EOF", got)
		}
	})
}

// TestParkedResetCostsNothing: poll and epoll report errors and hangups
// whatever was asked for. A connection that nobody wants to hear of must not
// keep the loop awake by having been reset.
func TestParkedResetCostsNothing(t *testing.T) {
	for name, park := range map[string]func(r *rig, fd int){
		"changed": func(r *rig, fd int) {
			r.must(r.Add(fd, Read, 1))
			r.expect()
			r.must(r.Change(fd, Read, 0, 1))
		},
		"added": func(r *rig, fd int) { r.must(r.Add(fd, 0, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			conform(t, func(r *rig) {
				a, b := r.tcp()
				park(r, a)
				r.reset(b)
				before := r.Counts()
				if got := r.wait(20 * time.Millisecond); len(got) != 0 {
					r.Fatalf("Wait reported %+v for a parked connection", got)
				}
				after := r.Counts()
				calls := after.Polls + after.Blocks - before.Polls - before.Blocks
				if interrupted := after.Interrupt - before.Interrupt; calls > 2+interrupted {
					r.Fatalf("one idle Wait made %d calls", calls)
				}
				r.must(r.Change(a, 0, Read, 1))
				r.expect(Event{Token: 1, Ready: r.ending()})
				if got := r.read(a); got != unix.ECONNRESET.Error() {
					r.Fatalf("read %q, want a reset", got)
				}
			})
		})
	}
}

// TestReuseInsideABatch: two descriptors are ready; while the first is handled
// the second is closed and its number given to another connection. The event
// at hand must be told apart, and nothing of the old one may come later.
func TestReuseInsideABatch(t *testing.T) {
	conform(t, func(r *rig) {
		a, a2 := r.pair()
		b, b2 := r.pair()
		c, c2 := r.pair()
		old, fresh := MakeToken(2, 1), MakeToken(2, 2)
		r.must(r.Add(a, Read, MakeToken(1, 1)))
		r.must(r.Add(b, Read, old))
		r.write(a2, "x")
		r.write(b2, "x")
		r.expect(Event{Token: MakeToken(1, 1), Ready: Read}, Event{Token: old, Ready: Read})
		if old == fresh || old.Index() != fresh.Index() || fresh.Generation() != 2 {
			r.Fatal("tokens do not tell generations apart")
		}

		r.must(r.Remove(b, Read, old, true))
		r.shut(b)
		reused, err := unix.FcntlInt(uintptr(c), unix.F_DUPFD_CLOEXEC, b)
		r.must(err)
		if reused != b {
			r.Fatalf("the number %d came as %d", b, reused)
		}
		r.own(reused)
		r.shut(c)
		r.must(r.Add(reused, Read, fresh))
		r.empty(a)
		r.expect()
		r.write(c2, "x")
		r.expect(Event{Token: fresh, Ready: Read})
	})
}

// TestCloseInsideABatch closes every other descriptor of a batch while it is
// being handled.
func TestCloseInsideABatch(t *testing.T) {
	conform(t, func(r *rig) {
		const n = 20
		var fds, peers [n]int
		for i := range n {
			fds[i], peers[i] = r.pair()
			r.must(r.Add(fds[i], Read, Token(i)))
			r.write(peers[i], "x")
		}
		got := r.wait(patience)
		if len(got) != n {
			r.Fatalf("%d of %d are ready", len(got), n)
		}
		var left []Event
		for _, e := range got {
			i := int(e.Token)
			if i%2 == 0 {
				r.must(r.Remove(fds[i], Read, e.Token, true))
				r.shut(fds[i])
				continue
			}
			r.empty(fds[i])
			r.write(peers[i], "y")
			left = append(left, e)
		}
		r.expect(left...)
	})
}

// TestLastDescriptorGoes takes them out from the top, so that select lowers
// its range, and puts one back.
func TestLastDescriptorGoes(t *testing.T) {
	conform(t, func(r *rig) {
		var fds, peers [100]int
		for i := range fds {
			fds[i], peers[i] = r.pair()
			r.must(r.Add(fds[i], Read, Token(i)))
		}
		for i := len(fds) - 1; i > 0; i-- {
			r.write(peers[i], "x")
			r.expect(Event{Token: Token(i), Ready: Read})
			closing := i%2 == 0
			r.must(r.Remove(fds[i], Read, Token(i), closing))
			if closing {
				r.shut(fds[i])
			}
			r.expect()
		}
		r.write(peers[0], "x")
		r.expect(Event{Token: 0, Ready: Read})
		r.must(r.Add(fds[99], Read, 99))
		r.expect(append(r.still(Event{Token: 0, Ready: Read}), Event{Token: 99, Ready: Read})...)
	})
}

// TestBadDescriptor: an error from Add, or an event with the error where the
// backend defers it; and no harm to others either way.
func TestBadDescriptor(t *testing.T) {
	conform(t, func(r *rig) {
		a, b := r.pair()
		r.must(r.Add(a, Read, 1))
		if err := r.Add(-1, Read, 2); !errors.Is(err, unix.EBADF) {
			r.Errorf("Add(-1): %v, want EBADF", err)
		}
		bad := make([]int, 3)
		for i := range bad {
			bad[i], _ = r.pair()
		}
		var deferred []Event
		for i, fd := range bad {
			r.shut(fd)
			token := Token(10 + i)
			switch err := r.Add(fd, Read|Write, token); {
			case err == nil:
				deferred = append(deferred, Event{Token: token, Err: unix.EBADF})
			case !errors.Is(err, unix.EBADF):
				r.Errorf("Add of a closed descriptor: %v, want EBADF", err)
			}
		}
		if len(deferred) > 0 {
			r.expect(deferred...)
		}
		r.expect()
		for i, fd := range bad {
			r.must(r.Remove(fd, Read|Write, Token(10+i), true))
		}
		r.write(b, "x")
		r.expect(Event{Token: 1, Ready: Read})
	})
}

// TestDisagreement: a caller that remembers its interest wrongly is told so.
func TestDisagreement(t *testing.T) {
	conform(t, func(r *rig) {
		a, b := r.pair()
		r.must(r.Add(a, Read, 1))
		for _, c := range []struct {
			what string
			err  error
			want unix.Errno
		}{
			{"Add twice", r.Add(a, Read, 2), unix.EEXIST},
			{"Change from nothing of one that is watched", r.Change(a, 0, Write, 2), unix.EEXIST},
			{"Change of one that is not watched", r.Change(b, Read, Write, 2), unix.ENOENT},
			{"Remove of one that is not watched", r.Remove(b, Read, 2, false), unix.ENOENT},
			{"Remove of one that is parked", r.Remove(b, 0, 2, false), 0},
			{"Add with the reserved token", r.Add(b, Read, reserved), unix.EINVAL},
			{"Change to the reserved token", r.Change(a, Read, Write, reserved), unix.EINVAL},
		} {
			if !errors.Is(c.err, c.want) && (c.want != 0 || c.err != nil) {
				r.Errorf("%s: %v, want %v", c.what, c.err, c.want)
			}
		}
		if r.traits.MaxFD > 0 {
			if err := r.Add(r.traits.MaxFD, Read, 3); !errors.Is(err, unix.EINVAL) {
				r.Errorf("Add of descriptor %d: %v, want EINVAL", r.traits.MaxFD, err)
			}
		}
		r.expect()
	})
}
