// io_uring-poll: readiness from Linux's io_uring (5.1, 2019), by multishot
// POLL_ADD (5.13). What is asked of the kernel, and what it answers, goes
// through two queues in shared memory, and one system call moves both.
//
// What it does well. A change of interest is an entry in a queue: it costs no
// call of its own but rides with the next wait, and any number of them ride
// together. A wait costs by what is ready, and times are in nanoseconds. What it
// does badly. It is epoll's job done by requests that were made for something
// else: each descriptor watched is a request (248 bytes in Linux 6.18 on amd64),
// each report first a piece of task work and then a completion, and the same
// reads and writes follow as with epoll. What io_uring is praised for, to do
// these reads and writes as well, is another engine.
//
// Traps.
//   - A request holds the file. close(2) frees nothing while a poll is in
//     flight: no FIN is sent, a port stays taken, and the peer waits. So Remove
//     makes a system call, where epoll leaves it to close(2): one that submits
//     the cancellation and asks for completions (IORING_ENTER_GETEVENTS), which
//     lets the kernel run the task work by which the poll ends; its hold on the
//     file is given up when the call returns. To submit alone would not do with
//     IORING_SETUP_DEFER_TASKRUN, and a later call would come too late. The call
//     is not lost: it submits what else is pending, and brings completions. When
//     more work is waiting than one call does (uring.DeferredWork), it takes
//     several, until the poll's last completion is there.
//   - POLL_REMOVE gives up with EALREADY if a wake-up has just come and its task
//     work has not been run (io_poll_disarm in io_uring/poll.c), which is usual
//     for a busy socket. The poll would stay. ASYNC_CANCEL marks it instead.
//   - A completion may stand in the queue when its poll is cancelled, and come
//     out when the number of the descriptor is somebody else's. So each poll has
//     a number of its own, which its completions bear.
//   - A multishot poll may end: a completion without IORING_CQE_F_MORE is the
//     last. It is then armed again. So end those whose completion finds the queue
//     full, and that of a file that cannot be polled (a regular one), each time:
//     this is ready in every Wait.
//   - It reports changes only (the kernel adds EPOLLET), and of a change the mask
//     that the waking side passed, not what is ready: io_poll_check_events asks
//     the file only when several wake-ups fall together or one passed no mask. A
//     socket that receives passes EPOLLPRI with EPOLLIN, urgent or not. It passes
//     EPOLLRDBAND as well, which no stream socket has when it is asked: with that,
//     EPOLLPRI means nothing. Nor need it: a mark and what stands behind it wake
//     one after the other, and so are either two reports, or one for which the
//     file was asked.
//   - EPOLLRDHUP is reported to whoever waits to write (IO_POLL_UNMASK).
//   - An entry is looked at when it is submitted: what is wrong with a descriptor
//     shows as Event.Err.
//   - Completions that find their queue full are kept by the kernel
//     (IORING_FEAT_NODROP) until it is entered again. And as one call does only so
//     much work, a wait that finds a lot makes several.

package poller

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

// The queues take 48 KiB and a little. Recent kernels count them as locked memory,
// of which a user may have 64 KiB where nobody has raised it.
func init() {
	register("io_uring-poll", func() Backend {
		return uringBackend("io_uring-poll", uring.Options{Entries: 256, Completions: 2048})
	})
}

func uringBackend(name string, o uring.Options) Backend {
	return Backend{
		Name: name,
		Traits: Traits{
			Mode:       Edge,
			Resolution: time.Nanosecond,
			Granted:    uring.Probe().Granted.String(),
			Note:       "Linux; readiness by io_uring: changes of interest ride with the wait, but to stop watching is a system call before each close.",
		},
		Available: func() error { return uring.Probe().Missing },
		Open:      func() (Poller, error) { return openUring(o) },
	}
}

// What is in the user data of completions that belong to no descriptor. That of
// a poll has the descriptor in its lower half, and there these have none.
const (
	uringWake   = ^uint64(0)
	uringCancel = ^uint64(1)
)

type uringPoller struct {
	ring     *uring.Ring
	opening  uint64      // calls made by openUring
	slots    []uringSlot // by descriptor
	sequence uint32      // of the poll armed last
	flying   int         // sum of what slots hold
	over     []uint64    // user data of polls that have ended by themselves
	kept     []uring.CQE // taken between waits, for the next
	first    int         // of kept that is not delivered

	events []Event // what this Wait fills
	n      int     // how many it has filled
	woken  bool
	taken  [64]uring.CQE

	waker  Waker
	counts Counts
	closed bool
}

// uringSlot is what is known of a descriptor.
type uringSlot struct {
	token    Token
	sequence uint32   // of its poll
	held     int32    // polls that may hold its file: their last completion was not taken
	want     Interest // 0: it has none
}

