package httpd

import (
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"medusa/poller/loop"
	"medusa/servers/filesys"
)

// TestFiles: every request gets the same answer from every kind of file
// system, except that what can only be read from front to back has no ranges.
func TestFiles(t *testing.T) {
	const text, unknown, html = "text/plain; charset=utf-8", "application/octet-stream", "text/html; charset=utf-8"
	big := strings.Repeat(digits16, 8<<10)
	etag := "" // that of a.txt, once it is known
	tests := []struct {
		method, path string
		fields       []string
		status       int
		contentType  string
		body         string // with HEAD, of its length
		more         string // Content-Range, Location or Allow
	}{
		{"GET", "/a.txt", nil, 200, text, digits16, ""},
		{"HEAD", "/a.txt", nil, 200, text, digits16, ""},
		{"GET", "/a.txt?b=c", nil, 200, text, digits16, ""},
		{"GET", "/x/../a.txt", nil, 200, text, digits16, ""},
		{"GET", "/../../%61.txt", nil, 200, text, digits16, ""},
		{"GET", "/empty.css", nil, 200, "text/css; charset=utf-8", "", ""},
		{"HEAD", "/empty.css", nil, 200, "text/css; charset=utf-8", "", ""},
		{"GET", "/big.bin", nil, 200, unknown, big, ""},
		{"HEAD", "/big.bin", nil, 200, unknown, big, ""},
		{"GET", "/sub/", nil, 200, html, "<p>index", ""},
		{"HEAD", "/sub/", nil, 200, html, "<p>index", ""},
		{"GET", "/sub/index.html", nil, 200, html, "<p>index", ""},
		{"GET", "/sub/.", nil, 200, html, "<p>index", ""},
		{"GET", "/sub", nil, 301, text, "301 Moved Permanently\n", "/sub/"},
		{"HEAD", "/sub", nil, 301, text, "301 Moved Permanently\n", "/sub/"},
		{"GET", "//sub?a=%62", nil, 301, text, "301 Moved Permanently\n", "/sub/?a=%62"},
		{"GET", "/x/..//sub", nil, 301, text, "301 Moved Permanently\n", "/sub/"},
		{"GET", "http://b//sub", nil, 301, text, "301 Moved Permanently\n", "/sub/"},
		{"GET", "/", nil, 404, text, "404 Not Found\n", ""},
		{"GET", "/none", nil, 404, text, "404 Not Found\n", ""},
		{"GET", "/none/", nil, 404, text, "404 Not Found\n", ""},
		{"GET", "/missing", nil, 404, text, "404 Not Found\n", ""},
		{"HEAD", "/missing", nil, 404, text, "404 Not Found\n", ""},
		{"GET", "/missing", []string{"If-Match: *", "Range: bytes=0-0"}, 404, text, "404 Not Found\n", ""}, // RFC 9110 section 13.2.1
		{"GET", "/a.txt/", nil, 404, text, "404 Not Found\n", ""},
		{"GET", "/a.txt/b", nil, 404, text, "404 Not Found\n", ""},
		{"GET", "/sub%2fx", nil, 404, text, "404 Not Found\n", ""},
		{"GET", "/a.txt%00", nil, 404, text, "404 Not Found\n", ""},
		{"GET", "/" + strings.Repeat("n", 5000), nil, 404, text, "404 Not Found\n", ""},
		{"OPTIONS", "/a.txt", nil, 204, "", "", "GET, HEAD, OPTIONS"},
		{"OPTIONS", "/missing", nil, 204, "", "", "GET, HEAD, OPTIONS"},
		{"OPTIONS", "/a.txt", []string{"If-Match: \"b\""}, 204, "", "", "GET, HEAD, OPTIONS"},
		{"DELETE", "/a.txt", nil, 405, text, "405 Method Not Allowed\n", "GET, HEAD, OPTIONS"},
		{"POST", "/missing", []string{"Content-Length: 0"}, 405, text, "405 Method Not Allowed\n", "GET, HEAD, OPTIONS"},
		{"TRACE", "/a.txt", nil, 405, text, "405 Method Not Allowed\n", "GET, HEAD, OPTIONS"},

		{"GET", "/a.txt", []string{"If-None-Match: %s"}, 304, "", "", ""},
		{"HEAD", "/a.txt", []string{"If-None-Match: \"b\", W/%s"}, 304, "", "", ""},
		{"GET", "/a.txt", []string{"If-None-Match: \"b\""}, 200, text, digits16, ""},
		{"GET", "/big.bin", []string{"If-Modified-Since: " + fileDate}, 304, "", "", ""},
		{"GET", "/sub/", []string{"If-Modified-Since: " + fileDate}, 304, "", "", ""},
		{"GET", "/sub", []string{"If-Modified-Since: " + fileDate, "Range: bytes=0-0"}, 301, text, "301 Moved Permanently\n", "/sub/"},
		{"GET", "/a.txt", []string{"If-Match: \"b\""}, 412, text, "412 Precondition Failed\n", ""},
		{"HEAD", "/a.txt", []string{"If-Match: \"b\""}, 412, text, "412 Precondition Failed\n", ""},
		{"GET", "/a.txt", []string{"If-Match: %s"}, 200, text, digits16, ""},

		{"GET", "/a.txt", []string{"Range: bytes=1-3"}, 206, text, "123", "bytes 1-3/16"},
		{"GET", "/a.txt", []string{"Range: bytes=-3"}, 206, text, "def", "bytes 13-15/16"},
		{"GET", "/a.txt", []string{"Range: bytes=0-"}, 206, text, digits16, "bytes 0-15/16"},
		{"GET", "/a.txt", []string{"Range: bytes=1-2,3-3"}, 206, text, "123", "bytes 1-3/16"},
		{"GET", "/a.txt", []string{"Range: bytes=16-"}, 416, text, "416 Range Not Satisfiable\n", "bytes */16"},
		{"GET", "/a.txt", []string{"Range: bytes=3-1"}, 200, text, digits16, ""},
		{"GET", "/a.txt", []string{"Range: lines=0-1"}, 200, text, digits16, ""},
		{"GET", "/a.txt", []string{"Range: bytes=0-0", "Range: bytes=0-0"}, 200, text, digits16, ""},
		{"HEAD", "/a.txt", []string{"Range: bytes=1-3"}, 200, text, digits16, ""},
		{"HEAD", "/a.txt", []string{"Range: bytes=16-"}, 200, text, digits16, ""},
		{"GET", "/empty.css", []string{"Range: bytes=0-"}, 200, "text/css; charset=utf-8", "", ""},
		{"GET", "/big.bin", []string{"Range: bytes=70000-70015"}, 206, unknown, digits16, "bytes 70000-70015/131072"},
		{"GET", "/big.bin", []string{"Range: bytes=16-"}, 206, unknown, big[16:], "bytes 16-131071/131072"},
		{"GET", "/a.txt", []string{"Range: bytes=1-3", "If-Range: %s"}, 206, text, "123", "bytes 1-3/16"},
		{"GET", "/a.txt", []string{"Range: bytes=1-3", "If-Range: " + fileDate}, 206, text, "123", "bytes 1-3/16"},
		{"GET", "/a.txt", []string{"Range: bytes=1-3", "If-Range: \"b\""}, 200, text, digits16, ""},
		{"GET", "/a.txt", []string{"Range: bytes=16-", "If-Range: \"b\""}, 200, text, digits16, ""},
		{"GET", "/a.txt", []string{"Range: bytes=1-3", "If-Match: \"b\""}, 412, text, "412 Precondition Failed\n", ""},
		{"GET", "/a.txt", []string{"Range: bytes=1-3", "If-None-Match: %s"}, 304, "", "", ""},
	}
	kinds(t, func(t *testing.T, kind string, fsys fs.FS, c filesys.CacheOptions) {
		w, count := newFilesWorld(t, fsys, c, FilesOptions{})
		etag = w.get("GET", "/a.txt").Header.Get("ETag")
		count.check(t)
		if len(etag) < 4 || etag[0] != '"' {
			t.Fatalf("ETag is %s", etag)
		}
		for _, test := range tests {
			var fields []string
			for _, f := range test.fields {
				fields = append(fields, strings.ReplaceAll(f, "%s", etag))
			}
			if kind == "zip, stream" && (test.status == 206 || test.status == 416) {
				switch test.path {
				case "/a.txt":
					test.body = digits16
				case "/big.bin":
					test.body = big
				}
				test.status, test.more, test.contentType = 200, "", mime.TypeByExtension(filepath.Ext(test.path))
				if test.contentType == "" || test.path == "/big.bin" {
					test.contentType = unknown
				}
			}
			name := fmt.Sprintf("%s %.40s %s", test.method, test.path, fields)
			w, count := newFilesWorld(t, fsys, c, FilesOptions{})
			a := w.get(test.method, test.path, fields...)
			count.check(t)
			length := fmt.Sprint(len(test.body))
			if test.status == 204 || test.status == 304 {
				length = ""
			}
			want := test.body
			if test.method == "HEAD" {
				want = ""
			}
			h := a.Header
			if a.StatusCode != test.status || h.Get("Content-Type") != test.contentType || h.Get("Content-Length") != length || a.body != want {
				t.Errorf("%s: %s, %v, %.100q; want %d %q", name, a.Status, h, a.body, test.status, test.contentType)
			}
			if got := h.Get("Content-Range") + h.Get("Location") + h.Get("Allow"); got != test.more {
				t.Errorf("%s: %q, want %q", name, got, test.more)
			}
			file := a.StatusCode == 200 || a.StatusCode == 206
			if file != (h.Get("Last-Modified") == fileDate) || (file || a.StatusCode == 304) != (h.Get("ETag") != "") {
				t.Errorf("%s: %v", name, h)
			}
			// A file of no bytes is always held.
			ranges := file && (kind != "zip, stream" || test.path == "/empty.css")
			if ranges != (h.Get("Accept-Ranges") == "bytes") {
				t.Errorf("%s: %v", name, h)
			}
		}
	})
}

