package httpd

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

func seconds(n float64) loop.Time { return loop.Time(n * float64(time.Second)) }

func TestDelay(t *testing.T) {
	for _, test := range []struct {
		request, status string
		at              float64
	}{
		{"GET /delay/250ms HTTP/1.1\r\nHost: a\r\n\r\n", "200", 0.25}, {"GET /delay/0s HTTP/1.1\r\nHost: a\r\n\r\n", "200", 0},
		{"GET /delay/1m HTTP/1.0\r\n\r\n", "200", 60}, {"HEAD /delay/1.5s HTTP/1.1\r\nHost: a\r\n\r\n", "200", 1.5},
		{"POST /delay/1us HTTP/1.1\r\nHost: a\r\n\r\n", "405", 0}, {"OPTIONS /delay/1s HTTP/1.1\r\nHost: a\r\n\r\n", "204", 0},
		{"GET /delay/61s HTTP/1.1\r\nHost: a\r\n\r\n", "404", 0}, {"GET /delay/-1s HTTP/1.1\r\nHost: a\r\n\r\n", "404", 0},
		{"GET /delay/1 HTTP/1.1\r\nHost: a\r\n\r\n", "404", 0}, {"GET /delay/ HTTP/1.1\r\nHost: a\r\n\r\n", "404", 0},
		{"GET /delay/99999999999h HTTP/1.1\r\nHost: a\r\n\r\n", "404", 0},
	} {
		w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{NewDelay()}}, "")
		c := w.dial(&client{sends: texts(test.request)})
		w.run()
		if statuses(c.got) != test.status || c.last != seconds(test.at) {
			t.Errorf("%.30q: %q at %v, want %s at %v s", test.request, c.got, time.Duration(c.last), test.status, test.at)
		}
		if want := test.status == "200" && test.request[0] == 'G'; strings.HasSuffix(string(c.got), "\r\n\r\nHello, World!") != want {
			t.Errorf("%.30q: %q", test.request, c.got)
		}
	}
}

// TestDelays: many at once, each in its time; who goes is waited for no more.
func TestDelays(t *testing.T) {
	w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{NewDelay()}, IdleTimeout: -1}, "")
	for i := range 1000 {
		d := time.Duration(i*7%1000) * time.Millisecond
		c := w.dial(&client{sends: texts("GET /delay/" + d.String() + " HTTP/1.1\r\nHost: a\r\n\r\n")})
		defer func() {
			if c.last != loop.Time(d) || statuses(c.got) != "200" {
				t.Errorf("%v: %q at %v", d, c.got, time.Duration(c.last))
			}
		}()
	}
	gone := w.dial(&client{sends: texts("GET /delay/1m HTTP/1.1\r\nHost: a\r\n\r\n")})
	w.loop.At(seconds(1), func() { gone.conn.Abort() })
	w.loop.At(seconds(2), func() { // nothing else would keep the loop going
		w.loop.Each(func(c *loop.Conn) { c.Abort() })
	})
	w.run()
	if now := w.loop.Now(); now != seconds(2) {
		t.Errorf("it went on until %v", time.Duration(now))
	}
}

// named answers everything with its name.
type named string

func (n named) Match(r *Request) bool          { return !strings.HasPrefix(string(r.Path), "/none") }
func (n named) Handle(_ *Request, w *Response) { w.Body([]byte(n)) }

func TestHosts(t *testing.T) {
	x, err := NewHosts(map[string][]Extension{
		"Example.org": {NewFixed(), named("org")}, "example.net.": {named("net")}, "192.0.2.1": {named("v4")},
		"2001:DB8:0::1": {named("v6")}, "[::1]": {named("loopback")}, "none": nil,
	}, []Extension{named("fallback")})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{
		"example.org": "org", "EXAMPLE.ORG": "org", "example.org:80": "org", "example.org.": "org", "example.org.:8080": "org", "example.org:": "org",
		"example.net": "net", "example.net.": "net", "192.0.2.1": "v4", "192.0.2.1:80": "v4",
		"[2001:db8::1]": "v6", "[2001:db8:0:0:0:0:0:1]:80": "v6", "[::1]": "loopback", "[::1]:80": "loopback", "[0::1]": "loopback",
		"example.com": "fallback", "org": "fallback", "www.example.org": "fallback", "example.org..": "fallback", "[::2]": "fallback", ".": "fallback",
		strings.Repeat("a", 1000): "fallback", "none": "404 Not Found\n",
	} {
		w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{x}}, "")
		if got := body([]byte(w.ask("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"))); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
	for request, want := range map[string]string{
		"GET / HTTP/1.0\r\n\r\n": "fallback", "GET http://example.ORG/ HTTP/1.1\r\nHost: example.net\r\n\r\n": "org",
		"GET /fixed/1 HTTP/1.1\r\nHost: example.org\r\n\r\n": "H", "GET /none HTTP/1.1\r\nHost: example.org\r\n\r\n": "404 Not Found\n",
	} {
		w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{x, named("next")}}, "")
		if got := body([]byte(w.ask(request))); got != want {
			t.Errorf("%q: %q, want %q", request, got, want)
		}
	}
	for _, names := range [][]string{{""}, {"a:80"}, {"[::1]:80"}, {"[::1"}, {"["}, {"a b"}, {"a/b"}, {"a", "A"}, {"a", "a."}, {"::1", "[0::1]"}, {strings.Repeat("a", 300)}} {
		chains := map[string][]Extension{}
		for _, name := range names {
			chains[name] = nil
		}
		if _, err := NewHosts(chains, nil); err == nil {
			t.Errorf("%q was taken", names)
		}
	}
	for _, host := range []string{"eXample.org:80", "[2001:db8::1]:80", "other"} {
		r := &Request{Method: []byte("GET"), Path: []byte("/"), Host: []byte(host)}
		w := &Response{}
		s := New(mustLoop(t), Config{})
		if n := testing.AllocsPerRun(100, func() { w.reset(s, nil, nil); x.Handle(r, w) }); n > 1 { // one is of named
			t.Errorf("%s: %v allocations", host, n)
		}
	}
}

