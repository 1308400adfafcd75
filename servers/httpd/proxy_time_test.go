package httpd

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

const okA = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"

func answerOK(c *originConn, _ string) { c.write(okA) }

// statuses are those of the responses in got.
func statuses(got []byte) string {
	var all []string
	for _, part := range strings.Split(string(got), "HTTP/1.1 ")[1:] {
		all = append(all, part[:3])
	}
	return strings.Join(all, " ")
}

// TestProxyReuse: one connection serves one client after the other, and many
// at once are bounded.
func TestProxyReuse(t *testing.T) {
	x := newProxied(t, loop.Config{}, ProxyOptions{}, func(c *originConn, _ string) {
		c.write("HTTP/1.1 102 Processing\r\n\r\n" + okA) // each may have some
	})
	c := x.asks(strings.Repeat(getA, 50))
	for i := range 20 {
		x.loop.At(loop.Time(i+1)*loop.Time(time.Second), func() { x.asks(getA) })
	}
	x.finish()
	if n := strings.Count(string(c.got), "HTTP/1.1 200 OK"); n != 50 || len(x.origin.conns) != 1 || x.origin.conns[0].heads != 70 {
		t.Errorf("%d answers, over %d connections", n, len(x.origin.conns))
	}
	if at := x.origin.conns[0].closed; at < loop.Time(35*time.Second) || at > loop.Time(38*time.Second) {
		t.Errorf("the idle connection was closed at %v, want 15 s after the last request at 20 s", time.Duration(at))
	}
}

func TestProxyBounds(t *testing.T) {
	x := newProxied(t, loop.Config{}, ProxyOptions{Connections: 3, Idle: 2}, func(c *originConn, _ string) {
		c.origin.world.loop.At(loop.Time(time.Second), func() { c.write(okA) })
	})
	var all []*client
	for range 5 {
		all = append(all, x.asks(getA))
	}
	x.loop.At(loop.Time(1500*time.Millisecond), func() {
		if x.proxy.open != 2 || len(x.proxy.idle) != 2 {
			t.Errorf("%d connections, %d idle; want 2, both idle", x.proxy.open, len(x.proxy.idle))
		}
		all = append(all, x.asks(getA))
	})
	x.finish()
	var got []string
	for _, c := range all {
		got = append(got, statuses(c.got))
	}
	counts := map[string]int{}
	for _, s := range got {
		counts[s]++
	}
	if counts["200"] != 4 || counts["503"] != 2 || len(x.origin.conns) != 3 {
		t.Errorf("answers %v over %d connections", got, len(x.origin.conns))
	}
}

// TestProxyRetry: a connection that ends as it is used again says nothing
// about the request.
func TestProxyRetry(t *testing.T) {
	const post = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
	for _, test := range []struct {
		name, ask string
		answers   []string // of each connection to its second request; "" resets
		want      string
		conns     int
	}{
		{"reset", getA, []string{""}, "200", 2},
		{"FIN", getA, []string{"FIN"}, "200", 2},
		{"HEAD", "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n", []string{""}, "200", 2},
		{"PUT", strings.Replace(post, "POST", "PUT", 1), []string{""}, "200", 2},
		{"DELETE", strings.Replace(post, "POST", "DELETE", 1), []string{""}, "200", 2},
		{"a byte came", getA, []string{"H"}, "502", 1},
		{"POST", post, []string{""}, "502", 1},
		{"PATCH", strings.Replace(post, "POST", "PATCH", 1), []string{""}, "502", 1},
		{"GET with content", "GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", []string{""}, "502", 1},
		{"PUT with content", "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", []string{""}, "502", 1},
		{"only once", getA, []string{"", "first"}, "502", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			x := newProxied(t, loop.Config{}, ProxyOptions{}, func(c *originConn, _ string) {
				answer := ""
				if c.index < len(test.answers) {
					answer = test.answers[c.index]
				}
				switch {
				case answer == "first", c.heads == 2 && answer == "":
					c.conn.Abort()
				case c.heads == 2:
					if answer != "FIN" {
						c.write(answer)
					}
					c.conn.CloseWhenDone()
				default:
					c.write(okA)
				}
			})
			x.asks(getA)
			var c *client
			x.loop.At(loop.Time(time.Second), func() { c = x.asks(test.ask) })
			x.finish()
			if got := statuses(c.got); got != test.want || len(x.origin.conns) != test.conns {
				t.Errorf("answer %q over %d connections, want %q over %d", c.got, len(x.origin.conns), test.want, test.conns)
			}
		})
	}
}

