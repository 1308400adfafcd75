package loadgen

import "medusa/poller/loop"

// This file is the end of a connection, and what takes its place.

// manner is how a connection is let go.
type manner uint8

const (
	abort     manner = iota // reset it
	closeNow                // nothing more comes from the peer
	awaitFIN                // the peer has said that it closes
	leaveOpen               // until the loop stops
)

// part lets a connection go and counts what became of it.
func (g *Generator) part(c *conn, f fate, m manner) {
	c.place.leave()
	if s := c.session; s != nil {
		g.sent += s.begun
		g.answered += s.ended
		s.end()
	} else {
		handed, _ := c.c.Handed()
		// What was answered was sent, even if the engine has not told so yet.
		g.sent += max(uint64(handed)/uint64(g.size), c.whole)
		g.answered += c.whole
	}
	g.fates[f]++
	c.state = closing
	switch m {
	case abort:
		c.state = gone
		c.c.Abort()
	case closeNow:
		if c.session != nil {
			c.session.say("QUIT\r\n")
		}
		c.c.CloseWhenDone()
	case awaitFIN:
		// Who closes first keeps the port in TIME_WAIT: the server, as it
		// announced.
		c.c.SetDeadline(lingers)
	}
}

// hangUp lets a connection go after a whole reply: the server announced its
// end, it is for one request only, or what came on it was no reply.
func (g *Generator) hangUp(c *conn, now loop.Time, k Kind) {
	for c.n > 0 {
		g.endRequest(c, now, Reset) // what went wrong was an earlier reply
	}
	switch {
	case k == WrongBytes:
		g.part(c, fateClosed, abort)
	case c.rd.close:
		g.part(c, fateOK, awaitFIN)
		c.letGo = k == OK
	default:
		g.part(c, fateOK, closeNow)
	}
	g.replace(c, now, k, false)
}

// lose is for a connection that ended by itself, or that sent what nobody
// asked for. k is how: OK stands for an orderly end with nothing to come. The
// requests on it fail with it.
func (g *Generator) lose(c *conn, now loop.Time, k Kind, polite bool) {
	was := c.state
	attempt := was == dialling
	how := k
	if how == OK {
		how = Reset
	}
	g.endAll(c, now, how)
	if c.fill {
		if attempt {
			g.connecting--
		}
		if c.whole == 0 {
			g.pending--
		}
	}
	if c.returns() && attempt {
		g.returning--
	}
	f := fateOf(k)
	if k == OK || polite && k != Shed {
		f = fateClosed
	}
	c.letGo = c.whole > 0 && (k == OK || g.turns != nil && how == Reset)
	if polite {
		g.part(c, f, closeNow)
	} else {
		g.part(c, f, abort)
	}
	if attempt && !c.fill && !c.again && !g.s.brief() {
		g.redialFailed(c, now, how)
	}
	g.replace(c, now, how, attempt)
	g.checkFill()
}

// redialFailed charges a failed attempt to replace a connection to the request
// that has waited for one longest, or in a closed loop to the request that the
// connection would have sent.
func (g *Generator) redialFailed(c *conn, now loop.Time, k Kind) {
	switch {
	case g.s.Closed && g.phase == phaseRun:
		g.rec.begin(c.dialled)
		g.drop(c.dialled, now, k)
	default:
		if intended, _, ok := g.longest(c); ok {
			g.drop(intended, now, k)
		}
	}
}

// replace puts another connection in the place of an active one that is gone.
// After a failed attempt the next one waits a little.
func (g *Generator) replace(c *conn, now loop.Time, k Kind, attempt bool) {
	if c.again {
		if c.whole == 0 { // else it had its place
			g.comeAgain(now)
		}
		return
	}
	if c.whole == 0 {
		g.denied++ // a place was never found for it
	}
	if c.slot < 0 || g.phase >= phaseLeave {
		return
	}
	next := g.newConn(c.slot)
	switch {
	case g.s.brief() && attempt && g.s.Closed:
		g.l.At(now.Add(retryAfter), func() { g.free(next, g.l.Now()) })
	case g.s.brief():
		g.free(next, now)
	case !g.s.Redial && !c.letGo:
		g.bury(c, now, k)
	case g.phase == phaseDrain && g.waits() == 0: // nothing is left to send
	case g.phase < phaseRun:
		g.countRedial()
		g.vacant = append(g.vacant, c.slot)
	case attempt:
		g.l.At(now.Add(retryAfter), func() {
			if g.phase < phaseDone {
				g.dial(next, g.s.ConnectTimeout)
			}
		})
	default:
		g.countRedial()
		g.dial(next, g.s.ConnectTimeout)
	}
}

// countRedial counts a client that comes again although lost ones do not.
func (g *Generator) countRedial() {
	if !g.s.Redial {
		g.redialled++
	}
}

// bury counts an active connection that is not replaced. Without any left
// there is nothing to wait for.
func (g *Generator) bury(c *conn, now loop.Time, k Kind) {
	if k == OK { // what was asked on it was answered; what comes now is not
		k = Reset
	}
	g.pool--
	g.lost = k
	if g.turns != nil {
		own := &g.turns.clients[c.slot]
		own.lost, own.how = true, k
	} else if g.pool > 0 {
		return
	}
	for intended, _, ok := g.longest(c); ok; intended, _, ok = g.longest(c) {
		g.drop(intended, now, k)
	}
}
