package loadgen

import (
	"time"

	"medusa/control"
	"medusa/poller/loop"
)

// ledger is what a report is made of: what was asked for, and counts, which
// those of several processes add up to.
type ledger struct {
	s   Spec
	rec *recorder

	backend, engine string // of the generator's loop

	begun    int // connections of the fill that were begun
	unasked  int // of them, idle ones that were opened and do not ask, and slow ones
	fillNs   int64
	idleOpen int // idle connections that are there at the end

	offered, openedCount, admitted int
	fates                          [fates]uint64
	sent, answered                 uint64
	queueStart, queueEnd           int
	redialled                      int // clients that were let go and connected again, though lost ones are not replaced
	denied                         int // connections that were lost before their first reply
	slowCounts                     slowCounts
	storedCounts                   Stored    // of uploads
	verifying                      int       // sessions that read back what they stored last
	recovery                       *Recovery // with Spec.Leave
	edge                           [2]edge   // the window's
	start, final                   control.Snapshot
	processes                      []Process // of a load that has several
	spread                         int64     // how far their windows are apart, in nanoseconds
	limits                         []string  // why one of them was at its limit
}

// edge is what is read at an edge of the window.
type edge struct {
	at   loop.Time // when it was read, at the edge or a little later
	cpu  int64
	spun time.Duration
}
