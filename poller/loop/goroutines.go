package loop

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// goroutines is the engine over Go's own network poller: a goroutine for each
// connection reads, enters the loop's lock for the callbacks, and sends. What
// the peer does not take at once is sent by a second goroutine, so that the
// first goes on reading. It is the baseline that the readiness engines are
// compared with: it measures the I/O model, not parallel handlers.
//
// The system calls are the same raw ones as on the readiness engine, inside
// the callbacks of syscall.RawConn, so that what differs is only who finds
// out that a descriptor is ready.
type goroutines struct {
	clock
	loop    *Loop
	waker   chan struct{}
	timer   *time.Timer
	asleep  Time    // until when turn waits; 0 while it does not; under Loop.mu
	writers []*Conn // have output to send; under Loop.mu
	all     sync.WaitGroup
	running bool
	waiting []func() // goroutines that start with Run
}

// task is a connection's or a listener's part of the engine.
type task struct {
	file    *os.File
	raw     syscall.RawConn
	resumed chan struct{} // tells the reader that it may go on
	parked  bool          // the reader waits for that
	users   int           // goroutines that use the connection
	writing bool          // one of them is sending
	done    func()        // release waits for the users

	// What the reading goroutine works on.
	buf       []byte
	got       int
	reads     uint64 // calls made, not yet counted
	readErrno unix.Errno

	// What the sending goroutine works on.
	send   sending
	vector [][]byte
	sent   int
	sends  uint64 // calls made, not yet counted
	errno  unix.Errno
}

func newGoroutines(l *Loop) engine {
	e := &goroutines{clock: newClock(), loop: l, waker: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	e.timer.Stop()
	return e
}

// pin starts the goroutines of what was listened to and dialled before.
func (e *goroutines) pin() func() {
	e.running = true
	for _, f := range e.waiting {
		e.launch(f)
	}
	e.waiting = nil
	return func() {}
}

func (e *goroutines) counts(*Counts) {}

func (e *goroutines) wake() {
	select {
	case e.waker <- struct{}{}:
	default:
	}
}

func (e *goroutines) hurry(t Time) {
	if t < e.asleep {
		e.wake()
	}
}

// close waits for the goroutines, none of which has anything left to do.
func (e *goroutines) close() error {
	e.loop.mu.Unlock()
	e.all.Wait()
	e.loop.mu.Lock()
	return nil
}

// turn lets the other goroutines in until a timer is due or it is woken.
func (e *goroutines) turn(until Time) error {
	l := e.loop
	writers := e.take(nil)
	e.asleep = until
	l.mu.Unlock()
	e.transmit(writers)
	e.wait(until)
	l.mu.Lock()
	e.asleep = 0
	return nil
}

func (e *goroutines) wait(until Time) {
	if until <= 0 {
		return
	}
	if until == never {
		<-e.waker
		return
	}
	d := until.Sub(e.now())
	if e.loop.cfg.Busy || d <= e.loop.cfg.Spin {
		begin := e.now()
		for now := begin; now < until && len(e.waker) == 0; now = e.now() {
		}
		select {
		case <-e.waker: // or every later wait would end at once
		default:
		}
		e.loop.mu.Lock()
		e.loop.counts.Spun += e.now().Sub(begin)
		e.loop.mu.Unlock()
		return
	}
	e.timer.Reset(d - e.loop.cfg.Spin)
	select {
	case <-e.waker:
		e.timer.Stop()
	case <-e.timer.C:
	}
}

// take takes the connections that have something to send, under the lock.
func (e *goroutines) take(into []*Conn) []*Conn {
	into = append(into[:0], e.writers...)
	clear(e.writers)
	e.writers = e.writers[:0]
	return into
}

// leave ends a visit to the loop: what the callbacks caused settles, the lock
// is given up, and then what is to be sent is sent by this goroutine.
func (e *goroutines) leave(writers []*Conn) []*Conn {
	l := e.loop
	l.settle()
	writers = e.take(writers)
	rest := len(l.dirty) > 0
	l.mu.Unlock()
	if rest {
		e.wake()
	}
	return e.transmit(writers)
}

// newTask hands a socket to Go's poller.
func newTask(fd int) (*task, error) {
	t := &task{
		file:    os.NewFile(uintptr(fd), "socket"),
		resumed: make(chan struct{}, 1),
		vector:  make([][]byte, 0, vectorLength),
	}
	raw, err := t.file.SyscallConn()
	if err != nil {
		t.file.Close()
		return nil, err
	}
	t.raw = raw
	return t, nil
}

// start runs f as a goroutine that uses t.
func (e *goroutines) start(t *task, f func()) {
	t.users++
	if !e.running { // whoever has opened the loop is not excluded by its lock
		e.waiting = append(e.waiting, f)
		return
	}
	e.launch(f)
}

func (e *goroutines) launch(f func()) {
	e.all.Add(1)
	go func() {
		defer e.all.Done()
		f()
	}()
}

// retire is called under the lock by a goroutine that uses t no more.
func (t *task) retire() {
	t.users--
	t.finish()
}

// finish completes a release when nobody uses the connection any more.
func (t *task) finish() {
	if t.users == 0 && !t.writing && t.done != nil {
		done := t.done
		t.done = nil
		done()
	}
}

func (t *task) resume() {
	select {
	case t.resumed <- struct{}{}:
	default:
	}
}

// halt waits, without the lock, until the loop wants the goroutine to go on.
func (e *goroutines) halt(t *task) {
	t.parked = true
	e.loop.mu.Unlock()
	<-t.resumed
	e.loop.mu.Lock()
	t.parked = false
}

func (e *goroutines) update(c *Conn) {
	t := c.io.(*task)
	if t.parked && c.wantsRead() {
		t.resume()
	}
	if c.wantsWrite() && !t.writing {
		t.writing = true
		e.writers = append(e.writers, c)
	}
	if !t.writing {
		c.trim()
	}
}

func (e *goroutines) halfClose(c *Conn) {
	e.loop.counts.Calls[CallClose]++
	// An error means that the peer has reset: the reader finds out.
	_ = c.io.(*task).raw.Control(func(fd uintptr) { _ = rawShutdown(int(fd)) })
}

// release closes the descriptor, which makes every call on it return, and
// lets the last goroutine that leaves say that it is done.
func (e *goroutines) release(c *Conn, reset bool, done func()) {
	t, _ := c.io.(*task)
	if t == nil { // Dial failed before there was a socket
		done()
		return
	}
	t.done = done
	e.loop.buffers.held -= int64(len(t.buf))
	e.loop.counts.Calls[CallClose]++
	if reset {
		e.loop.counts.Calls[CallSocket]++
		_ = t.raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		})
	}
	t.file.Close()
	t.resume()
	t.finish()
}

func (e *goroutines) socket(c *Conn, f func(int)) {
	if t, _ := c.io.(*task); t != nil {
		_ = t.raw.Control(func(fd uintptr) { f(int(fd)) }) // fails only if it has been closed
	}
}

func (e *goroutines) addresses(c *Conn) (local, remote addrPort) {
	t, _ := c.io.(*task)
	if t == nil { // Dial failed before there was a socket
		return local, remote
	}
	_ = t.raw.Control(func(fd uintptr) { local, remote = socketAddresses(int(fd)) })
	return local, remote
}