// TestProxyIdleCloses: a connection that the upstream server closes while it
// is not in use is not used again; nor is one on which it speaks unasked.
func TestProxyIdleCloses(t *testing.T) {
	for name, act := range map[string]func(c *originConn){
		"FIN": func(c *originConn) { c.conn.CloseWhenDone() }, "reset": func(c *originConn) { c.conn.Abort() },
		"speaks": func(c *originConn) { c.write(okA) },
	} {
		x := newProxied(t, loop.Config{}, ProxyOptions{}, answerOK)
		x.asks(getA)
		x.loop.At(loop.Time(time.Second), func() { act(x.origin.conns[0]) })
		var c *client
		x.loop.At(loop.Time(2*time.Second), func() {
			if len(x.proxy.idle) != 0 {
				t.Errorf("%s: it is still kept", name)
			}
			c = x.asks("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
		})
		x.finish()
		if got := statuses(c.got); got != "200" || len(x.origin.conns) != 2 {
			t.Errorf("%s: %q over %d connections", name, c.got, len(x.origin.conns))
		}
	}
}

func TestProxyTimeouts(t *testing.T) {
	const start = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
	options := ProxyOptions{ConnectTimeout: time.Second, AnswerTimeout: 2 * time.Second, StallTimeout: 3 * time.Second}
	for _, test := range []struct {
		name     string
		latency  time.Duration
		refused  bool
		asked    func(c *originConn, _ string)
		ask      string
		status   string
		kind     string // of the client's end
		from, to float64
	}{
		{"connect", 600 * time.Millisecond, false, answerOK, getA, "504", "ok", 3.4, 3.5}, // the client's own ways take 2.4
		{"connect, with content", 600 * time.Millisecond, false, answerOK, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", "504", "ok", 3.4, 3.5},
		{"connect, with chunks", 600 * time.Millisecond, false, answerOK, "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "504", "ok", 3.4, 3.5},
		{"refused", 0, true, nil, getA, "502", "ok", 0, 0},
		{"no answer", 0, false, func(*originConn, string) {}, getA, "504", "ok", 2, 2.1},
		{"half a head", 0, false, func(c *originConn, _ string) { c.write("HTTP/1.1 2") }, getA, "504", "ok", 2, 2.1},
		{"only interim answers", 0, false, func(c *originConn, _ string) { c.write("HTTP/1.1 100 Continue\r\n\r\n") }, getA, "504", "ok", 2, 2.1},
		{"half an answer", 0, false, func(c *originConn, _ string) { c.write(start) }, getA, "200", "reset", 3, 6.1},
		{"a slow answer", 0, false, func(c *originConn, _ string) {
			c.write(start)
			for i := range 5 {
				c.origin.world.loop.At(seconds(2.9*float64(i+1)), func() { c.write("x") })
			}
		}, getA, "200", "ok", 14.5, 14.6},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			x := newProxied(t, loop.Config{Sim: &loop.SimConfig{Latency: test.latency}}, options, test.asked)
			if test.refused {
				x.proxy.address = netip.MustParseAddrPort("127.0.0.1:82")
			}
			c := x.asks(test.ask)
			x.finish()
			if got := statuses(c.got); got != test.status || loop.Kind(c.err) != test.kind {
				t.Errorf("answer %q, closed with %v", c.got, c.err)
			}
			at := c.last
			if test.kind == "reset" {
				at = c.closed
			}
			if at < seconds(test.from) || at > seconds(test.to) {
				t.Errorf("at %v, want %v to %v s", time.Duration(at), test.from, test.to)
			}
		})
	}
}

// TestProxySlowRequest: an upstream server that takes a request's content
// slowly is waited for; one that takes none is not, and neither is a client
// that sends none.
func TestProxySlowRequest(t *testing.T) {
	options := ProxyOptions{AnswerTimeout: time.Second, StallTimeout: 2 * time.Second}
	const size = 400 << 10
	ask := fmt.Sprintf("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size) + strings.Repeat("x", size)
	for _, test := range []struct {
		name, status string
		slow         time.Duration // one read of the server
	}{{"slow", "200", 500 * time.Millisecond}, {"deaf", "504", 0}} {
		x := newProxied(t, loop.Config{Sim: &loop.SimConfig{Window: 16 << 10}}, options, answerOK)
		x.server.cfg.Limits.Content = size
		x.origin.deaf = true
		taken := 0
		x.origin.more = func(c *originConn) {
			taken += len(c.in)
			c.in = nil
			if taken == size {
				c.write(okA)
			}
			if test.slow > 0 {
				c.conn.Pause()
				x.loop.At(x.loop.Now().Add(test.slow), c.conn.Resume)
			}
		}
		if test.slow > 0 {
			x.loop.At(loop.Time(test.slow), func() { x.origin.conns[0].conn.Resume() })
		}
		c := x.asks(ask)
		most := 0
		var watch func()
		watch = func() {
			x.loop.Each(func(c *loop.Conn) {
				if _, ok := c.Handler().(*upstream); ok {
					most = max(most, c.Queued())
				}
			})
			if c.closed == 0 && x.loop.Now() < loop.Time(time.Minute) {
				x.loop.At(x.loop.Now().Add(10*time.Millisecond), watch)
			}
		}
		watch()
		x.loop.At(loop.Time(time.Minute), func() { x.origin.conns[0].conn.Resume() }) // it sees the reset
		x.finish()
		if got := statuses(c.got); got != test.status {
			t.Errorf("%s: answer %q; %d bytes were taken", test.name, c.got, taken)
		}
		if limit := x.loop.Config().Out + 16; most > limit || most < limit/2 {
			t.Errorf("%s: %d bytes were queued for the upstream server, want up to %d", test.name, most, limit)
		}
	}
}
