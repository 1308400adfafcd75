package filesys

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"medusa/poller/loop"
)

// CacheOptions are a Cache's bounds. Zero means the default; a negative bound
// means none of it.
type CacheOptions struct {
	Content int64 // bytes of content held; 32 MiB
	File    int   // bytes of the largest file whose content is held; 16 KiB
	Open    int   // files held open, those with content excepted; 256. Each is a descriptor
	Entries int   // names known, a quarter of them at most as missing; 8192

	// Recheck is how long a name is trusted before it is looked at again; 1 s.
	// Negative: at each use.
	Recheck time.Duration

	// Wall is the loop's wall clock (Loop.Wall). It tells which files were
	// modified long enough ago to be Settled at once. Nil: none is before it has
	// been known for 2 s.
	Wall func() time.Time

	// Readable says whether the first bytes of a file can be read without waiting
	// for a disk (Loop.Readable). The content of one that cannot is not held until
	// it can, at the next look. Nil: all can.
	Readable func(f *os.File, off, n int64) bool
}

// CacheStats counts since NewCache, and what is held now.
type CacheStats struct {
	Hits, Misses int64 // uses of names that were known and trusted, and that were not known
	Checks       int64 // uses of names that were known and looked at again
	Evictions    int64 // for a bound or for want of descriptors

	Entries, Missing, Open int // Missing and Open are among Entries
	Content                int64
}

// maxCachedName bounds what names cost: longer ones are not cached.
const maxCachedName = 1024

// Cache knows what the names of a file system stand for, the contents of small
// files, and the open files of others. The least recently used goes first.
// It belongs to one loop and has no lock. It reads the disk on the loop: at
// each miss, and for each name in use once in Recheck.
//
// What it says about a name was true at most Recheck ago. That a name is
// missing, refused or forbidden is known as long.
type Cache struct {
	fsys    fs.FS
	options CacheOptions
	names   map[string]*Entry
	lists   [kinds]list
	uses    uint64
	stats   CacheStats
}

// NewCache makes a cache of fsys, which the caller closes after the cache.
func NewCache(fsys fs.FS, o CacheOptions) *Cache {
	bound(&o.Content, 32<<20)
	bound(&o.File, 16<<10)
	bound(&o.Open, 256)
	bound(&o.Entries, 8192)
	bound(&o.Recheck, time.Second)
	return &Cache{fsys: fsys, options: o, names: make(map[string]*Entry)}
}

func bound[T int | int64 | time.Duration](v *T, otherwise T) {
	if *v == 0 {
		*v = otherwise
	}
	*v = max(*v, 0)
}

// Get returns what the name stands for, to be released by the caller. The time
// is that of the loop. A name that is known and was looked at less than Recheck
// ago costs neither a call of the file system nor an allocation; not even the
// error of one that is missing.
//
// Errors are those of the file system, and ErrNotRegular. If the process has no
// descriptor left, open files of the cache are given up and the attempt is
// repeated once; then the error is EMFILE or ENFILE, but not for a name whose
// recheck only is impossible: it stays as it was.
func (c *Cache) Get(name []byte, now loop.Time) (*Entry, error) {
	e := c.names[string(name)]
	if e == nil {
		c.stats.Misses++
		return c.load(string(name), nil, now)
	}
	if now.Sub(e.checked) >= c.options.Recheck {
		c.stats.Checks++
		return c.check(e, now)
	}
	c.stats.Hits++
	return c.use(e)
}

// use hands e out.
func (c *Cache) use(e *Entry) (*Entry, error) {
	c.touch(e)
	if e.err != nil {
		return nil, e.err
	}
	e.refs++
	return e, nil
}

// check looks at a known name again.
func (c *Cache) check(e *Entry, now loop.Time) (*Entry, error) {
	e.Retain() // so that it is not what is given up for want of descriptors
	defer e.Release()
	if e.err != nil || e.cold || e.asksContent() {
		return c.load(e.name, e, now)
	}
	info, err := fs.Stat(c.fsys, e.name)
	if shortage(err) && c.relieve() {
		info, err = fs.Stat(c.fsys, e.name)
	}
	if shortage(err) || err == nil && identify(info) == e.id {
		e.checked = now
		return c.use(e)
	}
	return c.load(e.name, e, now)
}

// load reads a name and keeps what it finds in the place of old, which is nil or
// retained by the caller.
func (c *Cache) load(name string, old *Entry, now loop.Time) (*Entry, error) {
	e, err := c.read(name, old, now)
	switch {
	case err != nil && shortage(err) && old != nil && old.err == nil && old.asksContent():
		// Nothing says that it has changed.
		old.checked = now
		return c.use(old)
	case err != nil:
		if old != nil {
			c.drop(old)
		}
		if lasting(err) {
			c.keep(&Entry{name: name, err: err, kind: missing, checked: now})
		}
		return nil, err
	case old != nil && old.err == nil && e.same(old):
		e.Release()
		old.checked = now
		return c.use(old)
	}
	if old != nil {
		c.drop(old)
	}
	c.keep(e)
	return e, nil
}

// Open opens a file or directory of the file system past the cache: what is
// streamed from front to back, and directories. The caller closes it.
func (c *Cache) Open(name string) (fs.File, error) {
	f, err := c.fsys.Open(name)
	if shortage(err) && c.relieve() {
		f, err = c.fsys.Open(name)
	}
	return f, err
}

// Stats returns the counters.
func (c *Cache) Stats() CacheStats { return c.stats }

// Close forgets everything and caches nothing any more. Files in use are closed
// when they are released.
func (c *Cache) Close() {
	c.options.Entries = 0
	for _, e := range c.names {
		c.drop(e)
	}
}

// shortage reports whether err says that the process or system lacks something
// just now, which says nothing about the file.
func shortage(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}

// lasting reports whether an error is as good in a second as it is now: not a
// shortage, and not what a disk or a network said about itself.
func lasting(err error) bool {
	if _, system := errors.AsType[syscall.Errno](err); !system {
		return true
	}
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR) ||
		errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.EINVAL)
}
