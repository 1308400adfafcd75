package loop

import (
	"container/heap"
	"math/rand/v2"
)

// overtakes bounds how many later events may go before one of the same time, so
// that those which cause each other without end do not starve it.
const overtakes = 256

// simEvents are what is going to happen, in order of time; what happens at
// one time is in an order drawn at random.
type simEvents struct {
	rand *rand.Rand
	heap simHeap
	seq  uint64
}

type simEvent struct {
	at    Time
	order uint64
	seq   uint64
	f     func()
}

func (s *simEvents) push(at Time, f func()) {
	s.seq++
	heap.Push(&s.heap, simEvent{at: at, order: s.seq + s.rand.Uint64N(overtakes), seq: s.seq, f: f})
}

func (s *simEvents) first() (Time, bool) {
	if len(s.heap) == 0 {
		return 0, false
	}
	return s.heap[0].at, true
}

func (s *simEvents) pop() func() { return heap.Pop(&s.heap).(simEvent).f }

type simHeap []simEvent

func (h simHeap) Len() int { return len(h) }
func (h simHeap) Less(i, j int) bool {
	a, b := &h[i], &h[j]
	if a.at != b.at {
		return a.at < b.at
	}
	if a.order != b.order {
		return a.order < b.order
	}
	return a.seq < b.seq
}
func (h simHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *simHeap) Push(x any)   { *h = append(*h, x.(simEvent)) }
func (h *simHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = simEvent{}
	*h = old[:len(old)-1]
	return e
}
