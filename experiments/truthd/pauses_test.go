package truthd

import (
	"container/heap"
	"testing"
)

// Before the first stamp the memory is there: allocating it is no pause of the
// machine.
func TestWatchAllocatesBeforeTheStamp(t *testing.T) {
	p := &Pauses{}
	p.begin(func() int64 {
		if cap(p.list) < pauseRoom {
			t.Error("the clock is read before there is room for pauses")
		}
		return 7
	})
	if p.from != 7 || p.last != 7 || len(p.list) != 0 {
		t.Errorf("begins %+v", p)
	}
}

// A pass that only answered has worked.
func TestAnsweringIsNoPause(t *testing.T) {
	v := &Server{log: make([]Entry, 1)}
	heap.Push(&v.due, reply{5, 1, &conn{gone: true}, 0})
	if v.answerDue(4) {
		t.Error("answers what is not due")
	}
	if !v.answerDue(5) || len(v.due) != 0 {
		t.Error("a pass that answered has not worked")
	}
}
