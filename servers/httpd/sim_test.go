package httpd

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// head is what a response to HTTP/1.1 with these values begins with.
func head(status, fields string, length int) string {
	return "HTTP/1.1 " + status + "\r\nServer: medusa\r\nDate: " + epochDate + "\r\n" + fields +
		fmt.Sprintf("Content-Length: %d\r\n", length)
}

// plain is a whole response of text; extra stands behind Content-Length.
func plain(status, body, extra string) string {
	return head(status, "Content-Type: text/plain; charset=utf-8\r\n", len(body)) + extra + "\r\n" + body
}

const closes = "Connection: close\r\n"

func TestResponses(t *testing.T) {
	hello := "Hello, World!"
	get := func(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }
	tests := []struct{ name, in, out string }{
		{"fixed", get("/fixed/13"), plain("200 OK", hello, "")},
		{"fixed with a query", get("/fixed/13?x"), plain("200 OK", hello, "")},
		{"fixed of nothing", get("/fixed/0"), plain("200 OK", "", "")},
		{"fixed cut", get("/fixed/15"), plain("200 OK", hello+"He", "")},
		{"fixed too long", get("/fixed/1048577"), plain("404 Not Found", "404 Not Found\n", "")},
		{"fixed of no number", get("/fixed/x"), plain("404 Not Found", "404 Not Found\n", "")},
		{"fixed without a number", get("/fixed/"), plain("404 Not Found", "404 Not Found\n", "")},
		{"HEAD", "HEAD /fixed/13 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/fixed/1"),
			head("200 OK", "Content-Type: text/plain; charset=utf-8\r\n", 13) + "\r\n" + plain("200 OK", "H", "")},
		{"HEAD of nothing there", "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n",
			head("404 Not Found", "Content-Type: text/plain; charset=utf-8\r\n", 14) + "\r\n"},
		{"1.0", "GET /fixed/1 HTTP/1.0\r\n\r\n" + get("/fixed/2"), plain("200 OK", "H", closes)},
		{"1.0 keep-alive", "GET /fixed/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /fixed/2 HTTP/1.0\r\n\r\n",
			plain("200 OK", "H", "Connection: keep-alive\r\n") + plain("200 OK", "He", closes)},
		{"close", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + get("/fixed/2"), plain("200 OK", "H", closes)},
		{"pipelined", get("/fixed/1") + get("/x") + "\r\n" + get("/fixed/2"),
			plain("200 OK", "H", "") + plain("404 Not Found", "404 Not Found\n", "") + plain("200 OK", "He", "")},
		{"known method", "DELETE /fixed/1 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/fixed/2"),
			head("405 Method Not Allowed", "Content-Type: text/plain; charset=utf-8\r\nAllow: GET, HEAD\r\n", 23) + "\r\n405 Method Not Allowed\n" + plain("200 OK", "He", "")},
		{"unknown method", "get /fixed/1 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/fixed/2"),
			plain("501 Not Implemented", "501 Not Implemented\n", "") + plain("200 OK", "He", "")},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
			head("405 Method Not Allowed", "Content-Type: text/plain; charset=utf-8\r\nAllow: GET, HEAD\r\n", 23) + closes + "\r\n405 Method Not Allowed\n"},
		{"empty content", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + get("/fixed/2"),
			plain("200 OK", "H", "") + plain("200 OK", "He", "")},
		{"content that looks like a request", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 38\r\n\r\n" + get("/fixed/2"),
			plain("413 Request Entity Too Large", "413 Request Entity Too Large\n", closes)},
		{"content of another method", "POST /fixed/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 38\r\n\r\n" + get("/fixed/2"),
			head("405 Method Not Allowed", "Content-Type: text/plain; charset=utf-8\r\nAllow: GET, HEAD\r\n", 23) + closes + "\r\n405 Method Not Allowed\n"},
		{"chunked content", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get("/fixed/2"),
			plain("411 Length Required", "411 Length Required\n", closes)},
		{"refused after a good one", get("/fixed/1") + "GET / HTTP/3.0\r\nHost: a\r\n\r\n" + get("/fixed/2"),
			plain("200 OK", "H", "") + plain("505 HTTP Version Not Supported", "505 HTTP Version Not Supported\n", closes)},
		{"refused HEAD", "HEAD / HTTP/1.1\r\n\r\n", head("400 Bad Request", "Content-Type: text/plain; charset=utf-8\r\n", 16) + closes + "\r\n"},
		{"garbage", "\x00\x01\x02\n\n\n", plain("400 Bad Request", "400 Bad Request\n", closes)},
		{"half a head", "GET / HT", ""},
		{"nothing", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := newWorld(t, loop.Config{}, Config{}, "").ask(test.in); got != test.out {
				t.Fatalf("got  %q\nwant %q", got, test.out)
			}
			// However the network cuts it.
			for cut := 1; cut < len(test.in); cut++ {
				w := newWorld(t, loop.Config{}, Config{}, "")
				c := w.dial(&client{sends: [][]byte{[]byte(test.in[:cut]), []byte(test.in[cut:])}, gap: 1, fin: true})
				w.run()
				if string(c.got) != test.out {
					t.Fatalf("cut at %d: got %q\nwant %q", cut, c.got, test.out)
				}
			}
			w := newWorld(t, loop.Config{Sim: &loop.SimConfig{Seed: 1, MaxChunk: 1, Latency: time.Microsecond}}, Config{}, "")
			if got := w.ask(test.in); got != test.out {
				t.Fatalf("byte by byte: got %q\nwant %q", got, test.out)
			}
		})
	}
}

