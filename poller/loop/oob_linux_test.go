package loop

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestUrgentAnywhere: a byte out of band somewhere in a stream, which its reader
// pauses now and then, takes nothing of the stream away and holds nothing up.
func TestUrgentAnywhere(t *testing.T) {
	const crowd, size = 40, 120_000
	stream := pattern(size)
	onEvery(t, Config{In: 4096}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		if l.Engine() == "sim" {
			l.Stop()
			return
		}
		r := rand.New(rand.NewPCG(1, 2))
		left := crowd
		serve(func(*Conn) Handler {
			got := 0
			return &handler{received: func(c *Conn, p []byte) int {
				if !bytes.HasPrefix(stream[got:], p) {
					t.Errorf("something behind %d is wrong", got)
					l.Stop()
				}
				if r.IntN(5) == 0 {
					c.Pause()
					l.At(l.Now().Add(time.Duration(r.IntN(300_000))), c.Resume)
				}
				got += len(p)
				return len(p)
			}, ended: func(c *Conn) {
				if got != size {
					t.Errorf("%d bytes of %d", got, size)
				}
				c.CloseWhenDone()
			}, closed: func(*Conn, error) {
				if left--; left == 0 {
					l.Stop()
				}
			}}
		})
		l.At(l.Now().Add(5*time.Second), func() { // by then all is long over
			l.Each(func(c *Conn) {
				t.Errorf("left: watch %v fin %v rest %d paused %v", c.watch, c.fin, len(c.rest), c.paused)
			})
			l.Stop()
		})
		for range crowd {
			fd := connectTo(t, at)
			mark, end := r.IntN(size), r.IntN(3) == 0
			go func() {
				defer unix.Close(fd)
				send := func(p []byte, flags int) {
					for len(p) > 0 {
						n, err := unix.SendmsgN(fd, p, nil, nil, flags|unix.MSG_NOSIGNAL)
						if err != nil {
							t.Error(err)
							return
						}
						p = p[n:]
					}
				}
				if end {
					mark = size
				}
				send(stream[:mark], 0)
				send([]byte("!"), unix.MSG_OOB)
				if mark%2 == 0 {
					time.Sleep(2 * time.Millisecond)
				}
				send(stream[mark:], 0)
				_ = unix.Shutdown(fd, unix.SHUT_WR)
				var p [10]byte
				for {
					n, err := unix.Read(fd, p[:])
					if err == unix.EINTR {
						continue
					}
					if n <= 0 || err != nil {
						return
					}
				}
			}()
		}
		t.Cleanup(func() {
			if left != 0 {
				t.Errorf("%d are left", left)
			}
		})
	})
}
