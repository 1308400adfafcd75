package loop

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

func init() {
	// Queues so short that they overflow, and hardly a buffer.
	variants["io_uring/tiny"] = func(*Config) func(engine) {
		return func(e engine) {
			c := e.(*completion)
			c.options = uring.Options{Entries: 4, Completions: 8}
			c.most = 2
		}
	}
	// What an older kernel has, and what the ablation leaves out.
	variants["io_uring/plain"] = func(c *Config) func(engine) { c.RingWithout = ^RingFeature(0); return nil }
	variants["io_uring/oneshot"] = func(c *Config) func(engine) { c.RingWithout = RingMultishot; return nil }
}

// onRing runs a test on the io_uring engine, its groups having so many buffers.
func onRing(t *testing.T, cfg Config, most int, f func(t *testing.T, l *Loop, e *completion, at netip.AddrPort, serve func(func(*Conn) Handler))) {
	t.Helper()
	if missing := uring.Probe().Missing; missing != nil {
		t.Skipf("SKIPPED: io_uring: %v", missing)
	}
	onEvery(t, cfg, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		e, ok := l.eng.(*completion)
		if !ok || strings.Contains(t.Name(), "/io_uring/") {
			l.Stop()
			return
		}
		e.most = most
		f(t, l, e, at, serve)
	})
}

// sockets is the number of sockets that this process has open.
func sockets(t *testing.T) (n int) {
	t.Helper()
	names, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if to, err := os.Readlink(name); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// missingBuffers is how many buffers nobody has, when nothing is in flight.
func missingBuffers(t *testing.T, e *completion) (n int) {
	t.Helper()
	for _, g := range e.groups {
		if g == nil {
			continue
		}
		free, err := g.Free()
		if err == unix.ENOTSUP {
			t.Log("this kernel does not tell how many buffers it has")
			return 0
		}
		if err != nil {
			t.Fatal(err)
		}
		n += g.Given() - free
	}
	return n
}

// TestPauseEndsTheReceive: a paused connection takes no more from its peer than
// was on the way: the peer comes to a stop.
func TestPauseEndsTheReceive(t *testing.T) {
	onRing(t, Config{}, groupBuffers, func(t *testing.T, l *Loop, e *completion, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		got := 0
		var server *Conn
		serve(func(c *Conn) Handler {
			server = c
			return &handler{received: func(c *Conn, p []byte) int {
				for i, b := range p {
					if want := byte((got + i) / 1000); b != want {
						t.Errorf("byte %d is %d, not %d", got+i, b, want)
						l.Stop()
						break
					}
				}
				if got += len(p); got > 8<<20 {
					l.Stop()
				}
				c.Pause()
				return len(p)
			}}
		})
		n := 0
		l.Dial(DialOptions{Address: at}, &handler{opened: func(c *Conn) { c.Push(counting{&n}) }})
		rounds, before := 0, int64(-1)
		var look func()
		look = func() {
			if server == nil || got == 0 {
				l.At(l.Now().Add(time.Millisecond), look)
				return
			}
			k := server.io.(*flight)
			if server.paused && k.receiving && !k.cancelling {
				t.Errorf("a paused connection receives")
			}
			if k.behind != nil && k.behind.size > 2<<20 {
				t.Errorf("%d bytes are kept", k.behind.size)
			}
			if rounds++; rounds%4 == 0 && before == int64(got) {
				server.Resume()
			}
			before = int64(got)
			l.At(l.Now().Add(time.Millisecond), look)
		}
		l.At(l.Now().Add(time.Millisecond), look)
	})
}

// counting produces a sequence in which a byte says where it stands.
type counting struct{ n *int }

func (z counting) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte((*z.n + i) / 1000)
	}
	*z.n += len(p)
	return len(p), nil
}

