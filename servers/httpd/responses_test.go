package httpd

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// head is what a response to HTTP/1.1 with these values begins with.
func head(status, fields string, length int) string {
	return "HTTP/1.1 " + status + "\r\nServer: medusa\r\nDate: " + epochDate + "\r\n" + fields +
		fmt.Sprintf("Content-Length: %d\r\n", length)
}

// plain is a whole response of text; extra stands behind Content-Length.
func plain(status, body, extra string) string {
	return head(status, "Content-Type: text/plain; charset=utf-8\r\n", len(body)) + extra + "\r\n" + body
}

const closes = "Connection: close\r\n"

func TestResponses(t *testing.T) {
	hello := "Hello, World!"
	get := func(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }
	notAllowed := func(extra string) string {
		return head("405 Method Not Allowed", "Content-Type: text/plain; charset=utf-8\r\nAllow: GET, HEAD, OPTIONS\r\n", 23) + extra + "\r\n405 Method Not Allowed\n"
	}
	options := func(extra string) string {
		return "HTTP/1.1 204 No Content\r\nServer: medusa\r\nDate: " + epochDate + "\r\nAllow: GET, HEAD, OPTIONS\r\n" + extra + "\r\n"
	}
	tests := []struct{ name, in, out string }{
		{"fixed", get("/fixed/13"), plain("200 OK", hello, "")},
		{"fixed with a query", get("/fixed/13?x"), plain("200 OK", hello, "")},
		{"fixed of nothing", get("/fixed/0"), plain("200 OK", "", "")},
		{"fixed cut", get("/fixed/15"), plain("200 OK", hello+"He", "")},
		{"fixed too long", get("/fixed/1048577"), plain("404 Not Found", "404 Not Found\n", "")},
		{"fixed of no number", get("/fixed/x"), plain("404 Not Found", "404 Not Found\n", "")},
		{"fixed without a number", get("/fixed/"), plain("404 Not Found", "404 Not Found\n", "")},
		{"HEAD", "HEAD /fixed/13 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/fixed/1"),
			head("200 OK", "Content-Type: text/plain; charset=utf-8\r\n", 13) + "\r\n" + plain("200 OK", "H", "")},
		{"HEAD of nothing there", "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n",
			head("404 Not Found", "Content-Type: text/plain; charset=utf-8\r\n", 14) + "\r\n"},
		{"1.0", "GET /fixed/1 HTTP/1.0\r\n\r\n" + get("/fixed/2"), plain("200 OK", "H", closes)},
		{"1.0 keep-alive", "GET /fixed/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /fixed/2 HTTP/1.0\r\n\r\n",
			plain("200 OK", "H", "Connection: keep-alive\r\n") + plain("200 OK", "He", closes)},
		{"close", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + get("/fixed/2"), plain("200 OK", "H", closes)},
		{"pipelined", get("/fixed/1") + get("/x") + "\r\n" + get("/fixed/2"),
			plain("200 OK", "H", "") + plain("404 Not Found", "404 Not Found\n", "") + plain("200 OK", "He", "")},
		{"known method", "DELETE /fixed/1 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/fixed/2"), notAllowed("") + plain("200 OK", "He", "")},
		{"unknown method", "get /fixed/1 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/fixed/2"),
			plain("501 Not Implemented", "501 Not Implemented\n", "") + plain("200 OK", "He", "")},
		{"OPTIONS", "OPTIONS /fixed/1 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/fixed/2"), options("") + plain("200 OK", "He", "")},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" + get("/fixed/2"), options("") + plain("200 OK", "He", "")},
		{"OPTIONS * at last", "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", options(closes)},
		{"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/fixed/2"), notAllowed(closes)},
		{"empty content", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + get("/fixed/2"),
			plain("200 OK", "H", "") + plain("200 OK", "He", "")},
		{"content that looks like a request", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 34\r\n\r\n" + get("/fixed/2") + get("/fixed/3"),
			plain("200 OK", "H", "") + plain("200 OK", "Hel", "")},
		{"content of another method", "POST /fixed/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get("/fixed/3"),
			notAllowed("") + plain("200 OK", "Hel", "")},
		{"content of an unknown method", "BREW /fixed/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get("/fixed/3"),
			plain("501 Not Implemented", "501 Not Implemented\n", "") + plain("200 OK", "Hel", "")},
		{"content at last", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc" + get("/fixed/3"),
			plain("200 OK", "H", closes)},
		{"content cut off", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabc", plain("200 OK", "H", "")},
		{"content too long to drain", fmt.Sprintf("GET /fixed/1 HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", drainLimit+1) + get("/fixed/2"),
			plain("200 OK", "H", closes)},
		{"content too long", "POST /fixed/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n" + get("/fixed/2"),
			plain("413 Content Too Large", "413 Content Too Large\n", closes)},
		{"chunked content", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nA: b\r\n\r\n" + get("/fixed/2"),
			plain("200 OK", "H", "") + plain("200 OK", "He", "")},
		{"chunked content too long to drain", fmt.Sprintf("GET /fixed/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", drainLimit+1, strings.Repeat("x", drainLimit+1)) + get("/fixed/2"),
			plain("200 OK", "H", "")},
		{"faulty chunk", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n" + get("/fixed/2"),
			plain("200 OK", "H", "")},
		{"expectation of content that nobody takes", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc" + get("/fixed/2"),
			plain("200 OK", "H", closes)},
		{"expectation without content", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n" + get("/fixed/2"),
			plain("200 OK", "H", "") + plain("200 OK", "He", "")},
		{"another expectation", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n" + get("/fixed/2"),
			plain("417 Expectation Failed", "417 Expectation Failed\n", closes)},
		{"another expectation of 1.0", "GET /fixed/1 HTTP/1.0\r\nExpect: more\r\n\r\n", plain("200 OK", "H", closes)},
		{"refused after a good one", get("/fixed/1") + "GET / HTTP/3.0\r\nHost: a\r\n\r\n" + get("/fixed/2"),
			plain("200 OK", "H", "") + plain("505 HTTP Version Not Supported", "505 HTTP Version Not Supported\n", closes)},
		{"refused HEAD", "HEAD / HTTP/1.1\r\n\r\n", head("400 Bad Request", "Content-Type: text/plain; charset=utf-8\r\n", 16) + closes + "\r\n"},
		{"garbage", "\x00\x01\x02\n\n\n", plain("400 Bad Request", "400 Bad Request\n", closes)},
		{"half a head", "GET / HT", ""},
		{"nothing", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := newWorld(t, loop.Config{}, Config{}, "").ask(test.in); got != test.out {
				t.Fatalf("got  %q\nwant %q", got, test.out)
			}
			// However the network cuts it.
			for cut := 1; cut < min(len(test.in), 600); cut++ {
				w := newWorld(t, loop.Config{}, Config{}, "")
				c := w.dial(&client{sends: [][]byte{[]byte(test.in[:cut]), []byte(test.in[cut:])}, gap: 1, fin: true})
				w.run()
				if string(c.got) != test.out {
					t.Fatalf("cut at %d: got %q\nwant %q", cut, c.got, test.out)
				}
			}
			w := newWorld(t, loop.Config{Sim: &loop.SimConfig{Seed: 1, MaxChunk: 1, Latency: time.Microsecond}}, Config{}, "")
			if got := w.ask(test.in); got != test.out {
				t.Fatalf("byte by byte: got %q\nwant %q", got, test.out)
			}
		})
	}
}
