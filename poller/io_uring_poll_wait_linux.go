package poller

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

// This file is how io_uring-poll waits, and what it makes of completions.

func (p *uringPoller) Wait(events []Event, timeout time.Duration) (int, error) {
	p.events, p.n, p.woken = events, 0, false
	p.armAgain()
	_, errno := await(p, &p.counts, timeout, true)
	p.events = nil
	if errno != 0 {
		return 0, failed("io_uring_enter", errno)
	}
	p.counts.Events += uint64(p.n)
	return p.n, nil
}

// ask counts as ready only what the caller is to see: a completion that
// concerns nobody does not end a Wait.
func (p *uringPoller) ask(d time.Duration) (int, unix.Errno) {
	interrupts, left := p.ring.Interrupts, p.ring.Ready()
	var err error
	if d == 0 {
		err = p.ring.Enter()
	} else {
		err = p.ring.Wait(d)
	}
	if err == nil {
		err = p.harvest(p.ring.Ready() - left)
	}
	switch {
	case err != nil:
		return 0, cause(err)
	case p.woken:
		return p.n + 1, 0
	case p.n == 0 && p.ring.Interrupts != interrupts:
		return 0, unix.EINTR
	}
	return p.n, 0
}

// cause is the number in an error of the ring.
func cause(err error) unix.Errno {
	var errno unix.Errno
	errors.As(err, &errno)
	return errno
}

// harvest turns completions into events, as many as there is room for. The rest
// stays in the queue, which is first in, first out. The last call has brought so
// many; it may have left some in the kernel.
func (p *uringPoller) harvest(brought int) error {
	for ; p.n < len(p.events) && p.first < len(p.kept); p.first++ {
		p.deliver(&p.kept[p.first])
	}
	if p.first == len(p.kept) {
		p.kept, p.first = p.kept[:0], 0
	}
	for p.n < len(p.events) {
		n := p.ring.Reap(p.taken[:min(len(p.taken), len(p.events)-p.n)])
		for i := range p.taken[:n] {
			if c := &p.taken[i]; p.settle(c) {
				p.deliver(c)
			}
		}
		if n > 0 {
			continue
		}
		if brought < uring.DeferredWork && !p.ring.Overflown() {
			return nil
		}
		p.counts.Polls++
		if err := p.ring.Enter(); err != nil {
			return err
		}
		if brought = p.ring.Ready(); brought == 0 {
			return nil
		}
	}
	return nil
}

// drain takes all completions between two waits, and keeps what the next is to
// deliver.
func (p *uringPoller) drain() {
	for n := p.ring.Reap(p.taken[:]); n > 0; n = p.ring.Reap(p.taken[:]) {
		for i := range p.taken[:n] {
			if c := &p.taken[i]; p.settle(c) {
				p.kept = append(p.kept, *c)
			}
		}
	}
}

// settle takes note of a poll that has ended, and says whether the completion is
// to be delivered.
func (p *uringPoller) settle(c *uring.CQE) bool {
	switch c.UserData {
	case uringWake:
		return true
	case uringCancel:
		return false // it found nothing to cancel: the poll had ended by itself
	}
	if !c.More() {
		p.slots[uint32(c.UserData)].held--
		p.flying--
	}
	return p.live(c)
}

// live says whether a completion is of the poll that is armed, not of one that
// was cancelled.
func (p *uringPoller) live(c *uring.CQE) bool {
	fd := int(uint32(c.UserData))
	slot := &p.slots[fd]
	return slot.want != 0 && uringData(fd, slot.sequence) == c.UserData
}

func (p *uringPoller) deliver(c *uring.CQE) {
	if c.UserData == uringWake {
		p.waker.Take()
		p.woken = true
		if !c.More() {
			p.watchWaker()
		}
		return
	}
	if !p.live(c) {
		return // cancelled since it was taken
	}
	slot := &p.slots[uint32(c.UserData)]
	if errno := c.Err(); errno != 0 {
		p.report(Event{Token: slot.token, Err: errno})
		slot.want = 0
		return
	}
	if !c.More() {
		p.over = append(p.over, c.UserData)
	}
	if ready := uringReady(uint32(c.Res), slot.want); ready != 0 {
		p.report(Event{Token: slot.token, Ready: ready})
	}
}

func (p *uringPoller) report(e Event) {
	p.events[p.n] = e
	p.n++
}

// uringReady is what the result of a poll says to who wants so much.
func uringReady(revents uint32, want Interest) Interest {
	if revents&unix.EPOLLRDBAND != 0 {
		revents &^= unix.EPOLLPRI // as passed by the waking side, not as found
	}
	if want&Read == 0 {
		revents &^= unix.EPOLLRDHUP
	}
	var ready Interest
	if revents&unix.EPOLLIN != 0 {
		ready = Read
	}
	if revents&unix.EPOLLOUT != 0 {
		ready |= Write
	}
	if revents&edgeMore != 0 {
		ready |= Read | More
	}
	return ready
}

func (p *uringPoller) Wake() error { return p.waker.Wake() }

// Counts has as controls the calls that were made beside the waits: by Remove,
// and when more was to be submitted than the queue holds. A change of interest
// that rides with a wait is none.
func (p *uringPoller) Counts() Counts {
	c := p.counts
	c.Controls = p.ring.Enters - p.opening - c.Polls - c.Blocks
	c.WakeCalls = p.waker.Calls()
	return c
}
