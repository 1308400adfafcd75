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

// msghdr and iovec are the structures of sendmsg(2), with numbers for the
// addresses. Pointers must not be stored outside the heap: the collector's write
// barrier looks at what they overwrite as well, which is here an address that was
// somebody's long ago.
type msghdr struct {
	name       uintptr
	nameLen    uint32
	iov        uintptr
	iovLen     uintptr
	control    uintptr
	controlLen uintptr
	flags      int32
}

type iovec struct{ base, len uintptr }

const (
	headerSize = int(unsafe.Sizeof(msghdr{}))
	vectorSize = int(unsafe.Sizeof(iovec{}))
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
	h := (*msghdr)(unsafe.Pointer(&v.memory[v.used]))
	iov := unsafe.Slice((*iovec)(unsafe.Pointer(&v.memory[v.used+headerSize])), len(p))
	v.used += size
	*h = msghdr{iov: uintptr(unsafe.Pointer(&iov[0])), iovLen: uintptr(len(p))}
	for i := range p {
		iov[i] = iovec{uintptr(address(p[i])), uintptr(len(p[i]))}
	}
	s.Opcode, s.FD, s.OpFlags, s.Len = OpSendMsg, int32(fd), flags, 1
	s.Addr = uint64(uintptr(unsafe.Pointer(h)))
	return len(p)
}
