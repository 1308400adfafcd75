package httpd

import (
	"bytes"
	"time"

	"github.com/valyala/fasthttp"
)

// conditions says which fields there are that make a request conditional (RFC
// 9110 section 13.1) or one for a part (section 14.2). Most requests have
// none.
type conditions uint8

const (
	ifMatch conditions = 1 << iota
	ifNoneMatch
	ifModifiedSince
	ifUnmodifiedSince
	ifRange
	rangeField
)

// conditionNames are the names of the fields, in the order of the bits.
var conditionNames = [...]string{"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"}

func (c conditions) name() string {
	for i, name := range conditionNames {
		if c == 1<<i {
			return name
		}
	}
	return ""
}

// condition is the one that the field called name is, or 0.
func condition(name []byte) conditions {
	if c := lower(name[0]); c != 'i' && c != 'r' {
		return 0
	}
	for i, known := range conditionNames {
		if equalFold(name, known) {
			return 1 << i
		}
	}
	return 0
}

// single is the value of a field that may be there only once. A second line
// makes the value a list (RFC 9110 section 5.2), which is not valid for it.
func (r *Request) single(c conditions) (value []byte, ok bool) {
	n := 0
	for i := range r.Fields {
		if equalFold(r.Fields[i].Name, c.name()) {
			value = r.Fields[i].Value
			n++
		}
	}
	return value, n == 1
}

// validators are what a condition compares with (RFC 9110 section 8.8).
type validators struct {
	tag      []byte // the opaque-tag of the current entity tag, with its quotes
	weak     bool   // the entity tag is W/ and tag
	modified int64  // Last-Modified in seconds of Unix time; 0 if not known
	now      int64  // the time of the request in seconds of Unix time
}

// precondition evaluates what r asks for, a GET or HEAD of a file with the
// validators v, in the order of RFC 9110 section 13.2.2. status is 412 or 304
// if that is the answer, else 0; partial says that the Range field counts.
//
// A list of entity tags that is malformed matches nothing. A date that is
// malformed is ignored, as is one for If-Modified-Since that is yet to come:
// no answer of this server has such a date.
func (r *Request) precondition(v *validators) (status int, partial bool) {
	found := r.conditions
	switch {
	case found&ifMatch != 0:
		if !r.matches(ifMatch, v) {
			return 412, false
		}
	case found&ifUnmodifiedSince != 0 && v.modified != 0:
		if date, ok := r.date(ifUnmodifiedSince, v.now); ok && v.modified > date {
			return 412, false
		}
	}
	switch {
	case found&ifNoneMatch != 0:
		if r.matches(ifNoneMatch, v) {
			return 304, false
		}
	case found&ifModifiedSince != 0 && v.modified != 0:
		if date, ok := r.date(ifModifiedSince, v.now); ok && date <= v.now && v.modified <= date {
			return 304, false
		}
	}
	// Section 14.2: Range is defined for GET only.
	if found&rangeField == 0 || r.IsHead() {
		return 0, false
	}
	return 0, found&ifRange == 0 || r.unchanged(v)
}

// precluded answers a GET or HEAD, which would be answered with 200, if its
// preconditions ask for another answer, and says whether it did. It is for what
// has no validators: an If-Match with a tag is false then, and only "*" makes
// If-None-Match so.
func (w *Response) precluded(r *Request) (answered bool) {
	if r.conditions == 0 {
		return false
	}
	switch status, _ := r.precondition(&validators{now: wall(w)}); status {
	case 304:
		w.Status = 304
	case 412:
		w.Error(412)
	default:
		return false
	}
	return true
}

// matches compares the entity tags in all lines of a field with the current
// one: strongly for If-Match (RFC 9110 section 13.1.1), weakly for
// If-None-Match (section 13.1.2). "*" matches any representation, and is valid
// only alone.
func (r *Request) matches(c conditions, v *validators) bool {
	match, star, members := false, false, 0
	for i := range r.Fields {
		if !equalFold(r.Fields[i].Name, c.name()) {
			continue
		}
		for list := r.Fields[i].Value; ; members++ {
			tag, weak, rest, ok := nextTag(list)
			if !ok {
				return false
			}
			if tag == nil {
				break
			}
			if string(tag) == "*" {
				star = true
			} else if bytes.Equal(tag, v.tag) && (c == ifNoneMatch || !weak && !v.weak) {
				match = true
			}
			list = rest
		}
	}
	if star {
		return members == 1
	}
	return match
}

