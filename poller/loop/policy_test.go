package loop

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// vary gives a configuration one of the policies of buffers.
func vary(cfg *Config, r *rand.Rand) {
	switch r.IntN(4) {
	case 0:
		cfg.Owned = true
	case 1:
		cfg.Auto = true
	case 2:
		cfg.Auto, cfg.AutoBudget = true, 20_000
	}
	cfg.CopyFiles = r.IntN(3) == 0
}

func TestBuffersRefused(t *testing.T) {
	network := netip.MustParsePrefix
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Out: 1000}, "out buffer of 1000 bytes"},
		{Config{Send: -1}, "send buffer of -1 bytes"},
		{Config{Receive: 1<<30 + 1}, "receive buffer of 1073741825 bytes"},
		{Config{Owned: true, Auto: true}, "owned and auto"},
		{Config{Auto: true, Send: 4096}, "send buffer of 4096 bytes and auto"},
		{Config{AutoBudget: -1}, "-1 bytes for buffers"},
		{Config{Networks: []NetworkBuffers{{Network: network("10.0.0.0/8"), Buffers: Buffers{In: 3}}}}, "10.0.0.0/8: in buffer of 3 bytes"},
		{Config{Networks: []NetworkBuffers{{Network: network("10.1.0.0/8")}}}, "10.1.0.0/8: give a network"},
		{Config{Networks: []NetworkBuffers{{}}}, "give a network"},
		{Config{Networks: []NetworkBuffers{{Network: network("10.0.0.0/8")}, {Network: network("10.0.0.0/8")}}}, "it has some already"},
		{Config{Networks: make([]NetworkBuffers, MaxNetworks+1)}, "at most 7"},
	} {
		c.cfg.Backend = "epoll"
		if err := c.cfg.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.want)
		}
	}
}

// TestBuffersByNetwork: a connection has the buffers of the narrowest network that
// its peer is in.
func TestBuffersByNetwork(t *testing.T) {
	cfg := Config{In: 2048, Out: 4096, Networks: []NetworkBuffers{
		{Network: netip.MustParsePrefix("127.0.0.0/16"), Buffers: Buffers{In: 1024, Out: 8192}},
		{Network: netip.MustParsePrefix("127.0.0.8/30"), Buffers: Buffers{In: 512, Out: 512, Owned: true}},
		{Network: netip.MustParsePrefix("127.0.0.0/24"), Buffers: Buffers{In: 8192, Auto: true}},
	}}
	onEvery(t, cfg, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		ends := 0
		serve(func(c *Conn) Handler {
			want := Buffers{In: 2048, Out: 4096}
			switch s := c.RemoteAddr().Addr().String(); s {
			case "127.0.0.9":
				want = Buffers{In: 512, Out: 512, Owned: true}
			case "127.0.0.200":
				want = Buffers{In: 8192, Out: AutoLeast, Auto: true}
			case "127.0.3.1":
				want = Buffers{In: 1024, Out: 8192}
			case "127.9.0.1":
			default:
				t.Errorf("a client from %s", s)
			}
			if got := c.Buffers(); got != want {
				t.Errorf("from %v: %+v, want %+v", c.RemoteAddr(), got, want)
			}
			got, longest := 0, 0
			return &handler{
				received: func(c *Conn, p []byte) int {
					longest = max(longest, len(p))
					if got += len(p); got == 20_000 {
						if longest > want.In {
							t.Errorf("from %v: shown %d bytes at once, want at most %d", c.RemoteAddr(), longest, want.In)
						}
						c.CloseWhenDone()
					}
					return len(p)
				},
				closed: func(*Conn, error) {
					if ends++; ends == 4 {
						l.Post(func() {
							if l.buffers.held != 0 && l.table.live == 0 {
								t.Errorf("%d bytes of buffers in hand", l.buffers.held)
							}
							l.Stop()
						})
					}
				},
			}
		})
		for _, from := range []string{"127.0.0.9", "127.0.0.200", "127.0.3.1", "127.9.0.1"} {
			l.Dial(DialOptions{Address: at, Source: netip.MustParseAddr(from)}, &handler{
				opened: func(c *Conn) { c.Write(make([]byte, 20_000)) },
			})
		}
	})
}

// TestOwned: who owns its buffers has them from the beginning to the end, and
// nobody else holds any while nothing is on its way.
func TestOwned(t *testing.T) {
	for _, owned := range []bool{false, true} {
		t.Run(fmt.Sprint(owned), func(t *testing.T) {
			onEvery(t, Config{In: 1024, Out: 2048, Owned: owned}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
				const pairs = 3
				echoed, gone := 0, 0
				want := int64(0)
				switch e := l.Engine(); {
				case owned:
					want = 2 * pairs * (1024 + 2048)
				case e == "goroutines" || l.cfg.RingWithout&RingBufferGroups != 0:
					want = 2 * pairs * 1024 // a read that waits has a buffer
				}
				serve(func(*Conn) Handler {
					return &handler{received: func(c *Conn, p []byte) int { c.Write(p); return len(p) }, closed: func(*Conn, error) {
						if gone++; gone == 2*pairs {
							l.Post(l.Stop)
						}
					}}
				})
				var clients []*Conn
				for range pairs {
					clients = append(clients, l.Dial(DialOptions{Address: at}, &handler{
						opened: func(c *Conn) { c.Write([]byte("ping")) },
						received: func(_ *Conn, p []byte) int {
							if echoed += len(p); echoed == 4*pairs {
								l.At(l.Now().Add(20*time.Millisecond), func() {
									if l.buffers.held != want {
										t.Errorf("%d bytes of buffers in hand, want %d", l.buffers.held, want)
									}
									for _, c := range clients {
										c.CloseWhenDone()
									}
								})
							}
							return len(p)
						},
						closed: func(*Conn, error) {
							if gone++; gone == 2*pairs {
								l.Post(l.Stop)
							}
						},
					}))
				}
				t.Cleanup(func() {
					if l.buffers.held != 0 {
						t.Errorf("%d bytes of buffers in hand at the end", l.buffers.held)
					}
				})
			})
		})
	}
}

