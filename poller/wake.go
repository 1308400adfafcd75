package poller

import (
	"sync"
	"sync/atomic"
)

// Waker ends a wait from another goroutine: a descriptor that is watched beside
// those of the caller, an eventfd on Linux and a pipe elsewhere.
type Waker struct {
	// pending is set from the wake that writes until the wait that reads, so
	// that any number of wakes in between make no system call.
	pending atomic.Bool
	calls   atomic.Uint64

	mu          sync.Mutex // against close: a late wake must not write to a reused number
	closed      bool
	read, write int // the same descriptor for an eventfd
}

// Open makes the descriptors, non-blocking and close-on-exec.
func (w *Waker) Open() error {
	r, wr, err := openWake()
	if err != nil {
		return err
	}
	w.read, w.write = r, wr
	return nil
}

// FD is the descriptor that a Wake makes readable.
func (w *Waker) FD() int { return w.read }

// Calls is the number of system calls made by Wake and Take.
func (w *Waker) Calls() uint64 { return w.calls.Load() }

// Wake may be called by any goroutine, at any time.
func (w *Waker) Wake() error {
	if !w.pending.CompareAndSwap(false, true) {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil // and pending stays set: later wakes end above
	}
	w.calls.Add(1)
	if errno := writeWake(w.write); errno != 0 {
		w.pending.Store(false)
		return failed("wake the poller", errno)
	}
	return nil
}

// Take is for the wait that saw the descriptor readable. It reads first and
// clears the flag then. A wake that falls in between writes nothing, and need
// not: this wait is about to return. The other way round its write would be
// read here with the flag left set, and no wake would ever write again.
func (w *Waker) Take() {
	w.calls.Add(1)
	readWake(w.read)
	w.pending.Store(false)
}

// Close is idempotent; wakes that come later do nothing.
func (w *Waker) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	return closeWake(w.read, w.write)
}
