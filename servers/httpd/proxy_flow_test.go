package httpd

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// pour writes n bytes, a piece whenever the last one has left.
type pour struct{ left int }

func (p *pour) Read(b []byte) (int, error) {
	n := min(p.left, len(b))
	for i := range n {
		b[i] = byte('a' + (p.left-i)%26)
	}
	p.left -= n
	if p.left == 0 {
		return n, io.EOF
	}
	return n, nil
}

// TestProxyLargeAnswer: an answer larger than all buffers flows to a client
// that takes its time, which is no stall, and little of it is kept.
func TestProxyLargeAnswer(t *testing.T) {
	const size = 2 << 20
	want := make([]byte, size)
	_, _ = (&pour{size}).Read(want)
	for _, head := range []string{fmt.Sprintf("Content-Length: %d\r\n", size), ""} {
		for _, out := range []int{512, 16 << 10} {
			x := newProxied(t, loop.Config{In: 4096, Out: out, Sim: &loop.SimConfig{Window: 20000, Latency: time.Microsecond}},
				ProxyOptions{StallTimeout: time.Second}, func(c *originConn, _ string) {
					c.write("HTTP/1.1 200 OK\r\n" + head + "\r\n")
					c.conn.Push(&pour{size})
					if head == "" {
						c.conn.CloseWhenDone()
					}
				})
			c := x.dial(&client{sends: texts(getA), deaf: 20 * time.Second})
			most := 0
			var watch func()
			watch = func() {
				x.loop.Each(func(c *loop.Conn) {
					if _, ok := c.Handler().(*conn); ok {
						most = max(most, c.Queued())
					}
				})
				if c.closed == 0 && x.loop.Now() < loop.Time(25*time.Second) {
					x.loop.At(x.loop.Now().Add(time.Millisecond), watch)
				}
			}
			watch()
			x.finish()
			got := []byte(body([]byte(unchunk(string(c.got)))))
			if !bytes.Equal(got, want) {
				t.Errorf("out %d: %d bytes came, want %d; closed with %v", out, len(got), size, c.err)
			}
			if limit := out + 4096 + 1024; most > limit || most == 0 {
				t.Errorf("out %d: %d bytes were queued for the client, want up to %d", out, most, limit)
			}
			if x.logged[0].Bytes != size {
				t.Errorf("logged %+v", x.logged[0])
			}
		}
	}
}

