package httpd

import (
	"bufio"
	"bytes"
	"net/http"
	"net/textproto"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// seeds are good, bad and tricky heads; files under testdata/fuzz are more.
var seeds = []string{
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"\r\nHEAD /x?y HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET",
	"GET http://b:80/c HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET http://[::1]/ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n",
	"GET /%41%zz HTTP/1.1\r\nHost: a\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
	"GET //a/../b HTTP/1.9\r\nHost: a\r\nConnection: close, keep-alive\r\n\r\n",
	"GET / HTTP/1.1\nHost: a\n\n",
}

// small keeps every length of a head in reach of the fuzzer.
var small = Limits{Head: 512, Fields: 8}

// FuzzParse: however a head is cut, the outcome is the same, and what is
// accepted here is accepted by net/http and fasthttp and means the same there.
func FuzzParse(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed), 7)
	}
	f.Fuzz(func(t *testing.T, p []byte, cut int) {
		r, n, status := whole(p, small)
		check := func(how string, s *Request, m, other int) {
			if m != n || other != status {
				t.Fatalf("%s: length %d, status %d; in one piece length %d, status %d", how, m, other, n, status)
			}
			if n > 0 && s.describe() != r.describe() {
				t.Fatalf("%s: %s\nin one piece: %s", how, s.describe(), r.describe())
			}
		}
		if len(p) <= 2*small.Head {
			s, m, other := stepwise(p, small, everyLength(p)...)
			check("byte by byte", s, m, other)
		}
		if cut >= 0 && cut < len(p) {
			s, m, other := stepwise(p, small, cut)
			check("in two pieces", s, m, other)
		}
		if n > 0 {
			head := bytes.TrimPrefix(p[:n], []byte("\r\n"))
			againstNetHTTP(t, r, head)
			againstFastHTTP(t, r, head)
		}
	})
}

func againstNetHTTP(t *testing.T, r *Request, head []byte) {
	q, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		t.Fatalf("net/http refuses %q: %v", head, err)
	}
	if q.Method != string(r.Method) || q.RequestURI != string(r.Target) || q.Host != string(r.Host) {
		t.Errorf("net/http reads %q as %s %s of %q", head, q.Method, q.RequestURI, q.Host)
	}
	if q.Close == r.KeepAlive {
		t.Errorf("net/http: %q closes: %t", head, q.Close)
	}
	length := max(r.Length, 0)
	if r.Chunked {
		length = -1
	}
	if q.ContentLength != length {
		t.Errorf("net/http: %q has content of %d, here %d", head, q.ContentLength, length)
	}
	want := http.Header{}
	for _, f := range r.Fields {
		name := textproto.CanonicalMIMEHeaderKey(string(f.Name))
		// net/http takes these two out; they were compared above.
		if name != "Host" && name != "Transfer-Encoding" {
			want[name] = append(want[name], string(f.Value))
		}
	}
	for name, values := range want {
		if strings.Join(values, "\n") != strings.Join(q.Header[name], "\n") {
			t.Errorf("net/http reads %q of %q as %q, here %q", name, head, q.Header[name], values)
		}
	}
}

func againstFastHTTP(t *testing.T, r *Request, head []byte) {
	if r.Chunked && string(r.Field("transfer-encoding")) != "chunked" {
		return // fasthttp knows the coding in small letters only
	}
	var q fasthttp.Request
	if err := q.Header.Read(bufio.NewReader(bytes.NewReader(head))); err != nil {
		t.Fatalf("fasthttp refuses %q: %v", head, err)
	}
	if !bytes.Equal(q.Header.Method(), r.Method) || !bytes.Equal(q.Header.RequestURI(), r.Target) {
		t.Errorf("fasthttp reads %q as %s %s", head, q.Header.Method(), q.Header.RequestURI())
	}
	host := q.Header.Host()
	if r.Target[0] != '/' {
		// Only then: fasthttp takes the path //a for an authority.
		host = q.URI().Host()
	}
	if !strings.EqualFold(string(host), string(r.Host)) {
		t.Errorf("fasthttp reads %q as of %q, here %q", head, host, r.Host)
	}
}

// FuzzCleanPath: a clean name stays inside the root, and cleaning it again
// changes nothing.
func FuzzCleanPath(f *testing.F) {
	for _, seed := range []string{"/", "/a/../../b", "/%2e%2E/a", "/a%2fb", "/a%00", "//x//", "/.../..a/."} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) == 0 || p[0] != '/' || !goodTarget(p) {
			return // parse lets no such path through
		}
		name, _, ok := cleanPath(nil, p)
		if !ok {
			return
		}
		if len(name) == 0 || name[0] == '/' || bytes.IndexByte(name, 0) >= 0 {
			t.Fatalf("%q became %q", p, name)
		}
		if string(name) == "." {
			return
		}
		for segment := range bytes.SplitSeq(name, []byte("/")) {
			switch string(segment) {
			case "", ".", "..":
				t.Fatalf("%q became %q", p, name)
			}
		}
	})
}
