package loop

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMaxConnections: beyond the bound connections wait in the backlog, and
// each gets its turn when another ends.
func TestMaxConnections(t *testing.T) {
	const bound, offered = 3, 12
	onEvery(t, Config{MaxConnections: bound}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		open, most, ended := 0, 0, 0
		serve(func(*Conn) Handler {
			open++
			most = max(most, open)
			return &handler{
				received: func(c *Conn, p []byte) int {
					l.At(l.Now().Add(time.Millisecond), c.CloseWhenDone)
					return len(p)
				},
				closed: func(*Conn, error) {
					open--
					if ended++; ended == offered {
						l.Stop()
					}
				},
			}
		})
		for range offered {
			l.Dial(DialOptions{Address: at}, &handler{opened: func(c *Conn) { c.Write([]byte("x")) }})
		}
		t.Cleanup(func() {
			if most != bound || ended != offered {
				t.Errorf("at most %d open at once and %d ended; want %d and %d", most, ended, bound, offered)
			}
			if l.Counts().ListenPauses == 0 {
				t.Error("no pause was counted")
			}
		})
	})
}

// TestDescriptorLimit: at RLIMIT_NOFILE accepting pauses without a spin, is
// counted, and resumes when a descriptor comes free. It needs a process of
// its own for the limit.
func TestDescriptorLimit(t *testing.T) {
	if os.Getenv("MEDUSA_TEST_NOFILE") != "" {
		descriptorLimitChild(os.Getenv("MEDUSA_TEST_NOFILE"))
		return
	}
	for _, policy := range []OnFull{Pause, Shed, Reap} {
		for _, name := range everyBackend() {
			if name == "sim" {
				continue // has no descriptors
			}
			t.Run(policy.String()+"/"+name, func(t *testing.T) {
				cmd := exec.Command(os.Args[0], "-test.run=^TestDescriptorLimit$")
				cmd.Env = append(os.Environ(), "MEDUSA_TEST_NOFILE="+policy.String()+","+name)
				if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("limit passed")) {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}

// assign sets a field of Rlimit, whose type differs between systems.
func assign[T int64 | uint64](field *T, n int) { *field = T(n) }

func descriptorLimitChild(text string) {
	die := func(format string, args ...any) {
		fmt.Printf(format+"\n", args...)
		os.Exit(1)
	}
	policyName, name, _ := strings.Cut(text, ",")
	policy, err := ParseOnFull(policyName)
	if err != nil {
		die("%v", err)
	}
	l, err := newOn(name, Config{OnFull: policy})
	if err != nil {
		die("%v", err)
	}
	admitted := 0
	n, err := l.Listen(ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:0")}, func(*Conn) Handler {
		admitted++
		return &idler{}
	})
	if err != nil {
		die("%v", err)
	}
	// The clients' descriptors are made before the limit bites.
	sa, family := sockaddr(n.Addr())
	var clients []int
	for range 40 {
		fd, err := streamSocket(family)
		if err != nil {
			die("%v", err)
		}
		clients = append(clients, fd)
	}
	var limit unix.Rlimit
	assign(&limit.Cur, clients[39]+16)
	assign(&limit.Max, clients[39]+16)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		die("setrlimit: %v", err)
	}
	for _, fd := range clients {
		if err := unix.Connect(fd, sa); err != nil && err != unix.EINPROGRESS {
			die("connect: %v", err)
		}
		if _, err := unix.Write(fd, []byte("x")); err != nil { // it is no newcomer when it was heard
			die("write: %v", err)
		}
	}
	l.At(l.Now().Add(300*time.Millisecond), func() {
		c := l.Counts()
		switch {
		case c.AcceptFailures == 0 || admitted == 0,
			policy == Pause && (c.ListenPauses == 0 || admitted >= 40),
			policy == Shed && (admitted >= 40 || int(c.Shed) != 40-admitted),
			policy == Reap && (admitted != 40 || c.Reaped == 0):
			die("%d admitted of 40, %d failures, %d pauses, %d shed, %d reaped", admitted, c.AcceptFailures, c.ListenPauses, c.Shed, c.Reaped)
		}
		if c.Calls[CallAccept] > 200 || c.Turns > 500 {
			die("it spins: %d accepts, %d turns", c.Calls[CallAccept], c.Turns)
		}
		if policy != Pause {
			fmt.Println("limit passed")
			l.Stop()
			return
		}
		before := admitted
		for _, fd := range clients[:10] {
			unix.Close(fd)
		}
		l.At(l.Now().Add(300*time.Millisecond), func() {
			if admitted <= before {
				die("%d admitted, none more after ten ended", admitted)
			}
			fmt.Println("limit passed")
			l.Stop()
		})
	})
	if err := l.Run(); err != nil {
		die("%v", err)
	}
	runtime.KeepAlive(clients)
	os.Exit(0)
}

// TestFairness: while one client downloads much, others are answered. On
// goroutines that is up to Go, which asks its poller only every 10 ms while
// all its threads are busy (runtime/proc.go, sysmon): once must do there.
func TestFairness(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		block := make([]byte, 64<<20)
		enough := 20
		if l.Engine() == "goroutines" {
			enough = 1
		}
		serve(func(*Conn) Handler {
			return &handler{received: func(c *Conn, p []byte) int {
				if p[0] == 'D' {
					c.WriteShared(block)
				} else {
					c.Write(p[:1])
				}
				return len(p)
			}}
		})
		got := 0
		l.Dial(DialOptions{Address: at}, &handler{
			opened:   func(c *Conn) { c.Write([]byte("D")) },
			received: func(_ *Conn, p []byte) int { got += len(p); return len(p) },
		})
		replies := 0
		l.Dial(DialOptions{Address: at, NoDelay: true}, &handler{
			opened: func(c *Conn) { c.Write([]byte("x")) },
			received: func(c *Conn, p []byte) int {
				if replies++; replies == enough {
					if got == len(block) {
						t.Errorf("%d replies came only after the whole download", enough)
					}
					l.Stop()
					return len(p)
				}
				c.Write([]byte("x"))
				return len(p)
			},
		})
	})
}