// TestReuse: connections that end with everything in flight, and others that get
// their descriptors at once: nothing reaches the wrong one, nothing is left.
func TestReuse(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	const total, atOnce = 3000, 50
	onRing(t, Config{}, groupBuffers, func(t *testing.T, l *Loop, e *completion, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		before := sockets(t)
		block := pattern(4 << 20)
		serve(func(c *Conn) Handler {
			return &handler{received: func(c *Conn, p []byte) int {
				c.Write(p)
				switch p[len(p)-1] % 4 {
				case 0:
					c.Abort()
				case 1:
					c.WriteShared(block) // which nobody reads
					c.SetDeadline(time.Millisecond)
				case 2:
					c.CloseWhenDone()
				}
				return len(p)
			}, expired: func(c *Conn) { c.Abort() }, ended: func(c *Conn) { c.Abort() }}
		})
		begun, ended := 0, 0
		var next func()
		next = func() {
			if begun == total {
				return
			}
			begun++
			message := fmt.Sprintf("%d:%c", begun, byte(begun%251))
			seen := ""
			l.Dial(DialOptions{Address: at}, &handler{
				opened: func(c *Conn) { c.Write([]byte(message)) },
				received: func(c *Conn, p []byte) int {
					if len(seen) < len(message) {
						seen += string(p)
						if k := min(len(seen), len(message)); seen[:k] != message[:k] {
							t.Errorf("received %q, not %q", seen[:k], message)
							l.Stop()
						}
					}
					if len(seen) >= len(message) && message[len(message)-1]%4 >= 1 {
						c.Abort()
					}
					return len(p)
				},
				closed: func(*Conn, error) {
					if ended++; ended == total {
						// What the ring closes goes with the next turn.
						l.At(l.Now().Add(20*time.Millisecond), func() {
							if n := sockets(t); n > before {
								t.Errorf("%d sockets, %d before", n, before)
							}
							if n := missingBuffers(t, e); n != 0 {
								t.Errorf("%d buffers are gone", n)
							}
							l.Stop()
						})
						return
					}
					next()
				},
			})
		}
		for range atOnce {
			next()
		}
		t.Cleanup(func() {
			if ended != total {
				t.Errorf("%d of %d ended", ended, total)
			}
		})
	})
}

// TestResetAfterFIN: a peer that has half-closed and then resets: the loop neither
// spins nor keeps the connection when it has something to say.
func TestResetAfterFIN(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		if l.Engine() == "sim" {
			l.Stop()
			return
		}
		var server *Conn
		kind := ""
		serve(func(c *Conn) Handler {
			server = c
			return &handler{ended: func(*Conn) {}, closed: func(_ *Conn, err error) {
				kind = Kind(err)
				l.Stop()
			}}
		})
		sa, family := sockaddr(at)
		fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Connect(fd, sa); err != nil {
			t.Fatal(err)
		}
		if err := unix.Shutdown(fd, unix.SHUT_WR); err != nil {
			t.Fatal(err)
		}
		var turns uint64
		l.At(l.Now().Add(20*time.Millisecond), func() {
			closeSocket(fd, true)
			turns = l.counts.Turns
			l.At(l.Now().Add(30*time.Millisecond), func() {
				if spun := l.counts.Turns - turns; spun > 20 {
					t.Errorf("%d turns for a reset", spun)
				}
				if kind == "" {
					server.Write([]byte("x"))
				}
			})
		})
		t.Cleanup(func() {
			if kind != "reset" {
				t.Errorf("closed with %q", kind)
			}
		})
	})
}

// TestListenerFreesItsPort: a listener that was closed gives its port up at once,
// though an accept was in flight.
func TestListenerFreesItsPort(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		l.At(l.Now().Add(5*time.Millisecond), func() {
			l.listeners[0].Close()
			n, err := l.Listen(ListenOptions{Address: at}, func(*Conn) Handler { return &handler{} })
			if err != nil {
				t.Errorf("listen again: %v", err)
			} else if n.Addr() != at {
				t.Errorf("listens on %v", n.Addr())
			}
			l.Stop()
		})
	})
}

// TestWorkers: nothing that the engine asks for is done by a kernel thread.
func TestWorkers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, pattern(8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	onRing(t, Config{}, groupBuffers, func(t *testing.T, l *Loop, e *completion, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		serve(func(*Conn) Handler {
			return &handler{received: func(c *Conn, p []byte) int {
				c.Write([]byte("head"))
				c.SendFile(file, 0, 8<<20, nil)
				c.CloseWhenDone()
				return len(p)
			}}
		})
		got := 0
		l.Dial(DialOptions{Address: at}, &handler{
			opened:   func(c *Conn) { c.Write([]byte("x")) },
			received: func(_ *Conn, p []byte) int { got += len(p); return len(p) },
			closed: func(*Conn, error) {
				if n := l.Workers(); n != 0 {
					t.Errorf("%d kernel threads work for the ring", n)
				}
				l.Stop()
			},
		})
		t.Cleanup(func() {
			if got != 8<<20+4 {
				t.Errorf("%d bytes came", got)
			}
		})
	})
}
