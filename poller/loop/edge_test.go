package loop

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"medusa/poller"
)

// newEdge opens a loop on each edge backend of this system.
func newEdge(t *testing.T, f func(t *testing.T, l *Loop, e *edge, at netip.AddrPort)) {
	t.Helper()
	any := false
	for _, b := range Backends() {
		if b.Mode != "edge" || b.Missing != "" {
			continue
		}
		any = true
		t.Run(b.Name, func(t *testing.T) {
			l, err := New(Config{Backend: b.Name})
			if err != nil {
				t.Fatal(err)
			}
			n, err := l.Listen(ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:0")}, func(*Conn) Handler { return &handler{} })
			if err != nil {
				t.Fatal(err)
			}
			f(t, l, l.eng.(*readiness).edge, n.Addr())
			l.Stop()
			if err := l.Run(); err != nil {
				t.Fatal(err)
			}
		})
	}
	if !any {
		t.Skip("SKIPPED: no edge backend here")
	}
}

// TestWhenAReadIsOver: which read shows that there is nothing more.
func TestWhenAReadIsOver(t *testing.T) {
	t.Parallel()
	const read, write, more = poller.Read, poller.Write, poller.More
	for _, c := range []struct {
		what     string
		watch    poller.Interest
		n, asked int
		errno    unix.Errno
		want     poller.Interest
	}{
		{"all that was asked", read | write, 100, 100, 0, read | write},
		{"less", read | write, 99, 100, 0, write},
		{"less, with FIN behind it", read | write | more, 99, 100, 0, read | write | more},
		{"nothing", read | write, -1, 100, unix.EAGAIN, write},
		{"nothing at an urgent mark, it seems", read | write | more, -1, 100, unix.EAGAIN, read | write},
		{"nothing, though it was told", read | write | told, -1, 100, unix.EAGAIN, read | write},
		{"less than was told", read | write | told, 99, 100, 0, write},
		{"a signal", read | write, -1, 100, unix.EINTR, read | write},
	} {
		conn := &Conn{watch: c.watch}
		if conn.wasRead(c.n, c.asked, c.errno); conn.watch != c.want {
			t.Errorf("%s: %#x, want %#x", c.what, conn.watch, c.want)
		}
	}
}

// TestQueuedConnectionGoes: the queue has a token of a connection that was
// closed, and whose place another has got.
func TestQueuedConnectionGoes(t *testing.T) {
	newEdge(t, func(t *testing.T, l *Loop, e *edge, at netip.AddrPort) {
		old := l.Dial(DialOptions{Address: at}, &handler{})
		e.leave(old)
		e.leave(old)
		if len(e.queue) != 1 {
			t.Fatalf("the queue is %v", e.queue)
		}
		old.Abort()
		l.settle()
		fresh := l.Dial(DialOptions{Address: at}, &handler{received: func(*Conn, []byte) int {
			t.Error("the newcomer was served")
			return 0
		}})
		if fresh.token.Index() != old.token.Index() || fresh.token == old.token {
			t.Fatalf("tokens %x, then %x", old.token, fresh.token)
		}
		fresh.state, fresh.watch = stateOpen, poller.Read
		before := l.counts.Calls[CallRead]
		if !e.begin() {
			t.Error("the queue is not served")
		}
		e.carryOn()
		if l.counts.Calls[CallRead] != before || fresh.watch != poller.Read || len(e.queue) != 0 {
			t.Errorf("the newcomer is %#x, the queue %v", fresh.watch, e.queue)
		}
	})
}

// TestPausedEdgeMakesNoCall: to pause and to resume costs an edge backend no
// call, and input that came meanwhile is shown.
func TestPausedEdgeMakesNoCall(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		const words = 20
		got := 0
		var client *Conn
		serve(func(*Conn) Handler {
			return &handler{received: func(c *Conn, p []byte) int {
				if got += len(p); got >= words {
					l.Stop()
					return len(p)
				}
				c.Pause()
				client.Write([]byte("x")) // comes while it is paused
				l.At(l.Now().Add(200*time.Microsecond), c.Resume)
				return len(p)
			}}
		})
		client = l.Dial(DialOptions{Address: at, NoDelay: true}, &handler{opened: func(c *Conn) { c.Write([]byte("x")) }})
		t.Cleanup(func() {
			// A registration for the listener and one for each end.
			if n := l.Counts().Calls[CallControl]; l.info.Mode == "edge" && n > 3 {
				t.Errorf("%d calls to change interest", n)
			}
		})
	})
}

// TestUrgentData: a peer that sends a byte out of band holds up nothing that
// comes behind it. (The byte itself is not delivered: tcp(7), SO_OOBINLINE.)
func TestUrgentData(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		if l.Engine() == "sim" {
			l.Stop()
			return
		}
		got := ""
		serve(func(c *Conn) Handler {
			c.Pause()
			return &handler{
				received: func(_ *Conn, p []byte) int {
					if got += string(p); len(got) == len("beforebehind") {
						l.Stop()
					}
					return len(p)
				},
			}
		})
		sa, family := sockaddr(at)
		fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			unix.Close(fd)
			if got != "beforebehind" {
				t.Errorf("received %q", got)
			}
		})
		if err := unix.Connect(fd, sa); err != nil {
			t.Fatal(err)
		}
		for _, s := range []struct {
			p     string
			flags int
		}{{"before", 0}, {"!", unix.MSG_OOB}, {"behind", 0}} {
			if err := unix.Sendto(fd, []byte(s.p), s.flags, nil); err != nil {
				t.Fatal(err)
			}
		}
		// By then all of it has come and been reported, mark and all.
		l.At(l.Now().Add(20*time.Millisecond), func() { l.Each((*Conn).Resume) })
	})
}
