package loop

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestFileOfAnotherSize: a file that shrinks while it is sent ends the
// connection with ErrShort and is never padded; one that grows is sent at the
// size that was promised.
func TestFileOfAnotherSize(t *testing.T) {
	const promised = 16 << 20 // more than all buffers between take
	for _, c := range []struct {
		name string
		then int64 // the size after the first bytes were sent
		kind string
	}{
		{"shrinks", 100_000, "short"},
		{"vanishes", 0, "short"},
		{"was short", 100_000, "short"}, // no room is ever missing: an edge backend reports none
		{"grows", promised + 100_000, "ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
				file, err := os.OpenFile(filepath.Join(t.TempDir(), "file"), os.O_RDWR|os.O_CREATE, 0o600)
				if err != nil {
					t.Fatal(err)
				}
				content := pattern(promised)
				if _, err := file.Write(content); err != nil {
					t.Fatal(err)
				}
				released, ended, left := 0, "", 2
				var got []byte
				gone := func() {
					if left--; left == 0 {
						l.Stop()
					}
				}
				serve(func(*Conn) Handler {
					return &handler{
						received: func(conn *Conn, p []byte) int {
							if c.name == "was short" {
								if err := file.Truncate(c.then); err != nil {
									t.Error(err)
								}
							}
							conn.SendFile(file, 0, promised, func() { released++ })
							conn.CloseWhenDone()
							return len(p)
						},
						closed: func(_ *Conn, err error) { ended = Kind(err); gone() },
					}
				})
				// The client reads nothing until the file has its new size, so
				// that the buffers between cannot have taken all of it.
				l.Dial(DialOptions{Address: at}, &handler{
					opened: func(conn *Conn) {
						conn.Write([]byte("go"))
						conn.Pause()
						l.At(l.Now().Add(20*time.Millisecond), func() {
							if err := file.Truncate(c.then); err != nil {
								t.Error(err)
							}
							conn.Resume()
						})
					},
					received: func(_ *Conn, p []byte) int { got = append(got, p...); return len(p) },
					closed:   func(*Conn, error) { gone() },
				})
				t.Cleanup(func() {
					file.Close()
					if ended != c.kind || released != 1 {
						t.Errorf("the sender ended with %q and released %d times; want %q and 1", ended, released, c.kind)
					}
					if c.kind == "ok" && len(got) != promised || !bytes.Equal(got[:min(len(got), int(c.then))], content[:min(len(got), int(c.then))]) {
						t.Errorf("%d bytes came of %d, or not those of the file", len(got), promised)
					}
					if len(got) > promised || c.kind == "short" && len(got) == promised {
						t.Errorf("%d bytes came of a file that became short", len(got))
					}
				})
			})
		})
	}
}

// TestProducerFails: what it gave before is sent, and the connection ends with
// its error.
func TestProducerFails(t *testing.T) {
	cause := errors.New("disk on fire")
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		producer := &countedReader{Reader: io.MultiReader(bytes.NewReader(pattern(1000)), failing{cause})}
		var ended error
		serve(func(*Conn) Handler {
			return &handler{
				received: func(c *Conn, p []byte) int { c.Push(producer); return len(p) },
				closed:   func(_ *Conn, err error) { ended = err },
			}
		})
		got := 0
		l.Dial(DialOptions{Address: at}, &handler{
			opened:   func(c *Conn) { c.Write([]byte("go")) },
			received: func(_ *Conn, p []byte) int { got += len(p); return len(p) },
			closed:   func(*Conn, error) { l.Stop() },
		})
		t.Cleanup(func() {
			if !errors.Is(ended, cause) || producer.closed != 1 || got != 1000 {
				t.Errorf("ended with %v, closed %d times, %d bytes came", ended, producer.closed, got)
			}
		})
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestPeerEndsBeforeOutput: the peer's FIN is told at once if reading goes on,
// and after the output that chokes it otherwise; either way all output arrives.
func TestPeerEndsBeforeOutput(t *testing.T) {
	for name, size := range map[string]int{"a little": 1000, "much": 4 << 20} {
		t.Run(name, func(t *testing.T) {
			onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
				block := pattern(size)
				serve(func(*Conn) Handler {
					return &handler{received: func(c *Conn, p []byte) int { c.WriteShared(block); return len(p) }}
				})
				var got []byte
				l.Dial(DialOptions{Address: at}, &handler{
					opened: func(c *Conn) {
						c.Write([]byte("go"))
						c.CloseWrite()
						c.Pause()
						l.At(l.Now().Add(10*time.Millisecond), c.Resume)
					},
					received: func(_ *Conn, p []byte) int { got = append(got, p...); return len(p) },
					closed: func(_ *Conn, err error) {
						if err != nil || !bytes.Equal(got, block) {
							t.Errorf("closed with %v after %d bytes of %d", err, len(got), size)
						}
						l.Stop()
					},
				})
			})
		})
	}
}