func mustLoop(t *testing.T) *loop.Loop {
	t.Helper()
	l, err := loop.New(loop.Config{Backend: "sim"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestRedirect(t *testing.T) {
	for _, test := range []struct{ from, to, path, want string }{
		{"/old", "/new", "/old", "/new"}, {"/old", "/new", "/old/", "/new/"}, {"/old", "/new", "/old/a/b?c=d&e", "/new/a/b?c=d&e"},
		{"/old", "/new", "/oldish", ""}, {"/old", "/new", "/", ""}, {"/old/", "/new/", "/old", "/new/"}, {"/old/", "/new/", "/old/x", "/new/x"},
		{"/old", "/new", "/old?", "/new?"}, {"/old", "/new", "/old/%41%2F%0d%0aX:y?%0d%0a", "/new/%41%2F%0d%0aX:y?%0d%0a"},
		{"/old", "/new", "/old/{a}|`^[]?{b}|[", "/new/%7Ba%7D%7C%60%5E%5B%5D?%7Bb%7D%7C%5B"}, {"/old", "/new", "/old/../x", "/new/../x"},
		{"/", "https://example.org", "/a?b", "https://example.org/a?b"}, {"/", "https://example.org", "/", "https://example.org/"},
		{"/", "https://example.org/x/", "/@evil.example", "https://example.org/x/@evil.example"}, {"/a/", "https://example.org", "/a/@evil.example", "https://example.org/@evil.example"},
		{"/a", "https://example.org", "/a/.evil.example", "https://example.org/.evil.example"}, {"/a", "https://example.org", "/a", "https://example.org"},
		{"/a", "/", "/a//evil.example/x", "/evil.example/x"}, {"/a", "/", "/a///evil.example", "/evil.example"}, {"/a", "/", "/a", "/"}, {"/a", "/", "/a/", "/"},
		{"/a", "/", "/a/%5Cevil.example", "/%5Cevil.example"}, {"/a", "/b", "/a//evil.example", "/b//evil.example"},
		{"/a", "/b?x=1#f", "/a/c", "/b/c?x=1#f"}, {"/a", "/b?x=1#f", "/a/c?y", "/b/c?x=1&y#f"}, {"/a", "http://[::1]:80/b", "/a/c", "http://[::1]:80/b/c"},
		{"/a", "/b", "http://evil.example/a/c", "/b/c"},
	} {
		x, err := NewRedirect(test.from, test.to, 307)
		if err != nil {
			t.Errorf("%s to %s: %v", test.from, test.to, err)
			continue
		}
		w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{x}}, "")
		r, err := http.ReadResponse(bufio.NewReader(strings.NewReader(w.ask("POST "+test.path+" HTTP/1.1\r\nHost: a\r\n\r\n"))), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Header["Location"]; test.want == "" && (r.StatusCode != 404 || got != nil) ||
			test.want != "" && (r.StatusCode != 307 || len(got) != 1 || got[0] != test.want) {
			t.Errorf("%s to %s, %s: %d, Location %q, want %q", test.from, test.to, test.path, r.StatusCode, got, test.want)
		}
	}
	for _, bad := range []struct {
		from, to string
		status   int
	}{
		{"/a", "/b", 200}, {"/a", "/b", 304}, {"a", "/b", 301}, {"", "/b", 301}, {"/a?b", "/b", 301}, {"/a", "", 301}, {"/a", "b", 301}, {"/a", "//", 301},
		{"/a", "ftp://b/", 301}, {"/a", "javascript:x", 301}, {"/a", "http://", 301}, {"/a", "http:x", 301}, {"/a", "http://u:p@b/", 301},
		{"/a", "/b c", 301}, {"/a", "/b\r\nX: y", 301}, {"/a", "/%zz", 301}, {"/a", "/ä", 301}, {"/a", "//b/c", 301},
	} {
		if _, err := NewRedirect(bad.from, bad.to, bad.status); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
