package filesys

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// step is one operation on a file system and the error that it must end with.
type step struct {
	what string
	do   func(WriteFS) error
	want error
}

const (
	store   = os.O_WRONLY | os.O_CREATE | os.O_TRUNC  // FTP's STOR
	unique  = os.O_WRONLY | os.O_CREATE | os.O_EXCL   // STOU
	extend  = os.O_WRONLY | os.O_CREATE | os.O_APPEND // APPE
	restart = os.O_WRONLY                             // REST and STOR
)

func opening(name string, flag int, perm fs.FileMode, text string, want error) step {
	return step{"open " + name, func(f WriteFS) error {
		w, err := f.OpenFile(name, flag, perm)
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, text)
		return errors.Join(err, w.Close())
	}, want}
}

func renaming(oldname, newname string, want error) step {
	return step{"rename " + oldname + " " + newname, func(f WriteFS) error { return f.Rename(oldname, newname) }, want}
}

func removing(name string, want error) step {
	return step{"remove " + name, func(f WriteFS) error { return f.Remove(name) }, want}
}

func making(name string, perm fs.FileMode, want error) step {
	return step{"mkdir " + name, func(f WriteFS) error { return f.Mkdir(name, perm) }, want}
}

func allowing(name string, mode fs.FileMode, want error) step {
	return step{"chmod " + name, func(f WriteFS) error { return f.Chmod(name, mode) }, want}
}

