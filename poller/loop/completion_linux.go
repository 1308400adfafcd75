package loop

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"medusa/poller"
	"medusa/poller/uring"
)

// completion is the engine over io_uring: it asks for what shall happen, and the
// kernel says what has. What a turn causes is submitted by the one system call
// that also takes what has completed, so that a server with much to do makes few
// calls for many requests. The parts:
//
//   - completion_input_linux.go: a receive of requests is asked for once and
//     completes for each arrival, that of a stream once, into a buffer that the
//     kernel takes from a group when there is something to put into it. The buffer
//     goes back when the Handler has seen it.
//   - completion_output_linux.go: at most one send of a connection is under way.
//     It never waits in the kernel: when it was submitted it is over, which spares
//     a completion for each, and nothing that Go allocated is kept by the kernel.
//   - completion_open_linux.go: how connections come and go.
type completion struct {
	clock
	loop    *Loop
	without RingFeature
	options uring.Options
	most    int         // buffers of a group
	ring    *uring.Ring // open while running
	running atomic.Bool // wake may use the waker
	failed  error       // why the ring could not be opened
	waker   poller.Waker
	groups  [bufferSizes]*uring.Buffers // by sizeIndex; of the sizes that somebody may want
	batch   []uring.CQE
	fresh   []*Conn // with a send that is not known to be over
	stamped int     // of fresh, how many have their time
	vector  [][]byte

	queue   []poller.Token // have something to do before the engine may wait
	serving []poller.Token
	starved [bufferSizes][]poller.Token // found no buffer, by group; the first has waited longest
	hungry  int                         // of all groups
	fed     [bufferSizes]int            // of those that had to wait, who may now receive
	asked   [bufferSizes]int            // receives asked for since then
	own     ownBuffers
	reads   ringReads
}

func newCompletion(l *Loop) engine {
	return &completion{
		clock: newClock(), loop: l, without: l.cfg.RingWithout, most: groupBuffers,
		options: uring.Options{Without: l.cfg.RingWithout.ring()},
		vector:  make([][]byte, 0, uring.VectorLength),
	}
}

// pin opens the ring on the thread that will use it, and begins with what was
// listened to and dialled before.
func (e *completion) pin() func() {
	runtime.LockOSThread()
	if e.failed = e.open(); e.failed != nil {
		e.failed = fmt.Errorf("open backend %s: %w", e.loop.info.Name, e.failed)
		return runtime.UnlockOSThread
	}
	e.running.Store(true)
	e.watchWaker()
	for _, n := range e.loop.listeners {
		e.arm(n)
	}
	e.loop.Each(func(c *Conn) {
		if c.fd >= 0 {
			e.awaitWritable(c, c.io.(*flight), false)
		}
	})
	return runtime.UnlockOSThread
}

func (e *completion) open() (err error) {
	if e.ring, err = uring.Open(e.options); err != nil {
		return err
	}
	if err = e.waker.Open(); err == nil {
		err = e.openGroups()
	}
	if err != nil {
		_ = e.dispose()
	}
	return err
}

func (e *completion) close() error {
	if !e.running.Swap(false) {
		return nil
	}
	// Descriptors are to be closed by the ring, and it may have accepted some since
	// it was last asked: without deferred work, whenever the thread made a call.
	err := e.collect(e.ring.Enter())
	for i := range e.batch {
		if q := &e.batch[i]; q.UserData>>opShift == opAccept {
			e.accepted(nil, q)
		}
	}
	if e.loop.table.live > 0 {
		// What is in flight may still be received into, so this stays mapped.
		e.own = ownBuffers{}
	}
	if err2 := e.dispose(); err == nil {
		err = err2
	}
	e.abandon()
	return err
}

// dispose gives back what open took. The groups go first: what is still in
// flight can then not write into them.
func (e *completion) dispose() error {
	for _, g := range e.groups {
		if g != nil {
			_ = g.Close() // what the kernel keeps of it ends with the ring
		}
	}
	err := e.ring.Close()
	e.own.unmap()
	e.reads.close()
	if err2 := e.waker.Close(); err == nil {
		err = err2
	}
	return err
}

func (e *completion) watchWaker() {
	s := e.next()
	s.PollAdd(e.waker.FD(), unix.POLLIN, e.without&RingMultishot == 0)
	s.UserData = opWake << opShift
}

func (e *completion) wake() {
	if e.running.Load() {
		// The only failure is a descriptor that was closed meanwhile.
		_ = e.waker.Wake()
	}
}

func (e *completion) hurry(Time) {}

func (e *completion) counts(c *Counts) {
	if e.ring == nil {
		return
	}
	c.Calls[CallWait] += e.ring.Enters
	c.Calls[CallWake] += e.waker.Calls()
}

// next is a new entry of the ring. Where operations are not batched, or there is
// no room for more, those before it are submitted first.
func (e *completion) next() *uring.SQE {
	if e.without&RingBatching != 0 || e.ring.Full() {
		e.submit()
	}
	return e.ring.Next()
}

// submit submits what is pending, without taking completions.
func (e *completion) submit() {
	e.stamp()
	if err := e.ring.Submit(); err != nil {
		e.loop.fatal = err
	}
}

// stamp takes the time for the sends about to be submitted.
func (e *completion) stamp() {
	if e.loop.cfg.Stamp && e.stamped < len(e.fresh) {
		at := e.now()
		for _, c := range e.fresh[e.stamped:] {
			c.io.(*flight).at = at
		}
	}
	e.stamped = len(e.fresh)
}

// pressing says that there is something to do, whatever completes.
func (e *completion) pressing() bool {
	return len(e.queue) > 0 || len(e.fresh) > 0 || e.hungry > 0
}

