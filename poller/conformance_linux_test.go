package poller

import (
	"bytes"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// epoll on a kernel before 5.11, or in a container that filters epoll_pwait2.
func init() {
	for _, name := range []string{"epoll", "epoll-et"} {
		b, err := Lookup(name)
		if err != nil {
			panic(err)
		}
		open := b.Open
		b.Name += " in milliseconds"
		b.Traits.Resolution = time.Millisecond
		b.Open = func() (Poller, error) {
			p, err := open()
			if err == nil {
				p.(*epollPoller).fine = false
			}
			return p, err
		}
		variants = append(variants, b)
	}
}

// sleeper, called on a locked thread, gives a function for another goroutine
// that returns once that thread sleeps in the kernel, or after a while.
func sleeper() func() {
	stat := fmt.Sprintf("/proc/self/task/%d/stat", unix.Gettid())
	return func() {
		for range 2000 {
			time.Sleep(time.Millisecond)
			b, err := os.ReadFile(stat)
			if err != nil {
				return
			}
			// proc_pid_stat(5): the state follows the name in parentheses.
			if _, state, ok := bytes.Cut(b, []byte(") ")); ok && state[0] == 'S' {
				return
			}
		}
	}
}

// TestInterrupted: signals end the system call and not the Wait, which goes on
// for the rest of its time. No restart flag of a handler spares these calls
// from EINTR (signal(7)).
func TestInterrupted(t *testing.T) {
	conform(t, func(r *rig) {
		tid := unix.Gettid()
		asleep := sleeper()
		const signals = 10
		strike := func() {
			for range signals {
				asleep()
				// Go's own signal for preemption; it takes strays calmly.
				if err := unix.Tgkill(os.Getpid(), tid, unix.SIGURG); err != nil {
					r.Error(err)
				}
			}
		}

		var woken atomic.Bool
		go func() {
			strike()
			asleep()
			woken.Store(true)
			r.Wake()
		}()
		if got := r.wait(-1); len(got) != 0 || !woken.Load() {
			r.Fatalf("a signal ended a Wait without timeout: %+v", got)
		}
		if c := r.Counts(); c.Interrupt == 0 {
			r.Errorf("%d signals interrupted nothing: %+v", signals, c)
		}

		const timeout = 50 * time.Millisecond
		done := make(chan struct{})
		go func() {
			defer close(done)
			strike()
		}()
		start := time.Now()
		if got := r.wait(timeout); len(got) != 0 {
			r.Fatalf("Wait reported %+v", got)
		}
		if took := time.Since(start); took < timeout {
			r.Errorf("Wait(%v) under signals came back after %v", timeout, took)
		}
		<-done // which puts this thread to sleep, where the last strikes find it
	})
}
