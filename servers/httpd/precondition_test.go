package httpd

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// modifiedAt is when the file of these tests was, and askedAt an hour after it,
// when the requests come.
var (
	modifiedAt = time.Date(1999, 7, 4, 12, 0, 0, 0, time.UTC)
	askedAt    = modifiedAt.Add(time.Hour)
)

// asked is a GET or HEAD with fields, "Name: value" each.
func asked(method string, fields ...string) *Request {
	r := &Request{Method: []byte(method)}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ":")
		r.Fields = append(r.Fields, Field{[]byte(name), trim([]byte(value))})
		r.conditions |= condition([]byte(name))
	}
	return r
}

// TestConditionsAreFound: by the parser, in any case, and nothing else is.
func TestConditionsAreFound(t *testing.T) {
	t.Parallel()
	all := conditions(0)
	for i, name := range conditionNames {
		for _, name := range []string{name, strings.ToUpper(name)} {
			r, n, status := whole([]byte("GET / HTTP/1.1\r\nHost: a\r\n"+name+": x\r\n\r\n"), Limits{}.fill())
			if n == 0 || status != 0 || r.conditions != 1<<i {
				t.Errorf("%s: %b, status %d", name, r.conditions, status)
			}
		}
		all |= 1 << i
	}
	var fields strings.Builder
	for _, name := range conditionNames {
		for j := range name {
			fields.WriteString(name[:j] + "x" + name[j+1:] + ": x\r\n") // as long, and another
		}
	}
	head := func(fields string) []byte { return []byte("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n") }
	if r, n, status := whole(head(fields.String()), Limits{Head: 1 << 20, Fields: 1000}.fill()); n == 0 || r.conditions != 0 {
		t.Errorf("none: %b, status %d", r.conditions, status)
	}
	if r, _, _ := whole(head(strings.Join(conditionNames[:], ": x\r\n")+": x\r\n"), Limits{}.fill()); r.conditions != all {
		t.Errorf("all: %b", r.conditions)
	}
}

