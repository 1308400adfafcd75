package uring

import (
	"errors"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Ring is a pair of queues shared with the kernel: this side writes entries and
// the tail of the submission queue and the head of the completion queue, the
// kernel the rest.
//
// About the atomic operations: each index that the other side writes is loaded
// with acquire order, so that the entries which it publishes are seen as they
// were written; each index that this side publishes is stored with release
// order, after its entries. Go has no weaker atomic operations than sequentially
// consistent ones, which are both. Indices that only this side writes are kept
// as plain fields and never read back.
type Ring struct {
	fd         int
	enterFD    int // fd, or its place in the thread's table
	enterFlags uint32
	registered bool
	granted    Feature

	queues []byte // the mapping of both queues
	slots  []byte // that of the submission entries

	// Submission.
	sqHead    *uint32 // the kernel's: entries before it are consumed
	sqTail    *uint32 // ours
	sqFlags   *uint32 // the kernel's
	sqEntries uint32
	sqMask    uint32
	sqes      []SQE
	tail      uint32 // entries handed out, published by enter
	spill     []SQE  // entries for which the kernel made no room

	// Completion.
	cqHead *uint32 // ours
	cqTail *uint32 // the kernel's
	cqMask uint32
	cqes   []CQE
	head   uint32

	waiting []byte // the mapping of arg
	arg     *waitArg
	vectors vectors

	Enters     uint64 // system calls made to submit and to wait
	Interrupts uint64 // those that a signal ended, as far as the kernel tells
}

// DeferredWork is how many pieces of work one Enter or Wait does, each of which
// mostly makes one completion, on a ring with DeferTaskrun
// (IO_LOCAL_TW_DEFAULT_MAX in io_uring/io_uring.c, from the end of 2024 on; before,
// there is no limit). When as many completions have come, there may be more; and
// what a call cancels may take several calls to end, as the work for that is done
// last.
const DeferredWork = 20

const (
	enterGetEvents      = 1 << 0
	enterExtArg         = 1 << 3
	enterRegisteredRing = 1 << 4

	sqCQOverflow = 1 << 1
)

// waitArg is struct io_uring_getevents_arg, followed by the time.
type waitArg struct {
	sigmask   uint64
	sigmaskSz uint32
	_         uint32
	ts        uint64
	timeout   [2]int64 // struct __kernel_timespec
}

const waitArgSize = 24 // without the time

// mapQueues maps what the kernel has made.
func (r *Ring) mapQueues(p *params) error {
	size := max(int(p.cq.cqes)+int(p.cqEntries)*int(unsafe.Sizeof(CQE{})), int(p.sq.array)+int(p.sqEntries)*4)
	var err error
	if r.queues, err = unix.Mmap(r.fd, offSQRing, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE); err != nil {
		return os.NewSyscallError("mmap io_uring queues", err)
	}
	if r.slots, err = unix.Mmap(r.fd, offSQEs, int(p.sqEntries)*int(unsafe.Sizeof(SQE{})), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE); err != nil {
		return os.NewSyscallError("mmap io_uring entries", err)
	}
	r.sqHead, r.sqTail, r.sqFlags = r.word(p.sq.head), r.word(p.sq.tail), r.word(p.sq.flags)
	r.sqEntries, r.sqMask = p.sqEntries, p.sqEntries-1
	r.sqes = unsafe.Slice((*SQE)(unsafe.Pointer(unsafe.SliceData(r.slots))), p.sqEntries)
	r.cqHead, r.cqTail, r.cqMask = r.word(p.cq.head), r.word(p.cq.tail), p.cqEntries-1
	r.cqes = unsafe.Slice((*CQE)(unsafe.Pointer(r.word(p.cq.cqes))), p.cqEntries)
	r.tail, r.head = atomic.LoadUint32(r.sqTail), atomic.LoadUint32(r.cqHead)
	if r.granted&NoSQArray == 0 {
		// Entry i always stands at place i.
		array := unsafe.Slice(r.word(p.sq.array), p.sqEntries)
		for i := range array {
			array[i] = uint32(i)
		}
	}
	if r.waiting, err = Memory(int(unsafe.Sizeof(waitArg{}))); err != nil {
		return err
	}
	r.arg = (*waitArg)(unsafe.Pointer(unsafe.SliceData(r.waiting)))
	r.arg.ts = uint64(uintptr(unsafe.Pointer(&r.arg.timeout)))
	return r.vectors.open(int(p.sqEntries))
}

func (r *Ring) word(offset uint32) *uint32 {
	return (*uint32)(unsafe.Pointer(&r.queues[offset]))
}

// Next returns a zeroed entry to be filled in before the next call of a method.
// The entries are carried out in their order, when they are submitted: by Submit,
// Enter or Wait, or here when the queue is full. What an entry refers to must be
// alive, as an entry keeps nothing alive, until its completion; the bytes of a
// send with MSG_DONTWAIT, which cannot be kept waiting, until it has been
// submitted (io_uring_setup(2), IORING_FEAT_SUBMIT_STABLE).
func (r *Ring) Next() *SQE {
	if len(r.spill) == 0 {
		if r.tail-atomic.LoadUint32(r.sqHead) == r.sqEntries {
			// An error is met again, and told, when the caller enters.
			_ = r.Submit()
		}
		if len(r.spill) == 0 && r.tail-atomic.LoadUint32(r.sqHead) < r.sqEntries {
			s := &r.sqes[r.tail&r.sqMask]
			r.tail++
			*s = SQE{}
			return s
		}
	}
	r.spill = append(r.spill, SQE{})
	return &r.spill[len(r.spill)-1]
}

// Full says that Next will submit what is pending, as the queue has no room.
func (r *Ring) Full() bool {
	return len(r.spill) > 0 || r.tail-atomic.LoadUint32(r.sqHead) == r.sqEntries
}

// Pending is the number of entries not yet submitted.
func (r *Ring) Pending() int {
	return int(r.tail-atomic.LoadUint32(r.sqHead)) + len(r.spill)
}

// unspill moves entries into the queue, as many as it has room for.
func (r *Ring) unspill() {
	n := 0
	for n < len(r.spill) && r.tail-atomic.LoadUint32(r.sqHead) < r.sqEntries {
		r.sqes[r.tail&r.sqMask] = r.spill[n]
		r.tail++
		n++
	}
	if n > 0 {
		r.spill = r.spill[:copy(r.spill, r.spill[n:])]
	}
}

// Submit submits what is pending without looking for completions. When it
// returns nil and Pending is 0, all is submitted; what the kernel has no memory
// for at the moment (EAGAIN) or cannot take with so many completions waiting
// (EBUSY) stays pending.
func (r *Ring) Submit() error {
	for {
		before := r.Pending()
		if before == 0 {
			return nil
		}
		errno := r.enter(0, 0, false)
		switch {
		case errno != 0 && !transient(errno):
			return os.NewSyscallError("io_uring_enter", errno)
		case errno != 0 || r.Pending() == before:
			return nil
		}
	}
}

// Enter submits what is pending and lets the kernel do what completes, without
// waiting.
func (r *Ring) Enter() error {
	errno := r.enter(0, enterGetEvents, false)
	if errno == 0 && len(r.spill) > 0 {
		return r.Submit()
	}
	if errno != 0 && !transient(errno) {
		return os.NewSyscallError("io_uring_enter", errno)
	}
	return nil
}

// Wait submits what is pending and waits for a completion, at most for d; for
// ever if d is negative. It is the only call that may block. A signal ends it
// early, and so does a kernel that takes no more entries, as one left behind might
// be what is waited for.
func (r *Ring) Wait(d time.Duration) error {
	if len(r.spill) > 0 {
		if err := r.Submit(); err != nil {
			return err
		}
		if len(r.spill) > 0 {
			return r.Enter()
		}
	}
	flags := uint32(enterGetEvents)
	if d >= 0 {
		flags |= enterExtArg
		r.arg.timeout = [2]int64{int64(d / time.Second), int64(d % time.Second)}
	}
	if errno := r.enter(1, flags, true); errno != 0 && errno != unix.ETIME && !transient(errno) {
		return os.NewSyscallError("io_uring_enter", errno)
	}
	return nil
}

// transient says whether an error of io_uring_enter passes by itself. What was
// not submitted stays in the queue.
func transient(errno unix.Errno) bool {
	return errno == unix.EINTR || errno == unix.EAGAIN || errno == unix.EBUSY
}

// enter is io_uring_enter(2), once.
func (r *Ring) enter(least, flags uint32, blocking bool) unix.Errno {
	if len(r.spill) > 0 {
		r.unspill()
	}
	atomic.StoreUint32(r.sqTail, r.tail) // release: the entries are written
	submit := r.tail - atomic.LoadUint32(r.sqHead)
	var arg, size uintptr
	if flags&enterExtArg != 0 {
		arg, size = uintptr(unsafe.Pointer(r.arg)), waitArgSize
	}
	r.Enters++
	var errno unix.Errno
	if blocking {
		_, _, errno = unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.enterFD), uintptr(submit), uintptr(least), uintptr(flags|r.enterFlags), arg, size)
	} else {
		_, _, errno = unix.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(r.enterFD), uintptr(submit), uintptr(least), uintptr(flags|r.enterFlags), arg, size)
	}
	if errno == unix.EINTR {
		r.Interrupts++
	}
	if len(r.spill) == 0 && atomic.LoadUint32(r.sqHead) == r.tail {
		r.vectors.reset()
	}
	return errno
}

