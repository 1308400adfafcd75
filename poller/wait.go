package poller

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// reserved is the token that no caller may use: epoll gives it to the
// descriptor of Wake, whose event must be told from all others.
const reserved = ^Token(0)

// longest is the longest time given to one system call. It is far under every
// limit (poll and epoll_pwait count milliseconds in an int, the BSD selects
// refuse more than 10^8 s); await goes on with the rest.
const longest = 24 * time.Hour

// few is the number of descriptors up to which a scan costs so little that a
// zero-timeout call which finds nothing is no loss. A descriptor costs a scan
// 0.05 to 0.2 us.
const few = 32

// kernel is the one system call that makes a backend.
type kernel interface {
	// ask makes the call once and returns how many descriptors it says are
	// ready. It does not block if d is 0, and waits for ever if d < 0.
	ask(d time.Duration) (int, unix.Errno)
}

// await asks until something is ready or the timeout is over, with one
// zero-timeout call first if pollFirst says so.
//
// The reason for that call is what Go adds to one that may block: entering and
// leaving the scheduler, and above all sysmon, which follows a loop of such
// calls closely enough to take a tenth of the core. A zero-timeout call is
// made without telling the scheduler, and on a busy loop it finds something
// nearly always.
func await(k kernel, c *Counts, timeout time.Duration, pollFirst bool) (int, unix.Errno) {
	for timeout == 0 || pollFirst {
		c.Polls++
		n, errno := k.ask(0)
		if errno == unix.EINTR { // a signal was pending
			c.Interrupt++
			continue
		}
		if n > 0 || errno != 0 || timeout == 0 {
			return n, errno
		}
		break
	}
	var start time.Time
	if timeout > 0 {
		start = time.Now()
	}
	for left := timeout; ; {
		c.Blocks++
		n, errno := k.ask(min(left, longest))
		switch {
		case errno == unix.EINTR:
			c.Interrupt++
		case errno != 0 || n > 0:
			return n, errno
		}
		if timeout < 0 {
			continue
		}
		if left = timeout - time.Since(start); left <= 0 {
			return 0, 0
		}
	}
}

// outlook guesses, for a backend whose call scans every descriptor, whether
// something is ready already. Where a scan is dear, a zero-timeout call that
// finds nothing doubles the cost of the Wait, which would charge select and
// poll with a peculiarity of this program; and what it saves otherwise is
// small beside the scan.
type outlook struct{ busy bool }

// pollFirst says whether a zero-timeout call is worth it with so many
// descriptors watched.
func (o *outlook) pollFirst(watched int) bool {
	return cheapPoll && (watched <= few || o.busy)
}

// learn takes the number of descriptors that were ready: with several at once
// the loop is behind its clients, and the next call will find some again.
func (o *outlook) learn(n int) { o.busy = n > 1 }

// refuse is the error of an Add, Change or Remove.
func refuse(backend, verb string, fd int, errno unix.Errno) error {
	return fmt.Errorf("%s: cannot %s descriptor %d: %w", backend, verb, fd, errno)
}

// failed is the error of a system call that makes a whole backend useless.
func failed(call string, errno error) error {
	return fmt.Errorf("%s: %w", call, errno)
}

// agree checks what the caller says it had asked for against what is watched,
// as epoll does in the kernel: a disagreement is a bug of the caller which
// would otherwise show as a connection that never wakes up.
func agree(had, watched Interest) unix.Errno {
	switch {
	case had != 0 && watched == 0:
		return unix.ENOENT
	case had == 0 && watched != 0:
		return unix.EEXIST
	}
	return 0
}
