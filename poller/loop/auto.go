package loop

import (
	"io"
	"time"
)

// This file is buffers that adjust themselves: Buffers.Auto.
//
// What a connection holds in user space is a part of what it has to send; what the
// kernel has taken and not sent is another, and without a bound the larger by far:
// its own tuning keeps megabytes for a peer who reads a few kilobytes a second, as
// it grows with what is in flight and never shrinks. So auto has two sizes, both at
// one of autoSteps steps: that of the output buffers, and a bound of what waits
// unsent in the kernel (TCP_NOTSENT_LOWAT, tcp(7)), beyond which the socket is full.
// Bytes in flight, which the peer's window bounds, are not touched.
//
// A connection begins with the least of both. As long as the kernel takes every
// buffer whole, the next one is four times as large: a peer who keeps up keeps
// nothing waiting, and what is gained is calls. But any peer takes as much as its
// window has room for, so the first full socket puts the buffers back to the least
// size. From then on what the peer takes is known: what the kernel took since the
// socket was full the last time, over the time between. Both sizes are what the
// peer takes in autoTime, so that a slow peer has the least, and for one who takes
// the largest size in that time the kernel's tuning is left alone. A small file
// costs no call for all this.
//
// What a buffer holds that has become too large is given back to a producer who
// can take it, as a file can, and read again when there is room; another's bytes
// have to wait where they are, and its buffers grow only to what its peer has
// taken before.
//
// All of a loop share a budget. A buffer is at most as large as what is left of it
// then (dynamic thresholds: Choudhury and Hahne, IEEE/ACM Transactions on
// Networking 6(2), 1998): who wants little gets it, and of n who want more each
// comes to have a share of 1/(n+1), without anybody counting them.

const (
	// AutoLeast is where Buffers.Auto begins, in bytes.
	AutoLeast = 4 << 10
	// AutoMost is the largest output buffer of Buffers.Auto, in bytes. Larger
	// ones save no calls worth mentioning and leave the caches.
	AutoMost = AutoLeast << (2 * (autoSteps - 1))
	// DefaultAutoBudget is the memory that output buffers of Buffers.Auto have
	// together where a Config names none, in bytes.
	DefaultAutoBudget = 64 << 20

	autoSteps = 4
	// autoTime is for how long a buffer shall last a peer. It has to be longer
	// than a loop is away from a connection, or who is served seldom would seem
	// slow and be given little each time.
	autoTime = 100 * time.Millisecond
)

func autoSize(step int) int { return AutoLeast << (2 * step) }

// step says how large the output buffers are: autoSize.
func (c *Conn) step() int { return int(c.features >> stepShift & (autoSteps - 1)) }

// bound is the step of what may wait in the kernel; the last is no bound.
func (c *Conn) bound() int { return int(c.features >> boundShift & (autoSteps - 1)) }

func (c *Conn) setStep(step int) {
	c.features = c.features&^((autoSteps-1)<<stepShift) | features(step)<<stepShift
}

// Habit is what a connection whose buffers adjust themselves has learnt of its
// peer. Another connection with the same peer can begin with it.
type Habit uint8

// Habit is what the connection has learnt, also after Closed; 0 is nothing, and
// where its buffers are not Buffers.Auto.
func (c *Conn) Habit() Habit { return Habit(c.features >> stepShift) }

// Assume begins with what another connection has learnt. Where buffers are not
// Buffers.Auto it does nothing.
func (c *Conn) Assume(h Habit) {
	if !c.kind().Auto || c.gone() || c.Habit() == h {
		return
	}
	bound := c.bound()
	c.features = c.features&(1<<stepShift-1) | features(h)<<stepShift
	if c.bound() != bound {
		c.boundUnsent(unsentOf(c.bound()))
	}
}

// auto is the part of an output queue whose connection has buffers of that kind.
type auto struct {
	on     bool
	marked bool  // the socket was full since the queue was empty
	mark   int64 // Conn.handed when it was last
	at     Time  // and when that was
}

// rereader is a producer that can take back the last bytes that it gave.
type rereader interface{ Unread(n int) }

// tookAll: the kernel has taken a whole buffer of a producer that has more.
func (c *Conn) tookAll(r io.Reader) {
	step := c.step()
	if step == autoSteps-1 {
		return
	}
	if a := &c.out.auto; a.marked {
		if c.takes(a) <= step {
			return
		}
	} else if _, ok := r.(rereader); !ok && c.handed < int64(autoSize(step+1)) {
		return
	}
	c.setStep(step + 1)
}

// full: the kernel takes no more for now.
func (c *Conn) full() {
	if c.out == nil || !c.out.auto.on {
		return
	}
	a := &c.out.auto
	if a.marked && c.handed == a.mark {
		return // it has been since then
	}
	switch {
	case a.marked:
		step := c.takes(a)
		c.setStep(step)
		for step > 0 && c.loop.autoBuffer(autoSize(step)) < autoSize(step) {
			step-- // memory is short
		}
		if step != c.bound() {
			c.features = c.features&^((autoSteps-1)<<boundShift) | features(step)<<boundShift
			c.boundUnsent(unsentOf(step))
		}
	case c.bound() < autoSteps-1: // or it is known to be fast
		c.setStep(0)
	}
	a.marked, a.mark, a.at = true, c.handed, c.loop.Now()
	c.out.shrink(c)
}

// shrink gives bytes back that wait in a buffer larger than those of now.
func (o *output) shrink(c *Conn) {
	if o.empty() {
		return
	}
	s := &o.segments[o.head]
	r, ok := s.r.(rereader)
	if !ok || len(s.buf) <= c.OutSize() || len(s.p) <= c.OutSize() {
		return
	}
	r.Unread(len(s.p))
	s.p = nil
	buf := s.buf
	s.buf = nil
	o.give(c.loop, buf)
}

// takes is the step for what the peer takes.
func (c *Conn) takes(a *auto) int {
	taken := float64(c.handed - a.mark)
	over := float64(max(c.loop.Now().Sub(a.at), time.Microsecond))
	step := 0
	for step < autoSteps-1 && taken*float64(autoTime) >= float64(autoSize(step+1))*over {
		step++
	}
	return step
}

// unsentOf is the bound of a step as the kernel wants it; 0 takes it away.
func unsentOf(step int) int {
	if step == autoSteps-1 {
		return 0
	}
	return autoSize(step)
}

// autoBuffer is the size of a buffer for who wants one of size bytes.
func (l *Loop) autoBuffer(size int) int {
	left := l.cfg.AutoBudget - l.buffers.auto
	for size > MinBuffer && int64(size) > left/2 {
		size /= 2
	}
	return size
}
