// poll: select without the bitmaps (System V R3, 1986).
//
// The caller hands in an array of descriptors with the events wanted, and the
// kernel fills in those that occurred. Each call copies the whole array in and
// all results out, visits every entry and, if it is to sleep, enters and
// leaves the wait queue of each (Linux: do_poll in fs/select.c). The cost of a
// call is linear in the descriptors watched; unlike select's it does not grow
// with their numbers. What it does well: changes of interest are free, errors
// and hangups are told apart, no ceiling but the process's own.
//
// Traps. POLLERR, POLLHUP and POLLNVAL are reported whatever was asked for, so
// that a descriptor without interest must leave the array, or a reset would
// end every call at once (poll(2)). A negative descriptor is passed over in
// silence. Linux refuses an array longer than RLIMIT_NOFILE with EINVAL, which
// can happen only if the limit was lowered. macOS polls no devices.

package poller

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	register("poll", func() Backend {
		return Backend{
			Name: "poll",
			Traits: Traits{
				Mode:       Level,
				ScansAll:   true,
				Resolution: pollResolution,
				Note:       "Everywhere; changes of interest are free; each wait scans all descriptors watched.",
			},
			Available: func() error { return nil },
			Open:      openPoll,
		}
	})
}

// pollPoller keeps the array dense: a descriptor that goes is replaced by the
// last one. Slot 0 is the waker's and stays.
type pollPoller struct {
	fds     []unix.PollFd
	tokens  []Token // by slot
	slots   []int32 // by descriptor; 0: not in the array
	next    int     // the slot at which the next scan starts, at least 1
	waker   Waker
	outlook outlook
	counts  Counts
}

func openPoll() (Poller, error) {
	p := &pollPoller{next: 1}
	if err := p.waker.Open(); err != nil {
		return nil, err
	}
	p.fds = append(p.fds, unix.PollFd{Fd: int32(p.waker.FD()), Events: unix.POLLIN})
	p.tokens = append(p.tokens, reserved)
	return p, nil
}

func (p *pollPoller) Add(fd int, want Interest, t Token) error {
	return p.change("add", fd, 0, want, t)
}

func (p *pollPoller) Change(fd int, had, want Interest, t Token) error {
	return p.change("change", fd, had, want, t)
}

func (p *pollPoller) change(verb string, fd int, had, want Interest, t Token) error {
	switch {
	case fd < 0:
		return refuse("poll", verb, fd, unix.EBADF)
	case t == reserved:
		return refuse("poll", verb, fd, unix.EINVAL)
	}
	slot := p.slot(fd)
	var watched Interest
	if slot != 0 {
		watched = pollInterest(p.fds[slot].Events)
	}
	if errno := agree(had, watched); errno != 0 {
		return refuse("poll", verb, fd, errno)
	}
	switch {
	case want == 0 && slot == 0:
	case want == 0:
		p.drop(slot)
	case slot == 0:
		p.append(fd, want, t)
	default:
		p.fds[slot].Events = pollEvents(want)
		p.tokens[slot] = t
	}
	return nil
}

func (p *pollPoller) Remove(fd int, had Interest, _ Token, closing bool) error {
	slot := p.slot(fd)
	if !closing && had != 0 && slot == 0 {
		return refuse("poll", "remove", fd, unix.ENOENT)
	}
	if slot != 0 {
		p.drop(slot)
	}
	return nil
}

// slot is the place of fd in the array, 0 if it has none.
func (p *pollPoller) slot(fd int) int {
	if fd < 0 || fd >= len(p.slots) {
		return 0
	}
	return int(p.slots[fd])
}

func (p *pollPoller) append(fd int, want Interest, t Token) {
	if fd >= len(p.slots) {
		size := max(1024, len(p.slots))
		for size <= fd {
			size *= 2
		}
		p.slots = slices.Grow(p.slots, size-len(p.slots))[:size]
	}
	p.slots[fd] = int32(len(p.fds))
	p.fds = append(p.fds, unix.PollFd{Fd: int32(fd), Events: pollEvents(want)})
	p.tokens = append(p.tokens, t)
}

