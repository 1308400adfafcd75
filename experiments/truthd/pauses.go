package truthd

import "sort"

// pauseFrom is the shortest pause that is kept, in nanoseconds: a pass through
// a busy loop takes some of them, and there must not be more than are kept.
const pauseFrom = 10_000

// pauseRoom bounds the pauses that are kept.
const pauseRoom = 1 << 18

// Pauses are the times in which a thread that never sleeps did not run: what
// the hypervisor, interrupts and other programs took. Nobody who waits by
// busy-waiting can be on time more often than they allow.
type Pauses struct {
	from, last int64   // the time that they are of
	spent      int64   // of it, in passes that had something to do: not counted as pauses
	list       []int64 // nanoseconds, each at least pauseFrom
}

// begin starts at the clock's time. The memory is touched before it is read: a
// page fault or a collection of garbage is no pause of the machine.
func (p *Pauses) begin(clock func() int64) {
	p.list = make([]int64, pauseRoom)
	for i := range p.list {
		p.list[i] = 1
	}
	p.list = p.list[:0]
	p.from = clock()
	p.last = p.from
}

// add ends a pass. One that worked is no pause, however long it was.
func (p *Pauses) add(now int64, worked bool) {
	d := now - p.last
	p.last = now
	switch {
	case worked:
		p.spent += d
	case d >= pauseFrom && len(p.list) < cap(p.list):
		p.list = append(p.list, d)
	}
}

// Watch reads a clock, in nanoseconds, again and again until it has gone on by
// d, and returns the pauses.
func Watch(clock func() int64, d int64) *Pauses {
	p := &Pauses{}
	p.begin(clock)
	for now := p.last; now-p.from < d; p.add(now, false) {
		now = clock()
	}
	return p
}

// Longest is the longest pause, in nanoseconds; 0 without any.
func (p *Pauses) Longest() int64 {
	longest := int64(0)
	for _, d := range p.list {
		longest = max(longest, d)
	}
	return longest
}

// LateShare is the share of moments at which something due would have come
// more than x nanoseconds late: what lies more than x before the end of a pause.
func (p *Pauses) LateShare(x int64) float64 {
	whole := p.last - p.from - p.spent
	if whole <= 0 {
		return 0
	}
	late := int64(0)
	for _, d := range p.list {
		late += max(0, d-max(x, 0))
	}
	return min(1, float64(late)/float64(whole))
}

// Late is how late something due comes with which only the share 1-q of all is
// later, in nanoseconds: the quantile q of a perfect instrument's lag. Under
// pauseFrom it is 0.
func (p *Pauses) Late(q float64) int64 {
	longest := p.Longest()
	at := sort.Search(int(longest), func(x int) bool { return p.LateShare(int64(x)) <= 1-q })
	if at < pauseFrom {
		return 0
	}
	return int64(at)
}

// Merge adds the pauses of another time.
func (p *Pauses) Merge(o *Pauses) {
	p.last += o.last - o.from
	p.spent += o.spent
	p.list = append(p.list, o.list...)
}

// Away is what a thread tells of its pauses.
type Away struct {
	P99     int64   `json:"p99"` // Pauses.Late, in nanoseconds
	P999    int64   `json:"p999"`
	Longest int64   `json:"longest"`
	WholeNs int64   `json:"whole_ns"` // the time that this is about
	Pauses  []int64 `json:"pauses"`   // those of at least a few us, in nanoseconds
}

// Sum is what the pauses come to.
func (p *Pauses) Sum() Away {
	return Away{P99: p.Late(.99), P999: p.Late(.999), Longest: p.Longest(), WholeNs: p.last - p.from - p.spent, Pauses: p.list}
}

// LateShare is that of the pauses: the share of moments at which something due
// would have come more than x nanoseconds late.
func (a Away) LateShare(x int64) float64 {
	return (&Pauses{last: a.WholeNs, list: a.Pauses}).LateShare(x)
}
