package loop

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestRandomPrograms: both ends of many connections send each other a stream in
// every way there is, while they pause, resume, leave input unused, set deadlines
// and at last close or abort in every way there is. On every engine each end gets
// the other's stream, whole and in order, and nothing while it is paused.
func TestRandomPrograms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, pattern(streamMost), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	base, rounds := 0, 2
	// MEDUSA_TEST_SEED repeats one seed, MEDUSA_TEST_ROUNDS tries more.
	for name, n := range map[string]*int{"MEDUSA_TEST_SEED": &base, "MEDUSA_TEST_ROUNDS": &rounds} {
		if s := os.Getenv(name); s != "" {
			if _, err := fmt.Sscan(s, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	for seed := range rounds {
		seed += base
		r := rand.New(rand.NewPCG(uint64(seed), 77))
		cfg := Config{In: MinBuffer << r.IntN(7), Out: MinBuffer << r.IntN(8), Stamp: r.IntN(2) == 0}
		vary(&cfg, r)
		pairs := 1 + r.IntN(40)
		programs := make([]uint64, pairs)
		for i := range programs {
			programs[i] = r.Uint64()
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			onEvery(t, cfg, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
				left := 2 * pairs
				var ends []*actor
				gone := func() {
					if left--; left == 0 {
						// What stands in the queues still has a turn to go.
						l.At(l.Now().Add(5*time.Millisecond), func() {
							var in, out uint64
							for _, a := range ends {
								in += uint64(a.taken)
								out += uint64(a.conn.handed)
							}
							if l.counts.BytesIn < in {
								t.Errorf("%d bytes in, %d counted", in, l.counts.BytesIn)
							}
							if l.buffers.held != 0 || l.buffers.auto != 0 {
								t.Errorf("%d bytes of buffers are still in hand, %d of auto", l.buffers.held, l.buffers.auto)
							}
							if l.counts.BytesOut != out {
								t.Errorf("%d bytes handed, %d counted", out, l.counts.BytesOut)
							}
							l.Stop()
						})
					}
				}
				byAddr := map[netip.AddrPort]*actor{}
				serve(func(c *Conn) Handler {
					a := &actor{t: t, file: file, gone: gone}
					byAddr[c.RemoteAddr()] = a
					ends = append(ends, a)
					return a
				})
				for _, p := range programs {
					a := &actor{t: t, file: file, gone: gone, r: rand.New(rand.NewPCG(p, 1)), dialled: p}
					ends = append(ends, a)
					l.Dial(DialOptions{Address: at, NoDelay: p%2 == 0}, a)
				}
				t.Cleanup(func() {
					if left != 0 {
						n := 0
						for _, a := range ends {
							if !a.closed {
								if n++; n < 5 {
									t.Errorf("end %+v conn %+v io %+v", a.String(), *a.conn, a.conn.io)
								}
							}
						}
						t.Errorf("%d of %d ends are left", left, 2*pairs)
					}
				})
			})
			if t.Failed() {
				t.Fatalf("seed %d: %+v, %d pairs", seed, cfg, pairs)
			}
		})
	}
}

const streamMost = 3 << 20
