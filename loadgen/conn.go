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
	busy                  // has one or more
	replied               // has the reply to the only one, before the engine has told that it was sent
	closing               // done with; waits for the peer's FIN
	gone
)

// lingers is how long a connection that is done with waits for the peer's FIN.
const lingers = time.Second

// maxTemplate bounds the reply that is recognised as a whole, in bytes.
const maxTemplate = 16 << 10

// conn is one connection.
type conn struct {
	g     *Generator
	c     *loop.Conn
	slot  int  // among the active ones, or -1
	fill  bool // opened by the fill: it asks once at opening
	letGo bool // it had been answered before the server ended it
	again bool // opened when others have left, and asks as well
	state state
	place node[*conn] // among those that are free
	rd    reader
	line  *gate // nil: it reads as fast as it can
	// session is the dialogue of ftp; nil for protocols whose requests follow
	// each other on the connection.
	session *session
	stale   int    // requests sent whose replies nobody waits for any more
	given   int64  // request bytes given to c
	whole   uint64 // replies that have come
	before  int64  // requests that have ended, and that of the fill: those before the oldest one
	port    uint16 // of this end, where requests are observed
	size    int64  // bytes of the reply that is coming in
	usable  bool   // of replied: the connection may have another request
	kind    Kind   // of replied

	dialled loop.Time
	opened  loop.Time // Never until it is established
	freed   loop.Time // when there was room for a request
	first   loop.Time // first byte of the reply that is coming in; Never before
	last    loop.Time // of replied: its last byte

	ring    []asked // its requests, the oldest at head, n of them
	head, n int
	one     [1]asked // the ring of a connection that has one at a time

	out, back int // of echo: where in the pattern the next request and the next reply begin
}

func (g *Generator) newConn(slot int) *conn {
	c := &conn{g: g, slot: slot, dialled: Never, opened: Never, freed: Never, first: Never}
	c.place.of = c
	if g.turns != nil && slot >= 0 {
		g.turns.clients[slot].conn = c
	}
	if g.ftp != nil {
		c.session = newSession(c)
	}
	if g.echo != nil {
		c.out = g.echo.begin()
		c.back = c.out
	}
	return c
}

// Opened implements loop.Handler.
func (c *conn) Opened(*loop.Conn) {
	if c.state != dialling {
		return
	}
	g := c.g
	c.opened = g.l.Now()
	g.openedCount++
	if c.session == nil {
		c.line = newGate(g.s.lineRate(c.slot), c.c)
	}
	if g.observe != nil {
		c.port = c.c.LocalAddr().Port()
	}
	switch {
	case g.perRequest(c):
		c.state = busy
		if c.session == nil { // else when it has logged in
			c.ask(1)
		}
		return
	case c.slot < 0 && g.s.IdleSilent:
		c.state = silent
		g.unasked++
		g.pending--
	case c.again || c.fill && (c.slot < 0 || g.phase < phaseRun):
		c.state = asking
		if c.session == nil { // to log in is no transfer
			c.before = 1
			c.write(1)
		}
	case c.session != nil:
		c.state = asking
		c.c.SetDeadline(g.s.ConnectTimeout)
	default:
		g.free(c, c.opened)
	}
	g.rec.connect.record(int64(c.opened - c.dialled))
	if c.returns() {
		g.returning--
	}
	if c.fill {
		g.connecting--
		// One that comes only when the load has begun does not ask by itself.
		c.fill = c.state == asking
		g.checkFill()
	}
}

// Received implements loop.Handler. What its replies make room for is asked at
// its end, together.
func (c *conn) Received(_ *loop.Conn, p []byte) (used int) {
	now := c.g.l.Now()
	if c.session != nil {
		used = c.session.received(p, now)
		c.g.refill(c)
		return used
	}
	open := c.line.open(now, p)
	used = c.read(open, now)
	c.g.refill(c)
	if c.state == closing || c.state == gone {
		return len(p) // what it says now is for nobody: its end is not waited for by the line's rate
	}
	c.line.shut(len(p), used)
	return used
}

// read takes replies apart, those that nobody waits for any more first. Most are
// byte for byte the last good one: those are recognised by one comparison. A
// different one, such as the first of a new second with its new Date, is read and
// becomes the next template.
func (c *conn) read(p []byte, now loop.Time) (used int) {
	g := c.g
	for used < len(p) {
		if c.state == closing || c.state == gone {
			return len(p)
		}
		if n := c.known(p[used:]); n > 0 {
			used += n
			c.whole++
			c.first, c.size = now, int64(n)
			g.complete(c, now, OK, true)
			continue
		}
		if c.outstanding() == 0 {
			g.lose(c, now, WrongBytes, false) // bytes that nobody asked for
			return len(p)
		}
		if c.first == Never {
			c.first = now
		}
		start, whole := used, c.rd.fresh()
		n, done, kind, broken := c.take(p[used:])
		used += n
		if !done {
			return used
		}
		if used < len(p) && c.outstanding() == 1 {
			kind, broken = WrongBytes, true // more bytes than the reply has
		}
		if kind == OK && whole && g.echo == nil && !c.rd.close && used-start <= maxTemplate {
			g.template = append(g.template[:0], p[start:used]...)
		}
		c.reply(now, kind, !broken && !c.rd.close)
	}
	return used
}

// known is the size of the reply at the start of p, if it is the last good one
// again and there is nothing behind it that was not asked for; else 0.
func (c *conn) known(p []byte) int {
	n := len(c.g.template)
	if n == 0 || n > len(p) || c.state != busy || c.n == 0 || c.stale > 0 || c.first != Never {
		return 0
	}
	if n < len(p) && c.n == 1 || !bytes.Equal(p[:n], c.g.template) {
		return 0
	}
	return n
}

// take takes bytes of a reply from p, as reader.read does.
func (c *conn) take(p []byte) (used int, done bool, k Kind, broken bool) {
	g := c.g
	if g.echo == nil {
		used, done, k, broken = c.rd.read(p, &g.pin)
		c.size += int64(used)
		return used, done, k, broken
	}
	used, same := g.echo.take(p, c.back, c.size, g.s.LooseBody)
	c.size += int64(used)
	switch {
	case !same: // and what follows would be no better
		return used, true, WrongBytes, true
	case c.size < int64(g.size):
		return used, false, OK, false
	}
	_, c.back = g.echo.run(c.back, 1)
	return used, true, OK, false
}

// outstanding is how many replies are to come.
func (c *conn) outstanding() int {
	switch c.state {
	case busy:
		return c.stale + c.n
	case asking:
		return c.stale + 1
	}
	return c.stale
}

// reply takes a whole reply. usable says that the connection may be used again.
func (c *conn) reply(now loop.Time, k Kind, usable bool) {
	g := c.g
	c.whole++
	if c.whole == 1 && k == Status && c.rd.close && sheds(c.rd.status) {
		c.turnedAway(now)
		return
	}
	if c.whole == 1 && c.fill {
		g.admitted++
		g.pending--
		g.rec.admission.record(int64(c.first - c.dialled))
	}
	if c.whole == 1 && g.phase == phaseLeave {
		defer g.placeFound(now)
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
	if c.opened != Never && c.whole == 0 && c.first == Never {
		c.turnedAway(now)
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
// tell that a request was sent only after its reply has come.
func (c *conn) Drained(*loop.Conn) {
	if c.state == replied {
		c.g.complete(c, c.last, c.kind, c.usable)
		c.g.refill(c)
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
