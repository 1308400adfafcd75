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

func TestDir(t *testing.T) {
	base := t.TempDir()
	root := filepath.Join(base, "root")
	if err := os.MkdirAll(filepath.Join(root, "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{"root/a": "text", "secret": "s", "root/dir/b": "b"} {
		if err := os.WriteFile(filepath.Join(base, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"inside": "dir/b", "up": "../secret", "absolute": filepath.Join(base, "secret"), "loop": "loop", "outdir": "..",
		"roundabout": "../root/a",
	} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
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
	d, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()

	anyError := errors.New("any error")
	tests := []struct {
		name, want string
		err        error
	}{
		{"a", "text", nil},
		{"./a", "text", nil},
		{"dir/b", "b", nil},
		{"inside", "b", nil},
		{"roundabout", "", anyError}, // it leaves the root on its way
		{".", "", ErrDirectory},
		{"dir", "", ErrDirectory},
		{"missing", "", fs.ErrNotExist},
		{"dir/missing", "", fs.ErrNotExist},
		{"a/x", "", syscall.ENOTDIR},
		{"up", "", anyError},
		{"absolute", "", anyError},
		{"outdir/secret", "", anyError},
		{"../secret", "", anyError},
		{"loop", "", anyError},
		{"pipe", "", ErrNotRegular},
		{"socket", "", anyError},
		{"", "", anyError},
		{strings.Repeat("n", 300), "", syscall.ENAMETOOLONG},
	}
	for _, test := range tests {
		started := time.Now()
		f, info, err := d.Open(test.name)
		if taken := time.Since(started); taken > 10*time.Second {
			t.Errorf("%q took %v", test.name, taken)
		}
		if test.err != nil {
			if err == nil || test.err != anyError && !errors.Is(err, test.err) {
				t.Errorf("%.20q: %v, want %v", test.name, err, test.err)
			}
			if f != nil || info != nil {
				t.Errorf("%.20q: a file beside an error", test.name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", test.name, err)
			continue
		}
		got, err := io.ReadAll(f)
		f.Close()
		if string(got) != test.want || err != nil || info.Size() != int64(len(test.want)) {
			t.Errorf("%q: %q, size %d, %v; want %q", test.name, got, info.Size(), err, test.want)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	for path, want := range map[string]string{"nothing": "no such file or directory", "dir.go": "not a directory"} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
