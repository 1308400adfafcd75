package loadgen

import (
	"time"

	"medusa/poller/loop"
)

// This file is the life of a request: it arrives, waits for a connection or
// gets one at once, and ends.

// arrive takes every arrival that is due and sets the timer for the next.
func (g *Generator) arrive() {
	if g.phase != phaseRun {
		return
	}
	now := g.l.Now()
	for g.next <= now && g.next < g.to {
		g.dispatch(g.next, now)
		g.next = g.base + g.times.Next()
	}
	if g.next < g.to {
		g.l.At(g.next, g.arriving)
	}
}

// dispatch gives a request to the connection that has been free the longest,
// or lets it wait for one.
func (g *Generator) dispatch(intended, now loop.Time) {
	g.rec.begin(intended)
	late := now.Sub(intended) >= g.s.Timeout
	if g.turns != nil {
		g.turn(intended, now, late)
		return
	}
	switch free := g.idle.head; {
	case late && free != nil:
		g.rec.missed(intended)
		fallthrough
	case late:
		g.drop(intended, intended.Add(g.s.Timeout), Timeout)
	case free != nil:
		free.leave()
		g.issue(free.of, 1, intended, now)
	case g.pool == 0:
		g.drop(intended, now, g.lost)
	default:
		g.waiting.push(intended)
		g.dropAt(intended.Add(g.s.Timeout))
	}
}

// dropAt sees to it that a request which waits is dropped in time.
func (g *Generator) dropAt(t loop.Time) {
	if !g.drops {
		g.drops = true
		g.l.At(t, g.dropping)
	}
}

// free makes a connection take the request that has waited longest, as many of a
// closed loop as it has room for, or a place among the idle ones.
func (g *Generator) free(c *conn, now loop.Time) {
	if c.state == closing || c.state == gone {
		return
	}
	c.freed = now
	if g.s.Closed && g.phase == phaseRun {
		k := g.s.Depth - c.n
		for range k {
			g.rec.begin(now)
		}
		g.issue(c, k, now, now)
		return
	}
	if c.n > 0 {
		return // until all are answered: no more are asked
	}
	for g.waits() > 0 {
		intended, overdue, ok := g.longest(c)
		if !ok {
			break
		}
		if now.Sub(intended) < g.s.Timeout {
			g.issue(c, 1, intended, now)
			return
		}
		g.drop(intended, intended.Add(g.s.Timeout), overdue)
	}
	if c.state != unused {
		c.state = free
	}
	if g.turns == nil {
		g.idle.push(&c.place)
	}
}

// refill frees a connection that has had replies.
func (g *Generator) refill(c *conn) {
	if c.state == busy && (c.n == 0 || c.n < g.s.Depth && g.phase == phaseRun) {
		g.free(c, c.freed)
	}
}

// issue sends k requests on a connection with room for them, which it dials first
// if it is one for each request.
func (g *Generator) issue(c *conn, k int, intended, now loop.Time) {
	for range k {
		q := c.add()
		q.intended, q.freed, q.issued = intended, c.freed, now
		g.flight.push(&q.place)
	}
	if c.state == unused {
		g.dial(c, 0)
	} else {
		c.state = busy
		c.ask(k)
	}
	if !g.sweeps {
		g.sweeps = true
		g.l.At(now.Add(g.s.Timeout), g.sweeping)
	}
}

// dial opens a connection.
func (g *Generator) dial(c *conn, timeout time.Duration) {
	c.state = dialling
	c.dialled = g.l.Now()
	c.c = g.connect(c, timeout, g.s.ReceiveBuffer)
}

// connect dials for any kind of client.
func (g *Generator) connect(h loop.Handler, timeout time.Duration, receiveBuffer int) *loop.Conn {
	o := loop.DialOptions{Address: g.s.Address, Timeout: timeout, NoDelay: true, ReceiveBuffer: receiveBuffer}
	if n := len(g.s.Sources); n > 0 {
		o.Source = g.s.Sources[g.offered%n]
	}
	g.offered++
	return g.l.Dial(o, h)
}

