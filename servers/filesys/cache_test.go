package filesys

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"medusa/poller/loop"
)

// watched is a file system that counts what is asked of it and what is open,
// and fails on request. Its files are *os.File if plain is set.
type watched struct {
	fs.FS
	plain       bool
	calls, open int
	opens       int          // of calls
	fail        func() error // of each call, if not nil
}

func (w *watched) Open(name string) (fs.File, error) {
	w.calls++
	w.opens++
	if w.fail != nil {
		if err := w.fail(); err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
	f, err := w.FS.Open(name)
	r, ok := f.(io.ReaderAt)
	if err != nil || w.plain || !ok {
		return f, err
	}
	w.open++
	return &watchedFile{f, r, w}, nil
}

func (w *watched) Stat(name string) (fs.FileInfo, error) {
	w.calls++
	if w.fail != nil {
		if err := w.fail(); err != nil {
			return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
		}
	}
	return fs.Stat(w.FS, name)
}

type watchedFile struct {
	fs.File
	io.ReaderAt
	w *watched
}

func (f *watchedFile) Close() error {
	f.w.open--
	return f.File.Close()
}

// get is Get for a name that must be there.
func get(t testing.TB, c *Cache, name string, now time.Duration) *Entry {
	t.Helper()
	e, err := c.Get([]byte(name), loop.Time(now))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return e
}

func today() time.Time { return longAgo.Add(24 * time.Hour) }

var large = strings.Repeat("0123456789abcdef", 2000)

// What is known costs no call and no allocation, whatever it is.
func TestCacheHit(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "small"), "text")
	write(t, filepath.Join(root, "empty"), "")
	write(t, filepath.Join(root, "large"), large)
	write(t, filepath.Join(root, "most"), large[:16<<10])
	write(t, filepath.Join(root, "over"), large[:16<<10+1])
	if err := errors.Join(os.Mkdir(filepath.Join(root, "dir"), 0o755), syscall.Mkfifo(filepath.Join(root, "pipe"), 0o644)); err != nil {
		t.Fatal(err)
	}
	w := &watched{FS: openDir(t, root), plain: true}
	c := NewCache(w, CacheOptions{Wall: today})
	defer c.Close()
	tests := []struct {
		name    string
		size    int64
		content bool
		file    bool
		dir     bool
		err     error
	}{
		{"small", 4, true, false, false, nil},
		{"empty", 0, true, false, false, nil},
		{"most", 16 << 10, true, false, false, nil},
		{"over", 16<<10 + 1, false, true, false, nil},
		{"large", int64(len(large)), false, true, false, nil},
		{"dir", 0, false, false, true, nil},
		{"missing", 0, false, false, false, fs.ErrNotExist},
		{"pipe", 0, false, false, false, ErrNotRegular},
		{"../out", 0, false, false, false, fs.ErrInvalid},
	}
	for _, test := range tests {
		name := []byte(test.name)
		e, err := c.Get(name, 0)
		if !errors.Is(err, test.err) || (e == nil) != (test.err != nil) {
			t.Errorf("%s: %v, %v", name, e, err)
			continue
		}
		if e != nil {
			if e.Dir != test.dir || !e.Dir && e.Size != test.size || (e.Content != nil) != test.content || (e.File() != nil) != test.file ||
				(e.ReaderAt() != nil) != test.file || !e.ModTime.Equal(longAgo) && !e.Dir || e.Settled == e.Dir || (e.Tag != 0) == e.Dir ||
				e.Info.IsDir() != e.Dir {
				t.Errorf("%s: %+v", name, e)
			}
			if e.Content != nil && string(e.Content) != wantContent(test.name)[:test.size] {
				t.Errorf("%s: %q", name, e.Content)
			}
			e.Aux = test.name
			e.Release()
		}
		calls := w.calls
		allocs := testing.AllocsPerRun(100, func() {
			again, err2 := c.Get(name, loop.Time(time.Second)-1)
			if again != e || err2 != err {
				t.Fatalf("%s: %v, %v after %v, %v", name, again, err2, e, err)
			}
			if again == nil {
				return
			}
			if again.Aux != test.name {
				t.Fatalf("%s: Aux is %v", name, again.Aux)
			}
			release := again.ReleaseFunc()
			release()
		})
		if allocs != 0 || w.calls != calls {
			t.Errorf("%s: %v allocations and %d calls a hit", name, allocs, w.calls-calls)
		}
	}
	if s := c.Stats(); s.Misses != 9 || s.Hits != 9*101 || s.Checks != 0 || s.Entries != 9 || s.Missing != 3 || s.Open != 2 || s.Content != 4+16<<10 {
		t.Errorf("%+v", s)
	}
	// One look a second, at each alone. Only what could not be opened is again.
	w.calls, w.opens = 0, 0
	for _, test := range tests {
		for range 3 {
			if e, _ := c.Get([]byte(test.name), loop.Time(time.Second)); e != nil {
				if e.Aux != test.name {
					t.Errorf("%s is new", test.name)
				}
				e.Release()
			}
		}
	}
	if s := c.Stats(); s.Checks != 9 || s.Misses != 9 || w.calls != 9 || w.opens != 3 {
		t.Errorf("%+v, %d calls, %d of them open", s, w.calls, w.opens)
	}
}

