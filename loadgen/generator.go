package loadgen

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"medusa/control"
	"medusa/poller/loop"
)

// phase is how far a generator has come.
type phase uint8

const (
	phaseNew    phase = iota
	phaseFill         // connections are being opened
	phaseWait         // filled; waits for Go
	phaseRun          // warm-up, then the window
	phaseDrain        // the window has ended; what was sent in it is awaited
	phaseLeave        // some have left; others find places
	phaseVerify       // what was stored is read back; it comes before phaseLeave
	phaseDone
)

// Stage is what an Event tells.
type Stage uint8

// The stages of a generator, in order. Failed ends it early.
const (
	Filled    Stage = iota // every connection was opened and answered, or given up: Go may be called
	Measuring              // the window begins
	Measured               // the window has ended; what is in flight still drains
	Reported               // Report has everything; the loop may be stopped
	Failed                 // Err says why nothing can be measured
)

// Event tells the progress of a generator.
type Event struct {
	Stage Stage
	At    loop.Time // when it was due; the event may come a little later
	Err   error     // of Failed
}

const (
	// headStart is from Go to the schedule's first moment, so that an arrival
	// at its very start is not late.
	headStart = time.Millisecond
	// retryAfter is how long after a failed connect the next one comes.
	retryAfter = 10 * time.Millisecond
	// staggerMost bounds the time over which the connections of a closed loop
	// send their first requests.
	staggerMost = 100 * time.Millisecond
)

// Generator puts a load on a server over the connections of a Loop. It lives
// on that loop: apart from New, its methods may be called only from the loop's
// callbacks and posted functions, or before its Run.
type Generator struct {
	l       *loop.Loop
	on      func(Event)
	observe func(Request)
	size    int    // of a request, in bytes
	run     []byte // as many requests as are written at once; without echo
	last    []byte // the last request of a connection that has so many; nil where it is as the others
	echo    *echo  // nil for protocols whose requests are all alike
	ftp     *ftp   // nil for other protocols
	pin     pin
	// template is the last good reply, head and body.
	template []byte
	phase    phase

	ledger
	fillState
	recovering
	slow    slowState
	idle    list[*conn]  // active connections that may take a request, the longest free first
	flight  list[*asked] // requests with a connection, the longest first
	waiting queue        // those without
	turns   *turns       // or they are here, with AssignTurn; else nil
	pool    int          // active connections that are not lost for good
	vacant  []int        // active ones lost before the load began
	lost    Kind         // how the last one was lost for good

	from, to loop.Time // the window
	base     loop.Time // of the schedule
	times    *Times
	next     loop.Time // the next arrival
	arriving func()
	sweeping func()
	sweeps   bool // a sweep of flight is due
	dropping func()
	drops    bool // a sweep of waiting is due
	settling bool // finish is due

	report *Report
}

// New prepares a generator on l, whose Config must have Stamp. s.Address says
// where the server is. on is told of progress; it may be nil.
func New(l *loop.Loop, s Spec, on func(Event)) (*Generator, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if !s.Address.IsValid() {
		return nil, fmt.Errorf("URL %q: its host has not been looked up", redacted(s.URL))
	}
	request, size, err := s.request()
	if err != nil {
		return nil, err
	}
	if l.Config().In < maxHead {
		return nil, fmt.Errorf("an input buffer of %d bytes: a response head may have %d", l.Config().In, maxHead)
	}
	if most := size * s.Depth; most > l.Config().Out {
		return nil, fmt.Errorf("an output buffer of %d bytes: a connection may have requests of %d on their way, and would not read meanwhile", l.Config().Out, most)
	}
	if on == nil {
		on = func(Event) {}
	}
	g := &Generator{
		l: l, on: on, size: size, run: bytes.Repeat(request, s.Depth),
		pin: pin{loose: s.LooseBody}, ledger: ledger{s: s, rec: newRecorder(s)},
		pool: s.Connections, lost: Refused,
	}
	switch {
	case s.isFTP():
		stem := "medusa"
		if !g.virtual() {
			stem += "-" + strconv.Itoa(os.Getpid())
		}
		if g.ftp, err = newFTP(s, stem); err != nil {
			return nil, err
		}
	case request == nil:
		g.echo = newEcho(size, s.Depth)
	}
	g.last = s.lastRequest()
	if s.Slow > 0 {
		if g.slow.request, err = s.slowRequest(); err != nil {
			return nil, err
		}
		g.slow.pin.loose = s.LooseBody
	}
	if s.Assign == AssignTurn {
		g.turns = newTurns(s.Connections)
	}
	g.arriving, g.sweeping, g.dropping = g.arrive, g.sweep, g.dropLate
	return g, nil
}

// Observe calls f with every request of the load, in the window or not, when
// it has ended. It is to be called before Start, or ports are not known.
func (g *Generator) Observe(f func(Request)) { g.observe = f }

// perRequest says that c is opened for a request, and is for so many only.
func (g *Generator) perRequest(c *conn) bool { return g.s.brief() && c.slot >= 0 }

// spent says that c has had all its requests.
func (g *Generator) spent(c *conn) bool {
	most := g.s.each()
	return most > 0 && c.before >= int64(most)
}

// virtual says that the clock is not the system's.
func (g *Generator) virtual() bool { return g.l.Engine() == "sim" }

