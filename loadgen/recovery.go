package loadgen

import (
	"math"
	"time"

	"medusa/poller/loop"
)

// Recovery tells how soon clients that had no place found one when others had
// left. Those who wait are the connections that were never answered, and clients
// that were turned away or lost before their first reply: these connect again at
// the moment of leaving, and again whenever they are turned away.
type Recovery struct {
	Left    int `json:"left"`    // connections that were served and left
	Waiting int `json:"waiting"` // clients that waited for a place, those that connected again included
	Served  int `json:"served"`  // of them, answered since
	// Ns is from the moment of leaving until as many were answered as there were
	// places, or who waited: the lesser number. It is absent when that is 0.
	Ns       *int64 `json:"ns,omitempty"`
	LimitNs  int64  `json:"limit_ns"`
	Censored bool   `json:"censored,omitempty"` // it took longer than the limit
	// Missing is why nobody left although it was asked for; "" where some did.
	Missing string `json:"missing,omitempty"`
}

// recovering is what a generator keeps of it meanwhile.
type recovering struct {
	since  loop.Time
	target int
	toDial int // clients that have yet to connect again
	dialed int // of toDial, at the fill's rate
	// returning are the connects in flight of those who come again.
	returning int
}

// leave lets the clients of a share of the served connections leave, spread
// evenly over all.
func (g *Generator) leave() {
	g.phase = phaseLeave
	g.since = g.l.Now()
	r := &Recovery{LimitNs: int64(g.s.RecoverLimit)}
	g.recovery = r
	var served []*conn
	g.l.Each(func(lc *loop.Conn) {
		c, ok := lc.Handler().(*conn)
		switch {
		case !ok || c.g != g || c.state == closing || c.state == gone:
		case c.whole > 0:
			served = append(served, c)
		case c.state == dialling:
			c.again = true // it asks when it is there
			r.Waiting++
		case c.given > 0: // else it has nothing to be answered
			r.Waiting++
		}
	})
	r.Left = int(math.Round(g.s.Leave * float64(len(served))))
	for i, c := range served {
		if (i+1)*r.Left/len(served) > i*r.Left/len(served) {
			g.part(c, fateOK, closeNow)
		}
	}
	g.toDial = g.denied
	r.Waiting += g.toDial
	g.target = min(r.Left, r.Waiting)
	if g.target == 0 {
		g.conclude()
		return
	}
	g.l.At(g.since.Add(g.s.RecoverLimit), func() {
		if g.phase == phaseLeave {
			r.Censored = true
			g.conclude()
		}
	})
	g.dialAgain()
}

// dialAgain lets those connect again who were turned away, as the fill does.
func (g *Generator) dialAgain() {
	if g.phase != phaseLeave {
		return
	}
	now := g.l.Now()
	due := int(now.Sub(g.since).Seconds()*g.s.FillRate) + 1
	for g.dialed < min(due, g.toDial) && g.returning < connectingMost {
		g.dialed++
		g.comeBack()
	}
	if g.dialed < g.toDial {
		g.l.At(now.Add(fillTick), g.dialAgain)
	}
}

func (g *Generator) comeBack() {
	c := g.newConn(-1)
	c.again = true
	g.returning++
	g.dial(c, g.s.ConnectTimeout)
}

// returns says that c was dialled by comeBack.
func (c *conn) returns() bool { return c.again && !c.fill && c.slot < 0 }

// comeAgain lets a client that was turned away once more try a little later.
func (g *Generator) comeAgain(now loop.Time) {
	g.l.At(now.Add(retryAfter), func() {
		if g.phase == phaseLeave {
			g.comeBack()
		}
	})
}

// placeFound counts a client that had waited and is answered.
func (g *Generator) placeFound(now loop.Time) {
	r := g.recovery
	if r.Served++; r.Served == g.target {
		took := int64(now.Sub(g.since))
		r.Ns = &took
		g.l.At(now, g.conclude) // not among the callbacks of a connection
	}
}

// text is the recovery for people.
func (r *Recovery) text() string {
	switch {
	case r.Missing != "":
		return "not known, as " + r.Missing
	case r.Censored:
		return "> " + brief(r.LimitNs)
	case r.Ns == nil && r.Left == 0:
		return "nobody was served who could leave"
	case r.Ns == nil:
		return "nobody waited"
	}
	return time.Duration(*r.Ns).Round(10 * time.Microsecond).String()
}
