package loadgen

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

// outcomes feeds a connection's bytes to a reader in pieces, as a loop does:
// what was not used is shown again, joined with more. It returns what came of
// the responses, and at last what the end of the connection made of the one
// that it cut off.
func outcomes(pieces [][]byte, x *pin) []string {
	var r reader
	var list []string
	var rest []byte
	begun := false
	for _, piece := range pieces {
		rest = append(rest, piece...)
		for len(rest) > 0 {
			begun = true
			used, done, k, broken := r.read(rest, x)
			rest = rest[used:]
			if !done {
				break
			}
			if broken {
				return append(list, "broken")
			}
			begun = false
			list = append(list, fmt.Sprintf("%v %d %d close=%v", k, r.status, r.length, r.close))
		}
	}
	if r.stage == untilClose || begun {
		list = append(list, "end "+r.ended(begun, x).String())
	}
	return list
}

func whole(s string) [][]byte { return [][]byte{[]byte(s)} }

func TestReader(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in string
		want     []string
	}{
		{"plain", hello, []string{"ok 200 13 close=false"}},
		{"two", hello + hello, []string{"ok 200 13 close=false", "ok 200 13 close=false"}},
		{"another length", hello + strings.Replace(hello, "13", "12", 1), []string{"ok 200 13 close=false", "wrong_bytes 200 12 close=false", "broken"}},
		{"another body", hello + strings.Replace(hello, "World", "W0rld", 1), []string{"ok 200 13 close=false", "wrong_bytes 200 13 close=false"}},
		{"status", "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc", []string{"status 404 3 close=false"}},
		{"a status is not pinned", "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc" + hello, []string{"status 404 3 close=false", "ok 200 13 close=false"}},
		{"no reason", "HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", []string{"ok 200 0 close=false"}},
		{"no body by status", "HTTP/1.1 204 No Content\r\n\r\n" + hello, []string{"status 204 0 close=false", "ok 200 13 close=false"}},
		{"not modified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n" + hello, []string{"status 304 0 close=false", "ok 200 13 close=false"}},
		{"continue first", "HTTP/1.1 100 Continue\r\n\r\n" + hello, []string{"ok 200 13 close=false"}},
		{"close", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\na", []string{"ok 200 1 close=true"}},
		{"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", []string{"ok 200 1 close=true"}},
		{"1.0 kept", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na", []string{"ok 200 1 close=false"}},
		{"until close", "HTTP/1.1 200 OK\r\n\r\nabc", []string{"end ok"}},
		{"until close, empty", "HTTP/1.1 200 OK\r\n\r\n", []string{"end ok"}},
		{"equal lengths twice", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", []string{"ok 200 1 close=false"}},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA ;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\n", []string{"ok 200 13 close=false"}},
		{"chunked, empty", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n000\r\n\r\n", []string{"ok 200 0 close=false"}},
		{"short body", hello[:len(hello)-1], []string{"end short"}},
		{"short head", hello[:12], []string{"end short"}},
		{"short chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", []string{"end short"}},
		{"nothing", "", nil},
		{"not HTTP", "220 ready\r\n", []string{"broken"}},
		{"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", []string{"broken"}},
		{"HTTP/1.7", "HTTP/1.7 200 OK\r\n\r\n", []string{"broken"}},
		{"bad status", "HTTP/1.1 2x0 OK\r\n\r\n", []string{"broken"}},
		{"low status", "HTTP/1.1 099 OK\r\n\r\n", []string{"broken"}},
		{"long status", "HTTP/1.1 2000 OK\r\n\r\n", []string{"broken"}},
		{"switching", "HTTP/1.1 101 Upgrade\r\n\r\n", []string{"broken"}},
		{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na", []string{"broken"}},
		{"huge length", "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000000\r\n\r\na", []string{"broken"}},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", []string{"broken"}},
		{"two framings", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na", []string{"broken"}},
		{"other coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\na", []string{"broken"}},
		{"folded", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", []string{"broken"}},
		{"no colon", "HTTP/1.1 200 OK\r\nabc\r\n\r\n", []string{"broken"}},
		{"space before colon", "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\na", []string{"broken"}},
		{"no name", "HTTP/1.1 200 OK\r\n: 1\r\n\r\na", []string{"broken"}},
		{"bare newline", "HTTP/1.1 200 OK\r\nA: b\nContent-Length: 1\r\n\r\na", []string{"broken"}},
		{"endless head", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", maxHead) + "\r\n\r\n", []string{"broken"}},
		{"bad chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", []string{"broken"}},
		{"no chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", []string{"broken"}},
		{"huge chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("f", 16) + "\r\n", []string{"broken"}},
		{"no end of chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", []string{"broken"}},
		{"endless chunk line", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("a", maxLine), []string{"broken"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := outcomes(whole(tc.in), &pin{}); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			var bytewise [][]byte
			for i := range tc.in {
				bytewise = append(bytewise, []byte(tc.in[i:i+1]))
			}
			if got := outcomes(bytewise, &pin{}); !slices.Equal(got, tc.want) {
				t.Errorf("byte by byte: got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestPin(t *testing.T) {
	t.Parallel()
	x := pin{}
	outcomes(whole(hello), &x)
	if want := crc32.Checksum([]byte("Hello, World!"), castagnoli); !x.set || x.length != 13 || x.sum != want {
		t.Errorf("pinned %+v, want 13 bytes with sum %x", x, want)
	}
	loose := pin{loose: true}
	changed := strings.Replace(hello, "World", "World"[:4]+"D", 1)
	if got := outcomes(whole(hello+changed+strings.Replace(hello, "13", "12", 1)), &loose); len(got) < 3 || got[1][:2] != "ok" || got[2][:5] != "wrong" {
		t.Errorf("by length only: %q", got)
	}
	// A body until close is compared too.
	x = pin{}
	outcomes(whole("HTTP/1.1 200 OK\r\n\r\nabc"), &x)
	if got := outcomes(whole("HTTP/1.1 200 OK\r\n\r\nabd"), &x); !slices.Equal(got, []string{"end wrong_bytes"}) {
		t.Errorf("another body until close: %q", got)
	}
}

// FuzzReader: whatever a server sends, the reader neither fails nor stands
// still, and what it makes of it does not depend on how it was cut.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		hello, hello + hello, hello[:30],
		"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
		"HTTP/1.0 200 OK\r\n\r\nuntil close",
		"HTTP/1.1 100 Continue\r\n\r\n" + hello,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: 1\r\n\r\n" + hello,
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
	} {
		f.Add([]byte(seed), uint64(0x9e3779b97f4a7c15))
	}
	f.Fuzz(func(t *testing.T, in []byte, cuts uint64) {
		x := pin{}
		want := outcomes([][]byte{in}, &x)
		var pieces [][]byte
		for rest := in; len(rest) > 0; {
			cuts = cuts*6364136223846793005 + 1442695040888963407
			n := min(1+int(cuts>>60), len(rest))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		y := pin{}
		if got := outcomes(pieces, &y); !slices.Equal(got, want) || x != y {
			t.Fatalf("in pieces: %q, pinned %+v; at once: %q, pinned %+v", got, y, want, x)
		}
	})
}

// FuzzParseHead: a head that is accepted has the form that it claims.
func FuzzParseHead(f *testing.F) {
	f.Add([]byte(hello))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		h, err := parseHead(in, maxHead)
		if err != nil || h.size == 0 {
			if h != (head{}) {
				t.Fatalf("a head that is not there: %+v, %v", h, err)
			}
			return
		}
		if h.size > len(in) || h.size > maxHead || string(in[h.size-4:h.size]) != "\r\n\r\n" {
			t.Fatalf("a head of %d bytes in %q", h.size, in)
		}
		if h.status < 100 || h.status > 999 || h.length < -1 || (h.chunked && h.length >= 0) {
			t.Fatalf("%+v from %q", h, in)
		}
		if again, err := parseHead(in[:h.size], maxHead); err != nil || again != h {
			t.Fatalf("the head alone gives %+v, %v, with more behind it %+v", again, err, h)
		}
	})
}
