package httpd

import (
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// TestProxyRequest: what of a request goes on, and how.
func TestProxyRequest(t *testing.T) {
	const end = "Via: 1.1 medusa\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: a\r\nX-Forwarded-Proto: http\r\n"
	get := func(fields string) string { return "GET /a HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" }
	tests := []struct{ name, in, out string }{
		{"plain", getA, "GET /a HTTP/1.1\r\nHost: a\r\n" + end + "\r\n"},
		{"target as it came", "GET /%41//./b;c?d=/../%2e HTTP/1.1\r\nHost: A:80\r\n\r\n",
			"GET /%41//./b;c?d=/../%2e HTTP/1.1\r\nHost: A:80\r\n" + strings.Replace(end, "Host: a", "Host: A:80", 1) + "\r\n"},
		{"empty query", "GET /a? HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a? HTTP/1.1\r\nHost: a\r\n" + end + "\r\n"},
		{"absolute-form", "GET http://a/b?c HTTP/1.1\r\nHost: z\r\n\r\n", "GET /b?c HTTP/1.1\r\nHost: a\r\n" + end + "\r\n"},
		{"absolute-form without a path", "GET http://a HTTP/1.1\r\nHost: z\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n" + end + "\r\n"},
		{"1.0 without a host", "GET /a HTTP/1.0\r\n\r\n",
			"GET /a HTTP/1.1\r\nHost: 127.0.0.1:81\r\nVia: 1.0 medusa\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n\r\n"},
		{"fields as they came", get("aCCept: */*\r\nX: \r\nCookie: a=b\r\nCookie: c=d\r\nRange: bytes=0-1\r\n"),
			get("aCCept: */*\r\nX: \r\nCookie: a=b\r\nCookie: c=d\r\nRange: bytes=0-1\r\n" + end)},
		{"fields of the connection", get("Connection: keep-alive\r\nKeep-Alive: 1\r\nProxy-Connection: x\r\nProxy-Authorization: x\r\nPROXY_AUTHORIZATION: x\r\n" +
			"TE: trailers\r\nTrailer: x\r\nUpgrade: h2c\r\nProxy: x\r\nProxyX: x\r\nUpgrade-Insecure-Requests: 1\r\n"), get("ProxyX: x\r\nUpgrade-Insecure-Requests: 1\r\n" + end)},
		{"fields that Connection lists", get("Connection: x-a , close,X-B, Host, via\r\nX-A: 1\r\nx-b: 2\r\nX-C: 3\r\n"), get("X-C: 3\r\n" + end)},
		{"two Connection fields", get("Connection: a\r\nA: 1\r\nB: 1\r\nConnection: b\r\nC: 1\r\n"), get("C: 1\r\n" + end)},
		{"what a client says of forwarding", get("Forwarded: for=b\r\nX-Forwarded-For: b\r\nx_forwarded_for: b\r\nX-FORWARDED-PORT: 1\r\nX-Real-IP: b\r\nX_Real_IP: b\r\n"), get(end)},
		{"Via is continued", get("Via: 1.0 fred\r\n"), get("Via: 1.0 fred\r\n" + end)},
		{"OPTIONS with hops left", "OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 7\r\n\r\n", "OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 6\r\n" + end + "\r\n"},
		{"empty content", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST /a HTTP/1.1\r\nHost: a\r\n" + end + "Content-Length: 0\r\n\r\n"},
		{"content of a length", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0005\r\nContent_Length: 3\r\n\r\nhello",
			"POST /a HTTP/1.1\r\nHost: a\r\n" + end + "Content-Length: 5\r\n\r\nhello"},
		{"content that looks like a request", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 29\r\n\r\n" + getA,
			"POST /a HTTP/1.1\r\nHost: a\r\n" + end + "Content-Length: 29\r\n\r\n" + getA},
		{"chunked content", "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n005;x=y\r\nhello\r\n0\r\nT: r\r\n\r\n",
			"POST /a HTTP/1.1\r\nHost: a\r\n" + end + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{"Expect stays here", "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
			"POST /a HTTP/1.1\r\nHost: a\r\n" + end + "Content-Length: 5\r\n\r\nhello"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3) {
				var x *proxied
				var seen string
				x = newProxied(t, loop.Config{Sim: &loop.SimConfig{Seed: seed, Latency: time.Microsecond}}, ProxyOptions{}, nil)
				client := x.asks(test.in)
				x.loop.At(loop.Time(time.Second), func() {
					for _, c := range x.origin.conns {
						seen += string(c.in)
						c.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
					}
				})
				x.finish()
				if seen != test.out {
					t.Fatalf("the upstream server saw %q\nwant %q", seen, test.out)
				}
				if !strings.HasSuffix(string(client.got), "\r\n\r\nx") || len(x.logged) != 1 || x.logged[0].Status != 200 || x.logged[0].Bytes != 1 {
					t.Errorf("the client got %q; logged %+v", client.got, x.logged)
				}
			}
		})
	}
}

// TestProxyAnswersItself: what is not passed on.
func TestProxyAnswersItself(t *testing.T) {
	for request, want := range map[string]string{
		"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n":                           "405 ",
		"OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n":      "204 ",
		"GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n":                       "400 ",
		"GET /a/%2E. HTTP/1.1\r\nHost: a\r\n\r\n":                       "400 ",
		"GET /a%2f..%5Cb HTTP/1.1\r\nHost: a\r\n\r\n":                   "400 ",
		"GET /a/..;x/b HTTP/1.1\r\nHost: a\r\n\r\n":                     "400 ",
		"BREW / HTTP/1.1\r\nHost: a\r\n\r\n":                            "501 ",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n": "413 ",
	} {
		x := newProxied(t, loop.Config{}, ProxyOptions{}, nil)
		c := x.asks(request)
		x.finish()
		if !strings.HasPrefix(string(c.got), "HTTP/1.1 "+want) || len(x.origin.conns) > 0 {
			t.Errorf("%q: %d connections, %q", request, len(x.origin.conns), c.got)
		}
	}
	for _, path := range []string{"/...", "/..a/", "/.a./b", "/a..", "/./.", "/a/..b", "/;.."} {
		if climbs([]byte(path)) {
			t.Errorf("%s climbs", path)
		}
	}
}

func TestProxyPrefix(t *testing.T) {
	x := newProxied(t, loop.Config{}, ProxyOptions{}, nil)
	for _, test := range []struct {
		prefix, path string
		want         bool
	}{
		{"/", "/", true}, {"/", "/a", true}, {"/api", "/api", true}, {"/api", "/api/", true}, {"/api/", "/api/x", true}, {"/api/", "/api", true},
		{"/api", "/apix", false}, {"/api", "/", false}, {"/api", "/x/api", false}, {"/api", "/API", false},
	} {
		p, err := NewProxy(x.loop, test.prefix, originAddress, ProxyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Match(&Request{Path: []byte(test.path)}); got != test.want {
			t.Errorf("prefix %s, path %s: %t", test.prefix, test.path, got)
		}
	}
	for _, prefix := range []string{"", "api", "/a b", "/a?b", "/%zz", "/a\r\nX: y"} {
		if _, err := NewProxy(x.loop, prefix, originAddress, ProxyOptions{}); err == nil {
			t.Errorf("prefix %q was taken", prefix)
		}
	}
}

// TestProxyAnswer: what of an answer goes on, and how.
func TestProxyAnswer(t *testing.T) {
	ok := func(fields string, n int, body string) string {
		return head("200 OK", fields+via, n) + "\r\n" + body
	}
	start := "HTTP/1.1 200 OK\r\nServer: medusa\r\nDate: " + epochDate + "\r\n"
	const chunks = "Transfer-Encoding: chunked\r\n"
	head := "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n"
	old := "GET /a HTTP/1.0\r\n\r\n"
	tests := []struct {
		name, ask, in, out string
		fin                bool // by the upstream server
		again              bool // its connection serves again
	}{
		{"length", getA, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", ok("", 5, "hello"), false, true},
		{"no content", getA, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ok("", 0, ""), false, true},
		{"no reason", getA, "HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx", ok("", 1, "x"), false, true},
		{"chunked", getA, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: r\r\n\r\n",
			start + via + chunks + "\r\n5\r\nhello\r\n0\r\n\r\n", false, true},
		{"until close", getA, "HTTP/1.1 200 OK\r\n\r\nhello", start + via + chunks + "\r\n5\r\nhello\r\n0\r\n\r\n", true, false},
		{"1.0", getA, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", strings.Replace(ok("", 5, "hello"), "1.1 medusa", "1.0 medusa", 1), true, false},
		{"1.0 that persists", getA, "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx",
			strings.Replace(ok("", 1, "x"), "1.1 medusa", "1.0 medusa", 1), false, true},
		{"close", getA, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", ok("", 1, "x"), true, false},
		{"close, but it does not", getA, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", ok("", 1, "x"), false, false},
		{"chunked to 1.0", old, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", start + via + closes + "\r\nhello", false, true},
		{"interim answers", getA, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", ok("", 1, "x"), false, true},
		{"fields", getA, "HTTP/1.1 200 OK\r\nsErver: x\r\nDate: y\r\nETag: \"e\"\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Type: t\r\nKeep-Alive: 1\r\n" +
			"Connection: x-a\r\nX-A: 1\r\nUpgrade: h2c\r\nTrailer: T\r\nProxy-Authenticate: x\r\nVia: 1.1 fred\r\nContent-Length: 1\r\n\r\nx",
			ok("ETag: \"e\"\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Type: t\r\nVia: 1.1 fred\r\n", 1, "x"), false, true},
		{"HEAD", head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", ok("", 5, ""), false, true},
		{"HEAD without a length", head, "HTTP/1.1 200 OK\r\n\r\n", start + via + chunks + "\r\n", false, true},
		{"HEAD chunked", head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", start + via + chunks + "\r\n", false, true},
		{"204", getA, "HTTP/1.1 204 No Content\r\n\r\n", strings.Replace(start, "200 OK", "204 No Content", 1) + via + "\r\n", false, true},
		{"304 with a length", getA, "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\nContent-Length: 5\r\n\r\n",
			strings.Replace(start, "200 OK", "304 Not Modified", 1) + "ETag: \"e\"\r\n" + via + "\r\n", false, true},
		{"error", getA, "HTTP/1.1 500 Oops\r\nContent-Length: 1\r\n\r\nx", strings.Replace(ok("", 1, "x"), "200 OK", "500 Internal Server Error", 1), false, true},
		{"unasked bytes after it", getA, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny", ok("", 1, "x"), false, false},
		{"content with 204", getA, "HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\nx", strings.Replace(start, "200 OK", "204 No Content", 1) + via + "\r\n", false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(6) {
				cfg := &loop.SimConfig{Seed: seed}
				if seed > 2 {
					cfg.MaxChunk = 1
				}
				x := newProxied(t, loop.Config{Sim: cfg}, ProxyOptions{}, func(c *originConn, head string) {
					c.write(test.in)
					if test.fin {
						c.conn.CloseWhenDone()
					}
				})
				first := x.asks(test.ask)
				x.loop.At(loop.Time(3*time.Second), func() { x.asks(getA) })
				x.finish()
				want := test.out
				got := string(first.got)
				if cfg.MaxChunk == 1 {
					got, want = unchunk(got), unchunk(want)
				}
				if got != want {
					t.Fatalf("the client got %q\nwant %q", got, want)
				}
				if again := len(x.origin.conns) == 1; again != test.again {
					t.Errorf("%d connections; want one for both requests: %t", len(x.origin.conns), test.again)
				}
			}
		})
	}
}

// unchunk joins the content of an answer that may be chunked, as the network
// decides where the chunks are cut.
func unchunk(text string) string {
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	if !strings.Contains(head, "chunked") || body == "" {
		return text
	}
	data, length, status := decode([]byte(body))
	if status != 0 || length != len(body) {
		return "bad chunks: " + text
	}
	return head + "\r\n\r\n" + string(data)
}

// TestProxyBadAnswer: 502, if the client has not been told anything else.
func TestProxyBadAnswer(t *testing.T) {
	tests := map[string]string{
		"nothing, then FIN":       "",
		"half a head":             "HTTP/1.1 200 OK\r\nContent-",
		"another protocol":        "SSH-2.0-OpenSSH_9.2\r\n",
		"HTTP/0.9":                "<html>",
		"HTTP/2":                  "HTTP/2.0 200 OK\r\n\r\n",
		"no status":               "HTTP/1.1 OK\r\n\r\n",
		"status of two digits":    "HTTP/1.1 20 OK\r\n\r\n",
		"status under 100":        "HTTP/1.1 099 OK\r\n\r\n",
		"bare LF":                 "HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
		"obs-fold":                "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 1\r\n\r\nx",
		"space before a colon":    "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\nx",
		"NUL":                     "HTTP/1.1 200 OK\r\nA: \x00\r\nContent-Length: 1\r\n\r\nx",
		"bare CR in a value":      "HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: c\r\nContent-Length: 1\r\n\r\nx",
		"two lengths":             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
		"list of lengths":         "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx",
		"signed length":           "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
		"length beside a coding":  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"another coding":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"two codings":             "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"coding of 1.0":           "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"switches protocols":      "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"interim answers forever": strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 20),
		"a long head":             "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 20<<10) + "\r\nContent-Length: 1\r\n\r\nx",
		"many fields":             "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 101) + "Content-Length: 1\r\n\r\nx",
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(4) {
				cfg := &loop.SimConfig{Seed: seed}
				if seed > 1 {
					cfg.MaxChunk = 3
				}
				x := newProxied(t, loop.Config{Sim: cfg}, ProxyOptions{}, func(c *originConn, head string) {
					c.write(in)
					c.conn.CloseWhenDone()
				})
				c := x.asks(getA + "GET /fixed/1 HTTP/1.1\r\nHost: a\r\n\r\n")
				x.finish()
				want := plain("502 Bad Gateway", "502 Bad Gateway\n", "") + plain("200 OK", "H", "")
				if string(c.got) != want {
					t.Fatalf("the client got %q\nwant %q", c.got, want)
				}
			}
		})
	}
}

// TestProxyTruncatedAnswer: the client's connection is reset, so that it does
// not take a part for the whole.
func TestProxyTruncatedAnswer(t *testing.T) {
	for name, in := range map[string]string{
		"length":      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
		"chunked":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"bad chunk":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx",
		"until close": "HTTP/1.1 200 OK\r\n\r\nhello",
	} {
		for _, ask := range []string{getA, "GET /a HTTP/1.0\r\n\r\n"} {
			x := newProxied(t, loop.Config{}, ProxyOptions{}, func(c *originConn, _ string) {
				c.write(in)
				c.origin.world.loop.At(c.origin.world.loop.Now().Add(time.Second), c.conn.Abort)
			})
			c := x.asks(ask)
			x.finish()
			if !strings.Contains(string(c.got), "hello") || strings.HasSuffix(string(c.got), string(lastChunk)) || loop.Kind(c.err) != "reset" {
				t.Errorf("%s, %.20s: the client got %q, closed with %v", name, ask, c.got, c.err)
			}
			if len(x.logged) != 1 || x.logged[0].Bytes != 5 {
				t.Errorf("%s: logged %+v", name, x.logged)
			}
		}
	}
}
