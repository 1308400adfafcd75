package httpd

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"medusa/poller/loop"
	"medusa/servers/filesys"
)

// names is a directory whose entries have any names: "/" at the end makes a
// directory, "@" a link, "|" a pipe, "!" what has gone when it is looked at.
type names struct {
	fs.File // of which Stat is used
	left    []string
	err     error // at the end, if not io.EOF
	reads   int
	most    int // entries asked for at once
	closed  int
}

func (d *names) ReadDir(n int) (list []fs.DirEntry, err error) {
	d.reads++
	d.most = max(d.most, n)
	if len(d.left) == 0 {
		if d.err != nil {
			return nil, d.err
		}
		return nil, io.EOF
	}
	n = min(n, len(d.left))
	for _, name := range d.left[:n] {
		list = append(list, entry(name))
	}
	d.left = d.left[n:]
	return list, nil
}

func (d *names) Close() error { d.closed++; return nil }

type entry string

func (e entry) Name() string { return strings.TrimRight(string(e), "/@|!") }
func (e entry) IsDir() bool  { return e.Type().IsDir() }
func (e entry) Type() fs.FileMode {
	switch e[len(e)-1] {
	case '/':
		return fs.ModeDir
	case '@':
		return fs.ModeSymlink
	case '|':
		return fs.ModeNamedPipe
	}
	return 0
}

func (e entry) Info() (fs.FileInfo, error) {
	if strings.HasSuffix(string(e), "!") {
		return nil, fs.ErrNotExist
	}
	return fstest.MapFS{"f": &fstest.MapFile{Data: []byte("12345"), ModTime: fileTime}}.Stat("f")
}

// row is an entry of a listing.
var row = regexp.MustCompile(`<tr><td><a href="([^"<>&' ]*)">([^<>]*)</a></td><td>(\d*)</td><td>([0-9: -]*)</td></tr>`)

// listed are the rows of a page: href and text, decoded.
func listed(t *testing.T, page string) (list []string) {
	t.Helper()
	for _, m := range row.FindAllStringSubmatch(page, -1) {
		href, err := url.Parse(m[1])
		if err != nil || href.IsAbs() || href.Host != "" || href.RawQuery != "" || href.Fragment != "" {
			t.Fatalf("href %s: %v", m[1], err)
		}
		list = append(list, fmt.Sprintf("%s %s %s %s", href.Path, html.UnescapeString(m[2]), m[3], m[4]))
	}
	if n := strings.Count(page, "<a "); n != len(list) && n != len(list)+1 {
		t.Errorf("%d of %d rows in %s", len(list), n, page)
	}
	return list
}

func TestListing(t *testing.T) {
	t.Parallel()
	d := &names{left: []string{
		"b", "a", "dir/", "link@", ".hidden", ".git/", "pipe|", "gone!", "a b", "<b>&\"'", "x:y", "?#%41", "ä", "\xff", "a\nb", `\\evil`,
	}}
	l := newListing(d, []byte("x/<y>"))
	page, err := io.ReadAll(l)
	if err != nil {
		t.Fatal(err)
	}
	const rest = " 5 1998-07-09 16:00"
	want := []string{
		"<b>&\"' <b>&\"'" + rest, "?#%41 ?#%41" + rest, `\\evil \\evil` + rest, "a a" + rest, "a\nb a\ufffdb" + rest, "a b a b" + rest, "b b" + rest,
		"dir/ dir/  1998-07-09 16:00", "link link  1998-07-09 16:00", "x:y x:y" + rest, "ä ä" + rest, "\xff \ufffd" + rest,
	}
	if got := listed(t, string(page)); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, want := range []string{"<title>Index of /x/&lt;y&gt;/</title>", "<h1>Index of /x/&lt;y&gt;/</h1>", `<a href="../">`, "<!DOCTYPE html>\n", "</html>\n"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("%s is not in %s", want, page)
		}
	}
	root, _ := io.ReadAll(newListing(&names{}, []byte(".")))
	if !bytes.Contains(root, []byte("Index of /<")) || bytes.Contains(root, []byte("../")) || !bytes.HasSuffix(root, []byte("</html>\n")) {
		t.Errorf("the root: %s", root)
	}
}