func TestPrecondition(t *testing.T) {
	t.Parallel()
	const (
		whole = 0   // 200
		part  = 206 // Range counts
	)
	date := func(t time.Time) string { return t.Format(http.TimeFormat) }
	at, before, after, future := date(modifiedAt), date(modifiedAt.Add(-time.Second)), date(modifiedAt.Add(time.Second)), date(askedAt.Add(time.Second))
	tests := []struct {
		name   string
		fields []string
		want   int
	}{
		{"none", nil, whole},
		{"another field", []string{"If: x", "Rang: bytes=0-1", "Range-x: bytes=0-1"}, whole},

		// RFC 9110 section 13.1.1
		{"If-Match", []string{`If-Match: "a"`}, whole},
		{"If-Match of any", []string{`If-Match: *`}, whole},
		{"If-Match of another", []string{`If-Match: "b"`}, 412},
		{"If-Match in other capitals", []string{`iF-mATCH: "A"`}, 412},
		{"If-Match is strong", []string{`If-Match: W/"a"`}, 412},
		{"If-Match in a list", []string{`If-Match: "b", W/"a" , "a"`}, whole},
		{"If-Match with empty members", []string{"If-Match: , ,\t\"a\",,"}, whole},
		{"If-Match over lines", []string{`If-Match: "b"`, `If-Match: "a"`}, whole},
		{"If-Match empty", []string{`If-Match:`}, 412},
		{"If-Match without quotes", []string{`If-Match: a`}, 412},
		{"If-Match malformed after a match", []string{`If-Match: "a" b`}, 412},
		{"If-Match malformed in another line", []string{`If-Match: "a"`, `If-Match: x`}, 412},
		{"If-Match of any and more", []string{`If-Match: *, "a"`}, 412},
		{"If-Match open", []string{`If-Match: "a`}, 412},
		{"If-Match with a space inside", []string{`If-Match: "a ", "a"`}, 412},
		{"If-Match in small w", []string{`If-Match: w/"a", "a"`}, 412},

		// section 13.1.4
		{"If-Unmodified-Since then", []string{"If-Unmodified-Since: " + at}, whole},
		{"If-Unmodified-Since later", []string{"If-Unmodified-Since: " + after}, whole},
		{"If-Unmodified-Since before", []string{"If-Unmodified-Since: " + before}, 412},
		{"If-Unmodified-Since invalid", []string{"If-Unmodified-Since: yesterday"}, whole},
		{"If-Unmodified-Since twice", []string{"If-Unmodified-Since: " + before, "If-Unmodified-Since: " + before}, whole},
		{"If-Unmodified-Since with If-Match", []string{`If-Match: "a"`, "If-Unmodified-Since: " + before}, whole},

		// section 13.1.2
		{"If-None-Match", []string{`If-None-Match: "a"`}, 304},
		{"If-None-Match is weak", []string{`If-None-Match: W/"a"`}, 304},
		{"If-None-Match of any", []string{`If-None-Match: *`}, 304},
		{"If-None-Match of another", []string{`If-None-Match: "b", "c"`}, whole},
		{"If-None-Match over lines", []string{`If-None-Match: "b"`, `If-None-Match: "c", W/"a"`}, 304},
		{"If-None-Match malformed", []string{`If-None-Match: "a" "b"`}, whole},
		{"If-None-Match of any twice", []string{`If-None-Match: *`, `If-None-Match: *`}, whole},
		{"If-None-Match with a comma inside", []string{`If-None-Match: "b,", "a"`}, 304},
		{"If-None-Match with a backslash, no escape", []string{`If-None-Match: "b\", "a"`}, 304},

		// section 13.1.3
		{"If-Modified-Since then", []string{"If-Modified-Since: " + at}, 304},
		{"If-Modified-Since later", []string{"If-Modified-Since: " + after}, 304},
		{"If-Modified-Since before", []string{"If-Modified-Since: " + before}, whole},
		{"If-Modified-Since now", []string{"If-Modified-Since: " + date(askedAt)}, 304},
		{"If-Modified-Since to come", []string{"If-Modified-Since: " + future}, whole},
		{"If-Modified-Since invalid", []string{"If-Modified-Since: " + at + " x"}, whole},
		{"If-Modified-Since twice", []string{"If-Modified-Since: " + at, "If-Modified-Since: " + at}, whole},
		{"If-Modified-Since in RFC 850's format", []string{"If-Modified-Since: Sunday, 04-Jul-99 12:00:00 GMT"}, 304},
		{"If-Modified-Since in asctime's format", []string{"If-Modified-Since: Sun Jul  4 12:00:00 1999"}, 304},
		{"If-Modified-Since with If-None-Match", []string{`If-None-Match: "b"`, "If-Modified-Since: " + at}, whole},
		{"If-Modified-Since with an empty If-None-Match", []string{`If-None-Match:`, "If-Modified-Since: " + at}, whole},

		// section 13.2.2
		{"If-Match before If-None-Match", []string{`If-None-Match: "a"`, `If-Match: "b"`}, 412},
		{"If-Match and If-None-Match", []string{`If-None-Match: "a"`, `If-Match: "a"`}, 304},
		{"If-Unmodified-Since before If-None-Match", []string{`If-None-Match: "a"`, "If-Unmodified-Since: " + before}, 412},
		{"If-Match before Range", []string{`If-Match: "b"`, "Range: bytes=0-1"}, 412},
		{"If-None-Match before Range", []string{`If-None-Match: "a"`, "Range: bytes=0-1"}, 304},
		{"If-None-Match of another and Range", []string{`If-None-Match: "b"`, "Range: bytes=0-1"}, part},

		// sections 13.1.5 and 14.2
		{"Range", []string{"rANGE: x"}, part},
		{"If-Range", []string{`If-Range: "a"`, "Range: x"}, part},
		{"If-Range without Range", []string{`If-Range: "a"`}, whole},
		{"If-Range of another", []string{`If-Range: "b"`, "Range: x"}, whole},
		{"If-Range is strong", []string{`If-Range: W/"a"`, "Range: x"}, whole},
		{"If-Range of a list", []string{`If-Range: "a", "b"`, "Range: x"}, whole},
		{"If-Range of a list of one", []string{`If-Range: "a",`, "Range: x"}, whole},
		{"If-Range of any", []string{`If-Range: *`, "Range: x"}, whole},
		{"If-Range twice", []string{`If-Range: "a"`, `If-Range: "a"`, "Range: x"}, whole},
		{"If-Range empty", []string{"If-Range:", "Range: x"}, whole},
		{"If-Range then", []string{"If-Range: " + at, "Range: x"}, part},
		{"If-Range later", []string{"If-Range: " + after, "Range: x"}, whole},
		{"If-Range before", []string{"If-Range: " + before, "Range: x"}, whole},
		{"If-Range invalid", []string{"If-Range: a", "Range: x"}, whole},
	}
	v := validators{tag: []byte(`"a"`), modified: modifiedAt.Unix(), now: askedAt.Unix()}
	for _, test := range tests {
		for _, method := range []string{"GET", "HEAD"} {
			want := test.want
			if method == "HEAD" && want == part {
				want = whole
			}
			r := asked(method, test.fields...)
			got, partial := r.precondition(&v)
			if partial {
				got = 206
			}
			if got != want {
				t.Errorf("%s, %s: %d, want %d", method, test.name, got, want)
			}
		}
	}
}

