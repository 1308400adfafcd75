package httpd

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// A connection may be closed to make a place when its client asks for nothing.
func TestIdle(t *testing.T) {
	w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{NewFixed(), NewDelay()}}, "")
	idle := func() (idle bool) {
		n := 0
		w.loop.Each(func(c *loop.Conn) {
			if h, ok := c.Handler().(*conn); ok {
				idle = h.Idle(c)
				n++
			}
		})
		if n != 1 {
			t.Errorf("%d connections", n)
		}
		return idle
	}
	const head = "GET /fixed/1 HTTP/1.1\r\nHost: a\r\n\r\n"
	client := w.dial(&client{})
	for _, step := range []struct {
		at   time.Duration
		send string
		idle bool // a millisecond later
	}{
		{100 * time.Millisecond, "", true},
		{1200 * time.Millisecond, head[:9], false},
		{1300 * time.Millisecond, head[9:], true},
		{1400 * time.Millisecond, strings.Replace(head, "/fixed/1", "/delay/50ms", 1), false},
		{1500 * time.Millisecond, "", true},
	} {
		w.loop.At(loop.Time(step.at), func() {
			client.conn.Write([]byte(step.send))
			w.loop.At(w.loop.Now().Add(time.Millisecond), func() {
				if idle() != step.idle {
					t.Errorf("after %v and %q: idle %v", step.at, step.send, !step.idle)
				}
			})
		})
	}
	w.loop.At(loop.Time(1600*time.Millisecond), func() { client.conn.CloseWhenDone() })
	w.run()
	if n := strings.Count(string(client.got), "HTTP/1.1 200 "); n != 2 {
		t.Errorf("%d answers: %q", n, client.got)
	}
}

// What who is refused gets is a whole response that ends the connection.
func TestRefusal(t *testing.T) {
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(Refusal())), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 503 || !r.Close || int64(len(body)) != r.ContentLength || r.Header.Get("Retry-After") != "1" {
		t.Errorf("%s, %q, close %v, fields %v, %v", r.Status, body, r.Close, r.Header, err)
	}
}
