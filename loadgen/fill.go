package loadgen

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"medusa/control"
	"medusa/poller/loop"
)

const (
	// fillTick is how often the fill opens what is due.
	fillTick = time.Millisecond
	// connectingMost bounds the connects in flight, and pendingMost the
	// connections not yet answered, while the server makes progress: more
	// would overflow its backlog and cost each a SYN retry of a second.
	connectingMost = 256
	pendingMost    = 1024
	// patience is how long the server is given to answer one more before the
	// fill goes on without: it may have stopped accepting for good. Those that
	// its backlog does not hold then time out; that is no progress.
	patience = 100 * time.Millisecond
)

// fillState is the account of the fill.
type fillState struct {
	active     []*conn // opened for requests, in the order of their places
	fillStart  loop.Time
	toOpen     int
	connecting int
	pending    int // begun, neither answered nor lost
	progress   loop.Time
	seen       int // answered, or lost other than by a timeout, when progress was last made
}

// Start begins the fill: it opens all connections at the fill rate, each of
// which asks once (but for idle ones with IdleSilent, which are only opened).
// It ends, with Filled, when each was answered or lost, or FillLimit after the
// last was begun; those not answered by then stay open.
// With connections for so many requests only the idle ones are opened, and the
// slow ones, of which the fill waits for the first byte.
func (g *Generator) Start() {
	if g.phase != phaseNew {
		return
	}
	g.phase = phaseFill
	g.fillStart = g.l.Now()
	g.progress = g.fillStart
	g.start = snapshot(g.l, true)
	g.toOpen = g.s.Idle + g.s.Slow
	if !g.s.brief() {
		g.toOpen += g.s.Connections
	}
	g.fillOn()
}

// fillOn opens what is due and comes again.
func (g *Generator) fillOn() {
	if g.phase != phaseFill {
		return
	}
	now := g.l.Now()
	if decided := g.begun - g.pending - int(g.fates[fateTimeout]); decided > g.seen {
		g.seen, g.progress = decided, now
	}
	due := min(int(now.Sub(g.fillStart).Seconds()*g.s.FillRate)+1, g.toOpen)
	stopped := now.Sub(g.progress) > patience
	if stopped {
		// What was held back meanwhile does not come all at once.
		due = min(due, g.begun+int(2*fillTick.Seconds()*g.s.FillRate)+1)
	}
	for g.begun < due && (stopped || g.connecting < g.s.share(connectingMost) && g.pending < g.s.share(pendingMost)) {
		g.open(g.begun)
	}
	if g.begun < g.toOpen {
		g.l.At(now.Add(fillTick), g.fillOn)
		return
	}
	g.l.At(now.Add(g.s.FillLimit), g.endFill)
	g.checkFill()
}

// open opens the i-th connection. The active ones are spread evenly over the
// order of opening, and the slow ones over what is left, so that whichever part
// of all is served, they are served in proportion.
func (g *Generator) open(i int) {
	slot, before := -1, 0 // active ones so far
	if active := g.s.Connections; !g.s.brief() {
		before = i * active / g.toOpen
		if k := (i + 1) * active / g.toOpen; k > before {
			slot = k - 1
		}
	}
	g.begun++
	g.connecting++
	g.pending++
	if others := g.s.Idle + g.s.Slow; slot < 0 && (i-before+1)*g.s.Slow/others > (i-before)*g.s.Slow/others {
		g.unasked++ // its first reply is not timed
		g.dialSlow(true)
		return
	}
	c := g.newConn(slot)
	c.fill = true
	if slot >= 0 {
		g.active = append(g.active, c)
	}
	g.dial(c, g.s.ConnectTimeout)
}

// checkFill ends the fill when every connection is decided.
func (g *Generator) checkFill() {
	if g.phase == phaseFill && g.begun == g.toOpen && g.pending == 0 {
		g.endFill()
	}
}

func (g *Generator) endFill() {
	if g.phase != phaseFill {
		return
	}
	now := g.l.Now()
	g.phase = phaseWait
	g.fillNs = int64(now.Sub(g.fillStart))
	if g.toOpen > 0 && g.openedCount == 0 {
		g.phase = phaseDone
		g.on(Event{Stage: Failed, At: now, Err: fmt.Errorf("no connection to %v (%s): is the server listening there?", g.s.Address, g.losses())})
		return
	}
	g.on(Event{Stage: Filled, At: now})
}

// losses lists what became of connections that failed: "64 refused".
func (g *Generator) losses() string {
	var list []string
	for f, n := range g.fates {
		if n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, fateNames[f]))
		}
	}
	if len(list) == 0 {
		return fmt.Sprintf("%d without an answer to connect", g.begun)
	}
	sort.Strings(list)
	return strings.Join(list, ", ")
}

// Filled says what the fill came to.
func (g *Generator) Filled() control.Filled {
	return control.Filled{Offered: g.begun, Open: g.openedCount, Admitted: g.admitted, FillNs: g.fillNs}
}