// TestProxyClientGone: the upstream server need not go on.
func TestProxyClientGone(t *testing.T) {
	for name, test := range map[string]struct {
		ask   string
		asked func(c *originConn, _ string)
	}{
		"before the answer": {getA, func(*originConn, string) {}},
		"in the answer": {getA, func(c *originConn, _ string) {
			c.write("HTTP/1.1 200 OK\r\n\r\n")
			c.conn.Push(&pour{1 << 30})
		}},
		"in the content": {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx", func(*originConn, string) {}},
	} {
		x := newProxied(t, loop.Config{Sim: &loop.SimConfig{Latency: 10 * time.Millisecond}}, ProxyOptions{}, test.asked)
		c := x.asks(test.ask)
		x.loop.At(loop.Time(time.Second), func() { c.conn.Abort() })
		x.finish()
		if o := x.origin.conns[0]; o.err == nil || o.closed > loop.Time(2*time.Second) {
			t.Errorf("%s: the upstream connection was closed at %v with %v", name, time.Duration(o.closed), o.err)
		}
	}
	// Who ends its sending side still waits.
	x := newProxied(t, loop.Config{}, ProxyOptions{}, func(c *originConn, _ string) {
		x := c.origin.world
		x.loop.At(x.loop.Now().Add(time.Second), func() { c.write(okA) })
	})
	if got := x.ask(getA); statuses([]byte(got)) != "200" {
		t.Errorf("with a FIN: %q", got)
	}
}

// TestProxyEarlyAnswer: an answer that comes before the request's content has
// been sent ends the upstream connection; the client's goes on.
func TestProxyEarlyAnswer(t *testing.T) {
	const size = 100 << 10
	for _, refused := range []bool{false, true} {
		x := newProxied(t, loop.Config{Out: 1024, In: 4096}, ProxyOptions{}, func(c *originConn, head string) {
			if strings.HasPrefix(head, "GET") {
				c.write(okA)
				return
			}
			c.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
			c.conn.Pause() // it reads no more
			c.origin.world.loop.At(loop.Time(time.Minute), c.conn.Resume)
		})
		want := "403 200"
		if refused {
			x.proxy.address = simAddress // of the server itself: a loop, bounded by Connections
			x.proxy.options.Connections = 4
			want = "503 200"
		}
		second := getA
		if refused {
			second = "GET /fixed/1 HTTP/1.1\r\nHost: a\r\n\r\n"
		}
		c := x.asks(fmt.Sprintf("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size), strings.Repeat("x", size/2), strings.Repeat("y", size/2)+second)
		x.loop.At(loop.Time(30*time.Second), func() {
			if x.proxy.open > 0 {
				t.Errorf("refused %t: %d connections stay", refused, x.proxy.open)
			}
		})
		x.finish()
		if got := statuses(c.got); got != want {
			t.Errorf("refused %t: %q; closed with %v", refused, c.got, c.err)
		}
	}
}

// TestProxyDeafClient: a client that sends content and takes nothing of the
// answer that begins meanwhile is given up, though everybody waits for another.
func TestProxyDeafClient(t *testing.T) {
	x := newProxied(t, loop.Config{}, ProxyOptions{}, func(c *originConn, _ string) {
		c.write("HTTP/1.1 200 OK\r\n\r\n")
		c.conn.Push(&pour{1 << 20})
		c.conn.Pause() // it reads no more
	})
	const size = 1 << 20
	c := x.dial(&client{sends: texts(fmt.Sprintf("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))), deaf: 30 * time.Minute})
	stalled := false
	x.loop.At(seconds(5), func() {
		x.loop.Each(func(c *loop.Conn) {
			if h, ok := c.Handler().(*conn); ok {
				stalled = h.body != nil && h.body.held && h.exchange.owner.(*passage).up.paused
			}
		})
	})
	x.loop.At(loop.Time(3*time.Minute), func() {
		if n := x.open(); n > 0 || x.proxy.open > 0 {
			t.Errorf("%d connections are left, and %d of the proxy", n, x.proxy.open)
		}
	})
	x.finish()
	if loop.Kind(c.err) != "reset" || !stalled {
		t.Errorf("closed with %v, stalled %t", c.err, stalled)
	}
}

// TestProxyExpect: the client gets its 100 at once, except where the answer is
// known before.
func TestProxyExpect(t *testing.T) {
	const ask = "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
	x := newProxied(t, loop.Config{}, ProxyOptions{Connections: 1}, func(c *originConn, _ string) {
		c.origin.world.loop.At(loop.Time(5*time.Second), func() { c.write(okA) })
	})
	first := x.dial(&client{sends: texts(ask, "hello"), gap: time.Second})
	var second *client
	x.loop.At(loop.Time(2*time.Second), func() { second = x.asks(ask) })
	x.finish()
	if got := statuses(first.got); got != "100 200" || string(x.origin.conns[0].in) != "hello" {
		t.Errorf("answers %q, content %q", first.got, x.origin.conns[0].in)
	}
	if got := statuses(second.got); got != "503" {
		t.Errorf("over the bound: %q", second.got)
	}
}

// eager is a client that sends a piece when the last one has left, so that it
// goes on reading meanwhile.
type eager struct {
	client
	rest string
}

func (c *eager) Opened(conn *loop.Conn) { c.Drained(conn) }
func (c *eager) Drained(conn *loop.Conn) {
	n := min(len(c.rest), 1000)
	conn.Write([]byte(c.rest[:n]))
	c.rest = c.rest[n:]
}

// TestProxyEcho: content flows both ways at once.
func TestProxyEcho(t *testing.T) {
	const size = 300 << 10
	content := make([]byte, size)
	_, _ = (&pour{size}).Read(content)
	var chunks strings.Builder
	for rest := content; len(rest) > 0; {
		n := min(len(rest), 7777)
		fmt.Fprintf(&chunks, "%x\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	chunks.Write(lastChunk)
	for _, ask := range []string{
		fmt.Sprintf("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", size, content),
		"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks.String(),
	} {
		x := newProxied(t, loop.Config{Out: 2048, In: 4096, Sim: &loop.SimConfig{Latency: time.Microsecond, MaxChunk: 3000}}, ProxyOptions{}, nil)
		coded := strings.Contains(ask, "chunked")
		x.origin.asked = func(c *originConn, _ string) {
			if coded {
				c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			} else {
				c.write(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))
			}
		}
		x.origin.more = func(c *originConn) {
			c.conn.Write(c.in)
			c.in = nil
		}
		c := &eager{rest: ask}
		c.world = x.world
		x.loop.Dial(loop.DialOptions{Address: simAddress}, c)
		x.finish()
		if got := unchunk(string(c.got)); body([]byte(got)) != string(content) || c.err != nil {
			t.Errorf("coded %t: %d bytes came back, want %d; %v", coded, len(body([]byte(got))), size, c.err)
		}
	}
}

// TestProxyStop: a loop that stops in the middle of everything gives all up.
func TestProxyStop(t *testing.T) {
	x := newProxied(t, loop.Config{}, ProxyOptions{}, func(c *originConn, _ string) {
		if c.index == 0 {
			c.write("HTTP/1.1 200 OK\r\n\r\nx")
		}
	})
	x.asks(getA)
	x.loop.At(loop.Time(time.Second), func() { x.asks(getA) })
	x.loop.At(loop.Time(2*time.Second), x.loop.Stop)
	x.run()
	if x.proxy.open != 0 || len(x.proxy.free) != 2 {
		t.Errorf("%d connections, %d free passages", x.proxy.open, len(x.proxy.free))
	}
}

// TestProxyChaos: whatever ends when, every client gets whole answers or is
// told that it did not, and nothing is left.
func TestProxyChaos(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		cfg := loop.Config{
			In: 1 << (10 + r.IntN(4)), Out: 1 << (9 + r.IntN(5)),
			Sim: &loop.SimConfig{Seed: seed, Latency: time.Duration(r.IntN(3)) * time.Millisecond, MaxChunk: []int{0, 1, 50, 5000}[r.IntN(4)], Window: 1000 + r.IntN(20000)},
		}
		size := func() int { return r.IntN(1 << (1 + r.IntN(14))) }
		x := newProxied(t, cfg, ProxyOptions{Connections: 6, Idle: 3, AnswerTimeout: time.Second, StallTimeout: time.Second}, nil)
		x.origin.asked = func(c *originConn, head string) {
			n := size()
			switch r.IntN(8) {
			case 0:
				c.conn.Abort()
			case 1:
				c.write("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + strings.Repeat("x", n%9999))
				c.conn.CloseWhenDone()
			case 2: // nothing
			case 3:
				c.write("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", n) + "end")
				c.conn.CloseWhenDone()
			case 4:
				fmt.Fprintf(connWriter{c.conn}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%send\r\n0\r\n\r\n", n+3, strings.Repeat("x", n))
			default:
				fmt.Fprintf(connWriter{c.conn}, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%send", n+3, strings.Repeat("x", n))
			}
			if r.IntN(10) == 0 {
				x.loop.At(x.loop.Now().Add(time.Duration(r.IntN(5000))*time.Microsecond), c.conn.Abort)
			}
		}
		var clients []*client
		for range 12 {
			var ask strings.Builder
			for range 1 + r.IntN(5) {
				switch n := size(); r.IntN(4) {
				case 0:
					fmt.Fprintf(&ask, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", n, strings.Repeat("z", n))
				case 1:
					fmt.Fprintf(&ask, "PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", n+1, strings.Repeat("z", n+1))
				default:
					ask.WriteString(getA)
				}
			}
			c := &client{sends: texts(ask.String()), fin: r.IntN(2) == 0}
			if r.IntN(4) == 0 {
				c.max = 1 + r.IntN(5000)
			}
			if r.IntN(4) == 0 {
				c.deaf = time.Duration(r.IntN(3000)) * time.Millisecond
			}
			x.loop.At(loop.Time(r.IntN(20))*loop.Time(time.Millisecond), func() { x.dial(c) })
			clients = append(clients, c)
		}
		x.finish()
		for _, c := range clients {
			if c.err == nil && len(c.got) > 0 {
				x.whole(seed, c.got)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// connWriter is a connection as an io.Writer.
type connWriter struct{ *loop.Conn }

func (w connWriter) Write(p []byte) (int, error) {
	w.Conn.Write(p)
	return len(p), nil
}

// whole checks that got is a number of whole answers.
func (x *proxied) whole(seed uint64, got []byte) {
	x.t.Helper()
	in := bufio.NewReader(bytes.NewReader(got))
	for {
		if _, err := in.Peek(1); err == io.EOF {
			return
		}
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			x.t.Errorf("seed %d: %v in %.300q", seed, err, got)
			return
		}
		text, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode == 200 && !bytes.HasSuffix(text, []byte("end")) {
			x.t.Errorf("seed %d: %v, %d bytes of %d", seed, err, len(text), r.ContentLength)
			return
		}
	}
}