func openUring(o uring.Options) (Poller, error) {
	r, err := uring.Open(o)
	if err != nil {
		return nil, err
	}
	p := &uringPoller{ring: r}
	if err := p.waker.Open(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	p.watchWaker()
	if err := r.Enter(); err != nil {
		return nil, errors.Join(err, p.waker.Close(), r.Close())
	}
	p.opening = r.Enters
	return p, nil
}

func (p *uringPoller) watchWaker() {
	s := p.ring.Next()
	s.PollAdd(p.waker.FD(), unix.EPOLLIN, true)
	s.UserData = uringWake
}

func (p *uringPoller) Add(fd int, want Interest, t Token) error {
	return p.change("add", fd, 0, want, t)
}

func (p *uringPoller) Change(fd int, had, want Interest, t Token) error {
	return p.change("change", fd, had, want, t)
}

func (p *uringPoller) change(verb string, fd int, had, want Interest, t Token) error {
	switch {
	case fd < 0:
		return refuse("io_uring", verb, fd, unix.EBADF)
	case t == reserved:
		return refuse("io_uring", verb, fd, unix.EINVAL)
	}
	if errno := agree(had, p.watched(fd)); errno != 0 {
		return refuse("io_uring", verb, fd, errno)
	}
	if had != 0 {
		p.disarm(fd)
	}
	if want != 0 {
		p.grow(fd)
		p.slots[fd].token, p.slots[fd].want = t, want
		p.arm(fd)
	}
	return nil
}

func (p *uringPoller) Remove(fd int, had Interest, _ Token, closing bool) error {
	watched := p.watched(fd)
	if !closing && had != 0 && watched == 0 {
		return refuse("io_uring", "remove", fd, unix.ENOENT)
	}
	if watched != 0 {
		p.disarm(fd)
	}
	return p.release(fd)
}

// release has the kernel give up the file of fd. One call does it, unless more
// work is waiting than a call does; that for a cancelled poll is done last.
func (p *uringPoller) release(fd int) error {
	if fd < 0 || fd >= len(p.slots) || p.slots[fd].held == 0 {
		return nil
	}
	for range p.flying/uring.DeferredWork + 2 {
		if err := p.ring.Enter(); err != nil {
			return err
		}
		if p.drain(); p.slots[fd].held == 0 {
			return nil
		}
	}
	if p.ring.Pending() > 0 { // it is tried again with each Wait
		return refuse("io_uring", "remove", fd, unix.EAGAIN)
	}
	return nil // its work was done; that it ended is held up behind a full queue
}

func (p *uringPoller) watched(fd int) Interest {
	if fd < 0 || fd >= len(p.slots) {
		return 0
	}
	return p.slots[fd].want
}

func (p *uringPoller) grow(fd int) {
	if fd < len(p.slots) {
		return
	}
	size := max(1024, len(p.slots))
	for size <= fd {
		size *= 2
	}
	p.slots = slices.Grow(p.slots, size-len(p.slots))[:size]
}

// arm begins to poll fd for what its slot says.
func (p *uringPoller) arm(fd int) {
	p.sequence++
	slot := &p.slots[fd]
	slot.sequence = p.sequence
	slot.held++
	p.flying++
	s := p.ring.Next()
	s.PollAdd(fd, uringEvents(slot.want), true)
	s.UserData = uringData(fd, slot.sequence)
}

// armAgain arms what has ended by itself. It waits until the caller has had his
// turn, because a poll that is armed reports anew what was left unread.
func (p *uringPoller) armAgain() {
	for _, data := range p.over {
		fd := int(uint32(data))
		if p.watched(fd) != 0 && data == uringData(fd, p.slots[fd].sequence) {
			p.arm(fd)
		}
	}
	p.over = p.over[:0]
}

// disarm ends the poll of fd. What has completed of it already is known by its
// number.
func (p *uringPoller) disarm(fd int) {
	slot := &p.slots[fd]
	slot.want = 0
	s := p.ring.Next()
	s.Cancel(uringData(fd, slot.sequence))
	s.UserData = uringCancel
	s.Flags |= uring.SkipSuccess
}

func uringData(fd int, sequence uint32) uint64 {
	return uint64(sequence)<<32 | uint64(uint32(fd))
}

func uringEvents(want Interest) uint32 {
	var events uint32
	if want&Read != 0 {
		events = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLPRI | unix.EPOLLRDBAND
	}
	if want&Write != 0 {
		events |= unix.EPOLLOUT
	}
	return events
}

// Close ends each poll first: the kernel does so by itself, but some time after
// the ring is closed, and a descriptor closed meanwhile would not be released.
func (p *uringPoller) Close() error {
	if p.closed {
		return nil
	}
	p.closed = true
	for fd := range p.slots {
		if p.slots[fd].want != 0 {
			p.disarm(fd)
		}
	}
	var err error
	for range p.flying/uring.DeferredWork + 2 {
		p.drain()
		if p.flying == 0 || err != nil {
			break
		}
		err = p.ring.Enter()
	}
	return errors.Join(err, p.ring.Close(), p.waker.Close())
}
