package httpd

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"medusa/poller/loop"
	"medusa/servers/filesys"
)

// newFilesWorld serves fsys, with what it opens counted.
func newFilesWorld(t *testing.T, fsys fs.FS, c filesys.CacheOptions, o FilesOptions) (*world, *opened) {
	t.Helper()
	var w *world
	c.Wall = func() time.Time { return w.loop.Wall() }
	count := &opened{fsys: fsys}
	cache := filesys.NewCache(count, c)
	w = newWorld(t, loop.Config{}, Config{Extensions: []Extension{NewFiles(cache, o)}}, "")
	count.cache = cache
	return w, count
}

// opened counts the files of a file system that are open.
type opened struct {
	fsys        fs.FS
	cache       *filesys.Cache
	opens, open int
}

func (o *opened) Open(name string) (fs.File, error) {
	f, err := o.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	o.opens++
	if _, ok := f.(*os.File); ok {
		return f, nil // it must stay one
	}
	o.open++
	counted := &openedFile{File: f, of: o}
	if d, ok := f.(fs.ReadDirFile); ok {
		return struct {
			*openedFile
			readDir
		}{counted, d}, nil
	}
	if r, ok := f.(io.ReaderAt); ok {
		return struct {
			*openedFile
			io.ReaderAt
		}{counted, r}, nil
	}
	return counted, nil
}

type readDir interface {
	ReadDir(n int) ([]fs.DirEntry, error)
}

type openedFile struct {
	fs.File
	of     *opened
	closed bool
}

func (f *openedFile) Close() error {
	if f.closed {
		panic("closed twice")
	}
	f.closed = true
	f.of.open--
	return f.File.Close()
}

// check closes the cache: then nothing may be open.
func (o *opened) check(t *testing.T) {
	t.Helper()
	o.cache.Close()
	if o.open != 0 {
		t.Errorf("%d files are still open", o.open)
	}
}

// answer is what came for one request.
type answer struct {
	*http.Response
	body string
}

// readAnswers reads the answers to requests with these methods.
func readAnswers(t *testing.T, text string, methods ...string) []answer {
	t.Helper()
	var all []answer
	in := bufio.NewReader(strings.NewReader(text))
	for _, method := range methods {
		r, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("%v in %.300q", err, text)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatalf("%v in %.300q", err, text)
		}
		all = append(all, answer{r, string(body)})
	}
	if rest, _ := io.ReadAll(in); len(rest) > 0 {
		t.Errorf("after the answers came %.300q", rest)
	}
	return all
}

// get asks for a path; fields are lines without their ends.
func (w *world) get(method, path string, fields ...string) answer {
	w.t.Helper()
	text := method + " " + path + " HTTP/1.1\r\nHost: a\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
	return readAnswers(w.t, w.ask(text), method)[0]
}

// The date of the files in these tests, before the simulation begins.
var (
	fileTime = time.Unix(9e8, 0)
	fileDate = fileTime.UTC().Format(http.TimeFormat)
)

const digits16 = "0123456789abcdef"

// kinds are the same files in all kinds of file systems, and how the cache
// holds them: as content, as an open file, by io.ReaderAt, and not at all.
func kinds(t *testing.T, each func(t *testing.T, name string, fsys fs.FS, c filesys.CacheOptions)) {
	files := map[string]string{
		"a.txt": digits16, "empty.css": "", "sub/index.html": "<p>index", "sub/x": "x", "none/x": "x",
		"big.bin": strings.Repeat(digits16, 8<<10),
	}
	memory := fstest.MapFS{}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	root := t.TempDir()
	for name, text := range files {
		memory[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644, ModTime: fileTime}
		f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: fileTime})
		if err == nil {
			_, err = io.WriteString(f, text)
		}
		path := filepath.Join(root, filepath.FromSlash(name))
		err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644), os.Chtimes(path, fileTime, fileTime))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	packed, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filesys.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	none := filesys.CacheOptions{Content: -1}
	for _, kind := range []struct {
		name string
		fsys fs.FS
		c    filesys.CacheOptions
	}{
		{"dir, content", dir, filesys.CacheOptions{}}, {"dir, file", dir, none}, {"dir, nothing kept", dir, filesys.CacheOptions{Content: -1, Open: -1, Entries: -1}},
		{"memory, content", memory, filesys.CacheOptions{}}, {"memory, ReaderAt", memory, none},
		{"zip, content", packed, filesys.CacheOptions{File: 1 << 20}}, {"zip, stream", packed, none},
	} {
		t.Run(kind.name, func(t *testing.T) { each(t, kind.name, kind.fsys, kind.c) })
	}
}
