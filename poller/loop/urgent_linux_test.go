package loop

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestUrgentLast: an urgent byte behind which nothing comes costs nothing while
// nothing comes: no turns, no kernel threads; and what comes later is received.
func TestUrgentLast(t *testing.T) {
	const crowd = 5
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		if l.Engine() == "sim" {
			l.Stop()
			return
		}
		got := 0
		serve(func(*Conn) Handler {
			return &handler{received: func(_ *Conn, p []byte) int {
				if got += len(p); got == crowd*12 {
					l.Stop()
				}
				return len(p)
			}}
		})
		var fds []int
		for range crowd {
			fds = append(fds, connectTo(t, at))
		}
		var before unix.Rusage
		l.At(l.Now().Add(10*time.Millisecond), func() {
			for _, fd := range fds {
				_ = unix.Sendto(fd, []byte("before"), 0, nil)
				_ = unix.Sendto(fd, []byte("!"), unix.MSG_OOB, nil)
			}
			l.At(l.Now().Add(30*time.Millisecond), func() {
				turns := l.counts.Turns
				unix.Getrusage(unix.RUSAGE_SELF, &before)
				l.At(l.Now().Add(50*time.Millisecond), func() {
					var now unix.Rusage
					unix.Getrusage(unix.RUSAGE_SELF, &now)
					t.Logf("cpu %v", time.Duration(now.Stime.Nano()-before.Stime.Nano()+now.Utime.Nano()-before.Utime.Nano()))
					if n := l.counts.Turns - turns; n > 10 && l.Engine() != "goroutines" {
						t.Errorf("%d turns", n)
					}
					if n := l.Workers(); n != 0 {
						t.Errorf("%d kernel threads", n)
					}
					for _, fd := range fds {
						_ = unix.Sendto(fd, []byte("behind"), 0, nil)
					}
				})
			})
		})
		t.Cleanup(func() {
			for _, fd := range fds {
				unix.Close(fd)
			}
			if got != crowd*12 {
				t.Errorf("%d bytes", got)
			}
		})
	})
}
