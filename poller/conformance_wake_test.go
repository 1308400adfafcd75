package poller

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWakeBeforeWait(t *testing.T) {
	conform(t, func(r *rig) {
		for range 1000 {
			r.must(r.Wake())
		}
		if c := r.Counts(); c.WakeCalls != 1 {
			r.Errorf("1000 wakes made %d system calls, want 1", c.WakeCalls)
		}
		if got := r.wait(patience); len(got) != 0 {
			r.Fatalf("a wake was reported as %+v", got)
		}
		start := time.Now()
		if got := r.wait(5 * time.Millisecond); len(got) != 0 || time.Since(start) < 5*time.Millisecond {
			r.Fatalf("the wake was not used up: %+v after %v", got, time.Since(start))
		}
		if c := r.Counts(); c.WakeCalls != 2 || c.Events != 0 {
			r.Errorf("one wake counts as %+v", c)
		}
	})
}

func TestWakeDuringWait(t *testing.T) {
	conform(t, func(r *rig) {
		for range 5 {
			var woken atomic.Bool
			asleep := sleeper()
			go func() {
				asleep()
				woken.Store(true)
				r.Wake()
			}()
			if got := r.wait(-1); len(got) != 0 || !woken.Load() {
				r.Fatalf("Wait reported %+v, woken %v", got, woken.Load())
			}
		}
	})
}

// TestNoWakeIsLost: each wake stands for something that was put down before;
// whoever waits for ever must find it.
func TestNoWakeIsLost(t *testing.T) {
	const wakers, each = 4, 2000
	conform(t, func(r *rig) {
		var put atomic.Int64
		var group sync.WaitGroup
		for range wakers {
			group.Go(func() {
				for range each {
					put.Add(1)
					if err := r.Wake(); err != nil {
						r.Error(err)
					}
				}
			})
		}
		for put.Load() < wakers*each {
			start := time.Now()
			if got := r.wait(patience); len(got) != 0 {
				r.Fatalf("Wait reported %+v", got)
			}
			if time.Since(start) >= patience {
				r.Fatalf("a wake was lost with %d of %d put down", put.Load(), wakers*each)
			}
		}
		group.Wait()
		r.wait(0) // the last wake, if it came after the last look
		start := time.Now()
		if got := r.wait(time.Millisecond); len(got) != 0 || time.Since(start) < time.Millisecond {
			r.Fatalf("a wake was left over: %+v after %v", got, time.Since(start))
		}
	})
}

// TestWakeBesideEvents: a wake takes no event's place for good, nor the other
// way round, even in a buffer of one.
func TestWakeBesideEvents(t *testing.T) {
	conform(t, func(r *rig) {
		a, b := r.pair()
		r.must(r.Add(a, Read, 1))
		r.write(b, "x")
		r.must(r.Wake())
		r.events = make([]Event, 1)
		seen := 0
		for range 2 {
			for _, e := range r.wait(0) {
				if e != (Event{Token: 1, Ready: Read}) {
					r.Fatalf("%+v", e)
				}
				seen++
			}
		}
		if c := r.Counts(); seen == 0 || c.WakeCalls != 2 {
			r.Fatalf("%d events, counts %+v", seen, c)
		}
	})
}

// TestWakeAfterClose: a goroutine that comes late must not write to whatever
// has got the number of the closed descriptor.
func TestWakeAfterClose(t *testing.T) {
	conform(t, func(r *rig) {
		var late sync.WaitGroup
		var stop atomic.Bool
		for range 2 {
			late.Go(func() {
				for !stop.Load() {
					r.Wake()
				}
			})
		}
		r.must(r.Close())
		var fds [][2]int
		for range 8 {
			a, b := r.pair()
			fds = append(fds, [2]int{a, b})
		}
		time.Sleep(time.Millisecond)
		stop.Store(true)
		late.Wait()
		r.must(r.Wake())
		for _, pair := range fds {
			for _, fd := range pair {
				if got := r.read(fd); got != unix.EAGAIN.Error() {
					r.Errorf("a late wake wrote %q to another's descriptor", got)
				}
			}
		}
		r.must(r.Close())
	})
}