// TestWriteFS does the same to each WriteFS, from the tree of fill on, and
// compares what is there then.
func TestWriteFS(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		steps  []step
		change map[string]string // of the tree: "" takes away, "/" is a directory, with a mode if not the usual
	}{
		{"create", []step{opening("new", store, 0o640, "text", nil)}, map[string]string{"new": "-rw-r----- text"}},
		{"overwrite", []step{opening("a.txt", store, 0o600, "x", nil)}, map[string]string{"a.txt": "x"}},
		{"write without cutting", []step{opening("a.txt", restart, 0, "SOME", nil)}, map[string]string{"a.txt": "SOME text"}},
		{"create if missing, present", []step{opening("a.txt", os.O_WRONLY|os.O_CREATE, 0o600, "S", nil)}, map[string]string{"a.txt": "Some text"}},
		{"append", []step{opening("a.txt", extend, 0, "!", nil), opening("new", extend, 0o644, "!", nil)}, map[string]string{"a.txt": "some text!", "new": "!"}},
		{"unique", []step{opening("a.txt", unique, 0o644, "", fs.ErrExist), opening("new", unique, 0o644, "1", nil), opening("new", unique, 0o644, "2", fs.ErrExist)}, map[string]string{"new": "1"}},
		{"open errors", []step{
			opening("missing", restart, 0, "", fs.ErrNotExist),
			opening("missing/a", store, 0o644, "", fs.ErrNotExist),
			opening("a.txt/b", store, 0o644, "", syscall.ENOTDIR),
			opening("dir", restart, 0, "", syscall.EISDIR),
			opening("dir", store, 0o644, "", syscall.EISDIR),
			opening("dir", unique, 0o644, "", fs.ErrExist),
			opening(".", restart, 0, "", syscall.EISDIR),
		}, nil},
		{"what is not allowed", []step{
			opening("", store, 0o644, "", fs.ErrInvalid),
			opening("/a.txt", store, 0o644, "", fs.ErrInvalid),
			opening("../a.txt", store, 0o644, "", fs.ErrInvalid),
			opening("dir/../a.txt", store, 0o644, "", fs.ErrInvalid),
			opening("./a.txt", store, 0o644, "", fs.ErrInvalid),
			opening("a.txt/", store, 0o644, "", fs.ErrInvalid),
			opening("a.txt", os.O_RDONLY, 0, "", fs.ErrInvalid),
			opening("a.txt", os.O_RDWR, 0, "", fs.ErrInvalid),
			opening("a.txt", restart|syscall.O_NONBLOCK, 0, "", fs.ErrInvalid),
			opening("new", os.O_WRONLY|os.O_EXCL, 0, "", fs.ErrInvalid),
			opening("new", store, fs.ModeSetuid|0o755, "", fs.ErrInvalid),
			opening("new", store, fs.ModeDir|0o755, "", fs.ErrInvalid),
			making("", 0o755, fs.ErrInvalid),
			making(".", 0o755, fs.ErrInvalid),
			making("dir/", 0o755, fs.ErrInvalid),
			making("new", fs.ModeSticky|0o755, fs.ErrInvalid),
			removing(".", fs.ErrInvalid),
			removing("dir/..", fs.ErrInvalid),
			renaming(".", "new", fs.ErrInvalid),
			renaming("a.txt", ".", fs.ErrInvalid),
			renaming("a.txt", "../new", fs.ErrInvalid),
			allowing(".", 0o755, fs.ErrInvalid),
			allowing("a.txt", fs.ModeSetuid|0o755, fs.ErrInvalid),
		}, nil},
		{"no UTF-8", []step{opening("\xff", store, 0o644, "1", nil), renaming("\xff", "\xfe", nil)}, map[string]string{"\xfe": "1"}},
		{"mkdir", []step{
			making("new", 0o750, nil), making("new/sub", 0o755, nil), opening("new/sub/f", store, 0o644, "f", nil),
			making("new", 0o755, fs.ErrExist), making("a.txt", 0o755, fs.ErrExist),
			making("missing/sub", 0o755, fs.ErrNotExist), making("a.txt/sub", 0o755, syscall.ENOTDIR),
		}, map[string]string{"new": "drwxr-x--- /", "new/sub": "/", "new/sub/f": "f"}},
		{"remove", []step{
			removing("a.txt", nil), removing("emptydir", nil), removing("a.txt", fs.ErrNotExist),
			removing("dir/sub", fs.ErrExist), removing("z/f", syscall.ENOTDIR), removing("missing/f", fs.ErrNotExist),
		}, map[string]string{"a.txt": "", "emptydir": ""}},
		{"rename", []step{renaming("a.txt", "dir/a", nil), renaming("a.txt", "b", fs.ErrNotExist)}, map[string]string{"a.txt": "", "dir/a": "some text"}},
		{"rename replaces", []step{renaming("a.txt", "z", nil)}, map[string]string{"a.txt": "", "z": "some text"}},
		{"rename to itself", []step{renaming("a.txt", "a.txt", nil), renaming("dir", "dir", fs.ErrExist)}, nil},
		{"rename a directory", []step{renaming("dir/sub", "emptydir/sub2", nil)},
			map[string]string{"dir/sub": "", "dir/sub/empty": "", "dir/sub/c": "", "emptydir/sub2": "/", "emptydir/sub2/empty": "= ", "emptydir/sub2/c": "ccc"}},
		{"rename errors", []step{
			renaming("missing", "b", fs.ErrNotExist),
			renaming("a.txt", "missing/b", fs.ErrNotExist),
			renaming("a.txt", "z/b", syscall.ENOTDIR),
			renaming("z/b", "b", syscall.ENOTDIR),
			renaming("emptydir", "dir", fs.ErrExist),
			renaming("dir/sub", "dir", fs.ErrExist),
			renaming("a.txt", "emptydir", fs.ErrExist),
			renaming("dir/sub", "emptydir", fs.ErrExist),
			renaming("emptydir", "a.txt", syscall.ENOTDIR),
			renaming("dir", "dir/sub/new", syscall.EINVAL),
		}, nil},
		{"chmod", []step{allowing("a.txt", 0o600, nil), allowing("dir/sub", 0o700, nil), allowing("missing", 0o600, fs.ErrNotExist)},
			map[string]string{"a.txt": "-rw------- some text", "dir/sub": "drwx------ /"}},
	}
	for _, test := range tests {
		t.Run(strings.ReplaceAll(test.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			for name, fsys := range map[string]WriteFS{"dir": openDir(t, t.TempDir()), "memory": NewMemory(1<<20, time.Now)} {
				fill(t, fsys)
				want := describe(t, fsys)
				for name, is := range test.change {
					switch {
					case is == "":
						delete(want, name)
						continue
					case is == "/":
						is = "drwxr-xr-x /"
					case strings.HasPrefix(is, "= "):
						is = "-rw-r--r-- " + is[2:]
					case is[0] != '-' && is[0] != 'd':
						is = "-rw-r--r-- " + is
					}
					want[name] = is
				}
				for _, s := range test.steps {
					if err := s.do(fsys); !errors.Is(err, s.want) || s.want == nil && err != nil {
						t.Errorf("%s: %s: %v, want %v", name, s.what, err, s.want)
					} else if err != nil && !describesItself(err) {
						t.Errorf("%s: %s: a %T: %v", name, s.what, err, err)
					}
				}
				if diff := cmp.Diff(want, describe(t, fsys)); diff != "" {
					t.Errorf("%s: -want +got\n%s", name, diff)
				}
			}
		})
	}
}

