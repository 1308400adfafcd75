package loadgen

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"medusa/poller/loop"
)

// Whatever the order in which begins and ends become known, both sides of
// Little's law come to the same nanosecond, and to what counting by hand gives.
func TestFlow(t *testing.T) {
	t.Parallel()
	type change struct {
		known         loop.Time
		end           bool
		intended, ing loop.Time
	}
	rapid.Check(t, func(t *rapid.T) {
		f := flow{from: 1000, to: 3000}
		var changes []change
		var want int64
		for range rapid.IntRange(0, 40).Draw(t, "requests") {
			intended := loop.Time(rapid.Int64Range(0, 4000).Draw(t, "intended"))
			end := intended + loop.Time(rapid.Int64Range(0, 3000).Draw(t, "response"))
			begun := intended + loop.Time(rapid.Int64Range(0, 500).Draw(t, "late"))
			ended := max(begun, end) + loop.Time(rapid.Int64Range(0, 500).Draw(t, "later"))
			changes = append(changes, change{known: begun, intended: intended}, change{known: ended, end: true, intended: intended, ing: end})
			want += int64(max(0, min(end, 3000)-max(intended, 1000)))
		}
		slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.known, b.known) })
		for _, c := range changes {
			if c.end {
				f.end(c.intended, c.ing)
			} else {
				f.begin(c.intended)
			}
		}
		if f.n != 0 || f.area != want || f.sum != want {
			t.Fatalf("in flight %d, integrated %d, summed %d, want 0 and %d twice", f.n, f.area, f.sum, want)
		}
	})
}

func TestFlowNoticesALostRequest(t *testing.T) {
	t.Parallel()
	f := flow{from: 0, to: 1000}
	f.begin(100)
	f.begin(200)
	f.end(200, 300)
	f.step(1000, 0)
	if f.area == f.sum || f.n != 1 {
		t.Errorf("a request that never ends: integrated %d, summed %d, in flight %d", f.area, f.sum, f.n)
	}
}

func TestFlowWaiting(t *testing.T) {
	t.Parallel()
	f := flow{from: 1000, to: 2000}
	f.waitedFor(0, 900)
	f.waitedFor(900, 1100)  // half of the first fifth
	f.waitedFor(1300, 1700) // half of the second, all of the third, half of the fourth
	f.waitedFor(1800, 5000)
	if got, want := f.waiting(), ([5]float64{0.5, 0.5, 1, 0.5, 1}); got != want {
		t.Errorf("waiting %v, want %v", got, want)
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var model []loop.Time
		next := loop.Time(0)
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				for range rapid.IntRange(1, 700).Draw(t, "n") {
					q.push(next)
					model = append(model, next)
					next++
				}
			},
			"pop": func(t *rapid.T) {
				for range rapid.IntRange(1, 700).Draw(t, "n") {
					if len(model) == 0 {
						return
					}
					if f, got := q.first(), q.pop(); got != model[0] || f != got {
						t.Fatalf("popped %d, want %d", got, model[0])
					}
					model = model[1:]
				}
			},
			"": func(t *rapid.T) {
				if q.n != len(model) {
					t.Fatalf("%d waiting, want %d", q.n, len(model))
				}
			},
		})
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	var l list[int]
	nodes := []*node[int]{{of: 0}, {of: 1}, {of: 2}, {of: 3}}
	for _, n := range nodes {
		l.push(n)
	}
	order := func() (all []int) {
		for n := l.head; n != nil; n = n.next {
			if n.in != &l || (n.next != nil && n.next.prev != n) || (n.next == nil && l.tail != n) {
				t.Fatal("the links are broken")
			}
			all = append(all, n.of)
		}
		if len(all) != l.n {
			t.Fatalf("%d in a list of %d", len(all), l.n)
		}
		return all
	}
	for _, tc := range []struct {
		leaves int
		want   []int
	}{{1, []int{0, 2, 3}}, {1, []int{0, 2, 3}}, {3, []int{0, 2}}, {0, []int{2}}, {2, nil}} {
		nodes[tc.leaves].leave()
		if got := order(); !slices.Equal(got, tc.want) {
			t.Fatalf("after %d left: %v, want %v", tc.leaves, got, tc.want)
		}
	}
	l.push(nodes[0])
	if got := order(); !slices.Equal(got, []int{0}) {
		t.Fatalf("an emptied list takes one: %v", got)
	}
}