// TestLargeListing: it is read in portions, and a reader that takes little
// makes it hold little.
func TestLargeListing(t *testing.T) {
	t.Parallel()
	for _, hidden := range []string{"", "."} {
		d := &names{}
		for i := range 1000 {
			d.left = append(d.left, fmt.Sprintf("%s%0200d", hidden, 999-i))
		}
		all := len(d.left)
		l := newListing(d, []byte("x"))
		var page []byte
		p := make([]byte, 64<<10)
		for {
			reads := d.reads
			n, err := l.Read(p)
			page = append(page, p[:n]...)
			if d.reads > reads+1 || d.most > portion {
				t.Fatalf("%d reads of %d entries at once", d.reads-reads, d.most)
			}
			if len(l.entries) > portion || cap(l.buf) > 4<<10 {
				t.Fatalf("%d entries and %d bytes are held", len(l.entries), cap(l.buf))
			}
			if err == io.EOF {
				break
			}
			if err != nil || n == 0 {
				t.Fatalf("%d, %v", n, err)
			}
		}
		if hidden != "" {
			all = 0
		}
		list := listed(t, string(page))
		slices.Sort(list)
		if list = slices.Compact(list); len(list) != all {
			t.Errorf("%d of %d entries", len(list), all)
		}
		if err := iotest.TestReader(newListing(&names{left: []string{"a", "b"}}, []byte("x")), listingOf(t, "a", "b")); err != nil {
			t.Error(err)
		}
	}
}

