package httpd

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"
)

// fuzzHeadLimit keeps every length of a head in reach of the fuzzer.
const fuzzHeadLimit = 512

// readAnswer reads a final answer from p, of which each of cuts ends a piece.
// length is how much it took: 0 if it is refused or not complete; ended tells
// that only the end of p ended it.
func readAnswer(p []byte, bare bool, cuts ...int) (a upstreamHead, data []byte, length int, ended, ok bool) {
	var content upstreamContent
	at, begun := 0, false
	for _, to := range append(slices.Clone(cuts), len(p)) {
		for {
			if !begun {
				n, good := a.parse(p[at:to], fuzzHeadLimit)
				if !good || n > 0 && a.Status == 101 {
					return a, nil, 0, false, false
				}
				if n == 0 {
					break
				}
				at += n
				if a.Status >= 200 {
					begun = true
					content.begin(&a, bare)
				}
				continue
			}
			skip, n, done, good := content.next(p[at:to])
			if !good {
				return a, nil, 0, false, false
			}
			at += skip
			if n > 0 {
				data = append(data, p[at:at+n]...)
				content.took(n)
				at += n
				continue
			}
			if done {
				return a, data, at, false, true
			}
			break
		}
	}
	if begun && content.ends == byClose {
		return a, data, at, true, true
	}
	return a, nil, 0, false, true
}

func describeAnswer(a *upstreamHead) string {
	text := fmt.Sprintf("HTTP/1.%d %d, length %d, chunked %t, keep-alive %t", a.minor, a.Status, a.Length, a.Chunked, a.KeepAlive)
	for _, f := range a.Fields {
		text += fmt.Sprintf(" [%s: %s]", f.Name, f.Value)
	}
	return text
}

// FuzzUpstream: however an answer is cut it is read alike, and what is
// accepted here net/http accepts and reads as the same.
func FuzzUpstream(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n0\r\nT: r\r\n\r\n",
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nx",
		"HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTP/1.1 101 x\r\n\r\n",
	} {
		f.Add([]byte(seed), false, 20)
		f.Add([]byte(seed), true, 3)
	}
	f.Fuzz(func(t *testing.T, p []byte, bare bool, cut int) {
		a, data, length, ended, ok := readAnswer(p, bare)
		same := func(how string, cuts ...int) {
			b, d, n, e, o := readAnswer(p, bare, cuts...)
			if !bytes.Equal(d, data) || n != length || e != ended || o != ok || ok && length > 0 && describeAnswer(&b) != describeAnswer(&a) {
				t.Fatalf("%s: %s, %q, length %d, ok %t; in one piece %s, %q, length %d, ok %t", how, describeAnswer(&b), d, n, o, describeAnswer(&a), data, length, ok)
			}
		}
		if cut >= 0 && cut < len(p) {
			same("in two pieces", cut)
		}
		if len(p) < 2*fuzzHeadLimit {
			same("byte by byte", everyLength(p)...)
		}
		if length == 0 {
			return
		}
		asked := &http.Request{Method: "GET"}
		if bare {
			asked.Method = "HEAD"
		}
		in := bufio.NewReader(bytes.NewReader(p[:length]))
		r, err := http.ReadResponse(in, asked)
		for err == nil && r.StatusCode < 200 {
			r, err = http.ReadResponse(in, asked)
		}
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", p[:length], err)
		}
		theirs, err := io.ReadAll(r.Body)
		if err != nil {
			// It bounds the overhead of chunks and the trailers otherwise.
			if text := err.Error(); a.Chunked && (strings.Contains(text, "excessive") || strings.Contains(text, "too long") || strings.Contains(text, "too large")) {
				return
			}
			t.Fatalf("net/http cannot read the content of %q: %v", p[:length], err)
		}
		if r.StatusCode != a.Status || r.ProtoMajor != 1 || r.ProtoMinor != a.minor || !bytes.Equal(theirs, data) {
			t.Errorf("net/http reads %q as %d of HTTP/%d.%d, %q; here %s, %q", p[:length], r.StatusCode, r.ProtoMajor, r.ProtoMinor, theirs, describeAnswer(&a), data)
		}
		if !ended && r.Close == a.KeepAlive {
			t.Errorf("net/http: %q closes: %t", p[:length], r.Close)
		}
		if in.Buffered() > 0 {
			t.Errorf("net/http leaves %d bytes of %q", in.Buffered(), p[:length])
		}
		want := http.Header{}
		for _, f := range a.Fields {
			name := textproto.CanonicalMIMEHeaderKey(string(f.Name))
			// net/http takes these out where they mean nothing more.
			if name != "Transfer-Encoding" && name != "Trailer" && name != "Content-Length" && name != "Connection" {
				want[name] = append(want[name], string(f.Value))
			}
		}
		for name, values := range want {
			if strings.Join(values, "\n") != strings.Join(r.Header[name], "\n") {
				t.Errorf("net/http reads %q of %q as %q, here %q", name, p[:length], r.Header[name], values)
			}
		}
	})
}
