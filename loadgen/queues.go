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

// list is a list of connections, or of requests, in the order in which they
// joined it. Each has one node, and so is in one list at most.
type list[T any] struct {
	head, tail *node[T]
	n          int
}

// node is the place of one of them in a list.
type node[T any] struct {
	of         T
	in         *list[T] // nil when it is in none
	prev, next *node[T]
}

func (l *list[T]) push(n *node[T]) {
	n.in, n.prev, n.next = l, l.tail, nil
	if l.tail != nil {
		l.tail.next = n
	} else {
		l.head = n
	}
	l.tail = n
	l.n++
}

// leave takes the node out of the list that it is in, if any.
func (n *node[T]) leave() {
	l := n.in
	if l == nil {
		return
	}
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		l.head = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	} else {
		l.tail = n.prev
	}
	n.in, n.prev, n.next = nil, nil, nil
	l.n--
}