// Go begins the load: the warm-up, then the window. It follows Filled.
func (g *Generator) Go() { g.GoAt(g.l.Now().Add(headStart)) }

// GoAt is Go with the moment of the schedule's beginning.
func (g *Generator) GoAt(base loop.Time) {
	if g.phase != phaseWait {
		return
	}
	now := g.l.Now()
	g.phase = phaseRun
	g.base = base
	g.from = g.base.Add(g.s.Warmup)
	g.to = g.from.Add(g.s.Duration)
	g.rec.window(g.from, g.to)
	g.watchSlow()
	if g.s.Connections == 0 {
		g.rest()
		return
	}
	g.l.At(g.from, g.windowBegins)
	g.l.At(g.to, g.windowEnds)
	ready := g.enlist(now)
	if g.s.Closed {
		stagger := min(g.s.Warmup/2, staggerMost)
		for i, c := range ready {
			at := g.base.Add(stagger * time.Duration(i) / time.Duration(len(ready)))
			g.l.At(at, func() { g.free(c, g.l.Now()) })
		}
		return
	}
	for _, c := range ready {
		g.free(c, min(now, g.base)) // who is late to begin is not the server's fault
	}
	g.times = g.s.Schedule.Times()
	g.next = g.base + g.times.Next()
	g.l.At(g.next, g.arriving)
}

// enlist returns the active connections that may take requests, in the order
// of their places, and dials those that were lost.
func (g *Generator) enlist(now loop.Time) []*conn {
	var ready []*conn
	if g.s.brief() {
		for slot := range g.s.Connections {
			ready = append(ready, g.newConn(slot))
		}
		return ready
	}
	for _, c := range g.active {
		switch c.state {
		case asking: // never answered: it keeps its place, as a patient client would
			c.stale++
			c.state = silent
			ready = append(ready, c)
		case silent:
			ready = append(ready, c)
		}
	}
	g.active = nil
	for _, slot := range g.vacant {
		g.dial(g.newConn(slot), g.s.ConnectTimeout)
	}
	g.vacant = nil
	return ready
}

// mark reads what is read at the window's edges.
func (g *Generator) mark() edge {
	e := edge{at: g.l.Now(), spun: g.l.Counts().Spun}
	if !g.virtual() {
		e.cpu = control.CPUTime()
	}
	return e
}

func (g *Generator) windowBegins() {
	g.edge[0] = g.mark()
	g.queueStart = g.waits()
	g.on(Event{Stage: Measuring, At: g.from})
}

func (g *Generator) windowEnds() {
	g.edge[1] = g.mark()
	g.queueEnd = g.waits()
	g.phase = phaseDrain
	g.on(Event{Stage: Measured, At: g.to})
	g.l.At(g.to.Add(g.s.Timeout), g.finish)
	g.settled()
}

// settled ends the drain when nothing is left to wait for.
func (g *Generator) settled() {
	if g.phase == phaseDrain && g.rec.flow.n == 0 && !g.settling {
		g.settling = true
		g.l.At(g.l.Now(), g.finish)
	}
}

// finish gives up what is still in flight and makes the report.
func (g *Generator) finish() {
	if g.phase >= phaseLeave {
		return
	}
	for t, overdue, ok := g.oldest(Never); ok; t, overdue, ok = g.oldest(Never) {
		g.drop(t, t.Add(g.s.Timeout), overdue)
	}
	for q := g.flight.head; q != nil; q = g.flight.head {
		c := q.of.c
		g.endRequest(c, q.of.intended.Add(g.s.Timeout), c.overdue())
		if c.state == replied {
			c.state = busy // its reply has come
		} else {
			c.stale++ // it may still come
		}
	}
	g.l.Each(func(lc *loop.Conn) {
		if c, ok := lc.Handler().(*conn); ok && c.g == g && c.slot < 0 && c.state == silent {
			g.idleOpen++
		}
	})
	g.endSlow()
	if !g.verify() {
		g.ended()
	}
}

// ended: the load has, and what it stored was read back.
func (g *Generator) ended() {
	if g.s.Leave > 0 {
		g.leave()
		return
	}
	g.conclude()
}

// conclude makes the report.
func (g *Generator) conclude() {
	g.phase = phaseDone
	g.l.Each(func(lc *loop.Conn) {
		switch c := lc.Handler().(type) {
		case *conn:
			if c.g == g {
				g.tally(c)
			}
		case *slowClient:
			if c.g == g {
				c.tally()
			}
		}
	})
	g.backend, g.engine = g.l.Backend(), g.l.Engine()
	g.final = snapshot(g.l, true)
	g.final.Requests = g.answered
	g.report = g.makeReport()
	g.on(Event{Stage: Reported, At: g.l.Now()})
}

// tally counts a connection that is still there at the end.
func (g *Generator) tally(c *conn) {
	switch {
	case c.state == closing || c.state == gone:
		return
	case c.opened == Never:
		g.part(c, fateTimeout, abort)
	case c.whole > 0 || c.given == 0: // a replacement may not have been asked yet
		g.part(c, fateOK, leaveOpen)
	default:
		g.part(c, fateUnserved, leaveOpen)
	}
}

// Report is what was measured. It is nil before Reported.
func (g *Generator) Report() *Report { return g.report }
