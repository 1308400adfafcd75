package uring

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const registerPbufStatus = 26

// bufStatus is struct io_uring_buf_status.
type bufStatus struct {
	group, head uint32
	_           [8]uint32
}

// Free asks the kernel how many buffers it has for the next receives. With
// nothing in flight these are all that were given (Given), or one was lost. The
// kernel tells since Linux 6.8, and before ENOTSUP.
func (b *Buffers) Free() (int, error) {
	b.Publish()
	s := bufStatus{group: uint32(b.group)}
	switch errno := b.ring.register(registerPbufStatus, unsafe.Pointer(&s), 1); errno {
	case 0:
		return int(b.tail - uint16(s.head)), nil
	case unix.EINVAL:
		return 0, unix.ENOTSUP
	default:
		return 0, os.NewSyscallError("register io_uring buffer status", errno)
	}
}
