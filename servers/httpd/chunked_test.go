package httpd

import (
	"bytes"
	"errors"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

// decode reads p as the chunked coding, cut at the given places. length is how
// much of p the coding took, or 0 where it does not end.
func decode(p []byte, cuts ...int) (data []byte, length, status int) {
	var d chunked
	from := 0
	for _, to := range append(cuts, len(p)) {
		piece := p[from:to]
		for len(piece) > 0 {
			skip, n, done, status := d.next(piece)
			if status != 0 {
				return data, 0, status
			}
			length += skip
			if done {
				return data, length, 0
			}
			data = append(data, piece[skip:skip+n]...)
			if n > 0 {
				d.took(n)
			}
			length += n
			piece = piece[skip+n:]
		}
		from = to
	}
	return data, 0, 0
}

func TestChunked(t *testing.T) {
	digits := func(n int) string { return strings.Repeat("0", n) }
	tests := []struct {
		name, in, data, rest string
		status               int // 0 with rest "-": not complete
	}{
		{"empty", "0\r\n\r\nGET", "", "GET", 0},
		{"one", "5\r\nhello\r\n0\r\n\r\n", "hello", "", 0},
		{"capital and small digits", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", "", 0},
		{"leading zeros", "0005\r\nhello\r\n000\r\n\r\n", "hello", "", 0},
		{"CRLF in the data", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", "", 0},
		{"extension", "5;a=b;c=\"d;\"\r\nhello\r\n0;x\r\n\r\n", "hello", "", 0},
		{"trailers", "0\r\nA: b\r\nC:\r\n\r\nrest", "", "rest", 0},
		{"15 digits", digits(14) + "1\r\nx\r\n" + digits(15) + "\r\n\r\n", "x", "", 0},
		{"not complete", "5\r\nhel", "hel", "-", 0},
		{"no last line", "0\r\n", "", "-", 0},
		{"no size", "\r\n", "", "", 400},
		{"16 digits", digits(15) + "1\r\nx\r\n", "", "", 400},
		{"overflow", "fffffffffffffffff\r\n", "", "", 400},
		{"sign", "+5\r\nhello\r\n", "", "", 400},
		{"minus", "-1\r\n", "", "", 400},
		{"0x", "0x5\r\nhello\r\n", "", "", 400},
		{"space before the size", " 5\r\nhello\r\n", "", "", 400},
		{"space after the size", "5 \r\nhello\r\n", "", "", 400},
		{"underscore", "1_0\r\n", "", "", 400},
		{"bare LF after the size", "5\nhello\r\n", "", "", 400},
		{"bare CR after the size", "5\rhello\r\n", "", "", 400},
		{"bare LF in an extension", "5;a\nb\r\nhello\r\n", "", "", 400},
		{"bare CR in an extension", "5;a\rb\r\nhello\r\n", "", "", 400},
		{"NUL in an extension", "5;\x00\r\nhello\r\n", "", "", 400},
		{"too much data", "5\r\nhello!\r\n", "hello", "", 400},
		{"bare LF after the data", "5\r\nhello\n0\r\n\r\n", "hello", "", 400},
		{"bare LF at the end", "0\r\n\n", "", "", 400},
		{"bare CR at the end", "0\r\n\rx", "", "", 400},
		{"trailer without a colon", "0\r\nA\r\n\r\n", "", "", 400},
		{"trailer with a space before the colon", "0\r\nA : b\r\n\r\n", "", "", 400},
		{"folded trailer", "0\r\nA: b\r\n c\r\n\r\n", "", "", 400},
		{"trailer without a name", "0\r\n: b\r\n\r\n", "", "", 400},
		{"bare CR in a trailer", "0\r\nA: b\rc\r\n\r\n", "", "", 400},
		{"long extension", "5;" + strings.Repeat("x", overheadLimit+1), "", "", 400},
		{"many extensions", strings.Repeat("1;"+strings.Repeat("x", 100)+"\r\ny\r\n", 100), strings.Repeat("y", 81), "", 400},
		{"long trailers", "0\r\n" + strings.Repeat("A: b\r\n", overheadLimit/4+1), "", "", 431},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := []byte(test.in)
			check := func(cuts ...int) {
				t.Helper()
				data, length, status := decode(p, cuts...)
				if string(data) != test.data || status != test.status {
					t.Fatalf("cut at %v: %.99q, status %d; want %.99q, status %d", cuts, data, status, test.data, test.status)
				}
				switch complete := test.status == 0 && test.rest != "-"; {
				case complete && string(p[length:]) != test.rest, !complete && length != 0:
					t.Fatalf("cut at %v: took %d of %q, want all but %q", cuts, length, test.in, test.rest)
				}
			}
			check()
			check(everyLength(p)...)
			for cut := range min(len(p), 300) {
				check(cut)
			}
		})
	}
}

// FuzzChunked: however it is cut the outcome is the same, and what is accepted
// here net/http accepts and reads as the same data. (Its reader also allows
// what is refused here.)
func FuzzChunked(f *testing.F) {
	for _, seed := range []string{
		"0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n000\r\nA: b\r\n\r\nGET", "1\r\n\n\r\n0\r\n\r\n",
		"ffffffffffffffff\r\n", "5 \r\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n",
	} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, p []byte, cut int) {
		data, length, status := decode(p)
		same := func(how string, d []byte, n, s int) {
			if !bytes.Equal(d, data) || n != length || s != status {
				t.Fatalf("%s: %q, length %d, status %d; in one piece %q, length %d, status %d", how, d, n, s, data, length, status)
			}
		}
		if cut >= 0 && cut < len(p) {
			d, n, s := decode(p, cut)
			same("in two pieces", d, n, s)
		}
		d, n, s := decode(p, everyLength(p)...)
		same("byte by byte", d, n, s)
		if length == 0 {
			return
		}
		theirs, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(p[:length])))
		// Its reader leaves the trailers to its caller, and refuses data in
		// tiny chunks with long extensions.
		if err != nil && !errors.Is(err, io.EOF) {
			if strings.Contains(err.Error(), "excessive data") || strings.Contains(err.Error(), "line too long") {
				return
			}
			t.Fatalf("net/http refuses %q: %v", p[:length], err)
		}
		if !bytes.Equal(theirs, data) {
			t.Fatalf("net/http reads %q as %q, not %q", p[:length], theirs, data)
		}
	})
}