func listingOf(t *testing.T, left ...string) []byte {
	t.Helper()
	page, err := io.ReadAll(newListing(&names{left: left}, []byte("x")))
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// directory is a file system with one directory.
type directory struct{ d *names }

func (d directory) Open(name string) (fs.File, error) {
	if name != "dir" {
		return nil, fs.ErrNotExist
	}
	var err error
	d.d.File, err = fstest.MapFS{"dir/x": &fstest.MapFile{}}.Open(name)
	return d.d, err
}

// newListingWorld serves directory{d}, with out bytes of output buffer.
func newListingWorld(t *testing.T, d *names, out int) *world {
	t.Helper()
	var w *world
	cache := filesys.NewCache(directory{d}, filesys.CacheOptions{Wall: func() time.Time { return w.loop.Wall() }})
	w = newWorld(t, loop.Config{Out: out}, Config{Extensions: []Extension{NewFiles(cache, FilesOptions{Listing: true})}}, "")
	return w
}

// TestListingAnswer: chunked to HTTP/1.1, until the end of the connection to
// HTTP/1.0, and the directory is closed once however it ends.
func TestListingAnswer(t *testing.T) {
	var left []string
	for i := range 500 {
		left = append(left, fmt.Sprintf("%03d", i))
	}
	for _, out := range []int{512, 16 << 10} {
		for _, test := range []struct{ name, request, next string }{
			{"1.1", "GET /dir/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET"},
			{"1.0", "GET /dir/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", ""},
			{"HEAD", "HEAD /dir/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET"},
			{"Range", "GET /dir/ HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\nIf-None-Match: \"a\"\r\n\r\n", "GET"},
		} {
			d := &names{left: slices.Clone(left)}
			text := newListingWorld(t, d, out).ask(test.request + "GET /missing HTTP/1.1\r\nHost: a\r\n\r\n")
			methods := []string{test.request[:strings.IndexByte(test.request, ' ')]}
			if test.next != "" {
				methods = append(methods, test.next)
			}
			all := readAnswers(t, text, methods...)
			a := all[0]
			if a.StatusCode != 200 || a.Header.Get("Content-Type") != "text/html; charset=utf-8" || a.ContentLength != -1 {
				t.Errorf("%s: %s, %v", test.name, a.Status, a.Header)
			}
			if got := listed(t, a.body); methods[0] == "GET" && len(got) != len(left) || methods[0] == "HEAD" && a.body != "" {
				t.Errorf("%s: %d rows, %.300q", test.name, len(got), a.body)
			}
			if chunked := len(a.TransferEncoding) == 1 && a.TransferEncoding[0] == "chunked"; chunked != (test.name != "1.0") {
				t.Errorf("%s: %v", test.name, a.TransferEncoding)
			}
			// Once for the look of the cache, once for the listing.
			if d.closed != 2 {
				t.Errorf("%s: closed %d times", test.name, d.closed)
			}
		}
	}
}

// TestListingFails: a directory that cannot be read to its end ends the
// connection before the last chunk.
func TestListingFails(t *testing.T) {
	d := &names{left: []string{"a"}, err: errors.New("broken")}
	w := newListingWorld(t, d, 16<<10)
	c := w.dial(&client{sends: [][]byte{[]byte("GET /dir/ HTTP/1.1\r\nHost: a\r\n\r\n")}})
	w.run()
	if !bytes.Contains(c.got, []byte("<a href=\"a\">")) || bytes.Contains(c.got, []byte("0\r\n\r\n")) || d.closed != 2 {
		t.Errorf("closed %d times: %q", d.closed, c.got)
	}
	if loop.Kind(c.err) == "stopped" || c.closed > loop.Time(time.Second) {
		t.Errorf("the connection ended at %d with %v", c.closed, c.err)
	}
}

// TestListingClientGoes: the directory is closed.
func TestListingClientGoes(t *testing.T) {
	d := &names{left: slices.Repeat([]string{"abcdefgh"}, 10000)}
	w := newListingWorld(t, d, 512)
	c := w.dial(&client{sends: [][]byte{[]byte("GET /dir/ HTTP/1.1\r\nHost: a\r\n\r\n")}, max: 2000})
	w.run()
	if len(d.left) == 0 || d.closed != 2 {
		t.Errorf("closed %d times, %d left after %d bytes", d.closed, len(d.left), len(c.got))
	}
}

// TestListingOrIndex: an index goes before a listing, and is the file that the
// option names.
func TestListingOrIndex(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), ModTime: fileTime} }
	memory := fstest.MapFS{
		"with/index.html": file("index"), "with/other.htm": file("other"), "without/x": file("x"), "dir/index.html/x": file("x"), ".hidden/x": file("x"),
	}
	for _, test := range []struct {
		listing         bool
		index, path     string
		status          int
		body, directory string // begins with, Location
	}{
		{true, "", "/with/", 200, "index", ""},
		{true, "other.htm", "/with/", 200, "other", ""},
		{true, "", "/without/", 200, "<!DOCTYPE html>", ""},
		{true, "", "/without", 301, "", "/without/"},
		{true, "", "/", 200, "<!DOCTYPE html>", ""},
		{true, "", "/dir/", 200, "<!DOCTYPE html>", ""},
		{true, "", "/.hidden/", 200, "<!DOCTYPE html>", ""},
		{true, "", "/missing/", 404, "404", ""},
		{true, "", "/with/index.html/", 404, "404", ""},
		{false, "", "/without/", 404, "404", ""},
		{false, "", "/without", 404, "404", ""},
		{false, "", "/dir/", 404, "404", ""},
		{false, "", "/dir", 404, "404", ""},
		{false, "", "/with", 301, "", "/with/"},
		{false, "", "/dir/index.html", 404, "404", ""},
	} {
		w, count := newFilesWorld(t, memory, filesys.CacheOptions{}, FilesOptions{Listing: test.listing, Index: test.index})
		a := w.get("GET", test.path)
		count.check(t)
		if a.StatusCode != test.status || !strings.HasPrefix(a.body, test.body) || a.Header.Get("Location") != test.directory {
			t.Errorf("%+v: %s, %v, %.100q", test, a.Status, a.Header, a.body)
		}
	}
}

// TestForbiddenIndex: who may not see the index is shown no listing instead.
func TestForbiddenIndex(t *testing.T) {
	memory := fstest.MapFS{"dir/x": &fstest.MapFile{ModTime: fileTime}}
	w, count := newFilesWorld(t, forbidden{memory}, filesys.CacheOptions{}, FilesOptions{Listing: true})
	if a := w.get("GET", "/dir/"); a.StatusCode != 403 {
		t.Errorf("%s, %.100q", a.Status, a.body)
	}
	count.check(t)
}

// forbidden is a file system in which nobody may read an index.html.
type forbidden struct{ fs.FS }

func (f forbidden) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, "index.html") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return f.FS.Open(name)
}
