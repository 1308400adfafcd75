package poller

import (
	"errors"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

// io_uring-poll on older kernels, and with queues so short that both run over.
func init() {
	all := uring.SingleIssuer | uring.DeferTaskrun | uring.CoopTaskrun | uring.SubmitAll | uring.NoSQArray | uring.RegisteredFD
	for name, o := range map[string]uring.Options{
		"io_uring-poll with short queues":  {Entries: 2, Completions: 512},
		"io_uring-poll without deferral":   {Entries: 256, Without: uring.DeferTaskrun},
		"io_uring-poll without any option": {Entries: 256, Without: all},
	} {
		variants = append(variants, uringBackend(name, o))
	}
}

// uringRig runs a test on io_uring-poll and its variants.
func uringRig(t *testing.T, test func(*rig, *uringPoller)) {
	conform(t, func(r *rig) {
		p, ok := r.Poller.(*uringPoller)
		if !ok {
			r.Skip("another backend")
		}
		test(r, p)
	})
}

// TestUringChangesRide: what is asked for, changed and parked costs no system
// call of its own; to stop watching costs one.
func TestUringChangesRide(t *testing.T) {
	uringRig(t, func(r *rig, p *uringPoller) {
		r.expect()
		before := r.Counts()
		a, b := r.pair()
		r.must(r.Add(a, Read, 1))
		r.write(b, "x")
		r.expect(Event{Token: 1, Ready: Read})
		r.must(r.Change(a, Read, 0, 1))
		r.expect()
		r.must(r.Change(a, 0, Read, 1))
		r.expect(Event{Token: 1, Ready: Read})
		if c := r.Counts(); c.Controls != before.Controls || c.Blocks != before.Blocks || c.Polls != before.Polls+3 {
			r.Errorf("calls: %+v, before %+v", c, before)
		}
		r.must(r.Remove(a, Read, 1, true))
		if c := r.Counts(); c.Controls != before.Controls+1 {
			r.Errorf("Remove made %d calls", c.Controls-before.Controls)
		}
		r.must(r.Add(b, 0, 2))
		r.must(r.Remove(b, 0, 2, true))
		if c := r.Counts(); c.Controls != before.Controls+1 {
			r.Errorf("Remove of one that was never armed made %d calls", c.Controls-before.Controls-1)
		}
	})
}

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

// TestUringStaleCompletions: what completed of a poll that was changed or
// removed meanwhile reaches nobody, although descriptor and token are the same.
func TestUringStaleCompletions(t *testing.T) {
	uringRig(t, func(r *rig, p *uringPoller) {
		a, b := r.pair()
		r.must(r.Add(a, Read, 1))
		r.expect()
		for range 3 {
			r.write(b, "x")
			r.must(p.ring.Enter()) // completes, and is not taken
			r.empty(a)
			r.must(r.Change(a, Read, Read, 1))
			r.expect()

			r.write(b, "x")
			r.must(p.ring.Enter())
			r.empty(a)
			r.must(r.Remove(a, Read, 1, false))
			r.must(r.Add(a, Read, 1))
			r.expect()
		}
		r.write(b, "x")
		r.expect(Event{Token: 1, Ready: Read})
	})
}

// TestUringUrgentMark: what is behind a mark is not lost to who trusts a short
// read, and data alone is nothing urgent.
func TestUringUrgentMark(t *testing.T) {
	uringRig(t, func(r *rig, p *uringPoller) {
		a, b := r.tcp()
		r.must(r.Add(a, Read, 1))
		r.expect()
		send := []func(){
			func() { r.write(b, "before") },
			func() { r.must(unix.Sendto(b, []byte("!"), unix.MSG_OOB, nil)) },
			func() { r.write(b, "behind") },
		}
		// look takes reports between any two of the three; whoever got one reads
		// until a short read, or until nothing is left where More says so.
		for look := range 1 << 3 {
			all, more := "", false
			take := func() {
				for _, e := range r.wait(0) {
					more = more || e.Ready&More != 0
					// At a mark a read says EAGAIN to a thread that has a signal
					// pending (tcp_recvmsg_locked), as Go's have now and then.
					for empty := 0; empty < 3; {
						text := r.read(a)
						if text == unix.EAGAIN.Error() {
							empty++
							continue
						}
						all += text
						if e.Ready&More == 0 {
							break
						}
					}
				}
			}
			for i, f := range send {
				f()
				acknowledged(r.T, b)
				if look&(1<<i) != 0 {
					take()
				}
			}
			take()
			if all != "beforebehind" {
				r.Fatalf("looking %03b: read %q", look, all)
			}
			if look == 0 && !more {
				r.Error("a mark amid data was not reported as More")
			}
			r.write(b, "plain")
			acknowledged(r.T, b)
			r.expect(Event{Token: 1, Ready: Read})
			r.empty(a)
		}
	})
}

// TestUringArmsAgain: a poll that ended is armed anew. A file that cannot be
// polled ends each one.
func TestUringArmsAgain(t *testing.T) {
	uringRig(t, func(r *rig, p *uringPoller) {
		var fds [1]int
		file, err := unix.Open(r.TempDir(), unix.O_TMPFILE|unix.O_RDWR, 0o600)
		if errors.Is(err, unix.EOPNOTSUPP) {
			r.Skip("SKIPPED: this file system has no unnamed files")
		}
		r.must(err)
		fds[0] = r.own(file)
		r.must(r.Add(fds[0], Read, 1))
		for range 3 {
			r.expect(Event{Token: 1, Ready: Read})
		}
		r.must(r.Remove(fds[0], Read, 1, true))
		r.expect()
	})
}

// TestUringArmsOnlyItsOwn: a poll that ended by itself is not armed again for who
// has parked, changed or removed it since.
func TestUringArmsOnlyItsOwn(t *testing.T) {
	uringRig(t, func(r *rig, p *uringPoller) {
		a, _ := r.pair()
		for name, f := range map[string]func(){
			"parked":  func() { r.must(r.Change(a, Read, 0, 1)); r.must(r.Change(a, 0, 0, 1)) },
			"changed": func() { r.must(r.Change(a, Read, Write, 1)) },
			"removed": func() { r.must(r.Remove(a, Read, 1, false)) },
		} {
			r.must(r.Add(a, Read, 1))
			p.over = append(p.over, uringData(a, p.sequence))
			f()
			before := p.sequence
			p.armAgain()
			if p.sequence != before || len(p.over) != 0 {
				r.Errorf("%s: armed again", name)
			}
			r.must(r.Remove(a, p.watched(a), 1, false))
		}
	})
}

// TestUringOverflow: with a queue of four for a hundred, polls end and are armed
// again, and what was unread then is reported twice; but everything is reported,
// and what was read, no more.
func TestUringOverflow(t *testing.T) {
	backend := uringBackend("io_uring-poll", uring.Options{Entries: 2, Completions: 4})
	if err := backend.Available(); err != nil {
		t.Skipf("SKIPPED: no io_uring here: %v", err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p, err := backend.Open()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, Poller: p, traits: backend.Traits, events: make([]Event, 7)}
	defer func() { r.must(p.Close()) }()
	var fds, peers [100]int
	for i := range fds {
		fds[i], peers[i] = r.pair()
		r.must(r.Add(fds[i], Read, Token(i)))
	}
	r.expect()
	for round := range 5 {
		for _, peer := range peers {
			r.write(peer, "x")
		}
		seen := map[Token]bool{}
		for waits := 0; ; waits++ {
			got := r.wait(0)
			if len(got) == 0 {
				break
			}
			for _, e := range got {
				if e.Ready != Read || e.Err != 0 {
					t.Fatalf("%+v", e)
				}
				r.empty(fds[e.Token])
				seen[e.Token] = true
			}
			if waits == 2*len(fds) {
				t.Fatal("there is no end of reports")
			}
		}
		if len(seen) != len(fds) {
			t.Fatalf("round %d: %d of %d were reported", round, len(seen), len(fds))
		}
	}
}

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