// turn submits what the callbacks have caused and takes what has completed, by
// one system call. Only if that is nothing it makes another one, to wait.
func (e *completion) turn(until Time) error {
	if e.failed != nil {
		return e.failed
	}
	l := e.loop
	if len(e.queue) > 0 || e.hungry > 0 {
		until = 0
	}
	polled, timeout := l.patience(until)
	e.publish()
	e.stamp()
	if err := e.collect(e.ring.Enter()); err != nil {
		return err
	}
	e.conclude()
	if len(e.batch) == 0 {
		switch {
		case timeout != 0:
			// The sends that are over may have been what somebody waited for.
			l.settle()
			if len(l.dirty) > 0 || e.pressing() || l.fatal != nil {
				return nil
			}
			if _, timeout = l.patience(min(until, l.timers.next(), l.wheel.next())); timeout == 0 {
				return nil
			}
			if err := e.collect(e.ring.Wait(timeout)); err != nil {
				return err
			}
		case polled != never:
			l.counts.Spun += e.now().Sub(polled)
		}
	}
	l.lone = e.alone()
	if n := len(e.batch); n > 0 {
		l.counts.Waits++
		l.counts.Events += uint64(n)
	}
	for i := range e.batch {
		e.dispatch(&e.batch[i])
		if i%settleEvery == settleEvery-1 {
			l.settle()
		}
	}
	e.carryOn()
	e.feed()
	return nil
}

// alone is the connection that this turn is about, if there is one and no other.
func (e *completion) alone() *Conn {
	var c *Conn
	switch {
	case len(e.batch) == 1 && len(e.queue) == 0:
		switch q := &e.batch[0]; q.UserData >> opShift {
		case opPoll, opRecv:
			c, _ = e.find(q.UserData)
		}
	case len(e.batch) == 0 && len(e.queue) == 1:
		c, _ = e.loop.table.find(e.queue[0])
	}
	return c
}

// overflowRounds bounds how often, in a turn, completions are fetched that found
// the queue full.
const overflowRounds = 8

// collect takes what has completed out of the queue, all of it, before anything
// is done about it: what follows may then fill the queue again; and how a send
// ended is known before a reply to it is shown.
func (e *completion) collect(err error) error {
	e.batch = e.batch[:0]
	for range overflowRounds {
		if err != nil {
			return fmt.Errorf("wait on %s: %w", e.loop.info.Name, err)
		}
		have := len(e.batch)
		e.batch = slices.Grow(e.batch, e.ring.Ready())
		n := e.ring.Reap(e.batch[have:cap(e.batch)])
		e.batch = e.batch[:have+n]
		if !e.ring.Overflown() {
			break
		}
		err = e.ring.Enter()
	}
	if len(e.fresh) > 0 {
		for i := range e.batch {
			if q := &e.batch[i]; q.UserData>>opShift == opSend {
				if c, _ := e.find(q.UserData); c != nil {
					c.io.(*flight).result = q.Res
				}
			}
		}
	}
	return nil
}

// dispatch does what follows from a completion. An operation of which no more
// comes is over, whatever its result is.
func (e *completion) dispatch(q *uring.CQE) {
	kind := q.UserData >> opShift
	switch kind {
	case opNone, opSend: // sends were seen by collect
		return
	case opFile:
		e.fetched(q)
		return
	case opWake:
		e.waker.Take()
		if !q.More() {
			e.watchWaker()
		}
		return
	}
	c, n := e.find(q.UserData)
	switch {
	case kind == opAccept:
		e.accepted(n, q)
	case kind == opCancel && n != nil:
		e.acceptGoesOn(n)
	case kind == opCancel && c != nil:
		e.notCancelled(c, c.io.(*flight))
	case kind == opCancel:
	case c == nil:
		e.loop.counts.StaleEvents++
		if id, ok := q.Buffer(); ok {
			e.groups[q.UserData>>groupShift&(1<<(opShift-groupShift)-1)].Give(id)
		}
	case kind == opPoll:
		e.writable(c, c.io.(*flight), q)
	default:
		e.received(c, c.io.(*flight), q)
	}
}

// carryOn serves those who had to wait for their turn.
func (e *completion) carryOn() {
	e.queue, e.serving = e.serving[:0], e.queue
	for i, token := range e.serving {
		c, n := e.loop.table.find(token)
		switch {
		case n != nil:
			n.queued = false
			e.admit(n)
		case c != nil && !c.gone():
			k := c.io.(*flight)
			k.queued = false
			e.doubt(c, k)
			e.catchUp(c, k)
			c.touch()
		}
		if i%settleEvery == settleEvery-1 {
			e.loop.settle()
		}
	}
}

// leave queues c for the end of this turn, or if that has come for the next.
func (e *completion) leave(c *Conn, k *flight) {
	if !k.queued {
		k.queued = true
		e.queue = append(e.queue, c.token)
	}
}

// update asks for what the connection wants next.
func (e *completion) update(c *Conn) {
	k := c.io.(*flight)
	if !e.running.Load() || c.state == stateConnecting {
		return
	}
	if c.wantsWrite() {
		e.send(c, k)
		if c.failure != nil {
			return
		}
	} else if !k.sending {
		c.trim()
	}
	switch {
	case c.wantsRead():
		if k.behind != nil || k.over {
			e.leave(c, k)
		} else if !k.receiving && !k.starved {
			e.receive(c, k)
		}
	default:
		if k.wary > 0 {
			k.wary = waryReceives
		}
		if c.paused && k.receiving && !k.cancelling {
			k.wary = waryReceives
			e.cancelReceive(c, k)
		}
	}
}