// tree makes a directory with what the tests ask for, and something outside.
func tree(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	root := filepath.Join(base, "root")
	for name, text := range map[string]string{
		"../secret": "s", "a.txt": "text", "empty": "", "sp ace/ä.html": "<p>", "dir/index.html": "index", "none/x": "x",
		"big.bin": strings.Repeat("0123456789abcdef", 8<<10),
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Unix(1e9, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"in": "a.txt", "out": "../secret", "etc": "/etc", "round": "round"} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFiles(t *testing.T) {
	root := tree(t)
	const notFound = "404 Not Found"
	tests := []struct{ path, status, contentType, body string }{
		{"/a.txt", "200 OK", textPlain, "text"},
		{"/in", "200 OK", "application/octet-stream", "text"},
		{"/empty", "200 OK", "application/octet-stream", ""},
		{"/sp%20ace/%c3%a4.html", "200 OK", "text/html; charset=utf-8", "<p>"},
		{"/x/../a.txt", "200 OK", textPlain, "text"},
		{"/../../a.txt", "200 OK", textPlain, "text"},
		{"/dir/", "200 OK", "text/html; charset=utf-8", "index"},
		{"/big.bin", "200 OK", "application/octet-stream", strings.Repeat("0123456789abcdef", 8<<10)},
		{"/", notFound, textPlain, "404 Not Found\n"},
		{"/none", notFound, textPlain, "404 Not Found\n"},
		{"/none/", notFound, textPlain, "404 Not Found\n"},
		{"/missing", notFound, textPlain, "404 Not Found\n"},
		{"/a.txt/", notFound, textPlain, "404 Not Found\n"},
		{"/out", notFound, textPlain, "404 Not Found\n"},
		{"/../secret", notFound, textPlain, "404 Not Found\n"},
		{"/%2e%2e/secret", notFound, textPlain, "404 Not Found\n"},
		{"/..%2fsecret", notFound, textPlain, "404 Not Found\n"},
		{"/a.txt%00", notFound, textPlain, "404 Not Found\n"},
		{"/etc/passwd", notFound, textPlain, "404 Not Found\n"},
		{"/round", notFound, textPlain, "404 Not Found\n"},
		{"/" + strings.Repeat("n", 5000), notFound, textPlain, "404 Not Found\n"},
	}
	for _, method := range []string{"GET", "HEAD"} {
		for _, test := range tests {
			w := newWorld(t, loop.Config{}, Config{}, root)
			got := w.ask(method + " " + test.path + " HTTP/1.1\r\nHost: a\r\n\r\n")
			fields := "Content-Type: " + test.contentType + "\r\n"
			if test.status == "200 OK" {
				fields += "Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n"
			}
			want := head(test.status, fields, len(test.body)) + "\r\n"
			if method == "GET" {
				want += test.body
			}
			if got != want {
				t.Errorf("%s %.40s: got %.300q\nwant %.300q", method, test.path, got, want)
			}
		}
	}
}

func TestDirectoryRedirects(t *testing.T) {
	root := tree(t)
	for path, want := range map[string]string{
		"/dir": "/dir/", "/dir?a=b": "/dir/?a=b", "//dir": "/dir/", "/x/..//dir": "/x/..//dir/",
	} {
		w := newWorld(t, loop.Config{}, Config{}, root)
		r := parseResponse(t, w.ask("GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n"))
		if r.StatusCode != 301 || r.Header.Get("Location") != want {
			t.Errorf("%s: %d, Location %q, want %q", path, r.StatusCode, r.Header.Get("Location"), want)
		}
	}
}

func parseResponse(t *testing.T, text string) *http.Response {
	t.Helper()
	r, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
	if err != nil {
		t.Fatalf("%v in %.200q", err, text)
	}
	return r
}

// TestFileShrinks: a file that becomes shorter while it is sent ends the
// connection, since its length was promised.
func TestFileShrinks(t *testing.T) {
	root := tree(t)
	w := newWorld(t, loop.Config{Sim: &loop.SimConfig{Window: 4096, Latency: time.Millisecond}}, Config{}, root)
	c := w.dial(&client{sends: [][]byte{[]byte("GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n")}, stays: true})
	w.loop.At(loop.Time(10*time.Millisecond), func() {
		if err := os.Truncate(filepath.Join(root, "big.bin"), 5000); err != nil {
			t.Error(err)
		}
	})
	w.run()
	_, body, _ := bytes.Cut(c.got, []byte("\r\n\r\n"))
	if c.closed == 0 || len(body) >= 128<<10 {
		t.Errorf("closed at %d with %v after %d bytes", c.closed, c.err, len(body))
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
	in := bufio.NewReader(bytes.NewReader(c.got))
	for _, want := range []int{128 << 10, 1} {
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) != want {
			t.Errorf("%d bytes, %v; want %d", len(body), err, want)
		}
	}
}

var dates = regexp.MustCompile(`Sat, 01 Jan 2000 00:00:\d\d GMT`)

// TestPipelineDoesNotBalloon: a client that asks for a lot and reads nothing
// until it has sent everything is served, and never has much queued.
func TestPipelineDoesNotBalloon(t *testing.T) {
	root := tree(t)
	for _, out := range []int{512, 16 << 10} {
		for path, deep := range map[string]int{"/fixed/13": 100, "/fixed/5000": 100, "/fixed/100000": 5, "/big.bin": 5, "/a.txt": 100} {
			request := "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"
			one := newWorld(t, loop.Config{}, Config{}, root).ask(request)
			w := newWorld(t, loop.Config{In: 8 << 10, Out: out, Sim: &loop.SimConfig{MaxChunk: 9000, Latency: time.Microsecond}}, Config{}, root)
			c := w.dial(&client{sends: [][]byte{[]byte(strings.Repeat(request, deep))}, fin: true, deaf: 5 * time.Second})
			w.run()
			if got := dates.ReplaceAllString(string(c.got), epochDate); c.err != nil || got != strings.Repeat(one, deep) {
				t.Errorf("%s, out %d: %d bytes, want %d; %v", path, out, len(c.got), deep*len(one), c.err)
			}
			if limit := out + len(one); c.most > limit {
				t.Errorf("%s, out %d: %d bytes were queued, want at most %d", path, out, c.most, limit)
			}
			if w.server.Requests() != uint64(deep) {
				t.Errorf("%d requests were counted", w.server.Requests())
			}
		}
	}
}

// TestSmallInBuffer: the head limit shrinks with the in size.
func TestSmallInBuffer(t *testing.T) {
	request := func(size int) string {
		line := "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nX: "
		return line + strings.Repeat("x", size-len(line)-4) + "\r\n\r\n"
	}
	for size, status := range map[int]string{512: "200", 513: "431", 3000: "431"} {
		got := newWorld(t, loop.Config{In: 512}, Config{}, "").ask(request(size))
		if !strings.HasPrefix(got, "HTTP/1.1 "+status) {
			t.Errorf("%d bytes: got %.40q, want %s", size, got, status)
		}
	}
}

// TestResetHarmsNobody: a client that resets in the middle of a response
// leaves the others alone.
func TestResetHarmsNobody(t *testing.T) {
	w := newWorld(t, loop.Config{Sim: &loop.SimConfig{Window: 1000, Latency: time.Microsecond, MaxChunk: 700}}, Config{}, tree(t))
	bad := w.dial(&client{sends: [][]byte{[]byte(strings.Repeat("GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n", 9))}, max: 3000})
	good := w.dial(&client{sends: [][]byte{[]byte("GET /fixed/100000 HTTP/1.1\r\nHost: a\r\n\r\n")}, fin: true})
	w.run()
	if loop.Kind(bad.err) != "aborted" {
		t.Errorf("the client that resets: %v", bad.err)
	}
	if _, body, _ := bytes.Cut(good.got, []byte("\r\n\r\n")); len(body) != 100000 || good.err != nil {
		t.Errorf("the other: %d bytes, %v", len(body), good.err)
	}
}