// TestPost: posted functions of many goroutines all run, never two at once.
func TestPost(t *testing.T) {
	const goroutines, each = 8, 500
	onEvery(t, Config{}, func(t *testing.T, l *Loop, _ netip.AddrPort, _ func(func(*Conn) Handler)) {
		if l.Engine() == "sim" {
			t.Skip("a simulation is one goroutine")
		}
		var inside atomic.Int32
		n := 0
		for range goroutines {
			go func() {
				for range each {
					l.Post(func() {
						if inside.Add(1) != 1 {
							t.Error("two posted functions at once")
						}
						inside.Add(-1)
						if n++; n == goroutines*each {
							l.Stop()
						}
					})
				}
			}()
		}
	})
}

// TestDeadline: SetDeadline expires once, not early, is moved by a later call
// and turned off by 0.
func TestDeadline(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		serve(func(*Conn) Handler { return &handler{} })
		var due Time
		expired := 0
		l.Dial(DialOptions{Address: at}, &handler{
			opened: func(c *Conn) {
				c.SetDeadline(5 * time.Millisecond)
				l.At(l.Now().Add(2*time.Millisecond), func() {
					due = l.Now().Add(20 * time.Millisecond)
					c.SetDeadline(20 * time.Millisecond)
				})
			},
			expired: func(c *Conn) {
				if expired++; l.Now() < due {
					t.Errorf("expired %v early", due.Sub(l.Now()))
				}
				c.SetDeadline(time.Millisecond)
				c.SetDeadline(0)
				l.At(l.Now().Add(20*time.Millisecond), l.Stop)
			},
			closed: func(*Conn, error) {
				if expired != 1 {
					t.Errorf("expired %d times", expired)
				}
			},
		})
	})
}

// TestDeadlineAlone: a deadline that nothing else wakes the loop for, in a
// slot of the wheel that comes round before it is due, set by a goroutine
// other than the one that sleeps.
func TestDeadlineAlone(t *testing.T) {
	onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
		serve(func(*Conn) Handler {
			return &handler{
				received: func(c *Conn, p []byte) int { c.SetDeadline(100 * time.Millisecond); return len(p) },
				expired:  func(*Conn) { l.Stop() },
			}
		})
		l.Dial(DialOptions{Address: at}, &handler{opened: func(c *Conn) { c.Write([]byte("x")) }})
	})
}
