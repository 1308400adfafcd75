package uring

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Support is what the system has of what this package needs.
type Support struct {
	// Missing is why io_uring cannot be used here, nil if it can. What passes
	// (a descriptor limit, a lack of memory) is not a reason: Open says so when
	// it is needed.
	Missing error
	// Granted is what a ring was granted.
	Granted Feature
}

// Probe finds out, once, by trying: numbers of versions say little about kernels
// that distributions patch, and nothing about what a container forbids.
var Probe = sync.OnceValue(func() Support {
	found := make(chan Support)
	go func() {
		// The thread ends with the goroutine, which never unlocks it.
		runtime.LockOSThread()
		found <- probe()
	}()
	return <-found
})

func probe() Support {
	r, err := Open(Options{Entries: 8})
	if err != nil {
		return Support{Missing: absent(err)}
	}
	defer r.Close()
	s := Support{Granted: r.Granted()}
	if s.Missing = r.operations(OpPollAdd, OpPollRemove, OpSendMsg, OpAccept, OpAsyncCancel, OpClose, OpRead, OpSend, OpRecv); s.Missing == nil {
		s.Missing = absent(r.tryMultishot())
	}
	return s
}

// absent turns the error of a system that has no io_uring, or does not allow it,
// into a sentence; any other error into nil.
func absent(err error) error {
	switch {
	case errors.Is(err, unix.ENOSYS):
		return fmt.Errorf("this kernel has no io_uring, or a seccomp filter hides it (%w)", err)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		switch setting, _ := os.ReadFile("/proc/sys/kernel/io_uring_disabled"); strings.TrimSpace(string(setting)) {
		case "2":
			return fmt.Errorf("the sysctl kernel.io_uring_disabled is 2 (%w)", err)
		case "1":
			return fmt.Errorf("the sysctl kernel.io_uring_disabled is 1, and this user is not of the group kernel.io_uring_group (%w)", err)
		}
		return fmt.Errorf("not permitted, as by the seccomp filter of a container (%w)", err)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EINVAL):
		return fmt.Errorf("this kernel's io_uring is too old: %w", err)
	}
	return nil
}

// probeOp is struct io_uring_probe_op.
type probeOp struct {
	op    uint8
	_     uint8
	flags uint16
	_     uint32
}

// probeTable is struct io_uring_probe.
type probeTable struct {
	last, length uint8
	_            uint16
	_            [3]uint32
	ops          [256]probeOp
}

// operations says which of some operations the kernel does not have.
func (r *Ring) operations(ops ...Op) error {
	var t probeTable
	if errno := r.register(registerProbe, unsafe.Pointer(&t), uint32(len(t.ops))); errno != 0 {
		return absent(os.NewSyscallError("register io_uring probe", errno))
	}
	for _, op := range ops {
		if op > Op(t.last) || t.ops[op].flags&1 == 0 {
			return fmt.Errorf("this kernel's io_uring does not have operation %d", op)
		}
	}
	return nil
}

// tryMultishot receives a byte and the end by a multishot receive into provided
// buffers: no flag tells whether the kernel has these.
func (r *Ring) tryMultishot() error {
	b, err := r.NewBuffers(0, 2, 8)
	if err != nil {
		return err
	}
	defer b.Close()
	b.Grow(2)
	b.Publish()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(pair[0])
	_, err = unix.Write(pair[1], []byte{1})
	unix.Close(pair[1])
	if err != nil {
		return err
	}
	r.Next().RecvGroup(pair[0], 0, true)
	if err := r.Enter(); err != nil {
		return err
	}
	var c [3]CQE
	if r.Reap(c[:]) != 2 {
		return fmt.Errorf("a multishot receive completes otherwise than twice: %w", unix.EOPNOTSUPP)
	}
	_, ok := c[0].Buffer()
	if c[0].Res != 1 || !ok || !c[0].More() || c[1].Res != 0 || c[1].More() {
		return fmt.Errorf("a multishot receive gives %d, then %d: %w", c[0].Res, c[1].Res, unix.EOPNOTSUPP)
	}
	return nil
}
