package filesys

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"medusa/poller/loop"
)

// A file that is modified twice within one tick of its clock looks the same
// afterwards: size, time, and in Memory there is no inode.
func TestCacheRacilyClean(t *testing.T) {
	t.Parallel()
	for held, file := range map[string]int{"held": 100, "open": 1} {
		for clock, wall := range map[string]func() time.Time{"wall": today, "no wall": nil} {
			t.Run(held+"/"+clock, func(t *testing.T) {
				m := NewMemory(1<<20, today)
				put(t, m, "f", "first")
				c := NewCache(m, CacheOptions{File: file, Wall: wall})
				defer c.Close()
				e := get(t, c, "f", 0)
				defer e.Release()
				if e.Settled || e.Tag == 0 {
					t.Errorf("at once: %+v", e)
				}
				put(t, m, "f", "other")
				second := get(t, c, "f", time.Second)
				defer second.Release()
				if second.Settled || read(t, second) != "other" {
					t.Errorf("after a second: %+v", second)
				}
				if wall != nil {
					// The loop's wall clock may be far behind in a simulation and is not
					// needed to settle.
					c.options.Wall = func() time.Time { return today().Add(time.Second) }
				}
				third := get(t, c, "f", 2*time.Second)
				defer third.Release()
				if !third.Settled || read(t, third) != "other" {
					t.Errorf("after two seconds: %+v", third)
				}
				// Whoever has got the first content asks with its tag some day.
				if third.Tag == e.Tag {
					t.Error("settled with the tag that the first content had, too")
				}
				fourth := get(t, c, "f", 3*time.Second)
				defer fourth.Release()
				if fourth != third {
					t.Error("looked at again, though settled")
				}
			})
		}
	}
}

// Settled at once is what was modified long before now, or after: neither is
// the time that a change would leave.
func TestCacheSettled(t *testing.T) {
	t.Parallel()
	for age, want := range map[time.Duration]bool{
		24 * time.Hour: true, 2 * time.Second: true, 2*time.Second - 1: false, 0: false, -1: false, -2*time.Second + 1: false, -24 * time.Hour: true,
	} {
		m := NewMemory(1<<20, func() time.Time { return today().Add(-age) })
		put(t, m, "f", "text")
		c := NewCache(m, CacheOptions{Wall: today})
		e := get(t, c, "f", 0)
		if e.Settled != want {
			t.Errorf("modified %v ago: settled is %v", age, e.Settled)
		}
		e.Release()
		c.Close()
	}
}

// changing is a file system with one file, which changes after each of its
// first stats: at the worst moment, between the look and the reading.
type changing struct {
	*Memory
	t       *testing.T
	changes int
	texts   []string
}

type changingFile struct {
	fs.File
	io.ReaderAt
	c *changing
}

func (c *changing) Open(name string) (fs.File, error) {
	f, err := c.Memory.Open(name)
	return &changingFile{f, f.(io.ReaderAt), c}, err
}

func (f *changingFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	if c := f.c; c.changes > 0 {
		c.changes--
		put(c.t, c.Memory, "f", c.texts[c.changes%len(c.texts)])
	}
	return info, err
}

// Content is never held under the identity of another.
func TestCacheWhileChanging(t *testing.T) {
	t.Parallel()
	for _, texts := range [][]string{{"first", "other"}, {"first", "longer than that"}, {"first", ""}} {
		for changes := range 20 {
			now := longAgo
			m := NewMemory(1<<20, func() time.Time { now = now.Add(1); return now })
			put(t, m, "f", texts[0])
			fsys := &changing{m, t, changes, texts}
			c := NewCache(fsys, CacheOptions{Wall: today})
			e := get(t, c, "f", 0)
			if steady := changes <= 2*(readAttempts-2); e.Content == nil && steady {
				t.Errorf("%q, %d changes: not held", texts, changes)
			}
			if e.Content != nil && (fsys.changes > 0 || string(e.Content) != texts[0]) {
				t.Errorf("%q, %d changes: held %q", texts, changes, e.Content)
			}
			e.Release()
			fsys.changes = 0
			want, err := fs.ReadFile(m, "f")
			if e = get(t, c, "f", time.Second); err != nil || read(t, e) != string(want) {
				t.Errorf("%q, %d changes: later %q, want %q", texts, changes, e.Content, want)
			}
			e.Release()
			c.Close()
		}
	}
}

func TestCacheEvictsInUse(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, name := range []string{"a", "b"} {
		write(t, filepath.Join(root, name), name+large)
	}
	c := NewCache(openDir(t, root), CacheOptions{Open: 1, Wall: today})
	a := get(t, c, "a", 0)
	a.Retain()
	b := get(t, c, "b", 0)
	if s := c.Stats(); s.Open != 1 || s.Evictions != 1 {
		t.Errorf("%+v", s)
	}
	file := a.File()
	a.Release()
	if got := read(t, a); got != "a"+large {
		t.Errorf("%.10q", got)
	}
	a.Release()
	if _, err := file.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("its last user has gone: %v", err)
	}
	file = b.File()
	b.Release()
	if _, err := file.Stat(); err != nil {
		t.Errorf("the cache has it: %v", err)
	}
	b = get(t, c, "b", 0)
	c.Close()
	if _, err := file.Stat(); err != nil {
		t.Errorf("in use after the cache was closed: %v", err)
	}
	b.Release()
	if _, err := file.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("its last user has gone: %v", err)
	}
	// A closed cache still answers.
	a = get(t, c, "a", 0)
	file = a.File()
	a.Release()
	if _, err := file.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("kept by a closed cache: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("released once too often without notice")
		}
	}()
	a.Release()
}

