package httpd

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"medusa/poller/loop"
	"medusa/servers/filesys"
)

// TestHugeFile: offsets beyond 32 bits.
func TestHugeFile(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "huge")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	const size, off = 5 << 30, 4<<30 + 7
	_, err = f.WriteAt([]byte("here"), off)
	if err = errors.Join(err, f.Truncate(size), f.Close(), os.Chtimes(path, fileTime, fileTime)); err != nil {
		t.Skip("SKIPPED: ", err)
	}
	w := newWorld(t, loop.Config{}, Config{}, root)
	if a := w.get("HEAD", "/huge"); a.ContentLength != size {
		t.Errorf("length %d", a.ContentLength)
	}
	for field, want := range map[string]string{"4294967303-4294967306": "here", "-1073741817": "here"} {
		w := newWorld(t, loop.Config{}, Config{}, root)
		c := w.dial(&client{sends: [][]byte{[]byte("GET /huge HTTP/1.1\r\nHost: a\r\nRange: bytes=" + field + "\r\n\r\n")}, max: 300})
		w.run()
		_, body, _ := bytes.Cut(c.got, []byte("\r\n\r\n"))
		if !bytes.HasPrefix(c.got, []byte("HTTP/1.1 206")) || !bytes.HasPrefix(body, []byte(want)) {
			t.Errorf("%s: %.300q", field, c.got)
		}
	}
}

// TestFileShrinks: a file that becomes shorter while it is sent ends the
// connection, since its length was promised.
func TestFileShrinks(t *testing.T) {
	for _, field := range []string{"", "Range: bytes=1-\r\n", "Range: bytes=0-0,100-\r\n"} {
		root := tree(t)
		w := newWorld(t, loop.Config{Sim: &loop.SimConfig{Window: 4096, Latency: time.Millisecond}}, Config{}, root)
		c := w.dial(&client{sends: [][]byte{[]byte("GET /big.bin HTTP/1.1\r\nHost: a\r\n" + field + "\r\n")}, stays: true})
		w.loop.At(loop.Time(10*time.Millisecond), func() {
			if err := os.Truncate(filepath.Join(root, "big.bin"), 5000); err != nil {
				t.Error(err)
			}
		})
		w.run()
		_, body, _ := bytes.Cut(c.got, []byte("\r\n\r\n"))
		if c.closed == 0 || c.closed > loop.Time(time.Second) || len(body) >= 128<<10-100 || !bytes.HasPrefix(c.got, []byte("HTTP/1.1 20")) {
			t.Errorf("%q: closed at %d with %v after %d bytes", field, c.closed, c.err, len(body))
		}
	}
}

// TestFileGrows: it is sent at the size that was promised.
func TestFileGrows(t *testing.T) {
	root := tree(t)
	w := newWorld(t, loop.Config{Sim: &loop.SimConfig{Window: 4096, Latency: time.Millisecond}}, Config{}, root)
	get := "GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n"
	c := w.dial(&client{sends: [][]byte{[]byte(get + "GET /fixed/1 HTTP/1.1\r\nHost: a\r\n\r\n")}, fin: true})
	w.loop.At(loop.Time(10*time.Millisecond), func() {
		f, err := os.OpenFile(filepath.Join(root, "big.bin"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		if _, err := f.WriteString("more"); err != nil {
			t.Error(err)
		}
	})
	w.run()
	all := readAnswers(t, string(c.got), "GET", "GET")
	if len(all[0].body) != 128<<10 || all[1].body != "H" {
		t.Errorf("%d and %d bytes", len(all[0].body), len(all[1].body))
	}
}

// changing is a file system of one file that can only be read from front to
// back, and that is opened as its next version each time.
type changing struct {
	versions []string
	opens    int
}

func (c *changing) Open(name string) (fs.File, error) {
	text := c.versions[min(c.opens, len(c.versions)-1)]
	c.opens++
	f, err := (fstest.MapFS{"a": &fstest.MapFile{Data: []byte(text), ModTime: fileTime}}).Open(name)
	return struct{ fs.File }{f}, err
}

// TestStreamChanges: what is sent is what was described.
func TestStreamChanges(t *testing.T) {
	for status, versions := range map[int][]string{200: {"ab"}, 503: {"ab", "abc"}} {
		w, count := newFilesWorld(t, &changing{versions: versions}, filesys.CacheOptions{Content: -1}, FilesOptions{})
		if a := w.get("GET", "/a"); a.StatusCode != status || status == 503 && a.Header.Get("ETag") != "" {
			t.Errorf("%s: %s, %v", versions, a.Status, a.Header)
		}
		count.check(t)
	}
}

// failing opens nothing.
type failing struct{ err error }

func (f failing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: f.err}
}

func TestFileErrors(t *testing.T) {
	for err, want := range map[error]int{
		fs.ErrNotExist: 404, fs.ErrInvalid: 404, filesys.ErrNotRegular: 404, syscall.ENOTDIR: 404, syscall.ELOOP: 404, syscall.ENAMETOOLONG: 404,
		fs.ErrPermission: 403, syscall.EACCES: 403, syscall.EPERM: 403, syscall.EIO: 500,
		syscall.EMFILE: 503, syscall.ENFILE: 503, syscall.ENOMEM: 503,
	} {
		w, _ := newFilesWorld(t, failing{err}, filesys.CacheOptions{}, FilesOptions{})
		if a := w.get("GET", "/a"); a.StatusCode != want || a.body == "" {
			t.Errorf("%v: %s, want %d", err, a.Status, want)
		}
	}
}
