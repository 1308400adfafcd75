package httpd

import (
	"strings"
	"testing"

	"medusa/poller/loop"
)

// TestEachRequestIsLoggedOnce: with the status it was answered with, or 499
// if it was not.
func TestEachRequestIsLoggedOnce(t *testing.T) {
	post := func(path, rest string) string { return "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + rest }
	for _, test := range []struct {
		name, sends, want string
		fin               bool
		limit             int64
		abort             float64 // of the client, in seconds
	}{
		{"content cut off", post("/echo", "Content-Length: 5\r\n\r\nab"), "POST /echo 400 16", true, 0, 0},
		{"content cut off, HEAD", strings.Replace(post("/echo", "Content-Length: 5\r\n\r\nab"), "POST", "HEAD", 1), "HEAD /echo 400 0", true, 0, 0},
		{"content does not come", post("/echo", "Content-Length: 5\r\n\r\nab"), "POST /echo 408 20", false, 0, 0},
		{"content in no chunks", post("/echo", "Transfer-Encoding: chunked\r\n\r\nx"), "POST /echo 400 16", false, 0, 0},
		{"content too long", post("/echo", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), "POST /echo 413 22", false, 4, 0},
		{"length too great", post("/echo", "Content-Length: 5\r\n\r\nhello"), "POST /echo 413 22", false, 4, 0},
		{"content of an answered request cut off", post("/fixed/1", "Content-Length: 5\r\n\r\nab"), "POST /fixed/1 405 23", true, 0, 0},
		{"after a late answer", post("/after/1", "Content-Length: 5\r\n\r\nab"), "POST /after/1 200 5", false, 0, 0},
		{"in a streamed answer", post("/back", "Content-Length: 5\r\n\r\nab"), "POST /back 200 2", false, 0, 0},
		{"client gone before the answer", post("/after/5000", "\r\n"), "POST /after/5000 499 0", false, 0, 1},
		{"client gone in the content", post("/echo", "Content-Length: 5\r\n\r\nab"), "POST /echo 499 0", false, 0, 1},
		{"client gone in the answer", post("/back", "Content-Length: 5\r\n\r\nab"), "POST /back 200 2", false, 0, 1},
		{"refused head, HEAD", "HEAD / HTTP/1.1\r\n\r\n", "  400 0", false, 0, 0},
	} {
		var log logbook
		w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{&later{}, NewFixed()}, Log: &log, Limits: Limits{Content: test.limit}}, "")
		c := w.dial(&client{sends: texts(test.sends), fin: test.fin})
		if test.abort > 0 {
			w.loop.At(seconds(test.abort), func() { c.conn.Abort() })
		}
		w.run()
		if got := log.said(); got != test.want {
			t.Errorf("%s: logged %q, want %q", test.name, got, test.want)
		}
	}
}

// TestReaderIsLoggedWhateverHappens: an answer that is read while it is sent is
// logged, and its reader closed, though the connection takes no more.
func TestReaderIsLoggedWhateverHappens(t *testing.T) {
	for _, late := range []bool{false, true} {
		var log logbook
		l := &later{}
		give := func(w *Response) { w.BodyReader(&counted{strings.NewReader("text"), l}, 4) }
		x := &extension{handle: func(r *Request, w *Response) {
			conn := r.conn
			if !late {
				conn.Abort()
				give(w)
				return
			}
			exchange := w.Async(&crossed{})
			exchange.Loop().Post(func() {
				conn.Abort()
				exchange.Answer(give)
			})
		}}
		w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{x}, Log: &log}, "")
		w.dial(&client{sends: texts(request)})
		w.run()
		if got := log.said(); got != "GET /fixed/1 200 0" || l.ended != 1 {
			t.Errorf("late %t: logged %q; closed %d times", late, got, l.ended)
		}
	}
}
