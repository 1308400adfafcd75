package httpd

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

// tagPattern is RFC 9110 section 8.8.3; goodTags is a list of such in which
// some members are empty, and anyTag a "*" alone.
const tagPattern = `(?:W/)?"[!#-~\x80-\x{10ffff}]*"`

var (
	goodTag  = regexp.MustCompile(`^` + tagPattern + `$`)
	goodTags = regexp.MustCompile(`^[ \t,]*` + tagPattern + `(?:[ \t]*,[ \t]*(?:` + tagPattern + `)?)*$`)
	anyTag   = regexp.MustCompile(`^[ \t,]*\*[ \t]*(?:,[ \t,]*)?$`)
)

// latin1 lets a regexp see bytes.
func latin1(s string) string {
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return string(r)
}

// FuzzPrecondition: conditions are evaluated as by http.ServeContent, but for
// these differences. A condition is given as its field's lines, nothing for
// no field.
//
// Field lines of a name count together here, there only the first does. A list
// of entity tags that is malformed or has a "*" beside others matches nothing
// here, there what stands before the fault counts; a list of nothing counts
// here, there it is as no field. Dates that are not exactly of one of the
// three formats are ignored here, as is an If-Modified-Since to come and a
// field of dates with two lines. A malformed If-Range is false here, there it
// may be true up to the fault. With HEAD Range is ignored here (section 14.2).
func FuzzPrecondition(f *testing.F) {
	at := modifiedAt.Format(http.TimeFormat)
	f.Add(false, `"b", "a"`, at, `W/"a"`, at, `"a"`, true, false)
	f.Fuzz(func(t *testing.T, head bool, match, unmodifiedSince, noneMatch, modifiedSince, ifRange string, ranged, weak bool) {
		v := validators{tag: []byte(`"a"`), weak: weak, modified: modifiedAt.Unix(), now: askedAt.Unix()}
		method := "GET"
		if head {
			method = "HEAD"
		}
		r := &Request{Method: []byte(method)}
		there := httptest.NewRequest(method, "/", nil)
		add := func(name, lines string, translate func([]string) string) {
			if lines == "" {
				return
			}
			list := strings.Split(lines, "\n")
			for i, line := range list {
				list[i] = strings.Trim(line, " \t")
				r.Fields = append(r.Fields, Field{[]byte(name), []byte(list[i])})
			}
			if value := translate(list); value != "" {
				there.Header.Set(name, value)
			}
		}
		add("If-Match", match, translateTags)
		add("If-Unmodified-Since", unmodifiedSince, translateDate)
		add("If-None-Match", noneMatch, translateTags)
		add("If-Modified-Since", modifiedSince, func(lines []string) string {
			value := translateDate(lines)
			if t, err := http.ParseTime(value); err == nil && t.After(askedAt) {
				return ""
			}
			return value
		})
		add("If-Range", ifRange, func(lines []string) string {
			if value := translateDate(lines); value != "" {
				return value
			}
			if len(lines) == 1 && goodTag.MatchString(latin1(lines[0])) {
				return lines[0]
			}
			return `"another"`
		})
		if ranged {
			r.Fields = append(r.Fields, Field{[]byte("Range"), []byte("bytes=0-0")})
			if !head {
				there.Header.Set("Range", "bytes=0-0")
			}
		}
		for _, f := range r.Fields {
			r.conditions |= condition(f.Name)
			if !all(f.Value, valueByte) || ambiguous.Match(f.Value) {
				return
			}
		}
		w := httptest.NewRecorder()
		w.Header().Set("Etag", string(v.tag))
		if weak {
			w.Header().Set("Etag", "W/"+string(v.tag))
		}
		http.ServeContent(w, there, "a.txt", modifiedAt, strings.NewReader("text"))
		status, partial := r.precondition(&v)
		switch {
		case partial && status != 0:
			t.Fatalf("%d and a part", status)
		case partial:
			status = 206
		case status == 0:
			status = 200
		}
		if status != w.Code {
			t.Errorf("%s with %q: %d, net/http %d to %v", method, r.Fields, status, w.Code, there.Header)
		}
	})
}

// ambiguous is a year of which net/http takes another century: two digits mean
// there the years 1969 to 2068, here those until 50 years from now, 1999.
var ambiguous = regexp.MustCompile(`day, \d\d-[A-Z][a-z][a-z]-(5\d|6[0-8]) `)

// translateTags is a list for net/http that means what lines mean here.
func translateTags(lines []string) string {
	list := strings.Join(lines, ", ")
	switch {
	case anyTag.MatchString(list):
		return "*"
	case goodTags.MatchString(latin1(list)):
		return list
	}
	return `"another"`
}

// translateDate is a date, or "" for what is none here.
func translateDate(lines []string) string {
	if len(lines) != 1 {
		return ""
	}
	t, err := http.ParseTime(lines[0])
	if err != nil {
		return ""
	}
	for _, layout := range []string{http.TimeFormat, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if t.UTC().Format(layout) == lines[0] {
			return lines[0]
		}
	}
	return ""
}
