package loop

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// connectTo makes a blocking connection from outside the loop.
func connectTo(t *testing.T, at netip.AddrPort) int {
	t.Helper()
	sa, family := sockaddr(at)
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(fd, sa); err != nil {
		t.Fatal(err)
	}
	return fd
}

// until stops a loop when done says so, or after five seconds.
func until(l *Loop, done func() bool) {
	deadline := l.Now().Add(5 * time.Second)
	var look func()
	look = func() {
		if done() || l.Now() > deadline {
			l.Stop()
			return
		}
		l.At(l.Now().Add(5*time.Millisecond), look)
	}
	look()
}

// TestListenerClosedAtOnce: a listener that was opened and closed in one callback
// left an accept behind that was asked for the next socket of its number: who
// connected to that one was turned away.
func TestListenerClosedAtOnce(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		if l.Engine() == "sim" {
			l.Stop()
			return
		}
		local := ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:0")}
		opened := false
		fd := -1
		l.At(l.Now().Add(5*time.Millisecond), func() {
			first, err := l.Listen(local, func(*Conn) Handler { return &handler{} })
			if err != nil {
				t.Error(err)
				l.Stop()
				return
			}
			first.Close()
			second, err := l.Listen(local, func(*Conn) Handler {
				return &handler{opened: func(*Conn) { opened = true; l.Stop() }}
			})
			if err != nil {
				t.Error(err)
				l.Stop()
				return
			}
			fd = connectTo(t, second.Addr())
			l.At(l.Now().Add(200*time.Millisecond), l.Stop)
		})
		t.Cleanup(func() {
			unix.Close(fd)
			if !opened {
				t.Error("who connected was not accepted")
			}
		})
	})
}

// TestStopWhileTheyCome: a loop that is stopped while clients connect leaves no
// descriptor behind.
func TestStopWhileTheyCome(t *testing.T) {
	for _, name := range everyBackend() {
		if name == "sim" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			before := sockets(t)
			for round := range 40 {
				l, err := newOn(name, Config{})
				if err != nil {
					t.Fatal(err)
				}
				n, err := l.Listen(ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:0")}, func(*Conn) Handler { return &handler{} })
				if err != nil {
					t.Fatal(err)
				}
				var fds []int
				if round%4 == 0 {
					for range 5 {
						fds = append(fds, connectTo(t, n.Addr()))
					}
				}
				l.At(0, func() {
					switch round % 4 {
					case 0:
						l.Stop()
					case 1:
						l.Stop()
						for range 5 {
							fds = append(fds, connectTo(t, n.Addr()))
						}
					case 2:
						l.At(l.Now().Add(time.Millisecond), func() {
							for range 5 {
								fds = append(fds, connectTo(t, n.Addr()))
							}
							l.Stop()
						})
					case 3:
						l.At(l.Now().Add(time.Millisecond), func() {
							l.Post(func() {
								for range 5 {
									fds = append(fds, connectTo(t, n.Addr()))
								}
							})
							l.Stop()
						})
					}
				})
				if err := l.Run(); err != nil {
					t.Fatal(err)
				}
				for _, fd := range fds {
					unix.Close(fd)
				}
			}
			if n := sockets(t); n != before {
				t.Errorf("%d sockets, %d before", n, before)
			}
		})
	}
}

// TestAcceptedBeforeTheLimit: those who were accepted before a limit of
// descriptors was met do not wait until it has passed.
func TestAcceptedBeforeTheLimit(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		if l.Engine() == "sim" || l.Engine() == "goroutines" {
			l.Stop()
			return
		}
		opened := 0
		serve(func(*Conn) Handler { return &handler{opened: func(*Conn) { opened++ }} })
		var fds []int
		for range 10 {
			fds = append(fds, connectTo(t, at))
		}
		var old unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
			t.Fatal(err)
		}
		restore := func() {
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
				t.Error(err)
			}
		}
		l.At(0, func() {
			// In this turn the ring, if there is one, has been opened.
			probe, err := unix.Dup(fds[0])
			if err != nil {
				t.Fatal(err)
			}
			unix.Close(probe)
			tight := old
			assign(&tight.Cur, probe+5)
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &tight); err != nil {
				t.Fatal(err)
			}
			l.At(l.Now().Add(30*time.Millisecond), func() {
				if opened == 0 || opened >= 10 || l.counts.AcceptFailures == 0 {
					t.Errorf("%d of those accepted are opened, %d failures", opened, l.counts.AcceptFailures)
				}
				restore()
				l.At(l.Now().Add(150*time.Millisecond), l.Stop)
			})
		})
		t.Cleanup(func() {
			restore()
			for _, fd := range fds {
				unix.Close(fd)
			}
			if opened != 10 {
				t.Errorf("%d were opened", opened)
			}
		})
	})
}

// TestNoDescriptorsForWhoWaits: who waits because of Config.MaxConnections waits in
// the kernel's backlog, not with a descriptor that others need.
func TestNoDescriptorsForWhoWaits(t *testing.T) {
	const bound, crowd = 20, 200
	onEvery(t, Config{MaxConnections: bound}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		if l.Engine() == "sim" {
			l.Stop()
			return
		}
		before := sockets(t)
		var fds []int
		for range crowd {
			fds = append(fds, connectTo(t, at))
		}
		came := 0
		serve(func(*Conn) Handler {
			came++
			return &handler{received: func(c *Conn, p []byte) int { return len(p) }}
		})
		l.At(l.Now().Add(30*time.Millisecond), func() {
			if came != bound {
				t.Errorf("%d came", came)
			}
			if n := sockets(t) - before - crowd - bound; n > 1 {
				t.Errorf("%d descriptors for who waits", n)
			}
			turns := l.counts.Turns
			l.At(l.Now().Add(20*time.Millisecond), func() {
				if n := l.counts.Turns - turns; n > 5 && l.Engine() != "goroutines" {
					t.Errorf("%d turns", n)
				}
				for _, fd := range fds[:crowd-1] {
					unix.Close(fd)
				}
				fds = fds[crowd-1:]
				until(l, func() bool { return came == crowd })
			})
		})
		t.Cleanup(func() {
			for _, fd := range fds {
				unix.Close(fd)
			}
			if came != crowd {
				t.Errorf("%d of %d came in the end", came, crowd)
			}
		})
	})
}
