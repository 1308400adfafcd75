package loop

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// calls is a Handler made of functions; those that are nil do nothing.
type handler struct {
	opened   func(*Conn)
	received func(*Conn, []byte) int
	ended    func(*Conn)
	expired  func(*Conn)
	drained  func(*Conn)
	closed   func(*Conn, error)
}

func (h *handler) Opened(c *Conn) {
	if h.opened != nil {
		h.opened(c)
	}
}
func (h *handler) Received(c *Conn, p []byte) int {
	if h.received != nil {
		return h.received(c, p)
	}
	return len(p)
}
func (h *handler) Ended(c *Conn) {
	if h.ended != nil {
		h.ended(c)
		return
	}
	c.CloseWhenDone()
}
func (h *handler) Expired(c *Conn) {
	if h.expired != nil {
		h.expired(c)
	}
}
func (h *handler) Drained(c *Conn) {
	if h.drained != nil {
		h.drained(c)
	}
}
func (h *handler) Closed(c *Conn, err error) {
	if h.closed != nil {
		h.closed(c, err)
	}
}

// onEvery runs a test on every backend of this system and on sim. serve and
// dial are the two ends; stop ends the loop.
func onEvery(t *testing.T, cfg Config, f func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler))) {
	t.Helper()
	for _, name := range everyBackend() {
		t.Run(name, func(t *testing.T) {
			cfg := cfg
			if cfg.Sim == nil {
				cfg.Sim = &SimConfig{Latency: 10 * time.Microsecond}
			}
			l, err := newOn(name, cfg)
			if err != nil {
				t.Fatal(err)
			}
			var accept func(*Conn) Handler
			n, err := l.Listen(ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:0"), NoDelay: true}, func(c *Conn) Handler { return accept(c) })
			if err != nil {
				t.Fatal(err)
			}
			f(t, l, n.Addr(), func(a func(*Conn) Handler) { accept = a })
			stuck := false
			watchdog := time.AfterFunc(20*time.Second, func() { stuck = true; l.Stop() })
			if err := l.Run(); err != nil {
				t.Fatal(err)
			}
			if !watchdog.Stop() && stuck {
				t.Error("the loop had to be stopped")
			}
			if n := l.Counts().Open; n != 0 {
				t.Errorf("%d connections are open after Run", n)
			}
		})
	}
}

func TestDialRefused(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, _ func(func(*Conn) Handler)) {
		free := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.3"), at.Port())
		inside := true
		l.Dial(DialOptions{Address: free}, &handler{
			opened: func(*Conn) { t.Error("Opened was called") },
			closed: func(_ *Conn, err error) {
				if inside {
					t.Error("Closed was called during Dial")
				}
				if Kind(err) != "refused" {
					t.Errorf("closed with %v", err)
				}
				l.Stop()
			},
		})
		inside = false
	})
}

