package uring

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestKernelDoesDeferredWorkInParts: why a call that has brought so many may
// have left more, and that further ones bring the rest.
func TestKernelDoesDeferredWorkInParts(t *testing.T) {
	b := open(t, Options{Entries: 128})
	if b.Granted()&DeferTaskrun == 0 {
		t.Skip("SKIPPED: work is not deferred here")
	}
	const n = 5*DeferredWork + 3
	var peers [n]int
	for i := range peers {
		var x int
		x, peers[i] = b.pair()
		b.next(uint64(i)).PollAdd(x, unix.POLLIN, true)
	}
	b.quiet("nothing to read")
	for _, y := range peers {
		b.write(y, []byte("x"))
	}
	seen := map[uint64]bool{}
	for len(seen) < n {
		got := b.enter()
		if len(got) < min(DeferredWork, n-len(seen)) {
			t.Fatalf("a call brought %d of the %d that were left", len(got), n-len(seen))
		}
		for _, c := range got {
			seen[c.UserData] = true
		}
	}
}

// TestWaitTakesItsTime, and not less.
func TestWaitTakesItsTime(t *testing.T) {
	b := open(t, Options{Entries: 8})
	for _, d := range []time.Duration{0, 1, 999, 300 * time.Microsecond, 20 * time.Millisecond, 1100 * time.Millisecond} {
		start := time.Now()
		b.must(b.Wait(d))
		if took := time.Since(start); took < d {
			t.Errorf("Wait(%v) came back after %v", d, took)
		}
		if n := b.Ready(); n != 0 {
			t.Errorf("Wait(%v) left %d completions", d, n)
		}
	}
}

// TestWaitSubmits, and does not wait for what is there already.
func TestWaitSubmits(t *testing.T) {
	b := open(t, Options{Entries: 8})
	for _, d := range []time.Duration{-1, 0, patience, 1<<63 - 1} {
		b.next(7).Nop()
		b.must(b.Wait(d))
		b.must(b.Wait(d))
		if got := b.reap(); len(got) != 1 || got[0].UserData != 7 {
			t.Errorf("Wait(%d): %+v", d, got)
		}
	}
}

// TestWaitIsWoken by another thread through an eventfd.
func TestWaitIsWoken(t *testing.T) {
	b := open(t, Options{Entries: 8})
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	b.must(err)
	b.own(fd)
	b.next(7).PollAdd(fd, unix.POLLIN, true)
	for range 3 {
		go func() {
			time.Sleep(2 * time.Millisecond) // mostly the wait has begun
			unix.Write(fd, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		}()
		// Nothing else is under way: this would last for ever.
		for b.Ready() == 0 {
			b.must(b.Wait(-1)) // Go's own signals may end it
		}
		if c := b.one(7); c.Res&unix.POLLIN == 0 || !c.More() {
			t.Fatalf("%+v", c)
		}
		var count [8]byte
		if _, err := unix.Read(fd, count[:]); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWaitIsInterrupted by signals without an error, and nothing is lost.
func TestWaitIsInterrupted(t *testing.T) {
	b := open(t, Options{Entries: 8})
	x, y := b.pair()
	b.next(7).PollAdd(x, unix.POLLIN, true)
	b.quiet("nothing to read")
	tid, done := unix.Gettid(), make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				// Go's own signal for preemption; it takes strays calmly.
				unix.Tgkill(os.Getpid(), tid, unix.SIGURG)
			}
		}
	}()
	for start := time.Now(); b.Interrupts < 5; {
		b.must(b.Wait(-1))
		if n := b.Ready(); n != 0 {
			t.Fatalf("%d completions", n)
		}
		if time.Since(start) > patience {
			t.Fatalf("%d waits were interrupted", b.Interrupts)
		}
	}
	b.write(y, []byte("x"))
	if c := b.one(7); c.Res&unix.POLLIN == 0 {
		t.Errorf("%+v", c)
	}
	close(stop)
	<-done
}
