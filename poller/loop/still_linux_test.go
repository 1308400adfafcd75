package loop

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestStill: whatever state connections are in, while nothing happens the loop
// does nothing.
func TestStill(t *testing.T) {
	much := make([]byte, 8<<20)
	send := func(fd int, n int) {
		for n > 0 { // as much as there is room for
			k, err := unix.SendmsgN(fd, much[:min(n, len(much))], nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
			if err != nil {
				return
			}
			n -= k
		}
	}
	finish := func(fd int) { _ = unix.Shutdown(fd, unix.SHUT_WR) }
	reset := func(fd int) { closeSocket(fd, true) }
	states := []struct {
		name   string
		server func(c *Conn) *handler
		client func(fd int)
	}{
		{"idle", nil, nil},
		{"half used", func(*Conn) *handler {
			return &handler{received: func(c *Conn, p []byte) int { return min(len(p), 1) }}
		}, func(fd int) { send(fd, 300) }},
		{"paused", func(*Conn) *handler { return &handler{opened: (*Conn).Pause} }, func(fd int) { send(fd, 100_000) }},
		{"paused later", func(*Conn) *handler {
			return &handler{received: func(c *Conn, p []byte) int { c.Pause(); return 0 }}
		}, func(fd int) { send(fd, 8<<20) }},
		{"paused before FIN", func(*Conn) *handler {
			return &handler{received: func(c *Conn, p []byte) int { c.Pause(); return 1 }}
		}, func(fd int) { send(fd, 50_000); finish(fd) }},
		{"paused before a reset", func(*Conn) *handler {
			return &handler{received: func(c *Conn, p []byte) int { c.Pause(); return 1 }}
		}, func(fd int) { send(fd, 50_000); reset(fd) }},
		{"choked", func(*Conn) *handler {
			return &handler{opened: func(c *Conn) { c.WriteShared(much); c.WriteShared(much) }}
		}, func(fd int) { send(fd, 4<<20) }},
		{"choked by input", func(*Conn) *handler {
			return &handler{received: func(c *Conn, p []byte) int { c.WriteShared(much); return len(p) }}
		}, func(fd int) { send(fd, 4<<20); finish(fd) }},
		{"choked and reset", func(*Conn) *handler {
			return &handler{received: func(c *Conn, p []byte) int { c.WriteShared(much); return len(p) }}
		}, func(fd int) { send(fd, 4<<20); reset(fd) }},
		{"closing", func(*Conn) *handler {
			return &handler{opened: func(c *Conn) { c.WriteShared(much); c.CloseWhenDone() }}
		}, func(fd int) { send(fd, 1<<20) }},
		{"closing behind FIN", func(*Conn) *handler {
			return &handler{opened: func(c *Conn) { c.WriteShared(much); c.CloseWhenDone() }}
		}, finish},
		{"lingering", func(*Conn) *handler {
			return &handler{opened: func(c *Conn) { c.Write(much[:1000]); c.CloseWhenDone() }}
		}, func(fd int) { send(fd, 1000) }},
		{"lingering, paused", func(*Conn) *handler {
			return &handler{received: func(c *Conn, p []byte) int {
				c.Pause()
				c.Write(much[:1000])
				c.CloseWhenDone()
				return 0
			}}
		}, func(fd int) { send(fd, 500_000) }},
		{"CloseWrite", func(*Conn) *handler { return &handler{opened: (*Conn).CloseWrite} }, func(fd int) { send(fd, 1000) }},
		{"FIN kept", func(*Conn) *handler { return &handler{ended: func(*Conn) {}} }, func(fd int) { send(fd, 1000); finish(fd) }},
		{"FIN kept, paused after", func(*Conn) *handler { return &handler{ended: (*Conn).Pause} }, func(fd int) { send(fd, 1000); finish(fd) }},
		{"FIN both ways", func(*Conn) *handler { return &handler{ended: (*Conn).CloseWrite} }, func(fd int) { send(fd, 1000); finish(fd) }},
		{"parked", func(*Conn) *handler {
			return &handler{opened: func(c *Conn) { c.Write([]byte("a")); c.Push(failing{ErrLater}); c.Write([]byte("b")) }}
		}, func(fd int) { send(fd, 1000) }},
		{"parked, closing", func(*Conn) *handler {
			return &handler{opened: func(c *Conn) { c.Push(failing{ErrLater}); c.CloseWhenDone() }}
		}, func(fd int) { send(fd, 1000); finish(fd) }},
		{"urgent", nil, func(fd int) {
			send(fd, 1000)
			_ = unix.Sendto(fd, []byte("!"), unix.MSG_OOB, nil)
		}},
		{"urgent, paused", func(*Conn) *handler { return &handler{opened: (*Conn).Pause} }, func(fd int) {
			send(fd, 1000)
			_ = unix.Sendto(fd, []byte("!"), unix.MSG_OOB, nil)
			send(fd, 1000)
		}},
	}
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		if l.Engine() == "sim" || l.Engine() == "goroutines" {
			l.Stop() // has no sockets; does not wait in turns
			return
		}
		count := 0
		of := map[*Conn]string{}
		serve(func(c *Conn) Handler {
			s := states[count]
			count++
			of[c] = s.name
			if s.server == nil {
				return &handler{}
			}
			return s.server(c)
		})
		var fds []int
		for range states {
			fds = append(fds, connectTo(t, at))
		}
		l.At(l.Now().Add(5*time.Millisecond), func() {
			for i, s := range states {
				if s.client != nil {
					s.client(fds[i])
				}
				if strings.Contains(s.name, "reset") {
					fds[i] = -1
				}
			}
			l.At(l.Now().Add(60*time.Millisecond), func() {
				turns := l.counts.Turns
				l.At(l.Now().Add(40*time.Millisecond), func() {
					if count != len(states) {
						t.Errorf("%d of %d came", count, len(states))
					}
					if n := l.counts.Turns - turns; n > 10 {
						t.Errorf("%d turns", n)
						l.Each(func(c *Conn) {
							if c.dirty {
								t.Errorf("%s is dirty", of[c])
							}
						})
					}
					l.Stop()
				})
			})
		})
		t.Cleanup(func() {
			for _, fd := range fds {
				if fd >= 0 {
					unix.Close(fd)
				}
			}
		})
	})
}
