package loop

import (
	"bytes"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

// TestStampIsBefore: a queue of the ring that was full was submitted without taking
// the time, which was then taken later than the peer had the bytes.
func TestStampIsBefore(t *testing.T) {
	const senders = 12
	onEvery(t, Config{Stamp: true}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		if l.Engine() == "sim" || l.Engine() == "goroutines" {
			l.Stop()
			return
		}
		var conns []*Conn
		var fds []int
		had := make([]bool, senders)
		var look Time
		serve(func(c *Conn) Handler {
			conns = append(conns, c)
			return &handler{}
		})
		for range senders {
			fds = append(fds, connectTo(t, at))
		}
		l.At(l.Now().Add(20*time.Millisecond), func() {
			if len(conns) != senders {
				t.Errorf("%d came", len(conns))
				l.Stop()
				return
			}
			for _, c := range conns[:senders-1] {
				c.Write([]byte("x"))
			}
			// The last one is asked for its bytes when the others have been served.
			conns[senders-1].Push(lookingAround(func() {
				look = l.Now()
				for i, fd := range fds {
					var p [1]byte
					n, _, err := unix.Recvfrom(fd, p[:], unix.MSG_DONTWAIT|unix.MSG_PEEK)
					had[i] = err == nil && n == 1
				}
				for l.Now() < look.Add(time.Millisecond) {
				}
			}))
			var wait func()
			wait = func() {
				for _, c := range conns {
					if n, _ := c.Handed(); n == 0 {
						l.At(l.Now().Add(time.Millisecond), wait)
						return
					}
				}
				l.Stop()
			}
			wait()
		})
		t.Cleanup(func() {
			for i, fd := range fds {
				unix.Close(fd)
				_, at := conns[i].Handed()
				if had[i] && at > look {
					t.Errorf("client %d had its byte at %d, and it was given to the kernel at %d", i, look, at)
				}
				if at == 0 {
					t.Errorf("client %d: no time", i)
				}
			}
		})
	})
}

// lookingAround produces a byte, after a call.
type lookingAround func()

func (f lookingAround) Read(p []byte) (int, error) {
	f()
	return copy(p, "x"), io.EOF
}

// TestAbortBehindASend: what was on its way to the kernel when the connection was
// aborted went out, and was not counted.
func TestAbortBehindASend(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		if l.Engine() == "sim" || l.Engine() == "goroutines" {
			l.Stop()
			return
		}
		var conns []*Conn
		serve(func(c *Conn) Handler { conns = append(conns, c); return &handler{} })
		fds := []int{connectTo(t, at), connectTo(t, at)}
		l.At(l.Now().Add(20*time.Millisecond), func() {
			conns[0].Write([]byte("hello"))
			conns[1].Push(lookingAround(conns[0].Abort))
			l.At(l.Now().Add(20*time.Millisecond), l.Stop)
		})
		t.Cleanup(func() {
			got := 0
			for _, fd := range fds {
				var p [100]byte
				if n, _, err := unix.Recvfrom(fd, p[:], unix.MSG_DONTWAIT); err == nil {
					got += n
				}
				unix.Close(fd)
			}
			if out := l.counts.BytesOut; out != uint64(got) {
				t.Errorf("%d bytes came, %d were counted", got, out)
			}
		})
	})
}

