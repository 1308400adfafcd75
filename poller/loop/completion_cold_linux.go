package loop

import (
	"os"

	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

// ringReads are reads of files that the page cache does not have, by the ring. What
// they are for is the cache: all of them read into the same bytes, which nobody
// looks at.
type ringReads struct {
	sink []byte // off the Go heap; nil until it is needed
	all  []ringRead
	free []uint32 // of all, those that are over
}

type ringRead struct {
	f      *os.File
	off, n int64 // of what is left
	done   func()
}

// fetch implements fetcher. A file system that has asynchronous reads through the
// page cache (FMODE_BUF_RASYNC; ext4, xfs, btrfs) needs no thread for it; for others
// the kernel has threads of its own.
func (e *completion) fetch(f *os.File, off, n int64, done func()) {
	r := &e.reads
	if r.sink == nil {
		sink, err := uring.Memory(coldBytes)
		if err != nil { // as without: the send waits for the disk
			e.loop.Post(done)
			return
		}
		r.sink = sink
	}
	var i uint32
	if last := len(r.free) - 1; last >= 0 {
		i, r.free = r.free[last], r.free[:last]
	} else {
		i = uint32(len(r.all))
		r.all = append(r.all, ringRead{})
	}
	r.all[i] = ringRead{f, off, n, done}
	e.read(i)
}

// read asks for what is left of a read.
func (e *completion) read(i uint32) {
	r := &e.reads.all[i]
	s := e.next()
	s.Read(int(r.f.Fd()), e.reads.sink[:r.n], r.off)
	s.UserData = opFile<<opShift | uint64(i)
	// The file may be closed by whoever has it, and its number be another's, before
	// the next turn: what has been submitted keeps it.
	e.submit()
}

// fetched takes the completion of a read. One that failed is over, too.
func (e *completion) fetched(q *uring.CQE) {
	i := uint32(q.UserData)
	r := &e.reads.all[i]
	k := max(int64(q.Res), 0)
	again := k > 0 && k < r.n || unix.Errno(-q.Res) == unix.EINTR
	if again && r.f.Fd() != ^uintptr(0) { // nobody has closed it
		r.off, r.n = r.off+k, r.n-k
		e.read(i)
		return
	}
	done := r.done
	*r = ringRead{}
	e.reads.free = append(e.reads.free, i)
	done()
}

// close gives the memory back, unless something may still be read into it.
func (r *ringReads) close() {
	if r.sink != nil && len(r.free) == len(r.all) {
		_ = unix.Munmap(r.sink) // fails only for what was not mapped
	}
	*r = ringReads{}
}