// TestSeveralRanges: a multipart/byteranges body (RFC 9110 section 15.3.7.2)
// of exactly the length told, as the next answer shows.
func TestSeveralRanges(t *testing.T) {
	kinds(t, func(t *testing.T, kind string, fsys fs.FS, c filesys.CacheOptions) {
		if kind == "zip, stream" {
			return
		}
		for _, path := range []string{"/a.txt", "/big.bin"} {
			w, count := newFilesWorld(t, fsys, c, FilesOptions{})
			request := "GET " + path + " HTTP/1.1\r\nHost: a\r\nRange: bytes=10-12, 2-3, 0-0, 10000000-\r\n\r\n"
			all := readAnswers(t, w.ask(request+request), "GET", "GET")
			count.check(t)
			for _, a := range all {
				kind, parameters, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
				if a.StatusCode != 206 || kind != "multipart/byteranges" || err != nil || len(a.Header["Content-Type"]) != 1 || a.Header.Get("Content-Range") != "" || a.Header.Get("ETag") == "" || a.ContentLength != int64(len(a.body)) {
					t.Fatalf("%s: %s, %v, %v", path, a.Status, a.Header, err)
				}
				m := multipart.NewReader(strings.NewReader(a.body), parameters["boundary"])
				for _, want := range []string{"abc", "23", "0"} {
					p, err := m.NextRawPart()
					if err != nil {
						t.Fatal(err)
					}
					if got, err := io.ReadAll(p); string(got) != want || err != nil {
						t.Errorf("%s: part %q, %v, want %q", path, got, err, want)
					}
				}
				if _, err := m.NextRawPart(); err != io.EOF {
					t.Errorf("%s: after the parts %v", path, err)
				}
			}
		}
	})
}