func describesItself(err error) bool {
	_, path := errors.AsType[*fs.PathError](err)
	_, link := errors.AsType[*os.LinkError](err)
	return path || link
}

// describe lists a file system: modes and contents.
func describe(t *testing.T, fsys fs.FS) map[string]string {
	t.Helper()
	is := map[string]string{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := []byte("/")
		if !d.IsDir() {
			f, err := fsys.Open(name)
			if err != nil {
				return err
			}
			defer f.Close()
			if text, err = io.ReadAll(f); err != nil {
				return err
			}
		}
		is[name] = info.Mode().String() + " " + string(text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return is
}

// What is open stays what it is, whatever becomes of its name.
func TestOpenFilesKeep(t *testing.T) {
	t.Parallel()
	for name, fsys := range map[string]WriteFS{"dir": openDir(t, t.TempDir()), "memory": NewMemory(1<<20, time.Now)} {
		fill(t, fsys)
		removed, err1 := fsys.Open("a.txt")
		replaced, err2 := fsys.Open("z")
		if err := errors.Join(err1, err2, fsys.Remove("a.txt"), fsys.Rename("dir/b.txt", "z")); err != nil {
			t.Fatal(err)
		}
		for f, want := range map[fs.File]string{removed: "some text", replaced: "last"} {
			got, err := io.ReadAll(f)
			if string(got) != want || err != nil {
				t.Errorf("%s: %q, %v; want %q", name, got, err, want)
			}
			if err := f.Close(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("%s: closed twice: %v", name, err)
			}
		}
	}
}

// Writing as REST, and what Seek, Truncate and O_APPEND have to do with it. A
// reader sees what is written meanwhile.
func TestWriteFile(t *testing.T) {
	t.Parallel()
	for name, fsys := range map[string]WriteFS{"dir": openDir(t, t.TempDir()), "memory": NewMemory(1<<20, time.Now)} {
		put(t, fsys, "f", "0123456789")
		r, err := fsys.Open("f")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		content := func(want string) {
			t.Helper()
			p := make([]byte, 100)
			n, err := r.(io.ReaderAt).ReadAt(p, 0)
			info, err2 := r.Stat()
			if string(p[:n]) != want || err != io.EOF || err2 != nil || info.Size() != int64(len(want)) {
				t.Errorf("%s: %q, %v, %v, %v; want %q", name, p[:n], err, info, err2, want)
			}
		}
		w, err := fsys.OpenFile("f", restart, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		did := func(n int64, err error) func(int64) {
			t.Helper()
			return func(want int64) {
				t.Helper()
				if n != want || err != nil {
					t.Errorf("%s: %d, %v; want %d", name, n, err, want)
				}
			}
		}
		text := func(s string) (int64, error) {
			n, err := io.WriteString(w, s)
			return int64(n), err
		}
		did(w.Seek(4, io.SeekStart))(4)
		did(text("ab"))(2)
		content("0123ab6789")
		did(w.Seek(-1, io.SeekCurrent))(5)
		did(text("c"))(1)
		did(w.Seek(-1, io.SeekEnd))(9)
		did(text("de"))(2)
		content("0123ac678de")
		did(0, w.Truncate(3))(0)
		content("012")
		did(text("x"))(1) // where it was, behind the end
		content("012" + strings.Repeat("\x00", 8) + "x")
		did(0, w.Truncate(0))(0)
		did(0, w.Truncate(2))(0)
		content("\x00\x00") // nothing of what was there before
		if _, err := w.Seek(-1, io.SeekStart); !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%s: seek before the start: %v", name, err)
		}
		if err := w.Truncate(-1); err == nil {
			t.Errorf("%s: cut to less than nothing", name)
		}
		appender, err := fsys.OpenFile("f", extend, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer appender.Close()
		did(w.Seek(0, io.SeekStart))(0)
		did(text("0123"))(4)
		did(appender.Seek(0, io.SeekStart))(0)
		if _, err := io.WriteString(appender, "+"); err != nil {
			t.Error(err)
		}
		content("0123+")
		if _, reads := w.(io.Reader); reads && name == "memory" {
			t.Error("a file open for writing can be read")
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	const size = 10000
	m := NewMemory(size, time.Now)
	free := m.space
	w, err := m.OpenFile("f", store, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	fits := int(free) - nodeCost - 1
	for _, err := range []error{
		func() error { _, err := w.Write(make([]byte, fits+1)); return err }(),
		w.Truncate(int64(fits) + 1),
		w.Truncate(1 << 62),
	} {
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("more than there is room for: %v", err)
		}
	}
	if _, err := w.Seek(1<<62, io.SeekStart); err != nil {
		t.Error(err)
	}
	if _, err := w.Write([]byte{1}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("far behind the end: %v", err)
	}
	if _, err := w.Seek(1<<63-1, io.SeekStart); err != nil {
		t.Error(err)
	}
	if _, err := w.Write([]byte{1}); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("behind all sizes: %v", err)
	}
	if _, err := w.Seek(0, io.SeekStart); err != nil {
		t.Error(err)
	}
	// Growing by small pieces reaches the bound exactly.
	for range fits {
		if _, err := w.Write([]byte{'x'}); err != nil {
			t.Fatal(err)
		}
	}
	if m.space != 0 {
		t.Errorf("%d bytes are free", m.space)
	}
	if err := m.Mkdir("d", 0o755); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a directory: %v", err)
	}
	if err := m.Rename("f", "longer"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a longer name: %v", err)
	}
	// A removed file takes its room until nobody has it open.
	if err := m.Remove("f"); err != nil {
		t.Error(err)
	}
	if m.space != 1 {
		t.Errorf("%d bytes are free, want the name's", m.space)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if m.space != free {
		t.Errorf("%d bytes are free of %d", m.space, free)
	}
	// Everything that is made and taken away again leaves the room it found.
	fill(t, m)
	put(t, m, "a.txt", strings.Repeat("x", 100))
	if err := errors.Join(m.Rename("a.txt", "z"), m.Rename("z", "dir/longer"), m.Remove("dir/longer"), m.Remove("dir/b.txt"),
		m.Remove("dir/sub/c"), m.Remove("dir/sub/empty"), m.Rename("dir/sub", "d"), m.Remove("d"), m.Remove("emptydir"), m.Remove("dir")); err != nil {
		t.Error(err)
	}
	if m.space != free {
		t.Errorf("%d bytes are free of %d", m.space, free)
	}
}

// Without a clock, as embed: Memory's readers work the same.
func TestMemoryWithoutClock(t *testing.T) {
	t.Parallel()
	m := NewMemory(1<<20, nil)
	fill(t, m)
	info, err := m.Stat("a.txt")
	if err != nil || !info.ModTime().IsZero() {
		t.Errorf("%v, %v", info, err)
	}
	f, err := m.Open("a.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, io.NewSectionReader(f.(io.ReaderAt), 5, 3)); b.String() != "tex" || err != nil {
		t.Errorf("%q, %v", b.String(), err)
	}
}