// complete takes a whole reply to the oldest request of a connection, which came
// at now.
func (g *Generator) complete(c *conn, now loop.Time, k Kind, usable bool) {
	q := c.nth(0)
	end := now
	switch sent := q.sent(); {
	case g.s.Depth > 1:
		q.upto = 0 // it was sent, even if the engine has not told so yet
	case sent == Never && c.state == busy:
		c.state, c.last, c.kind, c.usable = replied, now, k, usable
		return
	case sent == Never || sent > now:
		k, usable = WrongBytes, false // answered before it was asked
	}
	if limit := q.intended.Add(g.s.Timeout); k == OK && now >= limit {
		// The connection may be used, but whoever asked has given up.
		k, end = Timeout, limit
	}
	g.endRequest(c, end, k)
	if !usable || g.spent(c) {
		g.hangUp(c, now, k)
		return
	}
	c.state, c.freed = busy, now
}

// endRequest ends the oldest request of a connection.
func (g *Generator) endRequest(c *conn, end loop.Time, k Kind) {
	a := c.pop()
	q := Request{
		Slot: c.slot, Port: c.port, Ordinal: c.before - 1, Intended: a.intended, Free: a.freed, Dialled: Never, Opened: Never,
		Sent: a.sent(), First: Never, End: end, Kind: k,
	}
	if g.s.brief() && q.Ordinal == 0 {
		q.Dialled, q.Opened = c.dialled, c.opened
	}
	if c.stale == 0 { // else what has come is of an earlier reply
		q.First, q.Bytes = c.first, c.size
		c.first, c.size = Never, 0
	}
	g.end(&q)
}

// endAll ends the requests of a connection that is lost. how is what became of
// the oldest; those behind it were not answered at all.
func (g *Generator) endAll(c *conn, now loop.Time, how Kind) {
	for c.n > 0 {
		g.endRequest(c, now, how)
		if how == Short || how == WrongBytes {
			how = Reset
		}
	}
}

// drop ends a request that never got a connection.
func (g *Generator) drop(intended, end loop.Time, k Kind) {
	g.end(&Request{
		Slot: -1, Intended: intended, Free: Never, Dialled: Never, Opened: Never,
		Sent: Never, First: Never, End: end, Kind: k,
	})
}

func (g *Generator) end(q *Request) {
	g.rec.end(q)
	if g.observe != nil {
		g.observe(*q)
	}
	if g.phase == phaseDrain {
		g.settled()
	}
}

// sweep ends the requests that have been on a connection for the timeout.
func (g *Generator) sweep() {
	now := g.l.Now()
	for q := g.flight.head; q != nil && q.of.issued.Add(g.s.Timeout) <= now; q = g.flight.head {
		g.expire(q.of.c, now)
	}
	g.sweeps = g.flight.head != nil && g.phase < phaseDone
	if g.sweeps {
		g.l.At(g.flight.head.of.issued.Add(g.s.Timeout), g.sweeping)
	}
}

// dropLate ends the requests that have waited for the timeout.
func (g *Generator) dropLate() {
	upto := g.l.Now().Add(-g.s.Timeout)
	for intended, overdue, ok := g.oldest(upto); ok; intended, overdue, ok = g.oldest(upto) {
		g.drop(intended, intended.Add(g.s.Timeout), overdue)
	}
	g.drops = false
	switch {
	case g.waits() == 0:
	case g.turns != nil:
		g.dropAt(g.turns.all.head.of.intended.Add(g.s.Timeout))
	default:
		g.dropAt(g.waiting.first().Add(g.s.Timeout))
	}
}

// overdue is how a request fails that has no reply in time.
func (c *conn) overdue() Kind {
	if c.opened != Never && c.whole == 0 {
		return Unserved
	}
	return Timeout
}

// expire ends the oldest request of a connection, which has no reply. The
// connection is of no use any more, as a late reply would be taken for the next
// one's, and those behind it are given up with it; except one that was never
// answered and would not be replaced: that stays in its place in the server's
// backlog, and what is sent on it goes unanswered too.
func (g *Generator) expire(c *conn, now loop.Time) {
	k := c.overdue()
	g.endRequest(c, c.nth(0).intended.Add(g.s.Timeout), k)
	if k == Unserved && !g.s.Redial && !g.s.brief() {
		c.stale++
		g.free(c, now)
		return
	}
	g.endAll(c, now, k)
	g.part(c, fateOf(k), abort)
	g.replace(c, now, k, false)
}
