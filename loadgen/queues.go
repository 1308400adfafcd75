package loadgen

import "medusa/poller/loop"

// queue holds the intended times of requests that wait for a connection, the
// earliest first.
type queue struct {
	times []loop.Time // a ring; its length is a power of two
	head  int
	n     int
}

func (q *queue) push(t loop.Time) {
	if q.n == len(q.times) {
		grown := make([]loop.Time, max(1024, 2*len(q.times)))
		for i := range q.n {
			grown[i] = q.times[(q.head+i)&(len(q.times)-1)]
		}
		q.times, q.head = grown, 0
	}
	q.times[(q.head+q.n)&(len(q.times)-1)] = t
	q.n++
}

func (q *queue) first() loop.Time { return q.times[q.head] }

func (q *queue) pop() loop.Time {
	t := q.times[q.head]
	q.head = (q.head + 1) & (len(q.times) - 1)
	q.n--
	return t
}

// list is a list of connections in the order in which they joined it. A
// connection is in one list at most.
type list struct {
	head, tail *conn
	n          int
}

func (l *list) push(c *conn) {
	c.in, c.prev, c.next = l, l.tail, nil
	if l.tail != nil {
		l.tail.next = c
	} else {
		l.head = c
	}
	l.tail = c
	l.n++
}

// leave takes the connection out of the list that it is in, if any.
func (c *conn) leave() {
	l := c.in
	if l == nil {
		return
	}
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		l.head = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		l.tail = c.prev
	}
	c.in, c.prev, c.next = nil, nil, nil
	l.n--
}
