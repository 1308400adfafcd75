package filesys

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// openDir opens the tree under path for the test.
func openDir(t testing.TB, path string) *Dir {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// write puts text into the file, which is old enough to be settled.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	setTime(t, path, longAgo)
}

func setTime(t testing.TB, path string, when time.Time) {
	t.Helper()
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
}

var longAgo = time.Date(2020, 2, 2, 2, 2, 2, 123456789, time.UTC)

// treeWithEscapes makes a directory "root" beside a file "secret" and returns
// its path.
func treeWithEscapes(t *testing.T) (base, root string) {
	t.Helper()
	base = t.TempDir()
	root = filepath.Join(base, "root")
	for _, dir := range []string{"root/dir", "outside"} {
		if err := os.MkdirAll(filepath.Join(base, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{"root/a": "text", "secret": "s", "root/dir/b": "b", "outside/o": "o", "root/\xff": "x"} {
		write(t, filepath.Join(base, path), text)
	}
	for name, target := range map[string]string{
		"inside": "dir/b", "up": "../secret", "absolute": filepath.Join(base, "secret"), "loop": "loop", "outdir": "..",
		"roundabout": "../root/a", "new": "../created", "newabsolute": filepath.Join(base, "created"), "out": "../outside",
	} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	return base, root
}

func TestDir(t *testing.T) {
	_, root := treeWithEscapes(t)
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	// The path of a socket is at most some 100 bytes long.
	t.Chdir(root)
	listener, err := net.Listen("unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	d := openDir(t, root)

	anyError := errors.New("any error")
	tests := []struct {
		name, want string
		err        error
	}{
		{"a", "text", nil},
		{"dir/b", "b", nil},
		{"\xff", "x", nil},
		{"inside", "b", nil},
		{"roundabout", "", anyError}, // it leaves the root on its way
		{"./a", "", fs.ErrInvalid},
		{"missing", "", fs.ErrNotExist},
		{"dir/missing", "", fs.ErrNotExist},
		{"a/x", "", syscall.ENOTDIR},
		{"up", "", anyError},
		{"absolute", "", anyError},
		{"outdir/secret", "", anyError},
		{"out/o", "", anyError},
		{"../secret", "", fs.ErrInvalid},
		{"/etc/passwd", "", fs.ErrInvalid},
		{"loop", "", anyError},
		{"pipe", "", ErrNotRegular},
		{"socket", "", ErrNotRegular},
		{"", "", fs.ErrInvalid},
		{"a\x00", "", syscall.EINVAL},
		{strings.Repeat("n", 300), "", syscall.ENAMETOOLONG},
	}
	for _, test := range tests {
		f, err := d.Open(test.name)
		if test.err != nil {
			if err == nil || test.err != anyError && !errors.Is(err, test.err) {
				t.Errorf("%.20q: %v, want %v", test.name, err, test.err)
			}
			if cause, ok := errors.AsType[*fs.PathError](err); !ok || cause.Path != test.name {
				t.Errorf("%.20q: no PathError of that name: %v", test.name, err)
			}
			if f != nil {
				t.Errorf("%.20q: a file beside an error", test.name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", test.name, err)
			continue
		}
		if _, ok := f.(*os.File); !ok {
			t.Errorf("%q: is a %T", test.name, f)
		}
		got, err := io.ReadAll(f)
		f.Close()
		if string(got) != test.want || err != nil {
			t.Errorf("%q: %q, %v; want %q", test.name, got, err, test.want)
		}
	}
	for _, name := range []string{"up", "absolute", "out/o", "outdir", "loop", "../secret"} {
		if info, err := d.Stat(name); err == nil {
			t.Errorf("stat of %q: %v", name, info)
		}
		if list, err := d.ReadDir(name); err == nil {
			t.Errorf("list of %q: %v", name, list)
		}
	}
	if info, err := d.Stat("pipe"); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("stat of a pipe: %v, %v", info, err)
	}
}

// A pipe would hold up both its reader and its writer. With a reader it can be
// opened for writing.
func TestDirWritesNoPipe(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	pipe := filepath.Join(root, "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	d := openDir(t, root)
	const flag = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if _, err := d.OpenFile("pipe", flag, 0o644); !errors.Is(err, ErrNotRegular) {
		t.Errorf("without reader: %v", err)
	}
	reader, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := d.OpenFile("pipe", flag, 0o644); !errors.Is(err, ErrNotRegular) {
		t.Errorf("with reader: %v", err)
	}
}

// A device is opened and then refused. What is mounted or made in the tree is
// the administrator's doing, but must not be read for ever.
func TestDirRefusesDevice(t *testing.T) {
	t.Parallel()
	d := openDir(t, "/dev")
	if _, err := d.Open("null"); !errors.Is(err, ErrNotRegular) {
		t.Errorf("reading: %v", err)
	}
	if _, err := d.OpenFile("null", os.O_WRONLY, 0); !errors.Is(err, ErrNotRegular) {
		t.Errorf("writing: %v", err)
	}
}

func TestDirWritesNothingOutside(t *testing.T) {
	t.Parallel()
	base, root := treeWithEscapes(t)
	d := openDir(t, root)
	create := func(name string) error {
		f, err := d.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err == nil {
			f.Close()
		}
		return err
	}
	attempts := map[string]func() error{
		"overwrite up":       func() error { return create("up") },
		"overwrite absolute": func() error { return create("absolute") },
		"create":             func() error { return create("new") },
		"create absolute":    func() error { return create("newabsolute") },
		"create below":       func() error { return create("out/new") },
		"create above":       func() error { return create("../created") },
		"mkdir below":        func() error { return d.Mkdir("out/new", 0o755) },
		"mkdir above":        func() error { return d.Mkdir("../created", 0o755) },
		"remove below":       func() error { return d.Remove("out/o") },
		"remove above":       func() error { return d.Remove("../secret") },
		"rename out":         func() error { return d.Rename("a", "out/a") },
		"rename above":       func() error { return d.Rename("a", "../created") },
		"rename in":          func() error { return d.Rename("out/o", "o") },
		"chmod up":           func() error { return d.Chmod("up", 0o777) },
		"chmod below":        func() error { return d.Chmod("out/o", 0o777) },
	}
	for what, attempt := range attempts {
		if attempt() == nil {
			t.Errorf("%s: done", what)
		}
	}
	// The link goes, not what it leads to; it may be replaced.
	if err := d.Remove("up"); err != nil {
		t.Error(err)
	}
	if err := d.Rename("a", "absolute"); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]string{"secret": "s", "outside/o": "o"} {
		got, err := os.ReadFile(filepath.Join(base, path))
		info, err2 := os.Stat(filepath.Join(base, path))
		if string(got) != want || err != nil || err2 != nil || info.Mode() != 0o644 {
			t.Errorf("%s: %q, %v, %v, %v", path, got, info, err, err2)
		}
	}
	list, err := os.ReadDir(base)
	if err != nil || len(list) != 3 {
		t.Errorf("outside are %v, %v", list, err)
	}
	if list, err := os.ReadDir(filepath.Join(base, "outside")); err != nil || len(list) != 1 {
		t.Errorf("outside are %v, %v", list, err)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"nothing": "no such file or directory", "dir.go": "not a directory"} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A sparse file, which takes no room on the disk.
func TestDirOver2GiB(t *testing.T) {
	t.Parallel()
	d := openDir(t, t.TempDir())
	const size = 5<<30 + 3
	w, err := d.OpenFile("large", os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Truncate(size - 3); err != nil {
		t.Skip("SKIPPED: no sparse files of 5 GiB here: ", err)
	}
	if at, err := w.Seek(size-3, io.SeekStart); at != size-3 || err != nil {
		t.Fatal(at, err)
	}
	if _, err := w.Write([]byte("end")); err != nil {
		t.Fatal(err)
	}
	c := NewCache(d, CacheOptions{})
	defer c.Close()
	e, err := c.Get([]byte("large"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Release()
	p := make([]byte, 4)
	n, err := e.ReaderAt().ReadAt(p, size-3)
	if e.Size != size || e.Content != nil || string(p[:n]) != "end" || err != io.EOF {
		t.Errorf("size %d, %q, %v", e.Size, p[:n], err)
	}
}
