package uring

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// SQE is a submission queue entry (struct io_uring_sqe): one operation.
type SQE struct {
	Opcode   Op
	Flags    uint8 // IOSQE_*
	IOPrio   uint16
	FD       int32
	Off      uint64
	Addr     uint64
	Len      uint32
	OpFlags  uint32
	UserData uint64
	Group    uint16 // of provided buffers
	_        uint16
	_        int32
	_        [2]uint64
}

// Op is an operation (enum io_uring_op).
type Op uint8

// The operations that the package prepares.
const (
	OpNop         Op = 0
	OpPollAdd     Op = 6
	OpPollRemove  Op = 7
	OpSendMsg     Op = 9
	OpAccept      Op = 13
	OpAsyncCancel Op = 14
	OpClose       Op = 19
	OpRead        Op = 22
	OpSend        Op = 26
	OpRecv        Op = 27
)

// Flags of SQE.Flags.
const (
	bufferSelect = 1 << 5
	// SkipSuccess posts no completion if the operation succeeds; a send that
	// waits for all (MSG_WAITALL) and was cut short has not succeeded.
	SkipSuccess = 1 << 6
)

const (
	acceptMultishot = 1 << 0
	recvMultishot   = 1 << 1
	pollMultishot   = 1 << 0
)

// Nop does nothing and completes.
func (s *SQE) Nop() { s.Opcode = OpNop }

// Accept accepts connections on fd with the flags of accept4(2): one, or until
// it is cancelled or a completion comes without More.
func (s *SQE) Accept(fd int, flags uint32, multishot bool) {
	s.Opcode, s.FD, s.OpFlags = OpAccept, int32(fd), flags
	if multishot {
		s.IOPrio = acceptMultishot
	}
}

// RecvGroup receives into a provided buffer of group, which the completion
// names (CQE.Buffer): once, or until it is cancelled or a completion comes
// without More.
func (s *SQE) RecvGroup(fd int, group uint16, multishot bool) {
	s.Opcode, s.FD, s.Flags, s.Group = OpRecv, int32(fd), bufferSelect, group
	if multishot {
		s.IOPrio = recvMultishot
	}
}

// Recv receives once into p.
func (s *SQE) Recv(fd int, p []byte) {
	s.Opcode, s.FD, s.Addr, s.Len = OpRecv, int32(fd), address(p), uint32(len(p))
}

// Send sends p with the flags of send(2). With MSG_DONTWAIT it is over when it
// has been submitted.
func (s *SQE) Send(fd int, p []byte, flags uint32) {
	s.Opcode, s.FD, s.Addr, s.Len, s.OpFlags = OpSend, int32(fd), address(p), uint32(len(p)), flags
}

// PollAdd waits for events (poll(2), and EPOLLET and EPOLLEXCLUSIVE of
// epoll_ctl(2)), which the result of the completion lists: once, or whenever
// something happens until it is cancelled or a completion comes without More.
func (s *SQE) PollAdd(fd int, events uint32, multishot bool) {
	s.Opcode, s.FD, s.OpFlags = OpPollAdd, int32(fd), pollEvents(events)
	if multishot {
		s.Len = pollMultishot
	}
}

// PollRemove cancels a PollAdd by its user data. Its result is 0, ENOENT if it
// found none, or EALREADY if something has just happened that is yet to be
// reported: a multishot poll then goes on. Cancel ends it in that case too.
func (s *SQE) PollRemove(userData uint64) {
	s.Opcode, s.FD, s.Addr = OpPollRemove, -1, userData
}

// Cancel cancels an operation by its user data, which then completes, mostly
// with ECANCELED. Its own result is 0, ENOENT if it found none, EALREADY if
// that one is being carried out.
func (s *SQE) Cancel(userData uint64) {
	s.Opcode, s.FD, s.Addr = OpAsyncCancel, -1, userData
}

// Read reads of the file fd from off into p.
func (s *SQE) Read(fd int, p []byte, off int64) {
	s.Opcode, s.FD, s.Addr, s.Len, s.Off = OpRead, int32(fd), address(p), uint32(len(p)), uint64(off)
}

// Close closes fd.
func (s *SQE) Close(fd int) { s.Opcode, s.FD = OpClose, int32(fd) }

// pollEvents puts the halves of the events where the kernel looks for them: the
// field was once 16 bits wide (io_uring_sqe.poll32_events is "word-reversed for
// BE").
func pollEvents(events uint32) uint32 {
	if littleEndian {
		return events
	}
	return events<<16 | events>>16
}

// kept is always nil. The compiler does not know, and so keeps what address is
// given off the stack of a goroutine, which is moved when it grows, while the
// kernel has the old address.
var kept []byte

// address is where p lies: a number, which keeps nothing alive.
func address(p []byte) uint64 {
	if kept != nil {
		kept = p
	}
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(p))))
}

// CQE is a completion queue entry (struct io_uring_cqe).
type CQE struct {
	UserData uint64
	Res      int32 // what the system call would return, an error as -errno
	Flags    uint32
}

const (
	cqeBuffer   = 1 << 0
	cqeMore     = 1 << 1
	cqeNonEmpty = 1 << 2
	bufferShift = 16
)

// More says that the operation goes on and will complete again. Without it the
// operation is over, whatever its result is.
func (c *CQE) More() bool { return c.Flags&cqeMore != 0 }

// NonEmpty says that the socket had more to receive.
func (c *CQE) NonEmpty() bool { return c.Flags&cqeNonEmpty != 0 }

// Buffer is the provided buffer that was used, if one was.
func (c *CQE) Buffer() (id uint16, ok bool) {
	return uint16(c.Flags >> bufferShift), c.Flags&cqeBuffer != 0
}

// Err is the error of a completion, 0 if there is none.
func (c *CQE) Err() unix.Errno {
	if c.Res < 0 {
		return unix.Errno(-c.Res)
	}
	return 0
}
