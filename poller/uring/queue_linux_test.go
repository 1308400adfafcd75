package uring

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNopStorm submits far more than the completion queue holds before it takes
// any. The kernel keeps the rest, none is lost or doubled, and all come in the
// order of submission.
func TestNopStorm(t *testing.T) {
	for name, without := range map[string]Feature{"": 0, "without deferral": DeferTaskrun, "with an array": NoSQArray} {
		t.Run(name, func(t *testing.T) {
			b := open(t, Options{Entries: 8, Completions: 16, Without: without})
			rounds := 200_000
			if testing.Short() {
				rounds = 70_000 // past the end of 16 bits
			}
			submitted, taken, overflown := uint64(0), uint64(0), 0
			into := make([]CQE, 5)
			for taken < uint64(rounds) {
				for range 7 + taken%100 {
					b.next(submitted).Nop()
					submitted++
				}
				b.must(b.Enter())
				for taken < submitted {
					n := b.Reap(into)
					for _, c := range into[:n] {
						if c.UserData != taken || c.Res != 0 || c.More() {
							t.Fatalf("%+v, want number %d", c, taken)
						}
						taken++
					}
					if n > 0 {
						continue
					}
					if !b.Overflown() && b.Pending() == 0 {
						t.Fatalf("%d of %d came, and the kernel keeps none", taken, submitted)
					}
					overflown++
					b.must(b.Enter())
				}
				if b.Overflown() {
					t.Fatal("all have come, and the ring is said to have run over")
				}
			}
			if overflown == 0 {
				t.Error("the queue never ran over")
			}
		})
	}
}

// TestRefusedEntriesWaitTheirTurn: while the kernel takes nothing (as with EAGAIN
// or EBUSY; here the ring's number is wrong), entries past the end of the queue
// are kept, and are carried out in their order.
func TestRefusedEntriesWaitTheirTurn(t *testing.T) {
	b := open(t, Options{Entries: 4, Completions: 64})
	fd, flags := b.enterFD, b.enterFlags
	next := uint64(0)
	for _, n := range []int{3, 4, 5, 8, 9, 30} {
		b.enterFD, b.enterFlags = -1, 0
		first := next
		for range n {
			b.next(next).Nop()
			next++
		}
		if got := b.Pending(); got != n {
			t.Errorf("%d are pending, want %d", got, n)
		}
		if err := b.Submit(); !errors.Is(err, unix.EBADF) {
			t.Errorf("Submit: %v, want EBADF", err)
		}
		if err := b.Enter(); !errors.Is(err, unix.EBADF) {
			t.Errorf("Enter: %v, want EBADF", err)
		}
		b.enterFD, b.enterFlags = fd, flags
		b.next(next).Nop() // behind the others
		next++
		var got []CQE
		if n == 9 {
			b.must(b.Wait(-1)) // must not wait with entries left behind
			got = b.reap()
		}
		for got = append(got, b.enter()...); b.Overflown(); {
			got = append(got, b.enter()...)
		}
		if len(got) != n+1 {
			t.Fatalf("%d of %d came", len(got), n+1)
		}
		for i, c := range got {
			if c.UserData != first+uint64(i) {
				t.Fatalf("number %d came as %d", c.UserData, i)
			}
		}
	}
}

// TestWaitLeavesNoEntryBehind: what the queue had no room for might be what the
// wait is for.
func TestWaitLeavesNoEntryBehind(t *testing.T) {
	b := open(t, Options{Entries: 2})
	x, y := b.pair()
	fd, flags := b.enterFD, b.enterFlags
	b.enterFD, b.enterFlags = -1, 0
	b.next(1).PollAdd(x, unix.POLLIN, true)
	b.next(2).PollAdd(x, unix.POLLIN, true)
	b.next(3).Send(y, []byte("x"), sendNow) // spilled
	b.enterFD, b.enterFlags = fd, flags
	b.must(b.Wait(patience))
	if n := b.Pending(); n != 0 {
		t.Fatalf("%d entries were left behind", n)
	}
	b.await(3)
}

