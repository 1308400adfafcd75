// Package poller says which descriptors are ready.
//
// A Poller wraps one readiness call of the operating system (select, poll,
// epoll, ...) behind one small contract, so that everything above it is the
// same whatever the system call. It knows descriptors, interest and tokens; it
// knows no connection, no buffer and no protocol.
//
// The caller owns interest: it remembers what it asked for and passes the old
// and the new mask, and a backend only brings the kernel up to date. That is
// what lets a backend without per-descriptor state in the kernel (select,
// poll) and one with it (epoll, kqueue) share one contract without either
// paying for the other's bookkeeping.
package poller

import (
	"time"

	"golang.org/x/sys/unix"
)

// Interest is a set of directions.
type Interest uint8

const (
	// Read is readiness to read: data, end of file, a hangup or an error.
	Read Interest = 1 << iota
	// Write is readiness to write.
	Write
	// More is no direction, and stands in no interest. An edge backend sets it
	// in Event.Ready, beside Read, when something may lie behind a read that
	// gets less than was asked, and will not be reported again: end of file, a
	// hangup, an error, data behind an urgent mark. Without it such a read has
	// taken everything, and whatever comes later is reported.
	More
)

// Token identifies a registration to the caller. It is opaque to backends and
// comes back in each Event. MakeToken composes one of an index and a
// generation, so that an event for a descriptor that was closed and whose
// number was reused inside one batch can be told apart and dropped. The token
// with every bit set is reserved; Add and Change refuse it.
type Token uint64

// MakeToken composes a token. The generation must change whenever the index
// is given to another registration.
func MakeToken(index, generation uint32) Token {
	return Token(generation)<<32 | Token(index)
}

// Index is the table index of the token.
func (t Token) Index() uint32 { return uint32(t) }

// Generation tells two registrations apart that had one index.
func (t Token) Generation() uint32 { return uint32(t >> 32) }

// Event says that a registration is ready.
type Event struct {
	Token Token
	// Ready has Read on data, end of file, hangup and error, whatever of
	// these the caller was interested in; it has Write if writing would not
	// block. It never has a direction outside the interest, except that a
	// backend may add Read on a hangup or error for a registration that
	// waits only for Write. It may then be Read alone: whatever is reported
	// to one that waits only for Write is a reason to try and write. Edge
	// backends add More.
	Ready Interest
	// Err is set when an earlier Add or Change, which the backend had
	// deferred, failed: select and poll learn only in Wait that a descriptor
	// is closed (EBADF). Ready is then 0. The descriptor is not watched any
	// more; nothing but Remove with closing may be called for it.
	Err unix.Errno
}

// Poller is one readiness mechanism of the system.
//
// It is opened, used and closed on one goroutine that is locked to its thread;
// only Wake may be called from elsewhere. Descriptors must be non-blocking.
type Poller interface {
	// Add begins to watch fd, which is not yet watched. want may be 0: the
	// kernel then reports nothing for it, not even a hangup, until Change.
	// Errors wrap a unix.Errno: EBADF (at once, or later as Event.Err),
	// EEXIST if fd is watched already, EINVAL for the reserved token or from
	// Traits.MaxFD on, ENOMEM and ENOSPC from a kernel that keeps state,
	// EPERM from epoll for a regular file.
	Add(fd int, want Interest, t Token) error
	// Change replaces the interest had, as last passed to Add or Change, by
	// want. An edge backend reports anew what is ready of it, as after Add. Once want is 0 the kernel reports nothing for fd, not even a
	// hangup. Errors are those of Add, and ENOENT if had is not 0 and fd is
	// not watched.
	Change(fd int, had, want Interest, t Token) error
	// Remove ends watching. closing says that the caller closes fd next and
	// that fd has no duplicate, so a backend may leave it to the kernel to
	// forget the descriptor. Events already returned by Wait stay with the
	// caller, who drops them by their token.
	Remove(fd int, had Interest, t Token, closing bool) error
	// Wait fills events with what is ready and returns how many. It waits up
	// to timeout; a negative timeout waits for ever, 0 polls. It returns 0
	// with a nil error on a timeout or on Wake. EINTR is handled inside.
	// More ready descriptors than len(events) are reported by later calls,
	// and none is starved. len(events) must be at least 1.
	Wait(events []Event, timeout time.Duration) (int, error)
	// Wake makes the current Wait, or else the next, return. It is the only
	// method that other goroutines may call. Wakes coalesce. After Close it
	// does nothing.
	Wake() error
	// Counts are the system calls made so far.
	Counts() Counts
	// Close frees what the backend holds. Watched descriptors stay open. A
	// second Close does nothing.
	Close() error
}

// Counts are system calls and results since a Poller was opened.
type Counts struct {
	Polls     uint64 `json:"polls"`     // wait calls with a zero timeout
	Blocks    uint64 `json:"blocks"`    // wait calls that could block
	Events    uint64 `json:"events"`    // events returned to the caller
	Controls  uint64 `json:"controls"`  // epoll_ctl and the like
	WakeCalls uint64 `json:"wakes"`     // system calls made to wake, and to take the wake up
	Interrupt uint64 `json:"interrupt"` // waits ended by EINTR
}

// Mode says when a backend reports readiness.
type Mode uint8

const (
	// Level backends report a descriptor in each Wait while it is ready.
	Level Mode = iota
	// Edge backends report a descriptor once when it becomes ready; the
	// caller must read or write until EAGAIN before another report comes. A
	// report may come although nothing is new.
	Edge
)

// String is "level" or "edge".
func (m Mode) String() string {
	if m == Edge {
		return "edge"
	}
	return "level"
}

// Traits are what a caller and the tests may rely on. Tests branch on traits,
// never on names.
type Traits struct {
	Mode Mode
	// ScansAll: the cost of a Wait grows with the descriptors held (select,
	// poll), not only with those ready.
	ScansAll bool
	// Resolution is the finest timeout that the system call can express.
	Resolution time.Duration
	// MaxFD is the first descriptor number that cannot be watched; 0 means
	// that only the process's own limit counts.
	MaxFD int
	// Marks: an edge backend reports More at an urgent mark. Behind a report of
	// one that does not, a read that finds nothing may stand at such a mark.
	Marks bool
	// Granted is what the kernel granted when it was asked, where a backend has
	// to ask: of io_uring the features of a ring.
	Granted string
	// Note is a sentence for people: what the mechanism is good and bad at.
	Note string
}
