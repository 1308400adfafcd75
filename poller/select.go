// select: the oldest of them (4.2BSD, 1983), and everywhere.
//
// The caller hands in a bitmap of descriptors for each direction and the
// kernel overwrites it with the answer. So each call copies the bitmaps to the
// kernel and back, visits every descriptor that is set, and, if it is to
// sleep, puts itself on the wait queue of each and takes itself off again
// (Linux: do_select in fs/select.c). The cost of a call is linear in the
// descriptors watched and in the highest number, whoever is ready. What it
// does well: no system call to change interest, three machine words of state
// in a small program, and with all connections busy it is as cheap as any.
//
// Traps. FD_SETSIZE (1024) belongs to the C header, not to the Linux and BSD
// kernels, which go by nfds; C programs that set a higher bit overwrite their
// stack, this one has bitmaps that grow (select(2), NOTES). macOS does limit.
// One closed descriptor in a set fails the whole call with EBADF and does not
// say which. The answer has no hangup or error of its own: both are readable,
// an error is writable too, and a hangup alone is not reported for a
// descriptor that waits only to write. The timeout is overwritten on Linux.

package poller

import (
	"math/bits"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	register("select", func() Backend {
		return Backend{
			Name: "select",
			Traits: Traits{
				Mode:       Level,
				ScansAll:   true,
				Resolution: selectResolution,
				MaxFD:      selectMaxFD,
				Note:       "Everywhere; changes of interest are free; each wait scans all descriptors up to the highest number.",
			},
			Available: func() error { return nil },
			Open:      openSelect,
		}
	})
}

const (
	wordBits = 64
	// fdSetWords is FD_SETSIZE in words. Bitmaps are at least as long, so that
	// they may be passed off as the C type.
	fdSetWords = 1024 / wordBits
)

// selectPoller has bitmaps of equal length, one bit a descriptor, and a table
// of tokens by descriptor.
type selectPoller struct {
	read, write []uint64 // what is watched
	in, out     []uint64 // what the kernel overwrites
	tokens      []Token
	top         int // the highest descriptor watched, and 1
	watched     int // descriptors with a bit in read or write
	writing     int // descriptors with a bit in write
	next        int // the descriptor at which the next scan starts
	waker       Waker
	outlook     outlook
	counts      Counts
}

func openSelect() (Poller, error) {
	s := &selectPoller{}
	if err := s.waker.Open(); err != nil {
		return nil, err
	}
	if err := s.check("watch its own wake", s.waker.FD(), 0); err != nil {
		s.waker.Close()
		return nil, err
	}
	s.set(s.waker.FD(), Read)
	return s, nil
}

func (s *selectPoller) Add(fd int, want Interest, t Token) error {
	return s.change("add", fd, 0, want, t)
}

func (s *selectPoller) Change(fd int, had, want Interest, t Token) error {
	return s.change("change", fd, had, want, t)
}

func (s *selectPoller) change(verb string, fd int, had, want Interest, t Token) error {
	if err := s.check(verb, fd, t); err != nil {
		return err
	}
	if errno := agree(had, s.interest(fd)); errno != 0 {
		return refuse("select", verb, fd, errno)
	}
	s.set(fd, want)
	s.tokens[fd] = t
	return nil
}

func (s *selectPoller) Remove(fd int, had Interest, _ Token, closing bool) error {
	watched := s.interest(fd)
	if !closing && had != 0 && watched == 0 {
		return refuse("select", "remove", fd, unix.ENOENT)
	}
	if watched != 0 {
		s.set(fd, 0)
	}
	return nil
}

// check refuses what can never be watched and makes room for the rest.
func (s *selectPoller) check(verb string, fd int, t Token) error {
	switch {
	case fd < 0:
		return refuse("select", verb, fd, unix.EBADF)
	case t == reserved || selectMaxFD > 0 && fd >= selectMaxFD:
		return refuse("select", verb, fd, unix.EINVAL)
	}
	if fd < len(s.tokens) {
		return nil
	}
	words := max(fdSetWords, len(s.read))
	for words*wordBits <= fd {
		words *= 2
	}
	for _, m := range []*[]uint64{&s.read, &s.write, &s.in, &s.out} {
		*m = slices.Grow(*m, words-len(*m))[:words]
	}
	s.tokens = slices.Grow(s.tokens, words*wordBits-len(s.tokens))[:words*wordBits]
	return nil
}

// interest is what is watched of fd.
func (s *selectPoller) interest(fd int) Interest {
	if fd < 0 || fd >= len(s.tokens) {
		return 0
	}
	w, bit := fd/wordBits, uint64(1)<<(fd%wordBits)
	var i Interest
	if s.read[w]&bit != 0 {
		i |= Read
	}
	if s.write[w]&bit != 0 {
		i |= Write
	}
	return i
}

