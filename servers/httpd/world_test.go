package httpd

import (
	"net/netip"
	"testing"
	"time"

	"medusa/poller/loop"
	"medusa/servers/filesys"
)

var simAddress = netip.MustParseAddrPort("127.0.0.1:80")

// world is a server and clients on one simulated loop.
type world struct {
	t      *testing.T
	loop   *loop.Loop
	server *Server
}

// newWorld serves cfg; without extensions, Fixed and the files under root.
func newWorld(t *testing.T, lcfg loop.Config, cfg Config, root string) *world {
	t.Helper()
	lcfg.Backend = "sim"
	l, err := loop.New(lcfg)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Extensions == nil {
		cfg.Extensions = []Extension{NewFixed()}
		if root != "" {
			dir, err := filesys.Open(root)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { dir.Close() })
			cache := filesys.NewCache(dir, filesys.CacheOptions{Wall: l.Wall})
			t.Cleanup(cache.Close)
			cfg.Extensions = append(cfg.Extensions, NewFiles(cache, FilesOptions{}))
		}
	}
	w := &world{t: t, loop: l, server: New(l, cfg)}
	if _, err := l.Listen(loop.ListenOptions{Address: simAddress}, w.server.Accept); err != nil {
		t.Fatal(err)
	}
	return w
}

// client sends what it is told to and keeps what it gets.
type client struct {
	world  *world
	sends  [][]byte      // one after the other
	gap    time.Duration // between two of sends
	fin    bool          // after the last of sends
	stays  bool          // does not close when the server does
	deaf   time.Duration // reads nothing for this long
	max    int           // after so many bytes it resets, if not 0
	conn   *loop.Conn
	got    []byte
	last   loop.Time // when the last of got came
	ended  loop.Time // when the server's FIN came
	closed loop.Time
	err    error
	most   int // the most output that the server had queued for anybody
}

func (w *world) dial(c *client) *client {
	c.world = w
	w.loop.Dial(loop.DialOptions{Address: simAddress}, c)
	return c
}

// run lets everything happen.
func (w *world) run() {
	w.t.Helper()
	if err := w.loop.Run(); err != nil {
		w.t.Fatal(err)
	}
}

func (c *client) Opened(conn *loop.Conn) {
	c.conn = conn
	if c.deaf > 0 {
		conn.Pause()
		c.world.loop.At(c.world.loop.Now().Add(c.deaf), func() { conn.Resume() })
	}
	c.next()
}

func (c *client) next() {
	if len(c.sends) > 0 {
		c.conn.Write(c.sends[0])
		c.sends = c.sends[1:]
	}
	if len(c.sends) > 0 {
		c.world.loop.At(c.world.loop.Now().Add(c.gap), c.next)
	} else if c.fin {
		c.conn.CloseWrite()
	}
}

func (c *client) Received(conn *loop.Conn, p []byte) int {
	c.got, c.last = append(c.got, p...), c.world.loop.Now()
	c.world.loop.Each(func(other *loop.Conn) {
		if _, ok := other.Handler().(*client); !ok {
			c.most = max(c.most, other.Queued())
		}
	})
	if c.max > 0 && len(c.got) >= c.max {
		conn.Abort()
	}
	return len(p)
}

func (c *client) Ended(conn *loop.Conn) {
	c.ended = c.world.loop.Now()
	if !c.stays {
		conn.CloseWhenDone()
	}
}

func (c *client) Expired(*loop.Conn) {}
func (c *client) Drained(*loop.Conn) {}
func (c *client) Closed(_ *loop.Conn, err error) {
	c.closed, c.err = c.world.loop.Now(), err
}

// ask sends text on one connection, closes its sending side and returns
// everything that came back.
func (w *world) ask(text string) string {
	w.t.Helper()
	c := w.dial(&client{sends: [][]byte{[]byte(text)}, fin: true})
	w.run()
	if c.err != nil {
		w.t.Errorf("%.60q: closed with %v", text, c.err)
	}
	return string(c.got)
}

// epochDate is the Date of a response at the start of a simulation.
const epochDate = "Sat, 01 Jan 2000 00:00:00 GMT"
