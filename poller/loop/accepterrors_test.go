package loop

import (
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// TestAcceptErrors: whatever accept fails with, under each policy: the loop does not
// spin, and who waits is served, or refused, in the end.
func TestAcceptErrors(t *testing.T) {
	client := []syscall.Errno{syscall.EINTR, syscall.ECONNABORTED, syscall.EPROTO, syscall.EPERM, syscall.ENETDOWN, syscall.ENOPROTOOPT,
		syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.EOPNOTSUPP, syscall.ENETUNREACH}
	if noNetwork != 0 {
		client = append(client, noNetwork)
	}
	descriptors := []syscall.Errno{syscall.EMFILE, syscall.ENFILE}
	others := []syscall.Errno{syscall.ENOBUFS, syscall.ENOMEM, syscall.EINVAL}
	const times, clients = 3, 8
	for _, policy := range []OnFull{Pause, Shed, Reap} {
		for kind, list := range map[string][]syscall.Errno{"client": client, "descriptors": descriptors, "other": others} {
			for _, errno := range list {
				t.Run(fmt.Sprintf("%v/%s", policy, errnoName(errno)), func(t *testing.T) {
					t.Parallel()
					onEvery(t, Config{OnFull: policy}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
						accepted, refused, failed := 0, 0, 0
						over := func() bool { return accepted+refused == clients }
						serve(func(*Conn) Handler {
							return &handler{opened: func(*Conn) {
								if accepted++; over() {
									l.Stop()
								}
							}}
						})
						// They wait before the first accept: of an error that comes
						// to one in flight the seam knows nothing.
						for range clients {
							l.Dial(DialOptions{Address: at}, &handler{ended: func(c *Conn) {
								c.CloseWhenDone()
								if refused++; over() {
									l.Stop()
								}
							}})
						}
						l.acceptError = func() syscall.Errno {
							if failed == times || !l.eng.pending(l.listeners[0]) {
								return 0
							}
							failed++
							return errno
						}
						l.At(l.Now().Add(5*time.Second), l.Stop)
						t.Cleanup(func() {
							c := l.Counts()
							pauses, shed := uint64(0), 0
							switch {
							case policy == Shed && kind == "descriptors":
								shed = times
							case kind != "client":
								pauses = times
							}
							if !over() || failed != times || c.ListenPauses != pauses || refused != shed || int(c.Shed) != shed || c.Reaped != 0 {
								t.Errorf("%d accepted, %d refused, %d failures; %d pauses, %d shed, %d reaped; want %d pauses, %d shed",
									accepted, refused, failed, c.ListenPauses, c.Shed, c.Reaped, pauses, shed)
							}
							if d := l.Now().Sub(0); pauses > 0 && d < times*acceptRetry {
								t.Errorf("%d pauses in %v", pauses, d)
							}
							if c.Turns > 150 {
								t.Errorf("%d turns", c.Turns)
							}
						})
					})
				})
			}
		}
	}
}

func errnoName(e syscall.Errno) string { return fmt.Sprintf("errno %d", int(e)) }

// TestEndlessErrors: an error that never goes away costs no CPU.
func TestEndlessErrors(t *testing.T) {
	for _, policy := range []OnFull{Pause, Shed, Reap} {
		for _, errno := range []syscall.Errno{syscall.EPERM, syscall.EINVAL, syscall.EMFILE, syscall.ENOMEM} {
			if errno == syscall.EMFILE && policy == Shed {
				continue // everybody is refused then
			}
			t.Run(fmt.Sprintf("%v/%s", policy, errnoName(errno)), func(t *testing.T) {
				t.Parallel()
				onEvery(t, Config{OnFull: policy}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
					serve(func(*Conn) Handler { return &handler{} })
					asked := 0
					l.acceptError = func() syscall.Errno { asked++; return errno }
					for range 3 {
						l.Dial(DialOptions{Address: at}, &handler{})
					}
					l.At(l.Now().Add(350*time.Millisecond), func() {
						if n := l.Counts().Turns; n > 200 || asked > 12*failuresInRow {
							t.Errorf("%d turns, %d accepts in 350 ms", n, asked)
						}
						l.Stop()
					})
				})
			})
		}
	}
}
