package httpd

import (
	"cmp"
	"errors"
	"io"
	"math"
	"math/big"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// goodRange is the grammar of RFC 9110 section 14.1.1 for bytes, with the empty
// members that section 5.6.1.2 bears; rangeSpec is one member.
var (
	goodRange = regexp.MustCompile(`^(?i:bytes)=[ \t,]*(\d+-\d*|-\d+)([ \t]*,[ \t]*(\d+-\d*|-\d+)?)*$`)
	rangeSpec = regexp.MustCompile(`(\d*)-(\d*)`)
)

// FuzzRange: what appendRanges makes of a field is what http.ServeContent
// makes of it, but for these differences.
//
// Ignored here, answered with 416 there: what is malformed; and with 206: more
// than mostRanges ranges, more than two that overlap, spaces inside of a range.
// An empty file is sent whole here; there some ranges of it are. A range of the
// last 0 bytes is there one of no bytes, here none (RFC 9110 section 14.1.2).
// Accepted here, refused there: units in capitals (section 14.1) and numbers
// beyond int64. Ranges that overlap or touch are joined here.
func FuzzRange(f *testing.F) {
	f.Add("bytes=0-0,-1", int64(10))
	f.Fuzz(func(t *testing.T, field string, size int64) {
		if size < 0 || !all([]byte(field), valueByte) || string(trim([]byte(field))) != field {
			return // the parser of heads lets no such value through
		}
		got, ok := appendRanges(nil, []byte(field), size)
		wellFormed(t, got, size)
		alike, asked, valid := likeNetHTTP(field)
		if !valid || size == 0 || asked > mostRanges {
			if ok {
				t.Fatalf("%q of %d: %v; must be ignored", field, size, got)
			}
			return
		}
		status, want := netHTTPRanges(t, alike, size)
		switch {
		case status == 416:
			if !ok || len(got) != 0 {
				t.Fatalf("%q of %d: %v, %t, net/http: unsatisfiable", field, size, got, ok)
			}
		case status == 200 || crowded(want):
			if ok {
				t.Fatalf("%q of %d: %v, net/http: %v", field, size, got, want)
			}
		case want == nil: // several, of a large file
			if ok && len(got) == 0 {
				t.Fatalf("%q of %d: unsatisfiable, net/http: 206", field, size)
			}
		default:
			if !ok || !slices.Equal(joined(got), joined(want)) || want[0].off < got[0].off || want[0].off >= got[0].end() {
				t.Fatalf("%q of %d: %v, %t, net/http: %v", field, size, got, ok, want)
			}
		}
	})
}

// wellFormed checks what holds for ranges of any field.
func wellFormed(t *testing.T, ranges []byteRange, size int64) {
	t.Helper()
	if len(ranges) > mostRanges {
		t.Fatalf("%d ranges", len(ranges))
	}
	for i, a := range ranges {
		if a.off < 0 || a.n <= 0 || a.n > size-a.off {
			t.Fatalf("range %v of %d", a, size)
		}
		for _, b := range ranges[i+1:] {
			if a.off <= b.end() && b.off <= a.end() {
				t.Fatalf("ranges %v and %v", a, b)
			}
		}
	}
}

// likeNetHTTP writes a field so that http.ServeContent takes it as is meant
// here. asked counts the ranges; valid says that it is not malformed.
func likeNetHTTP(field string) (alike string, asked int, valid bool) {
	if !goodRange.MatchString(field) {
		return "", 0, false
	}
	const beyond = "9223372036854775807"
	most := big.NewInt(math.MaxInt64)
	number := func(digits string) (*big.Int, string) {
		n, ok := new(big.Int).SetString(digits, 10)
		switch {
		case !ok:
			return nil, ""
		case n.Cmp(most) > 0:
			return n, beyond
		}
		return n, n.String()
	}
	var specs []string
	for _, m := range rangeSpec.FindAllStringSubmatch(field, -1) {
		first, a := number(m[1])
		last, b := number(m[2])
		switch {
		case first == nil && last.Sign() == 0:
			a, b = beyond, "" // no byte is so far behind
		case first != nil && last != nil && first.Cmp(last) > 0:
			// Which of two numbers beyond int64 is greater makes no
			// difference to what is sent: here it is 416, as for valid ones.
			if a != beyond || b != beyond {
				return "", 0, false
			}
		}
		specs = append(specs, a+"-"+b)
	}
	return "bytes=" + strings.Join(specs, ","), len(specs), true
}

// joined are ranges in order, those that overlap or touch as one.
func joined(ranges []byteRange) (out []byteRange) {
	sorted := slices.SortedFunc(slices.Values(ranges), func(a, b byteRange) int { return cmp.Compare(a.off, b.off) })
	for _, r := range sorted {
		if last := len(out) - 1; last >= 0 && out[last].end() >= r.off {
			out[last].n = max(out[last].end(), r.end()) - out[last].off
			continue
		}
		out = append(out, r)
	}
	return out
}

// netHTTPRanges is what net/http makes of a field. Several ranges of a file
// that is not small are nil, since it would have to be read.
func netHTTPRanges(t *testing.T, field string, size int64) (status int, ranges []byteRange) {
	t.Helper()
	method := "GET"
	if size > 1<<16 {
		method = "HEAD"
	}
	r := httptest.NewRequest(method, "/", nil)
	r.Header.Set("Range", field)
	w := httptest.NewRecorder()
	http.ServeContent(w, r, "a.txt", time.Time{}, &zeros{size: size})
	parse := func(value string) byteRange {
		m := regexp.MustCompile(`^bytes (\d+)-(\d+)/` + strconv.FormatInt(size, 10) + `$`).FindStringSubmatch(value)
		if m == nil {
			t.Fatalf("net/http answers %s of %d with Content-Range %q", field, size, value)
		}
		first, _ := strconv.ParseInt(m[1], 10, 64)
		last, _ := strconv.ParseInt(m[2], 10, 64)
		return byteRange{first, last - first + 1}
	}
	kind, parameters, _ := mime.ParseMediaType(w.Header().Get("Content-Type"))
	switch {
	case w.Code != 206:
	case kind != "multipart/byteranges":
		ranges = append(ranges, parse(w.Header().Get("Content-Range")))
	case method == "GET":
		for m := multipart.NewReader(w.Body, parameters["boundary"]); ; {
			p, err := m.NextRawPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			ranges = append(ranges, parse(p.Header.Get("Content-Range")))
		}
	}
	return w.Code, ranges
}

// zeros is a file of size zero bytes.
type zeros struct{ off, size int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.off >= z.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), z.size-z.off))
	clear(p[:n])
	z.off += int64(n)
	return n, nil
}

func (z *zeros) Seek(off int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		z.off = off
	case io.SeekEnd:
		z.off = z.size + off
	default:
		return 0, errors.New("not used")
	}
	return z.off, nil
}
