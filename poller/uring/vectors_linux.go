package uring

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// VectorLength is the greatest number of slices in a SendVector.
const VectorLength = 64

// vectors is where the headers of vectored sends stand until they are submitted,
// outside the Go heap. The kernel copies them then (IORING_FEAT_SUBMIT_STABLE).
type vectors struct {
	memory []byte
	used   int
}

const (
	headerSize = int(unsafe.Sizeof(unix.Msghdr{}))
	vectorSize = int(unsafe.Sizeof(unix.Iovec{}))
)

// open maps room for as many of the longest vectors as there are entries.
func (v *vectors) open(entries int) (err error) {
	v.memory, err = Memory(entries * (headerSize + VectorLength*vectorSize))
	return err
}

func (v *vectors) reset() { v.used = 0 }

func (v *vectors) close() error {
	if v.memory == nil {
		return nil
	}
	m := v.memory
	v.memory = nil
	return unix.Munmap(m)
}

// SendVector prepares a send of several slices, at most VectorLength, with the
// flags of send(2), and returns how many of them it took: all, unless the kernel
// does not take what is pending, and then the first only.
func (r *Ring) SendVector(s *SQE, fd int, p [][]byte, flags uint32) int {
	v := &r.vectors
	size := headerSize + len(p)*vectorSize
	if len(p) == 1 || len(v.memory)-v.used < size {
		s.Send(fd, p[0], flags)
		return 1
	}
	h := (*unix.Msghdr)(unsafe.Pointer(&v.memory[v.used]))
	iov := unsafe.Slice((*unix.Iovec)(unsafe.Pointer(&v.memory[v.used+headerSize])), len(p))
	v.used += size
	*h = unix.Msghdr{Iov: &iov[0]}
	h.SetIovlen(len(p))
	for i := range p {
		iov[i].Base = unsafe.SliceData(p[i])
		iov[i].SetLen(len(p[i]))
	}
	s.Opcode, s.FD, s.OpFlags, s.Len = OpSendMsg, int32(fd), flags, 1
	s.Addr = uint64(uintptr(unsafe.Pointer(h)))
	return len(p)
}
