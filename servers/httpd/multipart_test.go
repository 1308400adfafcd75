package httpd

import (
	"bytes"
	"io"
	"mime/multipart"
	"strings"
	"testing"
)

// TestFrames: what stands around the ranges makes a body that mime/multipart
// reads back, of exactly the length told.
func TestFrames(t *testing.T) {
	t.Parallel()
	text := "0123456789abcdef"
	ranges := []byteRange{{10, 6}, {0, 1}, {2, 3}}
	boundary := newBoundary()
	f := newFrames(boundary, "text/plain; charset=utf-8", ranges, int64(len(text)))
	var body bytes.Buffer
	for i, r := range ranges {
		body.Write(f.frame(i))
		body.WriteString(text[r.off:r.end()])
	}
	body.Write(f.frame(len(ranges)))
	if n := f.length(ranges); n != int64(body.Len()) {
		t.Errorf("length %d of a body of %d", n, body.Len())
	}
	if !strings.HasPrefix(body.String(), "--"+boundary+"\r\n") || !strings.HasSuffix(body.String(), "--\r\n") {
		t.Errorf("%q", body.String())
	}
	m := multipart.NewReader(&body, boundary)
	for i, want := range []string{"bytes 10-15/16", "bytes 0-0/16", "bytes 2-4/16"} {
		p, err := m.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(p)
		if r := ranges[i]; err != nil || string(got) != text[r.off:r.end()] {
			t.Errorf("part %d is %q, %v", i, got, err)
		}
		if p.Header.Get("Content-Range") != want || p.Header.Get("Content-Type") != "text/plain; charset=utf-8" || len(p.Header) != 2 {
			t.Errorf("part %d has the fields %v", i, p.Header)
		}
	}
	if _, err := m.NextRawPart(); err != io.EOF {
		t.Errorf("after the last part: %v", err)
	}
	if _, err := body.ReadByte(); err != io.EOF {
		t.Error("something stands after the end")
	}
}

// TestFramesOnce: the longest numbers fit in the one allocation.
func TestFramesOnce(t *testing.T) {
	const huge = 1<<63 - 1
	ranges := make([]byteRange, mostRanges)
	for i := range ranges {
		ranges[i] = byteRange{huge - 100 + 3*int64(i), 1}
	}
	if n := testing.AllocsPerRun(10, func() { newFrames("b", "a/b", ranges, huge) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
}

func TestBoundary(t *testing.T) {
	t.Parallel()
	a, b := newBoundary(), newBoundary()
	if a == b || len(a) > 70 { // RFC 2046 section 5.1.1
		t.Errorf("boundaries %s and %s", a, b)
	}
	if !all([]byte(a), tokenByte) {
		t.Errorf("%s would need quotes", a)
	}
}