// drop takes a slot out and fills the hole with the last one. The last one has
// not had its turn in this round if it lies after next; so as not to lose it,
// it goes to the border, and the one at the border, which had its turn, into
// the hole.
func (p *pollPoller) drop(slot int) {
	p.slots[number(p.fds[slot])] = 0
	if slot < p.next {
		p.next--
		p.move(p.next, slot)
		slot = p.next
	}
	last := len(p.fds) - 1
	p.move(last, slot)
	p.fds = p.fds[:last]
	p.tokens = p.tokens[:last]
}

func (p *pollPoller) move(from, to int) {
	if from == to {
		return
	}
	p.fds[to] = p.fds[from]
	p.tokens[to] = p.tokens[from]
	p.slots[number(p.fds[to])] = int32(to)
}

// number is the descriptor of a slot, marked as invalid by harvest or not.
func number(fd unix.PollFd) int32 { return max(fd.Fd, ^fd.Fd) }

func (p *pollPoller) Wait(events []Event, timeout time.Duration) (int, error) {
	left, errno := await(p, &p.counts, timeout, p.outlook.pollFirst(len(p.fds)))
	if errno != 0 {
		return 0, failed("poll", errno)
	}
	p.outlook.learn(left)
	if left == 0 {
		return 0, nil
	}
	n := p.harvest(events, left)
	p.counts.Events += uint64(n)
	return n, nil
}

func (p *pollPoller) ask(d time.Duration) (int, unix.Errno) { return callPoll(p.fds, d) }

// harvest turns the left slots that the kernel marked into events. It starts
// after the last slot that it reported, and goes round once, so that a buffer
// shorter than the ready set comes to everybody in turn.
func (p *pollPoller) harvest(events []Event, left int) int {
	if p.fds[0].Revents != 0 {
		p.waker.Take()
		left--
	}
	start := p.next
	n, invalid := 0, false
	for range 2 { // to the end of the array, then from its start
		for i := p.next; i < len(p.fds) && left > 0 && n < len(events); i++ {
			fd := &p.fds[i]
			if fd.Revents == 0 {
				continue
			}
			left--
			p.next = i + 1
			events[n] = Event{Token: p.tokens[i], Ready: pollReady(fd.Revents, fd.Events)}
			if fd.Revents&unix.POLLNVAL != 0 {
				events[n] = Event{Token: p.tokens[i], Err: unix.EBADF}
				fd.Fd = ^fd.Fd // negative: the mark for expel
				invalid = true
			}
			n++
		}
		if left == 0 || n == len(events) || start == 1 {
			break
		}
		p.next = 1
	}
	if invalid {
		p.expel()
	}
	return n
}

// expel drops the descriptors that were found to be invalid and reported. It
// comes after the scan because it moves slots.
func (p *pollPoller) expel() {
	for i := len(p.fds) - 1; i > 0; i-- {
		if p.fds[i].Fd < 0 {
			p.drop(i)
		}
	}
}

func (p *pollPoller) Wake() error { return p.waker.Wake() }

func (p *pollPoller) Counts() Counts {
	c := p.counts
	c.WakeCalls = p.waker.Calls()
	return c
}

func (p *pollPoller) Close() error { return p.waker.Close() }

func pollEvents(want Interest) int16 {
	var e int16
	if want&Read != 0 {
		e |= unix.POLLIN
	}
	if want&Write != 0 {
		e |= unix.POLLOUT
	}
	return e
}

func pollInterest(events int16) Interest {
	var i Interest
	if events&unix.POLLIN != 0 {
		i |= Read
	}
	if events&unix.POLLOUT != 0 {
		i |= Write
	}
	return i
}

// pollReady says of a hangup or error that reading will not block, and to one
// that waits only to write, that writing will not either.
func pollReady(revents, events int16) Interest {
	ready := pollInterest(revents)
	if revents&(unix.POLLERR|unix.POLLHUP) != 0 {
		ready |= Read
		if events&unix.POLLIN == 0 {
			ready |= Write
		}
	}
	return ready
}
