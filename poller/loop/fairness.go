package loop

// What one connection may take before the others have their turn; what a listener
// may is ListenOptions.AcceptsPerTurn. The bounds are the same on every engine and
// hold for each turn, of which a loop counts the number (Counts.Turns); whoever is
// cut short goes on in the next one, after what has become ready meanwhile, and in
// the order in which it was cut short. What a turn is differs:
//
//   - On the readiness engine it is one wait and all that follows from it. A
//     level backend reads once for each report, so that reading is bounded by
//     the in size as well; an edge backend reads on, up to the bound.
//   - On goroutines it is one visit to the loop's lock, which a goroutine gives
//     up between any two calls. It reads at most the in size, accepts one
//     connection, and sends with one call. Who sends on and on lets others go
//     first whenever it has sent the bound.
//   - On sim it is one event. Reading is bounded by the in size as well.
const (
	// turnBytes bounds what a connection reads in a turn, and what it sends, in
	// bytes. It is what the kernel is given by one call too, whatever is queued:
	// a shared slice, or a file, of a gigabyte. Each call costs something by
	// itself, and so does each wait: see loneBytes.
	turnBytes = 512 << 10
	// loneBytes is what a connection may send in a turn that is about nobody else:
	// of all that wait, it alone was reported, and nobody was cut short before.
	// A download of 1 GiB of random bytes in tmpfs (epoll, sendfile, cubic; builds
	// with one bound and another, in turns, 25 rounds) cost 1.12 times the CPU of
	// a minimal responder with 512 KiB, 1.05 times with 2 MiB, and 1.04 times with
	// 8 MiB and with 32 MiB; who comes while it is sent waits for that long.
	loneBytes = 2 << 20
	// settleRounds bounds how often, one time after the other, output that
	// callbacks made is flushed and the callbacks that follow from it are run.
	settleRounds = 4
)

// allowance is what the connection may still send in this turn, in bytes. Only
// eight bits of the turn's number are kept; a connection that sent last a
// multiple of 256 turns ago may be held to what it sent then, which costs it
// a turn.
func (c *Conn) allowance() int {
	if turn := uint8(c.loop.counts.Turns); c.turn != turn {
		c.turn, c.spent = turn, 0
	}
	if c == c.loop.lone {
		return loneBytes - int(c.spent)
	}
	return turnBytes - int(c.spent)
}
