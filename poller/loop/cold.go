package loop

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// This file is files that the page cache does not have.
//
// A send of a file does not wait for the socket, but it waits for the disk, and with
// it the loop and everybody on it: a socket can be asked not to block, a file
// cannot. What helps is to look first whether the cache has what is to be sent, and
// to have the rest read by somebody else (Pai, Druschel and Zwaenepoel: Flash,
// USENIX 1999, whose helpers are processes). The connection is parked meanwhile, as
// behind a producer that has nothing yet.
//
// What this does not see: opening a file whose directory or inode is not in memory,
// pages that go between the look and the send, and what a Handler reads by itself.

// ColdFiles says who waits for the disk where a file that is to be sent is not in
// the page cache.
type ColdFiles uint8

const (
	// ColdLoop: the loop does, and everybody with it.
	ColdLoop ColdFiles = iota
	// ColdWork: Loop.Work does. Where the loop has a thread for itself, a process
	// with GOMAXPROCS at the number of its CPUs should have Workers more: a job that
	// waits in the kernel keeps one until the runtime's monitor looks, which may be
	// 10 ms later.
	ColdWork
	// ColdRing: the ring does, of the backend "io_uring".
	ColdRing
)

var coldNames = [...]string{"loop", "work", "ring"}

// String is the name that users know it by.
func (w ColdFiles) String() string {
	if int(w) < len(coldNames) {
		return coldNames[w]
	}
	return fmt.Sprintf("ColdFiles(%d)", uint8(w))
}

// ParseColdFiles reads a name.
func ParseColdFiles(name string) (ColdFiles, error) {
	for i, n := range coldNames {
		if n == name {
			return ColdFiles(i), nil
		}
	}
	return 0, fmt.Errorf("cold files %q: give loop, work or ring", name)
}

// check refuses what an engine or this system cannot do.
func (w ColdFiles) check(backend, engine string) error {
	switch {
	case w > ColdRing:
		return fmt.Errorf("%v: there is no such way to read cold files", w)
	case w != ColdLoop && coldMissing != "" && engine != "sim":
		return fmt.Errorf("cold files by %v: %s", w, coldMissing)
	case w == ColdRing && engine != "completion":
		return fmt.Errorf("cold files by ring: backend %s has no ring: give work, or the backend io_uring", backend)
	}
	return nil
}

// coldBytes is what is looked at, and read, at a time: what is sent in a turn.
const coldBytes = turnBytes

// disk is how a loop finds out about the page cache. Tests have their own.
type disk struct {
	// cached says whether all of a part of a file is there.
	cached func(f *os.File, off, n int64) bool
	// read reads what is there: EAGAIN means nothing, and that somebody has to
	// wait for the disk.
	read func(fd int, p []byte, off int64) (int, unix.Errno)
	// fetch brings a part of a file into the cache, and waits for it.
	fetch func(f *os.File, off, n int64) error
}

// fetcher is an engine that can bring a part of a file into the page cache by
// itself.
type fetcher interface {
	fetch(f *os.File, off, n int64, done func())
}

// fetch brings a part of a file into the page cache; then, unless the loop has
// stopped, done is called on the loop. A failure is not told: whoever sends or
// reads the file next meets it, too.
func (l *Loop) fetch(f *os.File, off, n int64, done func()) {
	l.counts.ColdReads++
	if e, ok := l.eng.(fetcher); ok && l.cfg.ColdFiles == ColdRing {
		e.fetch(f, off, n, done)
		return
	}
	l.Work(func() error { return l.disk.fetch(f, off, n) }, func(error) { done() })
}

// Readable says whether a part of a file can be read without waiting for a disk. With
// ColdLoop it always says so: the loop is to wait.
func (l *Loop) Readable(f *os.File, off, n int64) bool {
	if l.cfg.ColdFiles == ColdLoop {
		return true
	}
	l.counts.Calls[CallCached]++
	return l.disk.cached(f, off, n)
}

// thaw says whether the head of the queue, a file, can be sent of now; if not, the
// queue is parked until it can.
func (o *output) thaw(c *Conn, s *segment) bool {
	l := c.loop
	if l.cfg.ColdFiles == ColdLoop || s.off < s.warm {
		return true
	}
	n := min(s.n, coldBytes)
	if !s.fetching && l.Readable(s.f, s.off, n) {
		s.warm = s.off + n
		return true
	}
	o.parked, o.continued = true, false
	if s.fetching { // somebody has called Continue
		return false
	}
	s.fetching = true
	l.fetch(s.f, s.off, n, func() {
		if c.out == nil || c.out != o || o.empty() || !o.segments[o.head].fetching {
			return // the connection has ended
		}
		s := &o.segments[o.head]
		s.fetching, s.warm = false, s.off+n
		c.Continue()
	})
	return false
}

// sendable is how much of a file may be sent at once, in bytes, of at most so many.
func (s *segment) sendable(most int) int {
	n := min(s.n, int64(most))
	if s.warm > s.off {
		n = min(n, s.warm-s.off)
	}
	return int(n)
}
