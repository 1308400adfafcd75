package httpd

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// describe is everything that was parsed, comparable.
func (r *Request) describe() string {
	text := fmt.Sprintf("%s %s path=%s query=%s/%t host=%s 1.%d keep=%t length=%d chunked=%t %q",
		r.Method, r.Target, r.Path, r.Query, r.Query != nil, r.Host, r.Minor, r.KeepAlive, r.Length, r.Chunked, r.Fields)
	if r.conditions != 0 {
		text += fmt.Sprintf(" conditions=%b", r.conditions)
	}
	return text
}

// whole parses p in one go.
func whole(p []byte, limits Limits) (*Request, int, int) {
	r := &Request{}
	var at progress
	n, status := r.parse(p, limits, &at)
	return r, n, status
}

// stepwise parses p as it grows to each of the lengths cuts, then to its own.
// Other connections use r in between, as in a Server.
func stepwise(p []byte, limits Limits, cuts ...int) (*Request, int, int) {
	r := &Request{}
	var at progress
	for _, cut := range append(cuts, len(p)) {
		var other progress
		r.parse([]byte("GET /other HTTP/1.1\r\nX: y\r\nHost: other\r\n\r\n"), limits, &other)
		// A buffer of its own, which nothing may rely on later.
		if n, status := r.parse(bytes.Clone(p[:cut]), limits, &at); n != 0 || status != 0 {
			return r, n, status
		}
	}
	return r, 0, 0
}

func everyLength(p []byte) []int {
	cuts := make([]int, len(p))
	for i := range cuts {
		cuts[i] = i
	}
	return cuts
}

var defaults = Limits{}.fill()