// Ready is the number of completions that can be taken without a system call.
func (r *Ring) Ready() int { return int(atomic.LoadUint32(r.cqTail) - r.head) }

// Overflown says that the kernel holds completions which found the queue full:
// Enter brings them when there is room.
func (r *Ring) Overflown() bool { return atomic.LoadUint32(r.sqFlags)&sqCQOverflow != 0 }

// Reap takes completions, as many as into has room for, and returns their
// number.
func (r *Ring) Reap(into []CQE) int {
	n := min(r.Ready(), len(into))
	for i := range n {
		into[i] = r.cqes[(r.head+uint32(i))&r.cqMask]
	}
	r.head += uint32(n)
	atomic.StoreUint32(r.cqHead, r.head) // release: they have been read
	return n
}

// Close gives the ring back. What is in flight is cancelled by the kernel, which
// may still use the memory given to it until then; the caller ends its operations
// first.
func (r *Ring) Close() error {
	if r.fd < 0 {
		return nil
	}
	r.unregisterFD()
	errs := []error{unix.Close(r.fd), r.vectors.close()}
	r.fd = -1
	for _, m := range [][]byte{r.queues, r.slots, r.waiting} {
		if m != nil {
			errs = append(errs, unix.Munmap(m))
		}
	}
	r.queues, r.slots, r.waiting, r.sqes, r.cqes = nil, nil, nil, nil, nil
	return errors.Join(errs...)
}