// TestPreconditionOnWeak: a weak entity tag is good for If-None-Match only,
// a date of this very second not for If-Range, and without a date or an entity
// tag there is nothing to compare.
func TestPreconditionOnWeak(t *testing.T) {
	t.Parallel()
	at := modifiedAt.Format(http.TimeFormat)
	tests := []struct {
		fields     []string
		weak, bare int
	}{
		{[]string{`If-Match: "a"`}, 412, 412},
		{[]string{`If-Match: W/"a"`}, 412, 412},
		{[]string{`If-Match: *`}, 0, 0},
		{[]string{`If-None-Match: "a"`}, 304, 0},
		{[]string{`If-None-Match: W/"a"`}, 304, 0},
		{[]string{`If-None-Match: ""`}, 0, 0},
		{[]string{`If-None-Match: *`}, 304, 304},
		{[]string{`If-Range: "a"`, "Range: x"}, 0, 0},
		{[]string{"If-Range: " + at, "Range: x"}, 0, 0},
		{[]string{"If-Modified-Since: " + at}, 304, 0},
		{[]string{"If-Unmodified-Since: Sun, 04 Jul 1999 11:59:59 GMT"}, 412, 0},
	}
	for _, test := range tests {
		r := asked("GET", test.fields...)
		v := validators{tag: []byte(`"a"`), weak: true, modified: modifiedAt.Unix(), now: modifiedAt.Unix()}
		if got, partial := r.precondition(&v); got != test.weak || partial {
			t.Errorf("%s: %d, %t, want %d", test.fields, got, partial, test.weak)
		}
		if got, partial := r.precondition(&validators{now: askedAt.Unix()}); got != test.bare || partial {
			t.Errorf("%s, nothing to compare: %d, %t, want %d", test.fields, got, partial, test.bare)
		}
	}
}

func TestParseDate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		// RFC 9110 section 5.6.7
		"Sun, 06 Nov 1994 08:49:37 GMT":  "1994-11-06T08:49:37Z",
		"Sunday, 06-Nov-94 08:49:37 GMT": "1994-11-06T08:49:37Z",
		"Sun Nov  6 08:49:37 1994":       "1994-11-06T08:49:37Z",
		"Wed Nov 16 08:49:37 1994":       "1994-11-16T08:49:37Z",
		// Two digits of a year, more than 50 years from now or not.
		"Wednesday, 01-Jan-76 00:00:00 GMT": "2076-01-01T00:00:00Z",
		"Saturday, 01-Jan-77 00:00:00 GMT":  "1977-01-01T00:00:00Z",
		"Tuesday, 29-Feb-00 00:00:00 GMT":   "2000-02-29T00:00:00Z",
		"Thu, 01 Jan 1970 00:00:00 GMT":     "1970-01-01T00:00:00Z",
		"Fri, 31 Dec 9999 23:59:59 GMT":     "9999-12-31T23:59:59Z",
	} {
		got, ok := parseDate([]byte(text), now.Unix())
		if s := time.Unix(got, 0).UTC().Format(time.RFC3339); !ok || s != want {
			t.Errorf("%s: %s, %t, want %s", text, s, ok, want)
		}
	}
	for _, text := range []string{
		"", "T", "x", "GMT", "0", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 +0000", "sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 NOV 1994 08:49:37 GMT", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37.5 GMT",
		"Sun, 06 Nov 1994 08:49:60 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Wed, 30 Feb 1994 08:49:37 GMT", "Sun,  06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 EST", "Sunday, 06-Nov-1994 08:49:37 GMT", "Monday, 06-Nov-94 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT",
		"Sun Nov 06 08:49:37 1994", "Sun Nov 6 08:49:37 1994", "Mon Nov  6 08:49:37 1994", "Sun Nov  6 08:49:37 94",
		"Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", "784111777", strings.Repeat("T", 1000),
	} {
		if got, ok := parseDate([]byte(text), now.Unix()); ok {
			t.Errorf("%q was taken for %s", text, time.Unix(got, 0).UTC())
		}
	}
}

// TestConditionsAllocateNothing: but for the dates in obsolete formats.
func TestConditionsAllocateNothing(t *testing.T) {
	r := asked("GET", "Accept: */*", `If-Match: "b", "a"`, `If-None-Match: W/"b"`, "Range: bytes=0-1",
		"If-Range: "+modifiedAt.Format(http.TimeFormat), "If-Modified-Since: "+modifiedAt.Format(http.TimeFormat))
	v := validators{tag: []byte(`"a"`), modified: modifiedAt.Unix(), now: askedAt.Unix()}
	if n := testing.AllocsPerRun(100, func() {
		if _, partial := r.precondition(&v); !partial {
			t.Fatal("not partial")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