func TestParseAccepts(t *testing.T) {
	tests := []struct{ name, head, want string }{
		{"least", "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
			`GET / path=/ query=/false host=a 1.1 keep=true length=-1 chunked=false [{"Host" "a"}]`},
		{"leading empty line", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
			`GET / path=/ query=/false host=a 1.1 keep=true length=-1 chunked=false [{"Host" "a"}]`},
		{"1.0 without fields", "GET /x HTTP/1.0\r\n\r\n",
			`GET /x path=/x query=/false host= 1.0 keep=false length=-1 chunked=false []`},
		{"1.0 keep-alive", "HEAD /x HTTP/1.0\r\nCONNECTION: foo, Keep-Alive\r\n\r\n",
			`HEAD /x path=/x query=/false host= 1.0 keep=true length=-1 chunked=false [{"CONNECTION" "foo, Keep-Alive"}]`},
		{"1.1 close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: x,close\r\n\r\n",
			`GET / path=/ query=/false host=a 1.1 keep=false length=-1 chunked=false [{"Host" "a"} {"Connection" "x,close"}]`},
		{"two Connection fields", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n",
			`GET / path=/ query=/false host=a 1.1 keep=false length=-1 chunked=false [{"Host" "a"} {"Connection" "close"} {"Connection" "keep-alive"}]`},
		{"a later minor version", "GET / HTTP/1.7\r\nHost: a\r\n\r\n",
			`GET / path=/ query=/false host=a 1.7 keep=true length=-1 chunked=false [{"Host" "a"}]`},
		{"query", "GET /a%20b?c?d=%41 HTTP/1.1\r\nHost:a:80\r\n\r\n",
			`GET /a%20b?c?d=%41 path=/a%20b query=c?d=%41/true host=a:80 1.1 keep=true length=-1 chunked=false [{"Host" "a:80"}]`},
		{"absolute-form", "GET HTTP://b.c:8/d?e HTTP/1.1\r\nHost: a\r\n\r\n",
			`GET HTTP://b.c:8/d?e path=/d query=e/true host=b.c:8 1.1 keep=true length=-1 chunked=false [{"Host" "a"}]`},
		{"absolute-form without a path", "GET http://[::1]?q HTTP/1.1\r\nHost: b\r\n\r\n",
			`GET http://[::1]?q path=/ query=q/true host=[::1] 1.1 keep=true length=-1 chunked=false [{"Host" "b"}]`},
		{"values are trimmed", "GET / HTTP/1.1\r\nHost: \t a \t\r\nX: b\tc\xff d \r\nY:\r\n\r\n",
			`GET / path=/ query=/false host=a 1.1 keep=true length=-1 chunked=false [{"Host" "a"} {"X" "b\tc\xff d"} {"Y" ""}]`},
		{"asterisk-form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
			`OPTIONS * path=* query=/false host=a 1.1 keep=true length=-1 chunked=false [{"Host" "a"}]`},
		{"length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 007\r\n\r\n",
			`POST / path=/ query=/false host=a 1.1 keep=true length=7 chunked=false [{"Host" "a"} {"Content-Length" "007"}]`},
		{"chunked", "BREW / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n",
			`BREW / path=/ query=/false host=a 1.1 keep=true length=-1 chunked=true [{"Host" "a"} {"Transfer-Encoding" "Chunked"}]`},
		{"IPv6 host", "GET / HTTP/1.1\r\nHost: [::ffff:1.2.3.4]:80\r\n\r\n",
			`GET / path=/ query=/false host=[::ffff:1.2.3.4]:80 1.1 keep=true length=-1 chunked=false [{"Host" "[::ffff:1.2.3.4]:80"}]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := []byte(test.head + "GET /next")
			r, n, status := whole(p, defaults)
			if status != 0 || n != len(test.head) {
				t.Fatalf("got length %d, status %d; want length %d", n, status, len(test.head))
			}
			if got := r.describe(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			s, n, status := stepwise(p, defaults, everyLength(p)...)
			if status != 0 || n != len(test.head) || s.describe() != test.want {
				t.Errorf("byte by byte: length %d, status %d, %s", n, status, s.describe())
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	line := func(s string) string { return s + "\r\nHost: a\r\n\r\n" }
	field := func(s string) string { return "GET / HTTP/1.1\r\nHost: a\r\n" + s + "\r\n\r\n" }
	host := func(s string) string { return "GET / HTTP/1.1\r\n" + s + "\r\n\r\n" }
	tests := []struct {
		name, head string
		status     int
	}{
		{"two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"bare LF first", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"CR and something first", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
		{"bare LF after a field", field("X: y\nZ: z"), 400},
		{"bare LF as the last line", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
		{"bare CR in a value", field("X: y\rZ: z"), 400},
		{"CR CR LF", field("X: y\r"), 400},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x0a\x0a", 400},
		{"HTTP/0.9", "GET /\r\n\r\n", 400},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		{"major 0", line("GET / HTTP/0.9"), 505},
		{"small version", line("GET / http/1.1"), 400},
		{"long version", line("GET / HTTP/1.10"), 400},
		{"short version", line("GET / HTTP/1."), 400},
		{"comma version", line("GET / HTTP/1,1"), 400},
		{"space before the method", line(" GET / HTTP/1.1"), 400},
		{"two spaces", line("GET  / HTTP/1.1"), 400},
		{"two spaces later", line("GET /  HTTP/1.1"), 400},
		{"a tab", line("GET\t/ HTTP/1.1"), 400},
		{"space at the end", line("GET / HTTP/1.1 "), 400},
		{"space in the target", line("GET /a b HTTP/1.1"), 400},
		{"method of no token", line("GE(T / HTTP/1.1"), 400},
		{"no target", line("GET HTTP/1.1"), 400},
		{"NUL in the target", line("GET /\x00 HTTP/1.1"), 400},
		{"control in the target", line("GET /\x7f HTTP/1.1"), 400},
		{"eight bits in the target", line("GET /\xc3\xa4 HTTP/1.1"), 400},
		{"fragment", line("GET /#a HTTP/1.1"), 400},
		{"quote in the target", line(`GET /" HTTP/1.1`), 400},
		{"backslash in the target", line(`GET /\ HTTP/1.1`), 400},
		{"half an encoding", line("GET /%4 HTTP/1.1"), 400},
		{"encoding of no hex", line("GET /%4g HTTP/1.1"), 400},
		{"encoding of no hex in the query", line("GET /?%zz HTTP/1.1"), 400},
		{"relative target", line("GET a HTTP/1.1"), 400},
		{"asterisk", line("GET * HTTP/1.1"), 400},
		{"authority-form", line("GET a:80 HTTP/1.1"), 400},
		{"authority-form for CONNECT", line("CONNECT a:80 HTTP/1.1"), 405},
		{"another scheme", line("GET ftp://a/ HTTP/1.1"), 400},
		{"https", line("GET https://a/ HTTP/1.1"), 421},
		{"https in capitals, with a port and no path", line("OPTIONS HTTPS://[::1]:443 HTTP/1.1"), 421},
		{"https of nobody", line("GET https:///a HTTP/1.1"), 400},
		{"https with userinfo", line("GET https://u@a/ HTTP/1.1"), 400},
		{"https alone", line("GET https:// HTTP/1.1"), 400},
		{"no https", line("GET https:/a/ HTTP/1.1"), 400},
		{"scheme alone", line("GET http:// HTTP/1.1"), 400},
		{"scheme and path", line("GET http:///x HTTP/1.1"), 400},
		{"scheme and port", line("GET http://:80/ HTTP/1.1"), 400},
		{"userinfo", line("GET http://u@a/ HTTP/1.1"), 400},
		{"encoding in the authority", line("GET http://%61/ HTTP/1.1"), 400},
		{"obs-fold", field("X: y\r\n z"), 400},
		{"obs-fold first", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
		{"space before the colon", field("X : y"), 400},
		{"no colon", field("X"), 400},
		{"no name", field(": y"), 400},
		{"name of no token", field("X(: y"), 400},
		{"NUL in a name", field("X\x00: y"), 400},
		{"NUL in a value", field("X: \x00"), 400},
		{"control in a value", field("X: a\x1bb"), 400},
		{"DEL in a value", field("X: \x7f"), 400},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"two Hosts", field("Host: a"), 400},
		{"two Hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHOST: a\r\n\r\n", 400},
		{"no Host beside absolute-form", "GET http://a/ HTTP/1.1\r\n\r\n", 400},
		{"empty Host", host("Host:"), 400},
		{"list of Hosts", host("Host: a, b"), 400},
		{"space in Host", host("Host: a b"), 400},
		{"path in Host", host("Host: a/b"), 400},
		{"userinfo in Host", host("Host: u@a"), 400},
		{"letters for a port", host("Host: a:b"), 400},
		{"two ports", host("Host: a:80:80"), 400},
		{"port alone", host("Host: :80"), 400},
		{"IPv6 without brackets", host("Host: ::1"), 400},
		{"IPv4 in brackets", host("Host: [1.2.3.4]"), 400},
		{"zone", host("Host: [fe80::1%25eth0]"), 400},
		{"open bracket", host("Host: [::1"), 400},
		{"empty brackets", host("Host: []"), 400},
		{"text after the bracket", host("Host: [::1]x"), 400},
		{"length twice", field("Content-Length: 1\r\nContent-Length: 1"), 400},
		{"list of lengths", field("Content-Length: 1, 1"), 400},
		{"signed length", field("Content-Length: +1"), 400},
		{"negative length", field("Content-Length: -1"), 400},
		{"no length", field("Content-Length:"), 400},
		{"hexadecimal length", field("Content-Length: 0x1"), 400},
		{"length over 64 bits", field("Content-Length: 18446744073709551617"), 400},
		{"length over 63 bits", field("Content-Length: 9223372036854775808"), 400},
		{"length beside chunked", field("Content-Length: 1\r\nTransfer-Encoding: chunked"), 400},
		{"chunked in 1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"chunked twice", field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400},
		{"chunked twice in one field", field("Transfer-Encoding: chunked, chunked"), 400},
		{"chunked between others", field("Transfer-Encoding: chunked, gzip, chunked"), 400},
		{"an expectation that is not known", field("Expect: 100-continue, more"), 417},
		{"not chunked at the end", field("Transfer-Encoding: chunked, gzip"), 400},
		{"identity", field("Transfer-Encoding: identity"), 400},
		{"empty coding", field("Transfer-Encoding:"), 400},
		{"another coding, then chunked", field("Transfer-Encoding: gzip, chunked"), 501},
		{"target too long", "GET /" + strings.Repeat("a", 9000) + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
		{"method too long", strings.Repeat("A", 9000) + " / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
		{"noise too long", strings.Repeat("(", 9000), 400},
		{"head too long", field("X: " + strings.Repeat("a", 9000)), 431},
		{"head never ends", field(strings.Repeat("X: a\r\n", 99) + "Y: " + strings.Repeat("a", 8192)), 431},
		{"too many fields", field(strings.Repeat("X: a\r\n", 100) + "Y: a"), 431},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := []byte(test.head)
			if _, n, status := whole(p, defaults); n != 0 || status != test.status {
				t.Errorf("got length %d, status %d; want status %d", n, status, test.status)
			}
			if _, n, status := stepwise(p, defaults, everyLength(p)...); n != 0 || status != test.status {
				t.Errorf("byte by byte: length %d, status %d; want status %d", n, status, test.status)
			}
		})
	}
}

// TestParseLimits: a head exactly as long as the limits allow passes, one byte
// or field more does not.
func TestParseLimits(t *testing.T) {
	limits := Limits{Head: 512, Fields: 10}
	build := func(size, fields int) []byte {
		head := "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", fields-2) + "Y: "
		return []byte(head + strings.Repeat("z", size-len(head)-4) + "\r\n\r\n")
	}
	for _, test := range []struct{ size, fields, status int }{
		{512, 10, 0}, {513, 10, 431}, {512, 11, 431}, {200, 10, 0}, {200, 11, 431},
	} {
		p := build(test.size, test.fields)
		_, n, status := whole(p, limits)
		if status != test.status || status == 0 && n != test.size {
			t.Errorf("%d bytes, %d fields: got length %d, status %d; want status %d", test.size, test.fields, n, status, test.status)
		}
	}
}

// TestParseIncomplete: every true prefix of a good head asks for more.
func TestParseIncomplete(t *testing.T) {
	p := []byte("\r\nGET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
	for i := range p {
		if _, n, status := whole(p[:i], defaults); n != 0 || status != 0 {
			t.Errorf("%q: length %d, status %d", p[:i], n, status)
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	p := []byte("GET http://[::1]:80/a?b HTTP/1.1\r\nHost: [::1]:80\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")
	var r Request
	var at progress
	r.parse(p, defaults, &at)
	if n := testing.AllocsPerRun(100, func() {
		at = progress{}
		if n, _ := r.parse(p, defaults, &at); n != len(p) {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRequestField(t *testing.T) {
	r, _, _ := whole([]byte("GET / HTTP/1.1\r\nHost: a\r\nX-Y: 1\r\nx-y: 2\r\n\r\n"), defaults)
	if got := r.Field("x-y"); string(got) != "1" {
		t.Errorf("got %q", got)
	}
	if got := r.Field("z"); got != nil {
		t.Errorf("got %q", got)
	}
}

func BenchmarkParse(b *testing.B) {
	p := []byte("GET /fixed/13 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
	var r Request
	b.ReportAllocs()
	for b.Loop() {
		var at progress
		r.parse(p, defaults, &at)
	}
}