// TestDialTimeout: a listener that accepts nobody, its backlog full, leaves a
// connect hanging.
func TestDialTimeout(t *testing.T) {
	fd, err := streamSocket(syscall.AF_INET)
	if err != nil {
		t.Fatal(err)
	}
	defer rawClose(fd)
	sa, _ := sockaddr(netip.MustParseAddrPort("127.0.0.1:0"))
	if err := errors.Join(unix.Bind(fd, sa), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	local, _ := socketAddresses(fd)
	for range 2 { // fill the backlog
		c, err := net.DialTimeout("tcp", local.String(), 200*time.Millisecond)
		if err == nil {
			defer c.Close()
		}
	}
	for _, name := range everyBackend() {
		if name == "sim" {
			continue // every connect arrives there
		}
		t.Run(name, func(t *testing.T) {
			l, err := newOn(name, Config{})
			if err != nil {
				t.Fatal(err)
			}
			l.Dial(DialOptions{Address: local, Timeout: 50 * time.Millisecond}, &handler{
				opened: func(*Conn) { t.Error("Opened was called") },
				closed: func(_ *Conn, err error) {
					if Kind(err) != "timeout" {
						t.Errorf("closed with %v", err)
					}
					if l.Now() < Time(50*time.Millisecond) {
						t.Errorf("timed out early, at %v", time.Duration(l.Now()))
					}
					l.Stop()
				},
			})
			if err := l.Run(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestInputFull(t *testing.T) {
	onEvery(t, Config{In: MinBuffer}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		serve(func(*Conn) Handler {
			return &handler{
				received: func(*Conn, []byte) int { return 0 },
				closed: func(_ *Conn, err error) {
					if !errors.Is(err, ErrInputFull) {
						t.Errorf("the server's end closed with %v", err)
					}
					l.Stop()
				},
			}
		})
		l.Dial(DialOptions{Address: at}, &handler{opened: func(c *Conn) { c.Write(make([]byte, 2*MinBuffer)) }})
	})
}

// TestBackPressure: a server that answers each byte with a kilobyte never has
// much more queued than the out size, although the client sends all it has
// before it reads.
func TestBackPressure(t *testing.T) {
	const out, asked, each = 4096, 4000, 1024
	onEvery(t, Config{In: MinBuffer, Out: out}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		most := 0
		answer := make([]byte, each)
		serve(func(*Conn) Handler {
			return &handler{received: func(c *Conn, p []byte) int {
				for range p {
					c.WriteShared(answer)
				}
				most = max(most, c.Queued())
				return len(p)
			}}
		})
		got := 0
		l.Dial(DialOptions{Address: at}, &handler{
			opened: func(c *Conn) {
				c.Write(make([]byte, asked))
				c.Pause()
				l.At(l.Now().Add(50*time.Millisecond), c.Resume)
			},
			received: func(c *Conn, p []byte) int {
				if got += len(p); got == asked*each {
					c.CloseWhenDone()
				}
				return len(p)
			},
			closed: func(*Conn, error) {
				if got != asked*each {
					t.Errorf("received %d bytes of %d", got, asked*each)
				}
				if limit := out + MinBuffer*each; most > limit {
					t.Errorf("%d bytes were queued, over %d", most, limit)
				}
				l.Stop()
			},
		})
	})
}

// TestReleases: what a connection is given is given back exactly once,
// however it ends.
func TestReleases(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, how := range []string{"sent", "aborted", "reset", "short", "refused"} {
		t.Run(how, func(t *testing.T) {
			onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
				released := 0
				producer := &countedReader{Reader: strings.NewReader("produced")}
				length := int64(1 << 20)
				if how == "short" {
					length *= 2
				}
				give := func(c *Conn) {
					c.SendFile(file, 0, length, func() { released++ })
					c.Push(producer)
					c.CloseWhenDone()
				}
				check := func() {
					if released != 1 || producer.closed != 1 {
						t.Errorf("the file was released %d times, the producer closed %d times", released, producer.closed)
					}
					l.Stop()
				}
				serve(func(*Conn) Handler {
					return &handler{
						received: func(c *Conn, p []byte) int {
							give(c)
							if how == "aborted" {
								c.Abort()
							}
							return len(p)
						},
						closed: func(_ *Conn, err error) {
							want := map[string]string{"sent": "ok", "aborted": "aborted", "reset": "reset", "short": "short"}[how]
							if Kind(err) != want {
								t.Errorf("closed with %v (%s), not %s", err, Kind(err), want)
							}
							check()
						},
					}
				})
				if how == "refused" {
					at = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.3"), at.Port())
				}
				c := l.Dial(DialOptions{Address: at}, &handler{
					received: func(c *Conn, p []byte) int {
						if how == "reset" {
							c.Abort()
						}
						return len(p)
					},
					closed: func(*Conn, error) {
						if how == "refused" {
							check()
						}
					},
				})
				if how == "refused" {
					give(c)
				} else {
					c.Write([]byte("go"))
				}
			})
		})
	}
}

type countedReader struct {
	io.Reader
	closed int
}

func (r *countedReader) Close() error { r.closed++; return nil }

// TestIdleOwnsNothing: a connection that is idle after a request holds no
// buffer and no queue.
func TestIdleOwnsNothing(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		var server *Conn
		serve(func(c *Conn) Handler {
			server = c
			return &handler{received: func(c *Conn, p []byte) int { c.Write(p); return len(p) }}
		})
		l.Dial(DialOptions{Address: at}, &handler{
			opened: func(c *Conn) { c.Write([]byte("request")) },
			received: func(c *Conn, p []byte) int {
				l.At(l.Now().Add(5*time.Millisecond), func() {
					for _, c := range []*Conn{server, c} {
						if c.rest != nil || c.out != nil {
							t.Errorf("an idle connection holds input %v, output %v", c.rest, c.out)
						}
					}
					l.Stop()
				})
				return len(p)
			},
		})
	})
}

// TestNoAllocation: on an event loop a request costs no allocation at
// either end.
func TestNoAllocation(t *testing.T) {
	const warm, rounds = 2000, 5000
	onEvery(t, Config{Stamp: true}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		if l.Engine() != "readiness" && l.Engine() != "completion" {
			t.Skip("promised for event loops on sockets only")
		}
		serve(func(*Conn) Handler {
			return &handler{received: func(c *Conn, p []byte) int {
				c.Write(p)
				c.SetDeadline(time.Minute)
				return len(p)
			}}
		})
		n := 0
		var before, after runtime.MemStats
		l.Dial(DialOptions{Address: at, NoDelay: true}, &handler{
			opened: func(c *Conn) { c.Write([]byte("request")) },
			received: func(c *Conn, p []byte) int {
				switch n++; n {
				case warm:
					runtime.ReadMemStats(&before)
				case warm + rounds:
					runtime.ReadMemStats(&after)
					if got := after.Mallocs - before.Mallocs; got > rounds/100 {
						t.Errorf("%d allocations in %d requests", got, rounds)
					}
					l.Stop()
					return len(p)
				}
				c.Write(p)
				return len(p)
			},
		})
	})
}
