// epoll: Linux's own (2.5.44, 2002), level-triggered unless epoll_et_linux.go
// says otherwise.
//
// Interest lives in the kernel: one epoll_ctl for each change, a red-black
// tree of what is watched, and a ready list that drivers append to. A wait
// costs by what is ready, not by what is watched, which is the whole point;
// it is paid for with a system call per change of interest, about 160 bytes of
// kernel memory a descriptor (epoll(7)), and a lock per wake-up. Level mode
// puts a descriptor that it reports back at the tail of the ready list, so that
// a short buffer goes round, and polls it once more to find it not ready
// (ep_send_events in fs/eventpoll.c).
//
// Traps. A registration belongs to the open file description, not to the
// descriptor: close forgets it only with the last duplicate, a fork included,
// and until then it reports under a token whose descriptor is gone
// (epoll(7), questions and answers). EPOLLERR and EPOLLHUP cannot be switched
// off, so that no interest means EPOLL_CTL_DEL here. Regular files are refused
// with EPERM. epoll_wait counts milliseconds; epoll_pwait2 (5.11) takes
// nanoseconds, subject to the thread's timer slack of 50 us. The structure is
// packed on amd64 only. fs.epoll.max_user_watches bounds registrations.

package poller

import (
	"errors"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func init() {
	register("epoll", func() Backend {
		return epollBackend("epoll", Level,
			"Linux; a wait costs by what is ready, not by what is watched; a system call per change of interest.")
	})
}

// epollBackend describes epoll as it is under a name: how each registration
// is made decides its mode.
func epollBackend(name string, mode Mode, note string) Backend {
	resolution := time.Millisecond
	if epollNanoseconds() {
		resolution = time.Nanosecond
	}
	return Backend{
		Name:      name,
		Traits:    Traits{Mode: mode, Marks: mode == Edge, Resolution: resolution, Note: note},
		Available: func() error { return nil },
		Open:      func() (Poller, error) { return openEpoll(name, mode) },
	}
}

// epollNanoseconds is whether there is epoll_pwait2. On a bad descriptor it
// fails with EBADF; an old kernel, or a container that filters it, says
// something else.
var epollNanoseconds = sync.OnceValue(func() bool {
	var ev unix.EpollEvent
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, ^uintptr(0), uintptr(unsafe.Pointer(&ev)), 1, 0, 0, 0)
	return errno == unix.EBADF
})

type epollPoller struct {
	name   string
	mode   Mode
	fd     int
	fine   bool              // use epoll_pwait2
	buffer []unix.EpollEvent // what the kernel fills; as long as the longest events buffer seen
	max    int               // how much of it this Wait may use
	waker  Waker
	counts Counts
}

func openEpoll(name string, mode Mode) (Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, failed("epoll_create1", err)
	}
	e := &epollPoller{name: name, mode: mode, fd: fd, fine: epollNanoseconds()}
	if err := e.waker.Open(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	if errno := e.control(unix.EPOLL_CTL_ADD, e.waker.FD(), Read, reserved); errno != 0 {
		e.Close()
		return nil, failed("epoll_ctl", errno)
	}
	e.counts.Controls = 0 // the caller's only
	return e, nil
}

func (e *epollPoller) Add(fd int, want Interest, t Token) error {
	return e.change("add", fd, 0, want, t)
}

func (e *epollPoller) Change(fd int, had, want Interest, t Token) error {
	return e.change("change", fd, had, want, t)
}

func (e *epollPoller) change(verb string, fd int, had, want Interest, t Token) error {
	switch {
	case fd < 0:
		return refuse(e.name, verb, fd, unix.EBADF)
	case t == reserved:
		return refuse(e.name, verb, fd, unix.EINVAL)
	}
	var op int
	switch {
	case had == 0 && want == 0:
		return nil
	case had == 0:
		op = unix.EPOLL_CTL_ADD
	case want == 0:
		op = unix.EPOLL_CTL_DEL
	default:
		op = unix.EPOLL_CTL_MOD
	}
	if errno := e.control(op, fd, want, t); errno != 0 {
		return refuse(e.name, verb, fd, errno)
	}
	return nil
}

func (e *epollPoller) Remove(fd int, had Interest, t Token, closing bool) error {
	if had == 0 || closing { // close(2) follows, and makes the kernel forget
		return nil
	}
	if errno := e.control(unix.EPOLL_CTL_DEL, fd, 0, t); errno != 0 {
		return refuse(e.name, "remove", fd, errno)
	}
	return nil
}

// control is epoll_ctl. The 64 bits of user data are two fields in package
// unix, whose places differ by machine; going by the fields is right on each.
func (e *epollPoller) control(op, fd int, want Interest, t Token) unix.Errno {
	ev := unix.EpollEvent{Fd: int32(t), Pad: int32(t >> 32)}
	if want&Read != 0 {
		ev.Events |= unix.EPOLLIN
	}
	if want&Write != 0 {
		ev.Events |= unix.EPOLLOUT
	}
	if e.mode == Edge {
		ev.Events |= edgeAsked(want)
	}
	e.counts.Controls++
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(e.fd), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	return errno
}

func (e *epollPoller) Wait(events []Event, timeout time.Duration) (int, error) {
	if len(events) > len(e.buffer) {
		e.buffer = make([]unix.EpollEvent, len(events))
	}
	e.max = len(events)
	ready, errno := await(e, &e.counts, timeout, true)
	if errno != 0 {
		return 0, failed("epoll_wait", errno)
	}
	n := 0
	for i := range e.buffer[:ready] {
		ev := &e.buffer[i]
		t := Token(uint32(ev.Fd)) | Token(uint32(ev.Pad))<<32
		if t == reserved {
			e.waker.Take()
			continue
		}
		events[n] = Event{Token: t, Ready: e.ready(ev.Events)}
		n++
	}
	e.counts.Events += uint64(n)
	return n, nil
}

// ready does not know the interest; the kernel has left out what was not asked
// for.
func (e *epollPoller) ready(revents uint32) Interest {
	var ready Interest
	if revents&(unix.EPOLLIN|unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		ready = Read
	}
	if revents&unix.EPOLLOUT != 0 {
		ready |= Write
	}
	if e.mode == Edge && revents&edgeMore != 0 {
		ready |= Read | More
	}
	return ready
}

func (e *epollPoller) ask(d time.Duration) (int, unix.Errno) {
	var n uintptr
	var errno unix.Errno
	buffer := unsafe.Pointer(unsafe.SliceData(e.buffer))
	switch {
	case d == 0:
		n, _, errno = unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(e.fd), uintptr(buffer), uintptr(e.max), 0, 0, 0)
	case e.fine:
		var ts unix.Timespec
		n, _, errno = unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(e.fd), uintptr(buffer), uintptr(e.max), uintptr(unsafe.Pointer(timespec(&ts, d))), 0, 0)
	default:
		ms := -1
		if d > 0 {
			ms = int((d + time.Millisecond - 1) / time.Millisecond)
		}
		n, _, errno = unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(e.fd), uintptr(buffer), uintptr(e.max), uintptr(ms), 0, 0)
	}
	return result(n, errno)
}

func (e *epollPoller) Wake() error { return e.waker.Wake() }

func (e *epollPoller) Counts() Counts {
	c := e.counts
	c.WakeCalls = e.waker.Calls()
	return c
}

func (e *epollPoller) Close() error {
	if e.fd < 0 {
		return nil
	}
	err := unix.Close(e.fd)
	e.fd = -1
	return errors.Join(err, e.waker.Close())
}
