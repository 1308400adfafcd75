package httpd

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

var originAddress = netip.MustParseAddrPort("127.0.0.1:81")

// origin is a scripted upstream server.
type origin struct {
	world *world
	conns []*originConn
	// asked is called when the head of a request has come.
	asked func(c *originConn, head string)
	// more is called when bytes of content have come; nil takes them.
	more func(c *originConn)
	// deaf connections read nothing.
	deaf bool
}

// originConn is one of its connections.
type originConn struct {
	origin *origin
	conn   *loop.Conn
	index  int
	heads  int
	in     []byte // not yet taken by a head
	ended  bool
	closed loop.Time
	err    error
}

func (o *origin) accept(c *loop.Conn) loop.Handler {
	oc := &originConn{origin: o, conn: c, index: len(o.conns)}
	o.conns = append(o.conns, oc)
	return oc
}

func (c *originConn) write(text string) { c.conn.Write([]byte(text)) }

func (c *originConn) Opened(conn *loop.Conn) {
	if c.origin.deaf {
		conn.Pause()
	}
}

func (c *originConn) Received(_ *loop.Conn, p []byte) int {
	c.in = append(c.in, p...)
	for {
		if c.origin.more != nil && c.heads > 0 {
			c.origin.more(c)
		}
		end := bytes.Index(c.in, []byte("\r\n\r\n"))
		if end < 0 || c.origin.asked == nil || c.origin.more != nil && c.heads > 0 {
			return len(p)
		}
		head := string(c.in[:end+4])
		c.in = c.in[end+4:]
		c.heads++
		c.origin.asked(c, head)
	}
}

func (c *originConn) Ended(conn *loop.Conn) {
	c.ended = true
	conn.CloseWhenDone()
}
func (c *originConn) Expired(*loop.Conn) {}
func (c *originConn) Drained(*loop.Conn) {}
func (c *originConn) Closed(_ *loop.Conn, err error) {
	c.closed, c.err = c.origin.world.loop.Now(), err
}

// proxied is a world whose server is a proxy to an origin.
type proxied struct {
	*world
	proxy  *Proxy
	origin *origin
	logged []Entry
}

func newProxied(t *testing.T, lcfg loop.Config, o ProxyOptions, asked func(c *originConn, head string)) *proxied {
	t.Helper()
	lcfg.Backend = "sim"
	l, err := loop.New(lcfg)
	if err != nil {
		t.Fatal(err)
	}
	x := &proxied{world: &world{t: t, loop: l}}
	if x.proxy, err = NewProxy(l, "/", originAddress, o); err != nil {
		t.Fatal(err)
	}
	x.server = New(l, Config{Extensions: []Extension{NewFixed(), x.proxy}, Log: x})
	if _, err := l.Listen(loop.ListenOptions{Address: simAddress}, x.server.Accept); err != nil {
		t.Fatal(err)
	}
	x.origin = &origin{world: x.world, asked: asked}
	if _, err := l.Listen(loop.ListenOptions{Address: originAddress}, x.origin.accept); err != nil {
		t.Fatal(err)
	}
	return x
}

// Log keeps what is logged.
func (x *proxied) Log(e *Entry) { x.logged = append(x.logged, *e.clone()) }

// finish runs the world and checks that in the end nothing is left.
func (x *proxied) finish() {
	x.t.Helper()
	const late = loop.Time(time.Hour)
	checked := false
	x.loop.At(late, func() {
		checked = true
		if n := x.loop.Counts().Open; n > 0 {
			x.t.Errorf("%d connections are left", n)
		}
		if x.proxy.open != 0 || len(x.proxy.idle) != 0 {
			x.t.Errorf("the proxy has %d connections, %d idle", x.proxy.open, len(x.proxy.idle))
		}
		for _, p := range x.proxy.free {
			if p.up != nil || p.exchange != nil || p.content {
				x.t.Errorf("a free passage: %+v", p)
			}
		}
		x.loop.Each(func(c *loop.Conn) { x.t.Errorf("left: %T %+v, queued %d", c.Handler(), c.Handler(), c.Queued()) })
	})
	x.run()
	if now := x.loop.Now(); !checked || now > late {
		x.t.Errorf("it ended at %v, checked: %t", time.Duration(now), checked)
	}
}

// asks dials a client that sends the texts.
func (x *proxied) asks(sends ...string) *client {
	return x.dial(&client{sends: texts(sends...)})
}

// body is what follows the head of the last response in got.
func body(got []byte) string {
	_, b, _ := strings.Cut(string(got), "\r\n\r\n")
	return b
}

const getA = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

// via is what the proxy says in an answer of HTTP/1.1.
const via = "Via: 1.1 medusa\r\n"
