package loadgen

import (
	"bytes"
	"math/rand/v2"
)

// Patterns repeat after a prime number of bytes, so that every message of a
// connection is another part of one: the second prime is for messages whose size
// is a multiple of the first.
const (
	patternPeriod  = 8191
	anotherPeriod  = 8209
	patternSeed    = 0x6563686f // "echo"
	patternAdvance = 2654435761 // from one connection to the next, before the remainder
)

// echo is what is sent to a server that sends everything back. A connection's
// messages are one stream of bytes, a random pattern over and over, of which each
// connection begins at another place: a reply with bytes of another message, or of
// another connection, or that are only misplaced, is different with the
// probability that random bytes are.
type echo struct {
	size    int // of a message
	period  int
	pattern []byte // a period, and as much again of it as is written at once
	begun   int    // connections
}

// newEcho prepares messages of size bytes, up to depth of them written at once.
func newEcho(size, depth int) *echo {
	e := &echo{size: size, period: patternPeriod}
	if size%patternPeriod == 0 {
		e.period = anotherPeriod
	}
	e.pattern = make([]byte, e.period+size*depth)
	random := rand.New(rand.NewPCG(patternSeed, uint64(e.period)))
	for i := range e.pattern {
		if i < e.period {
			e.pattern[i] = byte(random.Uint32())
		} else {
			e.pattern[i] = e.pattern[i-e.period]
		}
	}
	return e
}

// begin is where the pattern of the next connection begins.
func (e *echo) begin() int {
	e.begun++
	return int(uint64(e.begun) * patternAdvance % uint64(e.period))
}

// run is k messages from a place in the pattern, and the place after them.
func (e *echo) run(at, k int) (p []byte, next int) {
	n := k * e.size
	return e.pattern[at : at+n], (at + n) % e.period
}

// take compares the next bytes of a message that begins at a place in the
// pattern, of which had bytes have come before. It takes no byte of the message
// after it.
func (e *echo) take(p []byte, at int, had int64, loose bool) (n int, same bool) {
	n = min(len(p), e.size-int(had))
	from := at + int(had)
	return n, loose || bytes.Equal(p[:n], e.pattern[from:from+n])
}
