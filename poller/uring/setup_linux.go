package uring

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Options say what to ask of the kernel.
type Options struct {
	// Entries is the length of the submission queue, and Completions that of
	// the completion queue, which is no shorter: powers of two up to 32768. 0
	// means 4096, and eight times the entries but at most 32768.
	Entries, Completions uint32
	// Without leaves features out that the kernel would grant: what they are
	// worth can be measured.
	Without Feature
}

// Feature is a set of what a ring may be granted.
type Feature uint32

// The features, of which Open takes what the kernel has.
const (
	// SingleIssuer promises that one thread submits (Linux 6.0).
	SingleIssuer Feature = 1 << iota
	// DeferTaskrun does the work of completing only when the thread asks for
	// completions, not whenever it enters the kernel (6.1). It needs
	// SingleIssuer.
	DeferTaskrun
	// CoopTaskrun, where there is no DeferTaskrun, at least spares the
	// interrupt of the running thread (5.19).
	CoopTaskrun
	// SubmitAll goes on submitting behind an entry that is in error (5.18).
	SubmitAll
	// NoSQArray does without the array of indices between the kernel and the
	// submission entries (6.6).
	NoSQArray
	// RegisteredFD finds the ring by its place in a table of the thread, not by
	// its descriptor (5.18).
	RegisteredFD
)

var featureNames = []struct {
	f    Feature
	name string
}{
	{SingleIssuer, "SINGLE_ISSUER"}, {DeferTaskrun, "DEFER_TASKRUN"}, {CoopTaskrun, "COOP_TASKRUN"},
	{SubmitAll, "SUBMIT_ALL"}, {NoSQArray, "NO_SQARRAY"}, {RegisteredFD, "registered ring"},
}

// String lists the features.
func (f Feature) String() string {
	var names []string
	for _, n := range featureNames {
		if f&n.f != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, " ")
}

// Flags of io_uring_setup(2), and what is needed of its features.
const (
	setupCQSize       = 1 << 3
	setupSubmitAll    = 1 << 7
	setupCoopTaskrun  = 1 << 8
	setupSingleIssuer = 1 << 12
	setupDeferTaskrun = 1 << 13
	setupNoSQArray    = 1 << 16

	featSingleMmap   = 1 << 0
	featNoDrop       = 1 << 1
	featSubmitStable = 1 << 2
	featFastPoll     = 1 << 5
	featExtArg       = 1 << 8
	featCQESkip      = 1 << 11

	registerProbe       = 8
	registerRingFDs     = 20
	unregisterRingFDs   = 21
	registerPbufRing    = 22
	unregisterPbufRing  = 23
	offSQRing           = 0
	offSQEs             = 0x10000000
	maxEntries          = 32768
	defaultEntries      = 4096
	defaultPerEntry     = 8
	registerAnyPosition = ^uint32(0)
)

// needed are the features that nothing here does without. Each names what
// breaks otherwise.
var needed = []struct {
	bit  uint32
	name string
}{
	{featSingleMmap, "SINGLE_MMAP"},
	{featNoDrop, "NODROP"},              // a full completion queue would lose completions
	{featSubmitStable, "SUBMIT_STABLE"}, // vectors of a send would have to outlive it
	{featFastPoll, "FAST_POLL"},         // each receive would occupy a kernel thread
	{featExtArg, "EXT_ARG"},             // a wait with a timeout would cost an operation
	{featCQESkip, "CQE_SKIP"},           // each send would cost a completion
}

type sqOffsets struct {
	head, tail, ringMask, ringEntries, flags, dropped, array, _ uint32
	_                                                           uint64
}

type cqOffsets struct {
	head, tail, ringMask, ringEntries, overflow, cqes, flags, _ uint32
	_                                                           uint64
}

// params is struct io_uring_params.
type params struct {
	sqEntries, cqEntries, flags, _, _, features, _ uint32
	_                                              [3]uint32
	sq                                             sqOffsets
	cq                                             cqOffsets
}

// asked are the flags of what may be granted, in the order in which they are
// given up when the kernel refuses them: the newest first.
var asked = []struct {
	feature Feature
	flag    uint32
}{
	{NoSQArray, setupNoSQArray},
	{DeferTaskrun, setupDeferTaskrun},
	{SingleIssuer, setupSingleIssuer},
	{CoopTaskrun, setupCoopTaskrun},
	{SubmitAll, setupSubmitAll},
}

