package loadgen

import (
	"bytes"
	"time"

	"medusa/poller/loop"
)

// state is where a connection is in its life.
type state uint8

const (
	unused   state = iota // not dialled yet: the next of its slot, with a connection for each request
	dialling              // connect was called
	asking                // its first request, made at opening, is not answered yet
	silent                // opened and answered; an idle one, or an active one before the load begins
	free                  // may take a request
	busy                  // has one
	replied               // has the reply to it, before the engine has told that it was sent
	closing               // done with; waits for the peer's FIN
	gone
)

// lingers is how long a connection that is done with waits for the peer's FIN.
const lingers = time.Second

// maxTemplate bounds the reply that is recognised as a whole, in bytes.
const maxTemplate = 16 << 10

// conn is one connection.
type conn struct {
	g      *Generator
	c      *loop.Conn
	slot   int  // among the active ones, or -1
	fill   bool // opened by the fill: it asks once at opening
	state  state
	in     *list
	prev   *conn
	next   *conn
	rd     reader
	stale  int    // requests sent whose replies nobody waits for any more
	given  int64  // request bytes given to c
	whole  uint64 // replies that have come
	size   int64  // bytes of the reply that is coming in
	usable bool   // of replied: the connection may have another request
	kind   Kind   // of replied

	dialled  loop.Time
	opened   loop.Time // Never until it is established
	freed    loop.Time // when it became free
	intended loop.Time // of the request that it has
	issued   loop.Time // when it got that
	first    loop.Time // first byte of the reply that is coming in; Never before
	last     loop.Time // of replied: its last byte
}

func (g *Generator) newConn(slot int) *conn {
	return &conn{g: g, slot: slot, dialled: Never, opened: Never, freed: Never, first: Never}
}

// ask sends the request.
func (c *conn) ask() {
	c.given += int64(len(c.g.request))
	c.c.WriteShared(c.g.request)
}

// Opened implements loop.Handler.
func (c *conn) Opened(*loop.Conn) {
	if c.state != dialling {
		return
	}
	g := c.g
	c.opened = g.l.Now()
	g.openedCount++
	switch {
	case g.perRequest(c):
		c.state = busy
		c.ask()
		return
	case c.slot < 0 && g.s.IdleSilent:
		c.state = silent
		g.unasked++
		g.pending--
	case c.fill && (c.slot < 0 || g.phase < phaseRun):
		c.state = asking
		c.ask()
	default:
		g.free(c, c.opened)
	}
	g.rec.connect.record(int64(c.opened - c.dialled))
	if c.fill {
		g.connecting--
		// One that comes only when the load has begun does not ask by itself.
		c.fill = c.state == asking
		g.checkFill()
	}
}

// Received implements loop.Handler. Most replies are byte for byte the last
// good one: those are recognised by one comparison. A different one, such as
// the first of a new second with its new Date, is read and becomes the next
// template.
func (c *conn) Received(_ *loop.Conn, p []byte) (used int) {
	g := c.g
	now := g.l.Now()
	if c.state == busy && c.stale == 0 && c.first == Never && bytes.Equal(p, g.template) {
		c.whole++
		c.first, c.size = now, int64(len(p))
		g.complete(c, now, OK, true)
		return len(p)
	}
	return c.read(p, now)
}

// read takes replies apart, those that nobody waits for any more first.
func (c *conn) read(p []byte, now loop.Time) (used int) {
	g := c.g
	for used < len(p) {
		if c.state == closing || c.state == gone {
			return len(p)
		}
		if c.state != busy && c.state != asking && c.stale == 0 {
			g.lose(c, now, WrongBytes, false) // bytes that nobody asked for
			return len(p)
		}
		if c.first == Never {
			c.first = now
		}
		start, whole := used, c.rd.fresh()
		n, done, kind, broken := c.rd.read(p[used:], &g.pin)
		used += n
		c.size += int64(n)
		if !done {
			return used
		}
		if used < len(p) && c.outstanding() == 1 {
			kind, broken = WrongBytes, true // more bytes than the reply has
		}
		if kind == OK && whole && !c.rd.close && used-start <= maxTemplate {
			g.template = append(g.template[:0], p[start:used]...)
		}
		c.reply(now, kind, !broken && !c.rd.close)
	}
	return used
}

// outstanding is how many replies are to come.
func (c *conn) outstanding() int {
	if c.state == busy || c.state == asking {
		return c.stale + 1
	}
	return c.stale
}

// reply takes a whole reply. usable says that the connection may be used again.
func (c *conn) reply(now loop.Time, k Kind, usable bool) {
	g := c.g
	c.whole++
	if c.whole == 1 && c.fill {
		g.admitted++
		g.pending--
		g.rec.admission.record(int64(c.first - c.dialled))
	}
	switch {
	case c.stale > 0:
		c.stale--
		c.first, c.size = Never, 0
		if !usable {
			g.hangUp(c, now, k)
		}
		g.checkFill()
	case c.state == asking:
		c.first, c.size = Never, 0
		c.state = silent
		if !usable {
			g.hangUp(c, now, k)
		} else if c.slot >= 0 && g.phase >= phaseRun {
			g.free(c, now)
		}
		g.checkFill()
	default:
		g.complete(c, now, k, usable)
	}
}

// Ended implements loop.Handler: the peer sends no more.
func (c *conn) Ended(*loop.Conn) {
	g := c.g
	now := g.l.Now()
	if c.state == closing || c.state == gone {
		c.c.CloseWhenDone()
		return
	}
	if c.state == replied {
		c.usable = false // Drained follows
		c.rd.close = true
		return
	}
	if c.outstanding() == 0 {
		g.lose(c, now, OK, true)
		return
	}
	if c.rd.stage == untilClose { // this is how the reply ends
		c.reply(now, c.rd.ended(true, &g.pin), false)
		c.c.CloseWhenDone()
		return
	}
	k := c.rd.ended(c.first != Never, &g.pin)
	if c.stale > 0 {
		k = Reset // the reply that was cut short was not to its request
	}
	g.lose(c, now, k, true)
}

// Expired implements loop.Handler.
func (c *conn) Expired(lc *loop.Conn) { lc.Abort() }

// Drained implements loop.Handler. Engines that send on another goroutine may
// tell that the request was sent only after its reply has come.
func (c *conn) Drained(*loop.Conn) {
	if c.state == replied {
		c.g.complete(c, c.last, c.kind, c.usable)
	}
}

// Closed implements loop.Handler.
func (c *conn) Closed(_ *loop.Conn, err error) {
	if c.state == closing || c.state == gone || loop.Kind(err) == "stopped" {
		return
	}
	g := c.g
	k := lossOf(err, c.opened != Never)
	if err == nil && c.outstanding() == 0 {
		k = OK
	}
	g.lose(c, g.l.Now(), k, false)
}