// Each change is seen when the name is looked at again, and not before.
func TestCacheSeesChanges(t *testing.T) {
	t.Parallel()
	do := func(t *testing.T, errs ...error) {
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	const text = "text"
	tests := []struct {
		name    string
		change  func(t *testing.T, path string)
		content string // "/" for a directory
		err     error
		sameTag bool
	}{
		{"untouched", func(t *testing.T, path string) {}, text, nil, true},
		{"replaced, same size and time", func(t *testing.T, path string) {
			write(t, path+"2", "next")
			do(t, os.Rename(path+"2", path))
		}, "next", nil, false},
		{"rewritten, time set back", func(t *testing.T, path string) { write(t, path, "next") }, "next", nil, true},
		{"rewritten", func(t *testing.T, path string) { do(t, os.WriteFile(path, []byte("next"), 0o644)) }, "next", nil, false},
		{"truncated", func(t *testing.T, path string) { do(t, os.Truncate(path, 2)) }, "te", nil, false},
		{"truncated, time set back", func(t *testing.T, path string) {
			do(t, os.Truncate(path, 2))
			setTime(t, path, longAgo)
		}, "te", nil, false},
		{"appended", func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			do(t, err)
			_, err = f.WriteString("!")
			do(t, err, f.Close())
		}, "text!", nil, false},
		{"touched", func(t *testing.T, path string) { setTime(t, path, longAgo.Add(1)) }, text, nil, false},
		{"mode", func(t *testing.T, path string) { do(t, os.Chmod(path, 0o600)) }, text, nil, true},
		{"removed", func(t *testing.T, path string) { do(t, os.Remove(path)) }, "", fs.ErrNotExist, false},
		{"renamed", func(t *testing.T, path string) { do(t, os.Rename(path, path+"2")) }, "", fs.ErrNotExist, false},
		{"directory", func(t *testing.T, path string) { do(t, os.Remove(path), os.Mkdir(path, 0o755)) }, "/", nil, false},
		{"pipe", func(t *testing.T, path string) { do(t, os.Remove(path), syscall.Mkfifo(path, 0o644)) }, "", ErrNotRegular, false},
		{"link out", func(t *testing.T, path string) { do(t, os.Remove(path), os.Symlink("/etc/passwd", path)) }, "", errEscapes, false},
	}
	for _, test := range tests {
		for held, file := range map[string]int{"held": 100, "open": 1} {
			t.Run(held+"/"+strings.ReplaceAll(test.name, " ", "-"), func(t *testing.T) {
				t.Parallel()
				root := t.TempDir()
				path := filepath.Join(root, "f")
				write(t, path, text)
				c := NewCache(openDir(t, root), CacheOptions{File: file, Wall: today})
				defer c.Close()
				before := get(t, c, "f", 0)
				defer before.Release()
				if got := read(t, before); got != text {
					t.Errorf("at first %q", got)
				}
				test.change(t, path)
				if e := get(t, c, "f", time.Second-1); e != before {
					t.Error("looked at too early")
				} else {
					e.Release()
				}
				after, err := c.Get([]byte("f"), loop.Time(time.Second))
				if test.err != nil {
					if !errors.Is(err, test.err) && test.err != errEscapes || err == nil {
						t.Errorf("%v, want %v", err, test.err)
					}
					// And back again.
					do(t, os.RemoveAll(path))
					write(t, path, "back")
					if _, early := c.Get([]byte("f"), loop.Time(2*time.Second)-1); early != err {
						t.Errorf("%v, at first %v", early, err)
					}
					after := get(t, c, "f", 2*time.Second)
					defer after.Release()
					if got := read(t, after); got != "back" {
						t.Errorf("back is %q", got)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				defer after.Release()
				if got := read(t, after); got != test.content {
					t.Errorf("%q, want %q", got, test.content)
				}
				if (after == before) != (test.name == "untouched") {
					t.Error("the same entry or not")
				}
				if (after.Tag == before.Tag) != test.sameTag {
					t.Errorf("tags %x and %x", before.Tag, after.Tag)
				}
			})
		}
	}
}

// errEscapes stands for os.Root's error, which has no name.
var errEscapes = errors.New("path escapes from parent")

// read returns what an entry has.
func read(t *testing.T, e *Entry) string {
	t.Helper()
	if e.Dir {
		return "/"
	}
	if e.Content != nil {
		return string(e.Content)
	}
	p := make([]byte, e.Size)
	if n, err := e.ReaderAt().ReadAt(p, 0); int64(n) != e.Size || err != nil && err != io.EOF {
		t.Errorf("%d of %d bytes: %v", n, e.Size, err)
	}
	return string(p)
}

// What the file systems of the library give, and what tags come of it.
func TestCacheOfFileSystems(t *testing.T) {
	t.Parallel()
	memory := NewMemory(1<<20, func() time.Time { return longAgo })
	timeless := NewMemory(1<<20, nil)
	for _, m := range []*Memory{memory, timeless} {
		fill(t, m)
		put(t, m, "x.txt", "SOME TEXT")
	}
	mapped := fstest.MapFS{"a.txt": {Data: []byte("some text")}, "x.txt": {Data: []byte("SOME TEXT"), ModTime: longAgo}}
	tests := []struct {
		name         string
		fsys         fs.FS
		file, other  string // of one size
		held, ranges bool
	}{
		{"memory held", memory, "a.txt", "z", true, false},
		{"memory", memory, "a.txt", "z", false, true},
		{"timeless held", timeless, "a.txt", "x.txt", true, false},
		{"timeless", timeless, "a.txt", "x.txt", false, true},
		{"map held", mapped, "a.txt", "x.txt", true, false},
		{"map", mapped, "a.txt", "x.txt", false, true},
		{"zip held", newZip(t), "a.txt", "z", true, false},
		{"zip", newZip(t), "a.txt", "z", false, false},
		{"embed held", embedded, "dir.go", "entry.go", true, false},
		{"embed", embedded, "dir.go", "entry.go", false, true},
	}
	for _, test := range tests {
		o := CacheOptions{Wall: today, File: 1}
		if test.held {
			o.File = 1 << 20
		}
		w := &watched{FS: test.fsys}
		c := NewCache(w, o)
		e, other := get(t, c, test.file, 0), get(t, c, test.other, 0)
		want, err := fs.ReadFile(test.fsys, test.file)
		if err != nil {
			t.Fatal(err)
		}
		if (e.Content != nil) != test.held || (e.ReaderAt() != nil) != test.ranges || e.File() != nil || e.Size != int64(len(want)) {
			t.Errorf("%s: %+v", test.name, e)
		}
		if e.Tag == 0 || e.Tag == other.Tag || !e.Settled {
			t.Errorf("%s: tags %x and %x, settled %v", test.name, e.Tag, other.Tag, e.Settled)
		}
		if test.held || test.ranges {
			if got := read(t, e); got != string(want) {
				t.Errorf("%s: %q", test.name, got)
			}
		} else {
			f, err := c.Open(test.file)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(f); string(got) != string(want) || err != nil {
				t.Errorf("%s: %q, %v", test.name, got, err)
			}
			f.Close()
		}
		// A second look finds nothing new. Another process has the same tag.
		if again := get(t, c, test.file, time.Second); again != e {
			t.Errorf("%s: another entry: %+v", test.name, again)
		} else {
			again.Release()
		}
		second := NewCache(test.fsys, o)
		if again := get(t, second, test.file, 0); again.Tag != e.Tag {
			t.Errorf("%s: tags %x and %x", test.name, e.Tag, again.Tag)
		} else {
			again.Release()
		}
		second.Close()
		e.Release()
		other.Release()
		c.Close()
		if w.open != 0 {
			t.Errorf("%s: %d files are open", test.name, w.open)
		}
	}
	// Without a time only the content tells.
	c := NewCache(mapped, CacheOptions{Wall: today})
	defer c.Close()
	e := get(t, c, "a.txt", 0)
	defer e.Release()
	mapped["a.txt"].Data = []byte("some next")
	after := get(t, c, "a.txt", time.Second)
	defer after.Release()
	if string(after.Content) != "some next" || after.Tag == e.Tag {
		t.Errorf("%q, tags %x and %x", after.Content, e.Tag, after.Tag)
	}
	// A file too large to look through has none.
	mapped["a.txt"].Data = make([]byte, hashLimit+1)
	huge := get(t, c, "a.txt", 2*time.Second)
	defer huge.Release()
	if huge.Tag != 0 || huge.Settled {
		t.Errorf("%+v", huge)
	}
}

// wantContent begins with what the files of cacheTree contain.
func wantContent(name string) string {
	if name == "most" {
		return large
	}
	return "text"
}