// setup asks for a ring with all that may be had, and for less if the kernel
// does not know it.
func setup(o Options) (fd int, p params, granted Feature, err error) {
	want := SingleIssuer | DeferTaskrun | CoopTaskrun | SubmitAll | NoSQArray
	want &^= o.Without
	for {
		if want&SingleIssuer == 0 {
			want &^= DeferTaskrun
		}
		if want&DeferTaskrun != 0 {
			granted = want &^ CoopTaskrun
		} else {
			granted = want
		}
		p = params{flags: setupCQSize, cqEntries: o.Completions}
		for _, a := range asked {
			if granted&a.feature != 0 {
				p.flags |= a.flag
			}
		}
		n, _, errno := unix.RawSyscall(unix.SYS_IO_URING_SETUP, uintptr(o.Entries), uintptr(unsafe.Pointer(&p)), 0)
		if errno == 0 {
			return int(n), p, granted, nil
		}
		given := false
		for _, a := range asked {
			if errno == unix.EINVAL && want&a.feature != 0 {
				want &^= a.feature
				given = true
				break
			}
		}
		if !given {
			return -1, p, 0, refused(o, errno)
		}
	}
}

// lockedMemory is the advice in errors for lack of memory.
const lockedMemory = ", which recent kernels count as locked memory: raise RLIMIT_MEMLOCK (ulimit -l)"

// refused is the error of a ring that the kernel does not make.
func refused(o Options, errno unix.Errno) error {
	err := os.NewSyscallError("io_uring_setup", errno)
	if errno != unix.ENOMEM {
		return err
	}
	return fmt.Errorf("%w: a ring of %d entries and %d completions%s", err, o.Entries, o.Completions, lockedMemory)
}

// whenFree tries again for some time if there is no memory: that of a ring which
// was closed is given back a little later, and who may lock just enough for one
// has to wait for it.
func whenFree(try func() error) error {
	err := try()
	for wait := time.Millisecond; errors.Is(err, unix.ENOMEM) && wait < 100*time.Millisecond; wait *= 2 {
		time.Sleep(wait)
		err = try()
	}
	return err
}

func (o *Options) complete() error {
	if o.Entries == 0 {
		o.Entries = defaultEntries
	}
	if o.Completions == 0 {
		o.Completions = min(defaultPerEntry*o.Entries, maxEntries)
	}
	for _, n := range []uint32{o.Entries, o.Completions} {
		if n > maxEntries || n&(n-1) != 0 {
			return fmt.Errorf("io_uring queue of %d entries: give a power of two up to %d", n, maxEntries)
		}
	}
	if o.Completions < o.Entries {
		return fmt.Errorf("io_uring with room for %d entries and for fewer completions, %d", o.Entries, o.Completions)
	}
	return nil
}

// Open makes a ring. The calling goroutine must be locked to its thread and be
// the only one that uses the ring.
func Open(o Options) (*Ring, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	var fd int
	var p params
	var granted Feature
	err := whenFree(func() (err error) {
		fd, p, granted, err = setup(o)
		return err
	})
	if err != nil {
		return nil, err
	}
	r := &Ring{fd: fd, enterFD: fd, granted: granted}
	for _, n := range needed {
		if p.features&n.bit == 0 {
			r.Close()
			return nil, fmt.Errorf("io_uring without %s: %w", n.name, unix.EOPNOTSUPP)
		}
	}
	if err := r.mapQueues(&p); err != nil {
		r.Close()
		return nil, err
	}
	if o.Without&RegisteredFD == 0 && r.registerFD() == 0 {
		r.granted |= RegisteredFD
	}
	return r, nil
}

// rsrcUpdate is struct io_uring_rsrc_update.
type rsrcUpdate struct {
	offset, _ uint32
	data      uint64
}

func (r *Ring) registerFD() unix.Errno {
	u := rsrcUpdate{offset: registerAnyPosition, data: uint64(r.fd)}
	if errno := r.register(registerRingFDs, unsafe.Pointer(&u), 1); errno != 0 {
		return errno
	}
	r.enterFD, r.enterFlags, r.registered = int(u.offset), enterRegisteredRing, true
	return 0
}

// unregisterFD gives the thread's reference to the ring back. Without it the
// ring, and every socket with an operation in flight, would live as long as the
// thread.
func (r *Ring) unregisterFD() {
	if !r.registered {
		return
	}
	r.registered = false
	u := rsrcUpdate{offset: uint32(r.enterFD)}
	_ = r.register(unregisterRingFDs, unsafe.Pointer(&u), 1)
}

func (r *Ring) register(op uint32, arg unsafe.Pointer, n uint32) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_IO_URING_REGISTER, uintptr(r.fd), uintptr(op), uintptr(arg), uintptr(n), 0, 0)
	return errno
}

// Granted is what the kernel granted of the features.
func (r *Ring) Granted() Feature { return r.granted }

// Memory maps memory outside the Go heap, for what the kernel is to hold. It costs
// nothing until it is touched; unix.Munmap gives it back.
func Memory(size int) ([]byte, error) {
	m, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	return m, os.NewSyscallError("mmap", err)
}
