package loadgen

import "medusa/poller/loop"

// gate is a client's slow line: of what its connection shows it lets through
// what its bucket has, and pauses the connection until there is more. What is
// held back fills one input buffer of the loop, then the kernel's receive
// buffer, and closes TCP's window: the peer waits, as it would for a slow line.
// While it is shut nothing is seen of the peer, its end included.
type gate struct {
	bucket
	c      *loop.Conn
	paid   int // bytes let through that were shown and not used: they are shown again
	resume func()
}

// newGate puts a gate before a connection. A rate of 0 needs none: nil lets
// everything through.
func newGate(rate int64, c *loop.Conn) *gate {
	if rate == 0 {
		return nil
	}
	return &gate{bucket: newBucket(rate, c.Loop().Now()), c: c, resume: c.Resume}
}

// open returns what of p may be used now; shut is to follow with how much of it
// was.
func (g *gate) open(now loop.Time, p []byte) []byte {
	if g == nil {
		return p
	}
	g.paid += g.take(now, len(p)-g.paid)
	return p[:g.paid]
}

// shut pauses the connection if not all that it has shown could be let through,
// until that has, or as much of it as is worth waking for. Whether there is more
// behind it is not known before it is shown: to wait for that blindly would keep
// the end of a reply back.
func (g *gate) shut(shown, used int) {
	if g == nil {
		return
	}
	held := shown - g.paid
	g.paid -= used
	if held > 0 {
		g.c.Pause()
		g.c.Loop().At(g.next(held), g.resume)
	}
}