// set makes want what is watched of fd.
func (s *selectPoller) set(fd int, want Interest) {
	had := s.interest(fd)
	w, bit := fd/wordBits, uint64(1)<<(fd%wordBits)
	s.read[w] &^= bit
	s.write[w] &^= bit
	if want&Read != 0 {
		s.read[w] |= bit
	}
	if want&Write != 0 {
		s.write[w] |= bit
	}
	s.watched += one(want != 0) - one(had != 0)
	s.writing += one(want&Write != 0) - one(had&Write != 0)
	switch {
	case want != 0:
		s.top = max(s.top, fd+1)
	case fd+1 == s.top:
		s.lower()
	}
}

// lower brings top down to the highest descriptor left; the waker's is never
// taken out.
func (s *selectPoller) lower() {
	w := (s.top - 1) / wordBits
	for s.read[w]|s.write[w] == 0 {
		w--
	}
	s.top = w*wordBits + bits.Len64(s.read[w]|s.write[w])
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *selectPoller) Wait(events []Event, timeout time.Duration) (int, error) {
	left, errno := await(s, &s.counts, timeout, s.outlook.pollFirst(s.watched))
	s.outlook.learn(left)
	var n int
	switch errno {
	case 0:
		if left > 0 {
			n = s.harvest(events, left)
		}
	case unix.EBADF:
		if n = s.expel(events); n == 0 {
			return 0, failed("select", errno)
		}
	default:
		return 0, failed("select", errno)
	}
	s.counts.Events += uint64(n)
	return n, nil
}

// ask passes no bitmap for writing while nobody waits to write, the usual
// case: the kernel then neither copies nor visits it.
func (s *selectPoller) ask(d time.Duration) (int, unix.Errno) {
	words := s.words()
	copy(s.in, s.read[:words])
	if s.writing == 0 {
		return callSelect(s.top, &s.in[0], nil, d)
	}
	copy(s.out, s.write[:words])
	return callSelect(s.top, &s.in[0], &s.out[0], d)
}

func (s *selectPoller) words() int { return (s.top + wordBits - 1) / wordBits }

// harvest turns the left bits that the kernel set into events. It starts after
// the last descriptor that it reported, and goes round once, so that a buffer
// shorter than the ready set comes to everybody in turn.
func (s *selectPoller) harvest(events []Event, left int) int {
	if w, bit := s.waker.FD()/wordBits, uint64(1)<<(s.waker.FD()%wordBits); s.in[w]&bit != 0 {
		s.in[w] &^= bit
		s.waker.Take()
		left--
	}
	if s.next >= s.top {
		s.next = 0
	}
	words, first, after := s.words(), s.next/wordBits, ^uint64(0)<<(s.next%wordBits)
	n := 0
	for i := 0; i <= words && left > 0; i++ {
		w, mask := first+i, ^uint64(0)
		if w >= words {
			w -= words
		}
		switch i {
		case 0:
			mask = after
		case words: // back at the first word, for its lower part
			mask = ^after
		}
		in, out := s.in[w]&mask, uint64(0)
		if s.writing > 0 {
			out = s.out[w] & mask
		}
		for both := in | out; both != 0; both &= both - 1 {
			if n == len(events) {
				return n
			}
			bit := both & -both
			fd := w*wordBits + bits.TrailingZeros64(both)
			var ready Interest
			if in&bit != 0 {
				ready |= Read
				left--
			}
			if out&bit != 0 {
				ready |= Write
				left--
			}
			events[n] = Event{Token: s.tokens[fd], Ready: ready}
			n++
			s.next = fd + 1
		}
	}
	return n
}

// expel finds the descriptors for which the call failed with EBADF, reports
// them and watches them no longer. It costs a system call a descriptor, once,
// where checking each Add would cost one a connection, always.
func (s *selectPoller) expel(events []Event) int {
	n := 0
	for w := range s.words() {
		for m := s.read[w] | s.write[w]; m != 0; m &= m - 1 {
			fd := w*wordBits + bits.TrailingZeros64(m)
			if fd == s.waker.FD() || n == len(events) {
				continue
			}
			s.counts.Controls++
			if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == unix.EBADF {
				events[n] = Event{Token: s.tokens[fd], Err: unix.EBADF}
				n++
				s.set(fd, 0)
			}
		}
	}
	return n
}

func (s *selectPoller) Wake() error { return s.waker.Wake() }

func (s *selectPoller) Counts() Counts {
	c := s.counts
	c.WakeCalls = s.waker.Calls()
	return c
}

func (s *selectPoller) Close() error { return s.waker.Close() }