// TestEntriesInError complete with the error, and do not stop those behind them,
// whether the kernel goes on by itself (IORING_SETUP_SUBMIT_ALL) or not.
func TestEntriesInError(t *testing.T) {
	for name, without := range map[string]Feature{"": 0, "without SUBMIT_ALL": SubmitAll} {
		t.Run(name, func(t *testing.T) {
			b := open(t, Options{Entries: 8, Without: without})
			for i := range uint64(6) {
				s := b.next(i)
				if i%2 == 1 {
					s.Opcode = 0xff
				}
			}
			var got []CQE
			for range 6 {
				b.must(b.Enter())
				got = append(got, b.reap()...)
			}
			if b.Pending() != 0 || len(got) != 6 {
				t.Fatalf("%d completions, %d pending", len(got), b.Pending())
			}
			for i, c := range got {
				want := unix.Errno(0)
				if i%2 == 1 {
					want = unix.EINVAL
				}
				if c.UserData != uint64(i) || c.Err() != want {
					t.Errorf("number %d: %+v, want %v", i, c, want)
				}
			}
		})
	}
}

// model is the kernel's side of a ring, in ordinary memory.
type model struct {
	sqHead, sqTail, sqFlags, cqHead, cqTail uint32
}

// inMemory is a ring whose indices all begin at a number.
func inMemory(entries, completions, begin uint32) (*Ring, *model) {
	m := &model{begin, begin, 0, begin, begin}
	return &Ring{
		fd: -1, enterFD: -1,
		sqHead: &m.sqHead, sqTail: &m.sqTail, sqFlags: &m.sqFlags,
		sqEntries: entries, sqMask: entries - 1, sqes: make([]SQE, entries), tail: begin,
		cqHead: &m.cqHead, cqTail: &m.cqTail, cqMask: completions - 1, cqes: make([]CQE, completions), head: begin,
	}, m
}

// take is the kernel consuming n entries and completing each.
func (m *model) take(r *Ring, n uint32) {
	for range min(n, m.sqTail-m.sqHead) {
		r.cqes[m.cqTail&r.cqMask] = CQE{UserData: r.sqes[m.sqHead&r.sqMask].UserData}
		m.sqHead++
		m.cqTail++
	}
}

// TestIndicesWrapAround at 2^32, with the kernel's side played in memory, since a
// kernel begins at 0: entries and completions keep their order over the wrap,
// through the spill as well.
func TestIndicesWrapAround(t *testing.T) {
	for _, begin := range []uint32{0, 1<<32 - 3, 1<<32 - 1} {
		for _, takes := range []uint32{1, 2, 4} {
			r, m := inMemory(4, 8, begin)
			submitted, completed := uint64(0), uint64(0)
			into := make([]CQE, 3)
			for round := range 200 {
				if round < 30 {
					for range 3 { // more than is taken, so that some spill
						r.Next().UserData = submitted
						submitted++
					}
				}
				_ = r.Submit() // publishes; the number of the ring is wrong
				m.take(r, takes)
				if n := r.Ready(); n != int(m.cqTail-r.head) || n > 8 {
					t.Fatalf("%d are ready", n)
				}
				if n := r.Pending(); n != int(submitted-uint64(m.sqHead-begin)) {
					t.Fatalf("%d are pending of %d with %d taken", n, submitted, m.sqHead-begin)
				}
				for r.Ready() > 0 {
					for _, c := range into[:r.Reap(into)] {
						if c.UserData != completed {
							t.Fatalf("begin %d, takes %d: number %d, want %d", begin, takes, c.UserData, completed)
						}
						completed++
					}
				}
				if m.cqHead != r.head {
					t.Fatal("what was reaped is not given back")
				}
			}
			if completed != submitted {
				t.Errorf("begin %d, takes %d: %d of %d came", begin, takes, completed, submitted)
			}
		}
	}
}

// TestNextIsZeroed: an entry has nothing left of the one before in its place.
func TestNextIsZeroed(t *testing.T) {
	b := open(t, Options{Entries: 2})
	for range 5 {
		if s := b.Next(); *s != (SQE{}) {
			t.Fatalf("%+v", *s)
		} else {
			*s = SQE{Opcode: OpNop, Off: 1, UserData: 3}
			s.Group = 9
		}
		b.enter()
	}
}
