package loadgen

import (
	"math"

	"medusa/poller/loop"
)

// asked is a request that has a connection, from when it got that to its end. A
// connection answers its requests in order.
type asked struct {
	place node[*asked] // in flight
	c     *conn

	intended loop.Time
	freed    loop.Time // when there was room for it on the connection
	issued   loop.Time // when it got that
	upto     int64     // bytes given to the connection, its own the last of them
}

// add makes a request the last one of the connection.
func (c *conn) add() *asked {
	if c.ring == nil {
		c.ring = c.one[:]
		if depth := c.g.s.Depth; depth > 1 {
			c.ring = make([]asked, depth)
		}
	}
	c.n++
	q := c.nth(c.n - 1)
	q.place.of, q.c, q.upto = q, c, math.MaxInt64
	return q
}

// nth is the i-th of the connection's requests, the oldest being 0.
func (c *conn) nth(i int) *asked {
	if i += c.head; i >= len(c.ring) {
		i -= len(c.ring)
	}
	return &c.ring[i]
}

// pop takes the oldest request off. It stays readable until the next add.
func (c *conn) pop() *asked {
	q := c.nth(0)
	q.place.leave()
	if c.head++; c.head == len(c.ring) {
		c.head = 0
	}
	c.n--
	c.before++
	return q
}

// sent is when the request was sent, or Never. The connection tells the time of its
// last call that sent anything, which with several requests on their way need not
// be this one's: then the time at which it was issued stands for it, from which the
// loop sends at the end of the same turn.
func (q *asked) sent() loop.Time {
	handed, at := q.c.c.Handed()
	switch s := q.c.session; {
	case s != nil && s.sentAt != Never:
		return s.sentAt
	case s != nil && (s.stage != addressing || handed < q.c.given):
		return Never
	case s != nil:
		return at
	case q.upto > handed:
		return Never
	case q.c.g.s.Depth > 1:
		return q.issued
	}
	return at
}

// ask sends the last k of the connection's requests, by one call.
func (c *conn) ask(k int) {
	if c.session != nil {
		c.session.ask()
		return
	}
	for i := c.n - k; i < c.n; i++ {
		c.nth(i).upto = c.given + int64((i-c.n+k+1)*c.g.size)
	}
	c.write(k)
}

// write gives k requests to the connection.
func (c *conn) write(k int) {
	g := c.g
	p := g.run
	if g.echo != nil {
		p, c.out = g.echo.run(c.out, k)
	}
	if g.last != nil && c.given == int64((g.s.each()-1)*g.size) {
		p = g.last
	}
	c.given += int64(k * g.size)
	c.c.WriteShared(p[:k*g.size])
}