// TestLinks: those that lead out of the root lead nowhere.
func TestLinks(t *testing.T) {
	root := tree(t)
	for path, want := range map[string]int{
		"/in": 200, "/out": 404, "/../secret": 404, "/%2e%2e/secret": 404, "/..%2fsecret": 404, "/etc/passwd": 404, "/etc": 404, "/round": 404,
	} {
		if a := newWorld(t, loop.Config{}, Config{}, root).get("GET", path); a.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, a.Status, want)
		}
	}
}

// TestFileToCome: a time of modification that is to come is not told, nor
// compared with, until it has (RFC 9110 section 8.8.2.1).
func TestFileToCome(t *testing.T) {
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	memory := fstest.MapFS{"a": &fstest.MapFile{Data: []byte("a"), ModTime: epoch.Add(5 * time.Second)}}
	w, _ := newFilesWorld(t, memory, filesys.CacheOptions{}, FilesOptions{})
	get := "GET /a HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Sat, 01 Jan 2000 00:00:05 GMT\r\n\r\n"
	c := w.dial(&client{sends: [][]byte{[]byte(get), []byte(get)}, gap: 10 * time.Second, fin: true})
	w.run()
	all := readAnswers(t, string(c.got), "GET", "GET")
	if a := all[0]; a.StatusCode != 200 || a.Header.Get("Last-Modified") != "" {
		t.Errorf("before: %s, %v", a.Status, a.Header)
	}
	if a := all[1]; a.StatusCode != 304 || a.Header.Get("ETag") == "" {
		t.Errorf("after: %s, %v", a.Status, a.Header)
	}
}

