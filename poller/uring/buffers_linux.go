package uring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Buffers is a group of provided buffers (io_uring_register(2),
// IORING_REGISTER_PBUF_RING): a receive takes one when it has something to put
// into it, so that who waits owns none. They are handed out in the order in which
// they were given back. Only so many are in circulation as were needed at once so
// far, which keeps the memory in use, and in the caches, small.
type Buffers struct {
	ring   *Ring
	group  uint16
	size   int
	memory []byte
	table  []byte   // the mapping of slots
	slots  []bufRef // shared with the kernel
	mask   uint16
	tail   uint16 // given, published by Publish
	shown  uint16 // published
	given  int    // buffers in circulation
	first  uint16 // the id in slot 0, which shares a word with the tail
}

// bufRef is struct io_uring_buf. The last field of slot 0 is the tail of the
// whole ring.
type bufRef struct {
	addr uint64
	len  uint32
	id   uint16
	tail uint16
}

// bufReg is struct io_uring_buf_reg.
type bufReg struct {
	addr    uint64
	entries uint32
	group   uint16
	flags   uint16
	_       [3]uint64
}

// NewBuffers makes a group of at most count buffers (a power of two up to 32768)
// of size bytes, none of which is in circulation yet.
func (r *Ring) NewBuffers(group uint16, count, size int) (*Buffers, error) {
	if count <= 0 || count > maxEntries || count&(count-1) != 0 || size <= 0 {
		return nil, fmt.Errorf("io_uring group of %d buffers of %d bytes: give a power of two up to %d", count, size, maxEntries)
	}
	b := &Buffers{ring: r, group: group, size: size, mask: uint16(count - 1)}
	var err error
	if b.memory, err = Memory(count * size); err != nil {
		return nil, err
	}
	if b.table, err = Memory(count * int(unsafe.Sizeof(bufRef{}))); err != nil {
		b.unmap()
		return nil, err
	}
	b.slots = unsafe.Slice((*bufRef)(unsafe.Pointer(unsafe.SliceData(b.table))), count)
	reg := bufReg{addr: address(b.table), entries: uint32(count), group: group}
	err = whenFree(func() error {
		if errno := r.register(registerPbufRing, unsafe.Pointer(&reg), 1); errno != 0 {
			return os.NewSyscallError("register io_uring buffers", errno)
		}
		return nil
	})
	if err != nil {
		b.unmap()
		if errors.Is(err, unix.ENOMEM) {
			err = fmt.Errorf("%w: a table of %d%s", err, count, lockedMemory)
		}
		return nil, err
	}
	return b, nil
}

// Size is that of each buffer, in bytes.
func (b *Buffers) Size() int { return b.size }

// Given is the number of buffers in circulation.
func (b *Buffers) Given() int { return b.given }

// Grow puts up to n more buffers into circulation and returns how many. The
// kernel sees them after Publish.
func (b *Buffers) Grow(n int) int {
	n = min(n, len(b.slots)-b.given)
	for range n {
		b.Give(uint16(b.given))
		b.given++
	}
	return n
}

// Bytes is the buffer with an id, cut to its first n bytes.
func (b *Buffers) Bytes(id uint16, n int) []byte {
	at := int(id) * b.size
	return b.memory[at : at+n : at+b.size]
}

// Give gives a buffer back. The kernel sees it after Publish.
func (b *Buffers) Give(id uint16) {
	i := b.tail & b.mask
	s := &b.slots[i]
	s.addr, s.len = address(b.memory[int(id)*b.size:]), uint32(b.size)
	if i == 0 {
		b.first = id // its word is written by Publish
	} else {
		s.id = id
	}
	b.tail++
}

// Publish shows the kernel what was given. The tail is 16 bits wide, for which
// Go has no atomic store; so the word is stored that it shares with the id in
// slot 0, which only this side writes. The kernel reads either half: the tail
// with acquire order, the id later.
func (b *Buffers) Publish() {
	if b.tail == b.shown {
		return
	}
	b.shown = b.tail
	var w [4]byte
	binary.NativeEndian.PutUint16(w[:2], b.first)
	binary.NativeEndian.PutUint16(w[2:], b.tail)
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&b.slots[0].id)), binary.NativeEndian.Uint32(w[:]))
}

// Close takes the group from the kernel, which does so by itself when the ring is
// closed before, and gives its memory back. No receive may be in flight that could
// use it.
func (b *Buffers) Close() error {
	if b.slots == nil {
		return nil
	}
	var errno unix.Errno
	if b.ring.fd >= 0 {
		reg := bufReg{group: b.group}
		errno = b.ring.register(unregisterPbufRing, unsafe.Pointer(&reg), 1)
	}
	b.unmap()
	if errno != 0 {
		return os.NewSyscallError("unregister io_uring buffers", errno)
	}
	return nil
}

func (b *Buffers) unmap() {
	for _, m := range [][]byte{b.memory, b.table} {
		if m != nil {
			_ = unix.Munmap(m) // fails only for what was not mapped
		}
	}
	b.memory, b.table, b.slots = nil, nil, nil
}