// nextTag takes the first entity tag (RFC 9110 section 8.8.3) or "*" off a
// list. tag has its quotes but not its W/; it is nil at the end of the list.
// Empty members are skipped (section 5.6.1.2).
func nextTag(list []byte) (tag []byte, weak bool, rest []byte, ok bool) {
	for len(list) > 0 && (list[0] == ' ' || list[0] == '\t' || list[0] == ',') {
		list = list[1:]
	}
	if len(list) == 0 {
		return nil, false, nil, true
	}
	if list[0] == '*' {
		tag, rest = list[:1], list[1:]
	} else {
		if weak = len(list) > 2 && list[0] == 'W' && list[1] == '/'; weak {
			list = list[2:]
		}
		if list[0] != '"' {
			return nil, false, nil, false
		}
		end := 1
		for end < len(list) && list[end] > ' ' && list[end] != '"' && list[end] != 0x7f {
			end++
		}
		if end == len(list) || list[end] != '"' {
			return nil, false, nil, false
		}
		tag, rest = list[:end+1], list[end+1:]
	}
	for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
		rest = rest[1:]
	}
	return tag, weak, rest, len(rest) == 0 || rest[0] == ','
}

// unchanged evaluates If-Range (RFC 9110 section 13.1.5): an entity tag that
// matches strongly, or a date that is exactly that of the last modification.
//
// Such a date is a strong validator (section 8.8.2.2) only if the file did not
// change twice in that second. Of what it takes to know that, the client has
// seen to its part if it got its copy in a later second, as it must; the
// server's part is that the second has passed.
func (r *Request) unchanged(v *validators) bool {
	value, ok := r.single(ifRange)
	if !ok {
		return false
	}
	if bytes.HasPrefix(value, []byte(`"`)) || bytes.HasPrefix(value, []byte(`W/"`)) {
		tag, weak, rest, ok := nextTag(value)
		return ok && len(rest) == 0 && !weak && !v.weak && bytes.Equal(tag, v.tag)
	}
	date, ok := parseDate(value, v.now)
	return ok && v.modified != 0 && date == v.modified && date < v.now
}

// date is the date in a field that is there once.
func (r *Request) date(c conditions, now int64) (unix int64, ok bool) {
	value, ok := r.single(c)
	if !ok {
		return 0, false
	}
	return parseDate(value, now)
}

// The obsolete formats of dates, which must still be understood.
const (
	rfc850Format  = "Monday, 02-Jan-06 15:04:05 GMT"
	asctimeFormat = "Mon Jan _2 15:04:05 2006"
	longestDate   = len("Wednesday, 02-Jan-06 15:04:05 GMT")
)

// parseDate reads an HTTP-date (RFC 9110 section 5.6.7) of any of its three
// formats, as seconds of Unix time. It takes exactly these formats, in which
// the day of the week is right; the libraries also take others. A second of
// 60 is refused, since it has no Unix time. Only the obsolete formats cost an
// allocation.
func parseDate(p []byte, now int64) (unix int64, ok bool) {
	var buf [longestDate]byte
	if len(p) == 0 || len(p) > longestDate {
		return 0, false
	}
	switch p[len(p)-1] {
	case 'T':
		if p[min(3, len(p)-1)] == ',' {
			t, err := fasthttp.ParseHTTPDate(p)
			return t.Unix(), err == nil && bytes.Equal(fasthttp.AppendHTTPDate(buf[:0], t), p)
		}
		t, err := time.Parse(rfc850Format, string(p))
		if err != nil {
			return 0, false
		}
		t = century(t, time.Unix(now, 0).UTC())
		return t.Unix(), bytes.Equal(t.AppendFormat(buf[:0], rfc850Format), p)
	default:
		t, err := time.Parse(asctimeFormat, string(p))
		return t.Unix(), err == nil && bytes.Equal(t.AppendFormat(buf[:0], asctimeFormat), p)
	}
}

// century moves the year of t, of which two digits were given, to the latest
// that is not more than 50 years after now, as section 5.6.7 asks.
func century(t, now time.Time) time.Time {
	latest := now.Year() + 50
	year := latest - latest%100 + t.Year()%100
	if year > latest {
		year -= 100
	}
	return t.AddDate(year-t.Year(), 0, 0)
}