// TestNoSpinAfterFIN: a peer that has half-closed and does not read is waited for:
// a poll told of its FIN again and again. When it reads it gets everything.
func TestNoSpinAfterFIN(t *testing.T) {
	const size = 24 << 20
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		block := pattern(size)
		got, half := 0, false
		serve(func(*Conn) Handler {
			return &handler{opened: func(c *Conn) { c.WriteShared(block) }}
		})
		l.Dial(DialOptions{Address: at}, &handler{
			opened: func(c *Conn) {
				c.CloseWrite()
				c.Pause()
				l.At(l.Now().Add(30*time.Millisecond), func() {
					turns := l.counts.Turns
					l.At(l.Now().Add(30*time.Millisecond), func() {
						if n := l.counts.Turns - turns; n > 10 && l.Engine() != "goroutines" {
							t.Errorf("%d turns while nothing happened", n)
						}
						c.Resume()
					})
				})
			},
			received: func(c *Conn, p []byte) int {
				if !bytes.Equal(p, block[got:got+len(p)]) {
					t.Errorf("something from %d on is wrong", got)
					l.Stop()
				}
				if got += len(p); got > size/2 && !half {
					half = true
					c.Pause()
					l.At(l.Now().Add(10*time.Millisecond), c.Resume)
				}
				return len(p)
			},
			closed: func(_ *Conn, err error) {
				if err != nil || got != size {
					t.Errorf("closed with %v after %d bytes", err, got)
				}
				l.Stop()
			},
		})
	})
}

// TestRingFails: when the ring fails under the loop, Run returns why, and every
// connection is closed all the same, once, and gives back what it holds.
func TestRingFails(t *testing.T) {
	if missing := uring.Probe().Missing; missing != nil {
		t.Skipf("SKIPPED: io_uring: %v", missing)
	}
	before := sockets(t)
	// A ring that is found by its descriptor, so that it can be taken away.
	l, err := New(Config{Backend: "io_uring", RingWithout: RingRegistered})
	if err != nil {
		t.Fatal(err)
	}
	opened, closed, released := 0, 0, 0
	count := func() *handler {
		return &handler{
			opened: func(c *Conn) {
				c.Push(&countedCloser{failing{ErrLater}, &released})
				if opened++; opened == 6 {
					takeRingAway(t)
				}
			},
			closed: func(_ *Conn, err error) {
				if Kind(err) != "stopped" {
					t.Errorf("closed with %v", err)
				}
				closed++
			},
		}
	}
	n, err := l.Listen(ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:0")}, func(*Conn) Handler { return count() })
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		l.Dial(DialOptions{Address: n.Addr()}, count())
	}
	if err := l.Run(); err == nil {
		t.Error("Run has no error")
	}
	if opened != 6 || closed != 6 || released != 6 {
		t.Errorf("%d opened, %d closed, %d producers", opened, closed, released)
	}
	if n := sockets(t); n != before {
		t.Errorf("%d sockets, %d before", n, before)
	}
}

type countedCloser struct {
	failing
	n *int
}

func (c *countedCloser) Close() error { *c.n++; return nil }

// takeRingAway puts something else in the place of the descriptor of a ring.
func takeRingAway(t *testing.T) {
	names, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, name := range names {
		if to, err := os.Readlink(name); err == nil && to == "anon_inode:[io_uring]" {
			fd, err := strconv.Atoi(filepath.Base(name))
			if err != nil {
				t.Fatal(err)
			}
			if err := unix.Dup2(int(null.Fd()), fd); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestFromDrained: what Drained asks for comes, although nothing else happens.
func TestFromDrained(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		serve(func(*Conn) Handler { return &handler{} })
		step := 0
		begun := Time(0)
		next := func(c *Conn) { c.Write([]byte("x")) }
		l.Dial(DialOptions{Address: at}, &handler{
			opened: func(c *Conn) { c.Pause(); begun = l.Now(); next(c) },
			drained: func(c *Conn) {
				switch step++; {
				case step > 60:
					if d := l.Now().Sub(begun); d > 5*time.Second {
						t.Errorf("took %v", d)
					}
					l.Stop()
				case step%6 == 1:
					l.At(l.Now().Add(time.Millisecond), func() { next(c) })
				case step%6 == 2:
					c.SetDeadline(time.Millisecond)
				case step%6 == 3:
					l.Post(func() { next(c) })
				case step%6 == 4:
					h := &hasty{conn: c}
					c.Push(h)
				case step%6 == 5:
					next(c)
				case step%6 == 0:
					l.Work(func() error { return nil }, func(error) { next(c) })
				}
			},
			expired: next,
		})
	})
}
