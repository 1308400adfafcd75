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
