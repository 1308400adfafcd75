package loadgen

import "medusa/poller/loop"

// Whom an arrival of an open loop belongs to: Spec.Assign.
const (
	// AssignFree gives it to the connection that has been free the longest. A
	// connection that is never answered then takes one request for each timeout,
	// and the others have the rest: what is measured is the server.
	AssignFree = "free"
	// AssignTurn gives it to the clients in turn, whether they are served or
	// not. Each has one connection and waits for that one, so that who is not
	// served fails its share of the requests: what is measured is the offered.
	AssignTurn = "turn"
)

// turns is who waits for what with AssignTurn.
type turns struct {
	clients []client
	next    int           // whose turn it is
	all     list[*waiter] // the earliest first
}

// client is who asks on an active connection, and on the one that replaces it.
type client struct {
	conn    *conn
	waiting list[*waiter]
	lost    bool // its connection is gone and is not replaced
	how     Kind // was it lost
}

// waiter is a request that waits for its client's connection.
type waiter struct {
	intended loop.Time
	of       *client
	all, own node[*waiter]
}

func newTurns(clients int) *turns { return &turns{clients: make([]client, clients)} }

// turn gives an arrival to the client whose turn it is.
func (g *Generator) turn(intended, now loop.Time, late bool) {
	t := g.turns
	c := &t.clients[t.next]
	if t.next++; t.next == len(t.clients) {
		t.next = 0
	}
	unoccupied := c.conn != nil && c.conn.state == free
	switch {
	case c.lost:
		g.drop(intended, now, c.how)
	case late:
		if unoccupied {
			g.rec.missed(intended)
		}
		g.drop(intended, intended.Add(g.s.Timeout), c.overdue())
	case unoccupied:
		g.issue(c.conn, 1, intended, now)
	default:
		w := &waiter{intended: intended, of: c}
		w.all.of, w.own.of = w, w
		t.all.push(&w.all)
		c.waiting.push(&w.own)
		g.dropAt(intended.Add(g.s.Timeout))
	}
}

// overdue is how a request fails that has waited for this client's connection
// for too long: behind one that nobody answers it is not answered either.
func (c *client) overdue() Kind {
	if c.conn != nil {
		return c.conn.overdue()
	}
	return Timeout
}

// take takes the request of a client that has waited longest.
func (c *client) take() (*waiter, bool) {
	if c.waiting.head == nil {
		return nil, false
	}
	w := c.waiting.head.of
	w.leave()
	return w, true
}

func (w *waiter) leave() {
	w.all.leave()
	w.own.leave()
}

// waits is how many requests wait for a connection.
func (g *Generator) waits() int {
	if g.turns != nil {
		return g.turns.all.n
	}
	return g.waiting.n
}

// longest takes the request that has waited longest for a connection that c
// could be, and how it fails if that has been too long.
func (g *Generator) longest(c *conn) (intended loop.Time, overdue Kind, ok bool) {
	if g.turns != nil {
		own := &g.turns.clients[c.slot]
		if w, ok := own.take(); ok {
			return w.intended, own.overdue(), true
		}
		return 0, Timeout, false
	}
	if g.waiting.n == 0 {
		return 0, Timeout, false
	}
	return g.waiting.pop(), Timeout, true
}

// oldest is longest for the requests of all; upto, unless Never, is the latest
// intended time that is taken.
func (g *Generator) oldest(upto loop.Time) (intended loop.Time, overdue Kind, ok bool) {
	if g.turns != nil {
		first := g.turns.all.head
		if first == nil || upto != Never && first.of.intended > upto {
			return 0, Timeout, false
		}
		w := first.of
		w.leave()
		return w.intended, w.of.overdue(), true
	}
	if g.waiting.n == 0 || upto != Never && g.waiting.first() > upto {
		return 0, Timeout, false
	}
	return g.waiting.pop(), Timeout, true
}
