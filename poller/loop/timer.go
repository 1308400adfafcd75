package loop

import "container/heap"

// Timer is a pending call of Loop.At. The zero Timer is not pending.
type Timer struct {
	loop  *Loop
	entry *timerEntry
	order uint64 // entries are reused; this tells whether it is still ours
}

type timerEntry struct {
	at    Time
	order uint64 // calls of one time come in the order of At
	f     func()
	index int // in the heap; -1: in timers.late
}

// At calls f at t, or as soon after as it can. A time in the past means the
// next turn. At is precise and costs O(log n): for the deadlines of many
// connections there is Conn.SetDeadline.
func (l *Loop) At(t Time, f func()) Timer {
	e := l.timers.add(t, f)
	if e.index == 0 {
		l.eng.hurry(t)
	}
	return Timer{loop: l, entry: e, order: e.order}
}

// Stop cancels the call and says whether it was still pending.
func (t Timer) Stop() bool {
	if t.entry == nil || t.entry.order != t.order {
		return false
	}
	if t.entry.index < 0 {
		t.entry.order, t.entry.f = 0, nil // run takes it out
		return true
	}
	heap.Remove(&t.loop.timers.heap, t.entry.index)
	t.loop.timers.recycle(t.entry)
	return true
}

// timers are the pending calls, the earliest first.
type timers struct {
	heap    timerHeap
	late    []*timerEntry // due already when made, by a call that run makes
	free    []*timerEntry
	order   uint64
	running bool
	now     Time // of run
}

func (t *timers) add(at Time, f func()) *timerEntry {
	var e *timerEntry
	if n := len(t.free); n > 0 {
		e = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		e = new(timerEntry)
	}
	t.order++
	e.at, e.f, e.order = at, f, t.order
	if t.running && at <= t.now {
		e.index = -1
		t.late = append(t.late, e)
	} else {
		heap.Push(&t.heap, e)
	}
	return e
}

func (t *timers) recycle(e *timerEntry) {
	e.order, e.f = 0, nil
	t.free = append(t.free, e)
}

func (t *timers) empty() bool { return len(t.heap) == 0 }

func (t *timers) next() Time {
	if len(t.heap) == 0 {
		return never
	}
	return t.heap[0].at
}

// run calls what is due at now. What these calls add that is due as well waits
// aside for the next pass: a timer that renews itself can keep neither the loop
// from its events nor, by a time before theirs, other timers from their call.
func (t *timers) run(now Time) {
	t.running, t.now = true, now
	for len(t.heap) > 0 && t.heap[0].at <= now {
		e := heap.Pop(&t.heap).(*timerEntry)
		f := e.f
		t.recycle(e)
		f()
	}
	t.running = false
	for i, e := range t.late {
		t.late[i] = nil
		if e.f == nil {
			t.recycle(e)
			continue
		}
		heap.Push(&t.heap, e)
	}
	t.late = t.late[:0]
}

func (t *timers) clear() {
	for _, e := range t.heap {
		t.recycle(e)
	}
	t.heap = nil
}

type timerHeap []*timerEntry

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].order < h[j].order
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timerHeap) Push(x any) {
	e := x.(*timerEntry)
	e.index = len(*h)
	*h = append(*h, e)
}
func (h *timerHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