// lying is a file system whose file has more in it than it says, as those of
// /proc have.
type lying struct{ *Memory }

type lyingFile struct{ fs.File }

type lyingInfo struct{ fs.FileInfo }

func (l lying) Open(name string) (fs.File, error) {
	f, err := l.Memory.Open(name)
	return lyingFile{f}, err
}

func (f lyingFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	return lyingInfo{info}, err
}

func (i lyingInfo) Size() int64 { return 2 }

func TestCacheOfOddFiles(t *testing.T) {
	t.Parallel()
	m := NewMemory(1<<20, nil)
	put(t, m, "f", "text")
	for _, file := range []int{100, 1} {
		c := NewCache(lying{m}, CacheOptions{File: file})
		e := get(t, c, "f", 0)
		if e.Content != nil || e.Size != 2 || e.Tag != 0 || e.Settled {
			t.Errorf("%+v", e)
		}
		e.Release()
		c.Close()
	}
	c := NewCache(fstest.MapFS{"pipe": {Mode: fs.ModeNamedPipe | 0o644}}, CacheOptions{})
	defer c.Close()
	if e, err := c.Get([]byte("pipe"), 0); !errors.Is(err, ErrNotRegular) {
		t.Errorf("a pipe: %v, %v", e, err)
	}
}

// Whoever asks for names that are not there, or for long ones, takes neither the
// room of the others nor memory.
func TestCacheOfMissingNames(t *testing.T) {
	t.Parallel()
	m := NewMemory(1<<20, func() time.Time { return longAgo })
	put(t, m, "f", "text")
	w := &watched{FS: m}
	c := NewCache(w, CacheOptions{Entries: 40, Wall: today})
	defer c.Close()
	e := get(t, c, "f", 0)
	defer e.Release()
	for i := range 1000 {
		for _, name := range []string{strings.Repeat("m", i+1), strings.Repeat("l", maxCachedName+1+i)} {
			if e, err := c.Get([]byte(name), 0); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("%v, %v", e, err)
			}
		}
	}
	if s := c.Stats(); s.Missing != 10 || s.Entries != 11 {
		t.Errorf("%+v", s)
	}
	for length, want := range map[int]int{maxCachedName: 1, maxCachedName + 1: 2} {
		w.calls = 0
		for range 2 {
			_, _ = c.Get([]byte(strings.Repeat("n", length)), 0) // missing
		}
		if w.calls != want {
			t.Errorf("a name of %d bytes: %d calls for 2 uses", length, w.calls)
		}
	}
	if again := get(t, c, "f", 0); again != e {
		t.Error("evicted by what is missing")
	} else {
		again.Release()
	}
}

// A negative bound means none.
func TestCacheWithout(t *testing.T) {
	t.Parallel()
	m := NewMemory(1<<20, func() time.Time { return longAgo })
	put(t, m, "f", "text")
	put(t, m, "large", large)
	for name, test := range map[string]struct {
		o             CacheOptions
		entries, open int
		content       int64
	}{
		"default":    {CacheOptions{}, 4, 1, 4},
		"no content": {CacheOptions{Content: -1}, 4, 2, 0},
		"no file":    {CacheOptions{File: -1}, 4, 2, 0},
		"no open":    {CacheOptions{Open: -1}, 3, 0, 4},
		"nothing":    {CacheOptions{Entries: -1}, 0, 0, 0},
	} {
		test.o.Wall = today
		w := &watched{FS: m}
		c := NewCache(w, test.o)
		for range 3 {
			for name, want := range map[string]string{"f": "text", "large": large, ".": "/"} {
				e := get(t, c, name, 0)
				if got := read(t, e); got != want {
					t.Errorf("%s: %.20q", name, got)
				}
				e.Release()
			}
			if _, err := c.Get([]byte("missing"), loop.Time(0)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if s := c.Stats(); s.Entries != test.entries || s.Open != test.open || s.Content != test.content || w.open != test.open {
			t.Errorf("%s: %+v, %d open", name, s, w.open)
		}
		c.Close()
		if w.open != 0 {
			t.Errorf("%s: %d files are open", name, w.open)
		}
	}
	// No trust: a look at each use.
	w := &watched{FS: m}
	c := NewCache(w, CacheOptions{Recheck: -1, Wall: today})
	defer c.Close()
	for range 3 {
		get(t, c, "f", 0).Release()
	}
	if s := c.Stats(); s.Checks != 2 || s.Hits != 0 {
		t.Errorf("%+v", s)
	}
}