// TestWeakTag: a file that was modified just now may change again without
// notice, so its entity tag is weak (RFC 9110 section 8.8.1) and does for
// If-None-Match only.
func TestWeakTag(t *testing.T) {
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	memory := fstest.MapFS{"a": &fstest.MapFile{Data: []byte("ab"), ModTime: epoch.Add(-time.Second)}}
	ask := func(field string) answer {
		w, _ := newFilesWorld(t, memory, filesys.CacheOptions{}, FilesOptions{})
		return w.get("GET", "/a", field, "Range: bytes=0-0")
	}
	etag := ask("If-Range: x").Header.Get("ETag")
	if !strings.HasPrefix(etag, `W/"`) {
		t.Errorf("ETag is %s", etag)
	}
	for field, want := range map[string]int{
		"If-None-Match: " + etag: 304, "If-None-Match: " + etag[2:]: 304, "If-Match: " + etag: 412, "If-Match: " + etag[2:]: 412,
		"If-Range: " + etag: 200, "If-Range: " + etag[2:]: 200, "If-Match: *": 206,
	} {
		if a := ask(field); a.StatusCode != want {
			t.Errorf("%s: %s, want %d", field, a.Status, want)
		}
	}
}

// TestWithoutTime: what has no time of modification has no Last-Modified, and
// one of 1970 is none.
func TestWithoutTime(t *testing.T) {
	for name, at := range map[string]time.Time{"none": {}, "1970": time.Unix(0, 0), "the year 10000": time.Unix(253402300800, 0)} {
		memory := fstest.MapFS{"a": &fstest.MapFile{Data: []byte("ab"), ModTime: at}}
		w, _ := newFilesWorld(t, memory, filesys.CacheOptions{}, FilesOptions{})
		a := w.get("GET", "/a", "If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT", "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT")
		if a.StatusCode != 200 || a.Header.Get("Last-Modified") != "" || a.Header.Get("ETag") == "" {
			t.Errorf("%s: %s, %v", name, a.Status, a.Header)
		}
	}
}
