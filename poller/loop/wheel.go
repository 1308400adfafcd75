package loop

import "math/bits"

// wheel keeps the deadlines of connections: a hierarchical timing wheel
// (Varghese and Lauck, SOSP 1987) with a bitmap of occupied slots for each
// level. Setting one is O(1), and moving one later, which a server does with
// each request, is a store: the connection is found in its old slot when that
// comes round, and put where it belongs by then.
type wheel struct {
	now    int64 // the tick up to which everything has run
	count  int
	used   [wheelLevels]uint64
	slots  [wheelLevels * wheelSlots]*Conn // the first of each list
	firing *Conn
}

const (
	wheelTick   = 20 // a tick is 2^20 ns, about 1.05 ms
	wheelBits   = 6
	wheelSlots  = 1 << wheelBits
	wheelLevels = 6 // 2^36 ticks: two years
	// wheelSpan is how far ahead, in ticks, a connection may stand: one slot
	// of the highest level less than a whole round.
	wheelSpan = 1<<(wheelBits*wheelLevels) - 1<<(wheelBits*(wheelLevels-1))
	// furthest is the last time that can be rounded up to a tick.
	furthest = never - 1<<wheelTick
)

// deadline is when a connection expires, and its neighbours in the wheel.
type deadline struct {
	due        Time // never: off
	next, prev *Conn
}

// place is the list that a connection stands in: 0 for none, and else one more
// than the slot's number, counted through all levels.
type place uint16

const placeFiring = place(wheelLevels*wheelSlots + 1)

func (p place) split() (level, slot int) {
	return int(p-1) / wheelSlots, int(p-1) % wheelSlots
}

// ticks is the first tick at or after t: a deadline never fires early.
func ticks(t Time) int64 { return (int64(t) + 1<<wheelTick - 1) >> wheelTick }

// set makes c expire at t.
func (w *wheel) set(c *Conn, t Time) {
	t = min(t, furthest)
	c.timer.due = t
	tick := ticks(t)
	if c.place != 0 && w.comes(c.place) <= tick {
		return // it is found there in time
	}
	w.drop(c)
	w.insert(c, tick)
	// The slot may come round before its first deadline is due.
	c.loop.eng.hurry(w.next())
}

// comes is the tick at which a list is looked at next.
func (w *wheel) comes(p place) int64 {
	if p == placeFiring {
		return w.now
	}
	level, slot := p.split()
	shift := level * wheelBits
	ahead := (slot - int(w.now>>shift)) & (wheelSlots - 1)
	return max((w.now>>shift+int64(ahead))<<shift, w.now)
}

func (w *wheel) list(p place) **Conn {
	if p == placeFiring {
		return &w.firing
	}
	return &w.slots[p-1]
}

// drop takes c out of the wheel.
func (w *wheel) drop(c *Conn) {
	if c.place == 0 {
		return
	}
	d, head := &c.timer, w.list(c.place)
	if d.prev != nil {
		d.prev.timer.next = d.next
	} else {
		*head = d.next
	}
	if d.next != nil {
		d.next.timer.prev = d.prev
	}
	if *head == nil && c.place != placeFiring {
		level, slot := c.place.split()
		w.used[level] &^= 1 << slot
	}
	c.place, d.next, d.prev = 0, nil, nil
	w.count--
}

func (w *wheel) insert(c *Conn, tick int64) {
	tick = min(max(tick, w.now+1), w.now+wheelSpan)
	level := (63 - bits.LeadingZeros64(uint64(w.now^tick)|(wheelSlots-1))) / wheelBits
	level = min(level, wheelLevels-1)
	slot := tick >> (level * wheelBits) & (wheelSlots - 1)
	w.push(place(level*wheelSlots+int(slot)+1), c)
	w.used[level] |= 1 << slot
}

func (w *wheel) push(p place, c *Conn) {
	head := w.list(p)
	c.place, c.timer.prev, c.timer.next = p, nil, *head
	if *head != nil {
		(*head).timer.prev = c
	}
	*head = c
	w.count++
}

func (w *wheel) empty() bool { return w.count == 0 }

// earliest finds the first occupied slot and the tick at which it comes round;
// 0 if there is none.
func (w *wheel) earliest() (place, int64) {
	for level := range w.used {
		if w.used[level] == 0 {
			continue
		}
		here := int(w.now>>(level*wheelBits)) & (wheelSlots - 1)
		ahead := bits.TrailingZeros64(bits.RotateLeft64(w.used[level], -here))
		slot := (here + ahead) & (wheelSlots - 1)
		p := place(level*wheelSlots + slot + 1)
		return p, w.comes(p)
	}
	return 0, 0
}

// next is when run has something to do, or never.
func (w *wheel) next() Time {
	p, tick := w.earliest()
	if p == 0 {
		return never
	}
	return Time(tick << wheelTick)
}

// run expires what is due at t.
func (w *wheel) run(l *Loop, t Time) {
	target := int64(t) >> wheelTick
	for {
		from, tick := w.earliest()
		if from == 0 || tick > target {
			w.now = max(w.now, target)
			return
		}
		w.now = max(w.now, tick)
		for head := w.list(from); *head != nil; {
			c := *head
			w.drop(c)
			w.push(placeFiring, c)
		}
		for w.firing != nil {
			c := w.firing
			w.drop(c)
			switch due := ticks(c.timer.due); {
			case c.timer.due == never:
			case due > w.now:
				w.insert(c, due)
			default:
				c.timer.due = never
				c.expire()
			}
		}
	}
}