// TestRoomBehindInput: output that waits for room is sent when there is some,
// although input comes without end, so that the connection is never not
// readable.
func TestRoomBehindInput(t *testing.T) {
	const size = 1 << 20 // as much as may be queued without choking
	onEvery(t, Config{Out: size}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		in := 0
		var client *Conn
		serve(func(c *Conn) Handler {
			return &handler{
				opened: func(c *Conn) { c.WriteShared(make([]byte, size)) },
				received: func(c *Conn, p []byte) int {
					if in += len(p); in > 1<<20 { // nothing more fits by now
						client.Resume()
					}
					return len(p)
				},
			}
		})
		got := 0
		block := make([]byte, 64<<10)
		client = l.Dial(DialOptions{Address: at}, &handler{
			opened:  func(c *Conn) { c.Pause(); c.WriteShared(block) },
			drained: func(c *Conn) { c.WriteShared(block) },
			received: func(_ *Conn, p []byte) int {
				if got += len(p); got == size {
					l.Stop()
				}
				return len(p)
			},
		})
	})
}

// TestChoke: reading stops over the out size and resumes under half of it.
func TestChoke(t *testing.T) {
	l, err := New(Config{Backend: "sim", Out: 4096})
	if err != nil {
		t.Fatal(err)
	}
	c := &Conn{loop: l, state: stateOpen, out: &output{}}
	for _, step := range []struct {
		queued int64
		choked bool
	}{{0, false}, {4096, false}, {4097, true}, {4096, true}, {2048, true}, {2047, false}, {4096, false}, {4097, true}, {0, false}} {
		was := c.choked
		c.replay, c.dirty = false, false
		c.out.queued = step.queued
		c.throttle()
		if c.choked != step.choked {
			t.Errorf("%d bytes queued: choked %v", step.queued, c.choked)
		}
		if freed := was && !c.choked; c.replay != freed || c.dirty != (was != c.choked) {
			t.Errorf("%d bytes queued: shown again %v, settles again %v", step.queued, c.replay, c.dirty)
		}
	}
}

// TestChokedInDeliver: a Handler that answers one request at a time and leaves
// the rest because much is queued is shown the rest again, even if all was sent
// before the connection settles.
func TestChokedInDeliver(t *testing.T) {
	const requests = 10
	onEvery(t, Config{Out: MinBuffer}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		answer := make([]byte, MinBuffer+1)
		serve(func(*Conn) Handler {
			return &handler{received: func(c *Conn, _ []byte) int { c.WriteShared(answer); return 1 }}
		})
		got := 0
		l.Dial(DialOptions{Address: at}, &handler{
			opened: func(c *Conn) { c.Write(make([]byte, requests)) },
			received: func(_ *Conn, p []byte) int {
				if got += len(p); got == requests*len(answer) {
					l.Stop()
				}
				return len(p)
			},
		})
	})
}