// TestKernelBuffers: accepted and dialled sockets have what the policy says, and
// those that it says nothing of the kernel's own tuning.
func TestKernelBuffers(t *testing.T) {
	local := NetworkBuffers{Network: netip.MustParsePrefix("127.0.0.7/32"), Buffers: Buffers{Receive: 32 << 10, Send: 16 << 10}}
	for name, cfg := range map[string]Config{
		"all":     {Receive: 20_000, Send: 10_000},
		"network": {Networks: []NetworkBuffers{local}},
		"auto":    {Auto: true},
	} {
		t.Run(name, func(t *testing.T) {
			onEvery(t, cfg, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
				look := func(c *Conn, b Buffers) {
					l.eng.socket(c, func(fd int) {
						for _, o := range []struct{ option, asked int }{{unix.SO_RCVBUF, b.Receive}, {unix.SO_SNDBUF, b.Send}} {
							got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, o.option)
							if err != nil || o.asked > 0 && got != o.asked*kernelFactor || o.asked == 0 && got < 40_000 {
								t.Errorf("option %d: %d (%v), asked for %d", o.option, got, err, o.asked)
							}
						}
						checkUnsent(t, fd, b.Auto)
					})
				}
				ends := 0
				serve(func(c *Conn) Handler {
					switch {
					case c.RemoteAddr().Addr() == netip.MustParseAddr("127.0.0.7") && name == "network":
						look(c, local.Buffers)
					case name == "network":
						look(c, Buffers{})
					default:
						look(c, Buffers{Receive: cfg.Receive, Send: cfg.Send, Auto: cfg.Auto})
					}
					return &handler{closed: func(*Conn, error) {
						if ends++; ends == 2 {
							l.Stop()
						}
					}}
				})
				for _, from := range []string{"127.0.0.7", "127.0.0.6"} {
					l.Dial(DialOptions{Address: at, Source: netip.MustParseAddr(from)}, &handler{opened: func(c *Conn) {
						look(c, Buffers{Receive: cfg.Receive, Send: cfg.Send, Auto: cfg.Auto})
						c.CloseWhenDone()
					}})
				}
			})
		})
	}
}

// TestKernelBuffersBeyond: a size that the system cuts is refused, not taken for
// what was asked.
func TestKernelBuffersBeyond(t *testing.T) {
	for _, cfg := range []Config{{Send: MaxKernelBuffer}, {Receive: MaxKernelBuffer}} {
		cfg.Backend = "poll"
		l, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Listen(ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:0")}, func(*Conn) Handler { return &handler{} })
		if err == nil || !strings.Contains(err.Error(), "the system allows") {
			t.Errorf("%+v: %v", cfg, err)
		}
		l.Stop()
		if err := l.Run(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCopyFiles: a file that is copied arrives as one by sendfile does, with what
// stands before and behind it; one that ends early fails the connection. What it
// needs is released once.
func TestCopyFiles(t *testing.T) {
	content := make([]byte, 200_000)
	for i := range content {
		content[i] = byte(rand.Uint32())
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	for _, short := range []bool{false, true} {
		onEvery(t, Config{CopyFiles: true, Out: 4096}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
			released := 0
			const off = 1000
			n := int64(len(content) - off)
			if short {
				n++
			}
			serve(func(*Conn) Handler {
				return &handler{
					opened: func(c *Conn) {
						c.Write([]byte("<"))
						c.SendFile(f, off, n, func() { released++ })
						c.Write([]byte(">"))
						c.CloseWhenDone()
					},
					closed: func(_ *Conn, err error) {
						if short != (Kind(err) == Kind(ErrShort)) {
							t.Errorf("closed with %v", err)
						}
						if released != 1 {
							t.Errorf("released %d times", released)
						}
					},
				}
			})
			var got bytes.Buffer
			l.Dial(DialOptions{Address: at}, &handler{
				received: func(_ *Conn, p []byte) int { got.Write(p); return len(p) },
				closed: func(*Conn, error) {
					want := append(append([]byte("<"), content[off:]...), '>')
					if short {
						want = want[:len(want)-1]
					}
					if !short && !bytes.Equal(got.Bytes(), want) || short && !bytes.HasPrefix(want, got.Bytes()) {
						t.Errorf("%d bytes came, not the %d of the file", got.Len(), len(want))
					}
					if calls := l.counts.Calls; calls[CallSendFile] != 0 || calls[CallReadFile] == 0 {
						t.Errorf("%d calls of sendfile and %d of pread", calls[CallSendFile], calls[CallReadFile])
					}
					l.Stop()
				},
			})
		})
	}
}
