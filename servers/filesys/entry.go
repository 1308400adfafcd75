package filesys

import (
	"io"
	"io/fs"
	"os"
	"time"

	"medusa/poller/loop"
)

// Entry is a file or a directory as it was when the Cache last looked. But for
// Aux nothing in it is ever modified: what has changed on disk is another Entry.
// It belongs to the Cache's loop.
type Entry struct {
	Info    fs.FileInfo
	Size    int64     // bytes
	ModTime time.Time // zero where the file system has none, as embed
	Dir     bool

	// Content is the whole file, not nil, if it is small enough to be held;
	// otherwise nil. Nobody modifies it.
	Content []byte

	// Tag stands for the content: it is made from device, inode, size and time
	// of modification, or from the content itself where there is no such time.
	// 0: there is nothing to make it from (a file without a time and over 1 MiB),
	// or it is a directory, whose time says nothing about the files in it.
	Tag uint64

	// Settled: a change after this look would have given the file another Tag.
	// It is false for a file that was modified less than 2 s ago: within the
	// granularity of the file system's clock a second change leaves the time of
	// modification as it is. Such a Tag is a weak validator (RFC 9110, section
	// 8.8.1); once settled the file has another Tag, so that no client keeps
	// what it got in between for longer than that.
	Settled bool

	// Aux is the protocol's own: what it derives from the rest once. It goes
	// with the entry.
	Aux any

	name     string
	err      error // why there is no file: a negative entry, never handed out
	id       identity
	seen     loop.Time // since when id has been the same
	checked  loop.Time
	file     fs.File // open, nil if Content is held
	osFile   *os.File
	readerAt io.ReaderAt
	refs     int // users, and the cache
	release  func()

	// Of the cache's lists.
	kind       kind
	cold       bool   // its content would be held, had it not to be waited for
	used       uint64 // Cache.uses when it was last used
	prev, next *Entry
}

// File is the open file, to be read with offsets only since others read it too;
// nil if Content is held, for directories, and if the file system's files are
// no *os.File. It is open until the entry is released.
func (e *Entry) File() *os.File { return e.osFile }

// ReaderAt reads the open file; nil if Content is held, for directories, and if
// the file system's files can be read only from front to back: then Cache.Open.
// It is usable until the entry is released.
func (e *Entry) ReaderAt() io.ReaderAt { return e.readerAt }

// Retain adds a user, who calls Release too.
func (e *Entry) Retain() { e.refs++ }

// Release is called once by each user of the entry, who does not touch it
// afterwards. The open file is closed when the last one and the cache are done
// with it.
func (e *Entry) Release() {
	e.refs--
	switch {
	case e.refs < 0:
		panic("filesys: an Entry was released more often than retained")
	case e.refs == 0 && e.file != nil:
		_ = e.file.Close() // only read
		e.file, e.osFile, e.readerAt = nil, nil, nil
	}
}

// ReleaseFunc returns Release as a function that was made with the entry, where
// the method value would be an allocation.
func (e *Entry) ReleaseFunc() func() { return e.release }

// same reports whether users of old need not notice that e was looked at.
func (e *Entry) same(old *Entry) bool {
	return e.id == old.id && e.Tag == old.Tag && // the tag tells what is settled, too
		(e.Content == nil) == (old.Content == nil) && string(e.Content) == string(old.Content)
}

// asksContent reports whether what was looked at may have changed without its
// identity telling.
func (e *Entry) asksContent() bool {
	return !e.Dir && (!e.Settled || e.ModTime.IsZero())
}
