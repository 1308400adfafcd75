package filesys

import (
	"archive/zip"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"testing"
	"testing/fstest"
	"time"
)

//go:embed *.go
var embedded embed.FS

// tree is what the file systems of a test hold.
var tree = []struct{ name, text string }{
	{"a.txt", "some text"}, {"dir/b.txt", "b"}, {"dir/sub/empty", ""}, {"dir/sub/c", "ccc"}, {"z", "last"},
}

// fill makes the tree in a file system.
func fill(t testing.TB, fsys WriteFS) {
	t.Helper()
	for _, dir := range []string{"dir", "dir/sub", "emptydir"} {
		if err := fsys.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range tree {
		put(t, fsys, f.name, f.text)
	}
}

// put writes a whole file.
func put(t testing.TB, fsys WriteFS, name, text string) {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func newZip(t testing.TB) fs.FS {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range tree {
		e, err := w.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: longAgo})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(e, f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFileSystems(t *testing.T) {
	t.Parallel()
	dir := openDir(t, t.TempDir())
	fill(t, dir)
	if err := dir.root.Symlink("dir/b.txt", "link"); err != nil {
		t.Fatal(err)
	}
	memory := NewMemory(1<<20, time.Now)
	fill(t, memory)
	var names []string
	for _, f := range tree {
		names = append(names, f.name)
	}
	for name, fsys := range map[string]fs.FS{
		"dir": dir, "memory": memory, "zip": newZip(t),
		"read-only dir": ReadOnly(dir), "read-only memory": ReadOnly(memory), "read-only zip": ReadOnly(newZip(t)),
	} {
		if err := fstest.TestFS(fsys, names...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := fstest.TestFS(ReadOnly(embedded), "dir.go", "fs_test.go"); err != nil {
		t.Error(err)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	d := openDir(t, t.TempDir())
	fill(t, d)
	view := ReadOnly(d)
	if _, ok := view.(WriteFS); ok {
		t.Error("the view can be written to")
	}
	if ReadOnly(view) != view {
		t.Error("a view of a view")
	}
	f, err := view.Open("a.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if w, ok := f.(*os.File); !ok {
		t.Errorf("opened a %T", f)
	} else if _, err := w.WriteString("x"); err == nil {
		t.Error("wrote to what was opened for reading")
	}
}

// Each directory in portions of every size is what it is in one.
func TestPortions(t *testing.T) {
	t.Parallel()
	dir, memory := openDir(t, t.TempDir()), NewMemory(1<<20, time.Now)
	for name, fsys := range map[string]WriteFS{"dir": dir, "memory": memory} {
		var want []string
		for i := range 100 {
			file := fmt.Sprintf("f%02d\xff", i)
			put(t, fsys, file, "x")
			want = append(want, file)
		}
		for _, portion := range []int{1, 7, 99, 100, 101} {
			f, err := fsys.Open(".")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for {
				list, err := f.(fs.ReadDirFile).ReadDir(portion)
				if len(list) > portion {
					t.Errorf("%s: %d entries of at most %d", name, len(list), portion)
				}
				for _, e := range list {
					if info, err := e.Info(); err != nil || info.Size() != 1 {
						t.Errorf("%s: %s: %v, %v", name, e.Name(), info, err)
					}
					got = append(got, e.Name())
				}
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil || len(list) == 0 {
					t.Fatalf("%s: %d entries, %v", name, len(list), err)
				}
			}
			f.Close()
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s in portions of %d: %q", name, portion, got)
			}
		}
	}
}
