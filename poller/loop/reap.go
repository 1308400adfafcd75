package loop

import "time"

// Idler is what a Handler is besides if its connections can be closed to make a
// place for others: see Reap.
type Idler interface {
	// Idle says that nothing is on its way on the connection: no request that
	// has come, if only in part, and is not answered. RFC 9112 section 9.5
	// lets a server close such a connection at any time. It is asked while the
	// loop accepts: it answers, and does nothing else.
	Idle(c *Conn) bool
}

const (
	// leavingMost bounds the reaped connections that still wait for the peer's
	// FIN: each holds a descriptor that somebody else counts on. When there are
	// more, the one that has waited longest is closed without it.
	leavingMost = 4
	// reapLooks bounds how many connections are asked whether they are idle,
	// for each that comes. Whoever is not goes to the end of the order, as he
	// has been active until now. The next are asked after reapRetry, until all
	// have been. When nobody was idle, as where a crowd has just come, they are
	// asked again after reapRetry, and then after twice as long each time, up
	// to acceptRetry.
	reapLooks = 1024
	reapRetry = time.Millisecond
	// newcomer is how long a client has to say something before its connection
	// can be idle: one that has just come may have, and not be heard yet where
	// many come at once.
	newcomer = time.Second
)

// order is the connections that can be reaped, by their last activity: the one
// that has been silent for longest is the first. It has a place for each slot of
// the table, so that connections are no larger where nobody is reaped.
type order struct {
	links       []link        // by the index of the token
	first, last uint32        // of links; 0 is none
	n           int           // connections that can be reaped
	looked      int           // asked in vain since one was idle, or since all were asked
	waited      time.Duration // since one was idle, the last time; 0 for not yet
}

// link is a place in an order. Neighbours are an index and 1; 0 is none.
type link struct {
	before, after uint32
	in            bool
	heard         bool // it has said something
	since         Time // it came
}

// add puts a connection that has just come at the end.
func (o *order) add(c *Conn) {
	if _, ok := c.handler.(Idler); !ok {
		return
	}
	i := c.token.Index()
	for len(o.links) <= int(i) {
		o.links = append(o.links, link{})
	}
	o.links[i] = link{in: true, since: c.loop.Now()}
	o.n++
	o.push(i)
}

func (o *order) push(i uint32) {
	k := &o.links[i]
	k.before, k.after = o.last, 0
	if o.last != 0 {
		o.links[o.last-1].after = i + 1
	} else {
		o.first = i + 1
	}
	o.last = i + 1
}

func (o *order) take(i uint32) {
	k := &o.links[i]
	if k.before != 0 {
		o.links[k.before-1].after = k.after
	} else {
		o.first = k.after
	}
	if k.after != 0 {
		o.links[k.after-1].before = k.before
	} else {
		o.last = k.before
	}
	k.before, k.after = 0, 0
}

// has says whether c can be reaped.
func (o *order) has(c *Conn) bool {
	i := int(c.token.Index())
	return i < len(o.links) && o.links[i].in
}

// heard puts c, which has said something, at the end.
func (o *order) heard(c *Conn) {
	if o.has(c) {
		o.links[c.token.Index()].heard = true
		o.active(c)
	}
}

// active puts c at the end.
func (o *order) active(c *Conn) {
	if i := c.token.Index(); o.has(c) && o.last != i+1 {
		o.take(i)
		o.push(i)
	}
}

func (o *order) remove(c *Conn) {
	if i := c.token.Index(); o.has(c) {
		o.take(i)
		o.links[i].in = false
		o.n--
	}
}

// retry is how long to wait until somebody may be idle. When all were asked, the
// next who comes begins anew.
func (o *order) retry() time.Duration {
	switch {
	case o.n == 0:
		return acceptRetry
	case o.looked > 0 && o.looked < o.n:
		return reapRetry // one of the others may be
	}
	o.looked = 0
	o.waited = min(max(2*o.waited, reapRetry), acceptRetry)
	return o.waited
}

// untilIdle is how long a listener waits that has no place for who comes: 0, until
// a connection ends, where nobody is reaped.
func (l *Loop) untilIdle() time.Duration {
	if l.order == nil {
		return 0
	}
	return l.order.retry()
}

// reapable says whether somebody can be reaped, who is then the first of the
// order.
func (l *Loop) reapable() bool {
	if l.order == nil {
		return false
	}
	for looks := 0; looks < reapLooks && l.order.first != 0; looks++ {
		if l.order.looked >= l.order.n {
			return false
		}
		c := l.table.slots[l.order.first-1].conn
		if c.idle() {
			l.order.looked, l.order.waited = 0, 0
			return true
		}
		l.order.looked++
		l.order.active(c)
	}
	return false
}

// idle says whether nothing is on its way on c.
func (c *Conn) idle() bool {
	if k := &c.loop.order.links[c.token.Index()]; !k.heard && c.loop.Now().Sub(k.since) < newcomer {
		return false
	}
	return c.state == stateOpen && !c.closing && !c.fin && c.failure == nil && c.noOutput() && len(c.rest) == 0 &&
		c.handler.(Idler).Idle(c)
}

// reap closes the first of the order, which is idle. Its place is free at once; it
// still waits for the peer's FIN, which is only a courtesy. It says whether
// there was room for one more who does that.
func (l *Loop) reap() bool {
	if len(l.leaving) >= leavingMost {
		l.finish(l.leaving[0], nil)
		if len(l.leaving) >= leavingMost {
			return false // the engine needs a while
		}
	}
	c := l.table.slots[l.order.first-1].conn
	l.order.remove(c)
	l.leaving = append(l.leaving, c)
	l.counts.Reaped++
	c.CloseWhenDone()
	return true
}

// reapNow makes a descriptor free, and says whether it is free already. If not,
// somebody may be about to leave.
func (l *Loop) reapNow() bool {
	if n := len(l.leaving); n > 0 {
		l.finish(l.leaving[0], nil)
		return len(l.leaving) < n
	}
	if !l.reapable() || !l.reap() {
		return false
	}
	n := len(l.leaving)
	l.finish(l.leaving[n-1], nil) // there is no descriptor to wait with
	return len(l.leaving) < n
}

// left takes note of the end of an accepted connection.
func (l *Loop) left(c *Conn) {
	l.accepted--
	for i, other := range l.leaving {
		if other == c {
			l.leaving = append(l.leaving[:i], l.leaving[i+1:]...)
			return
		}
	}
}
