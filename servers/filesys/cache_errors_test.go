package filesys

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"medusa/poller/loop"
)

func TestCacheWithoutDescriptors(t *testing.T) {
	t.Parallel()
	const limit = relief + 2
	m := NewMemory(1<<20, func() time.Time { return longAgo })
	w := &watched{FS: m}
	w.fail = func() error {
		if w.open >= limit {
			return syscall.EMFILE
		}
		return nil
	}
	c := NewCache(w, CacheOptions{File: 3, Wall: today})
	names := strings.Fields("a b c d e f")[:limit]
	for _, name := range append(names, "g", "h") {
		put(t, m, name, "text"+name)
	}
	put(t, m, "small", "s")
	get(t, c, "small", 0).Release()
	for _, name := range names {
		get(t, c, name, 0).Release()
	}
	used := get(t, c, "a", 0)
	calls := w.calls
	get(t, c, "g", 0).Release() // only now descriptors are wanting
	if s := c.Stats(); w.calls != calls+2 || s.Evictions != relief || s.Open != limit-relief+1 {
		t.Errorf("%d calls, %+v", w.calls-calls, s)
	}
	for _, name := range []string{"a", "f", "g", "small"} { // in use, the most recently used, and what costs no descriptor
		calls = w.calls
		get(t, c, name, 0).Release()
		if w.calls != calls {
			t.Errorf("%s was given up", name)
		}
	}
	// All in use: there is nothing to give up, and no second attempt.
	var entries []*Entry
	for _, name := range []string{"b", "c", "d", "f", "g"} {
		entries = append(entries, get(t, c, name, 0))
	}
	calls = w.calls
	if e, err := c.Get([]byte("h"), 0); !errors.Is(err, syscall.EMFILE) || w.calls != calls+1 {
		t.Errorf("%v, %v, %d calls", e, err, w.calls-calls)
	}
	if _, err := c.Open("."); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("a directory: %v", err)
	}
	// What is known stays known if it cannot be looked at.
	for _, name := range []string{"small", "a"} {
		if e := get(t, c, name, time.Second); read(t, e) == "" {
			t.Errorf("%s is empty", name)
		} else {
			e.Release()
		}
	}
	// The want was not cached.
	for _, e := range entries {
		e.Release()
	}
	get(t, c, "h", time.Second).Release()
	used.Release()
	c.Close()
	if w.open != 0 {
		t.Errorf("%d files are open", w.open)
	}
}

// A look that fails for want of descriptors does not cost the file that it was
// to look at; but what is known to have changed is not handed out.
func TestCacheChecksWithoutDescriptors(t *testing.T) {
	t.Parallel()
	now := longAgo
	m := NewMemory(1<<20, func() time.Time { now = now.Add(1); return now })
	w := &watched{FS: m}
	c := NewCache(w, CacheOptions{File: 3, Wall: today})
	defer c.Close()
	put(t, m, "open", "text")
	put(t, m, "other", "text")
	e := get(t, c, "open", 0)
	e.Release()
	get(t, c, "other", 0).Release()
	fail := func() error { return syscall.ENFILE }
	w.fail = fail
	if again := get(t, c, "open", time.Second); again != e || read(t, again) != "text" {
		t.Error("given up by its own look")
	} else {
		again.Release()
	}
	if s := c.Stats(); s.Evictions != 1 || s.Open != 1 {
		t.Errorf("%+v", s)
	}
	put(t, m, "open", "next")
	w.fail = nil
	failing := &statOnly{w, fail}
	c.fsys = failing
	if e, err := c.Get([]byte("open"), loop.Time(2*time.Second)); !errors.Is(err, syscall.ENFILE) {
		t.Errorf("%v, %v", e, err)
	}
	c.fsys = w
	e = get(t, c, "open", 2*time.Second)
	defer e.Release()
	if got := read(t, e); got != "next" {
		t.Errorf("later %q", got)
	}
}

// statOnly cannot open.
type statOnly struct {
	fs.StatFS
	fail func() error
}

func (s *statOnly) Open(string) (fs.File, error) { return nil, s.fail() }

// What a file system says about itself is no answer for a second.
func TestCacheErrors(t *testing.T) {
	t.Parallel()
	for cause, cached := range map[error]bool{
		fs.ErrNotExist: true, fs.ErrPermission: true, fs.ErrInvalid: true, ErrNotRegular: true, errors.New("path escapes"): true,
		syscall.ENOENT: true, syscall.EACCES: true, syscall.ENOTDIR: true, syscall.ELOOP: true, syscall.ENAMETOOLONG: true,
		syscall.EIO: false, syscall.EMFILE: false, syscall.ENFILE: false, syscall.ENOMEM: false, syscall.ESTALE: false,
	} {
		w := &watched{FS: NewMemory(1<<20, nil)}
		w.fail = func() error { return cause }
		c := NewCache(w, CacheOptions{})
		for range 3 {
			if e, err := c.Get([]byte("f"), 0); e != nil || !errors.Is(err, cause) {
				t.Errorf("%v: %v", cause, err)
			}
		}
		if want := map[bool]int{true: 1, false: 3}[cached]; w.calls != want {
			t.Errorf("%v: %d calls, want %d", cause, w.calls, want)
		}
	}
}
