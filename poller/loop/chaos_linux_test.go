package loop

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestChaos: both ends of many connections do whatever they can at any time, and
// at last close or abort. Each ends exactly once, what came is a prefix of what was
// sent, and nothing is left: no socket, no buffer.
func TestChaos(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, pattern(streamMost), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	base, rounds := 0, 3
	// MEDUSA_TEST_SEED repeats one seed, MEDUSA_TEST_ROUNDS tries more.
	for name, n := range map[string]*int{"MEDUSA_TEST_SEED": &base, "MEDUSA_TEST_ROUNDS": &rounds} {
		if s := os.Getenv(name); s != "" {
			if _, err := fmt.Sscan(s, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	for seed := base; seed < base+rounds; seed++ {
		r := rand.New(rand.NewPCG(uint64(seed), 78))
		cfg := Config{In: MinBuffer << r.IntN(7), Out: MinBuffer << r.IntN(8), Stamp: r.IntN(2) == 0}
		vary(&cfg, r)
		if r.IntN(3) == 0 {
			cfg.MaxConnections = 1 + r.IntN(20)
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			onEvery(t, cfg, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
				if l.Engine() == "sim" {
					l.Stop()
					return
				}
				r := rand.New(rand.NewPCG(uint64(seed), 79))
				before := sockets(t)
				const total, atOnce = 150, 30
				open, dials := 0, 0
				var begin func()
				all := map[*wild]bool{}
				gone := func(w *wild) {
					delete(all, w)
					if open--; dials < total && w.dialled {
						begin()
					}
					if open == 0 && dials == total {
						l.At(l.Now().Add(30*time.Millisecond), func() {
							if e, ok := l.eng.(*completion); ok {
								if n := missingBuffers(t, e); n != 0 {
									t.Errorf("%d buffers are gone", n)
								}
								if len(e.queue)+len(e.fresh)+e.hungry+len(e.own.taken) > 0 {
									t.Errorf("left: %d %d %d %d", len(e.queue), len(e.fresh), e.hungry, len(e.own.taken))
								}
							}
							if l.buffers.held != 0 || l.buffers.auto != 0 {
								t.Errorf("%d bytes of buffers are still in hand, %d of auto", l.buffers.held, l.buffers.auto)
							}
							if n := sockets(t); n > before {
								t.Errorf("%d sockets, %d before", n, before)
							}
							turns := l.counts.Turns
							l.At(l.Now().Add(20*time.Millisecond), func() {
								if n := l.counts.Turns - turns; n > 5 {
									t.Errorf("%d turns for nothing", n)
								}
								l.Stop()
							})
						})
					}
				}
				serve(func(c *Conn) Handler {
					open++
					w := &wild{t: t, r: r, file: file, gone: gone, c: c}
					all[w] = true
					return w
				})
				begin = func() {
					open++
					dials++
					w := &wild{t: t, r: r, file: file, gone: gone, dialled: true}
					all[w] = true
					o := DialOptions{Address: at, NoDelay: r.IntN(2) == 0}
					if r.IntN(10) == 0 {
						o.Timeout = time.Duration(r.IntN(2_000_000))
					}
					w.c = l.Dial(o, w)
					if r.IntN(20) == 0 {
						w.c.Abort()
					} else if r.IntN(10) == 0 {
						l.At(l.Now().Add(time.Duration(r.IntN(100_000))), w.c.Abort)
					} else if r.IntN(10) == 0 {
						w.c.CloseWhenDone()
					}
				}
				for range atOnce {
					begin()
				}
				t.Cleanup(func() {
					for w := range all {
						t.Errorf("%+v\n conn %+v\n io %+v", *w, *w.c, w.c.io)
						break
					}
					if open != 0 || dials != total {
						t.Errorf("%d are open, %d were dialled", open, dials)
					}
				})
			})
			if t.Failed() {
				t.Fatalf("seed %d: %+v", seed, cfg)
			}
		})
	}
}

// wild is one end. All send the same stream.
type wild struct {
	t       *testing.T
	r       *rand.Rand
	file    *os.File
	gone    func(*wild)
	c       *Conn
	dialled bool
	opened  bool
	closed  bool
	ended   bool
	paused  bool
	ending  bool // it has called what ends the connection
	sent    int
	got     int
	left    int // files
	acts    int
}

func (w *wild) act() {
	if w.closed {
		return
	}
	r, c := w.r, w.c
	w.acts++
	n := 1 << r.IntN(19)
	if n = min(1+r.IntN(n), streamMost-w.sent); n > 0 {
		p := streamBytes[w.sent : w.sent+n]
		switch r.IntN(8) {
		case 0, 1, 2:
			if !c.deaf() {
				w.sent += n
			}
			c.Write(p)
		case 3:
			if !c.deaf() {
				w.sent += n
			}
			c.WriteShared(append([]byte(nil), p...))
		case 4:
			if !c.deaf() {
				w.sent += n
			}
			w.left++
			c.SendFile(w.file, int64(w.sent-n), int64(n), func() { w.left-- })
		}
	}
	switch r.IntN(10) {
	case 0, 1:
		c.Pause()
		w.paused = true
	case 2, 3, 4:
		w.paused = false
		c.Resume()
	case 5:
		if w.acts > 3 {
			c.CloseWrite()
		}
	case 6:
		c.SetDeadline(time.Duration(r.IntN(2_000_000)))
	case 7:
		if r.IntN(40) == 0 && c.fd >= 0 && !c.gone() {
			// As if the peer had reset, at any time.
			_ = unix.Shutdown(int(c.fd), unix.SHUT_RDWR)
		}
	}
	if w.acts > 4 && r.IntN(6) == 0 || w.acts > 30 {
		w.end()
	}
}

func (w *wild) end() {
	if w.ending {
		return
	}
	w.ending = true
	if w.r.IntN(3) == 0 {
		w.c.Abort()
	} else {
		w.c.CloseWhenDone()
	}
}

func (w *wild) tick() {
	if w.closed {
		return
	}
	w.act()
	if !w.ending {
		w.c.loop.At(w.c.loop.Now().Add(time.Duration(w.r.IntN(400_000))), w.tick)
	}
}

func (w *wild) Opened(c *Conn) {
	if w.opened || w.closed {
		w.t.Error("Opened")
	}
	w.opened = true
	w.act()
	w.tick()
}

func (w *wild) Received(c *Conn, p []byte) int {
	if !w.opened || w.closed || w.paused || w.ending {
		w.t.Errorf("Received: %+v", *w)
	}
	n := len(p)
	if w.r.IntN(4) == 0 {
		n = w.r.IntN(n + 1)
	}
	if n == 0 && len(p) >= c.loop.cfg.In {
		n = 1
	}
	for i := range n {
		if p[i] != streamBytes[w.got+i] {
			w.t.Errorf("byte %d is wrong", w.got+i)
			c.loop.Stop()
			return n
		}
	}
	w.got += n
	if w.r.IntN(3) == 0 {
		w.act()
	}
	return n
}

func (w *wild) Ended(c *Conn) {
	if !w.opened || w.closed || w.ended || w.paused || w.ending {
		w.t.Errorf("Ended: %+v", *w)
	}
	w.ended = true
	if w.r.IntN(2) == 0 {
		w.act()
	}
	if w.r.IntN(2) == 0 {
		w.end()
	}
}

func (w *wild) Expired(c *Conn) {
	if !w.opened || w.closed {
		w.t.Errorf("Expired: %+v", *w)
	}
	w.act()
}

func (w *wild) Drained(c *Conn) {
	if !w.opened || w.closed || !c.noOutput() {
		w.t.Errorf("Drained: %+v", *w)
	}
	if w.r.IntN(2) == 0 {
		w.act()
	}
}

func (w *wild) Closed(c *Conn, err error) {
	if w.closed {
		w.t.Error("Closed twice")
	}
	w.closed = true
	if w.left != 0 {
		w.t.Errorf("%d files are not released", w.left)
	}
	w.gone(w)
}
