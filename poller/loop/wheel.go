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
	slots  [wheelLevels][wheelSlots]list
	firing list
}

const (
	wheelTick   = 20 // a tick is 2^20 ns, about 1.05 ms
	wheelBits   = 6
	wheelSlots  = 1 << wheelBits
	wheelLevels = 6 // 2^36 ticks: two years
)

// deadline is a connection's place in the wheel.
type deadline struct {
	due        Time  // never: off
	tick       int64 // where it stands in the wheel
	in         *list // nil: not in the wheel
	next, prev *Conn
}

type list struct {
	head  *Conn
	level int8
	slot  int8
}

func (w *wheel) init() {
	for level := range w.slots {
		for slot := range w.slots[level] {
			w.slots[level][slot].level, w.slots[level][slot].slot = int8(level), int8(slot)
		}
	}
	w.firing.level = -1
}

// ticks is the first tick at or after t: a deadline never fires early.
func ticks(t Time) int64 { return (int64(t) + 1<<wheelTick - 1) >> wheelTick }

// set makes c expire at t.
func (w *wheel) set(c *Conn, t Time) {
	c.timer.due = t
	tick := ticks(t)
	if c.timer.in != nil && c.timer.tick <= tick {
		return // it is found there in time
	}
	w.drop(c)
	w.insert(c, tick)
	// The slot may come round before its first deadline is due.
	c.loop.eng.hurry(w.next())
}

// drop takes c out of the wheel.
func (w *wheel) drop(c *Conn) {
	d := &c.timer
	l := d.in
	if l == nil {
		return
	}
	if d.prev != nil {
		d.prev.timer.next = d.next
	} else {
		l.head = d.next
	}
	if d.next != nil {
		d.next.timer.prev = d.prev
	}
	d.in, d.next, d.prev = nil, nil, nil
	w.count--
	if l.head == nil && l.level >= 0 {
		w.used[l.level] &^= 1 << l.slot
	}
}

func (w *wheel) insert(c *Conn, tick int64) {
	tick = min(max(tick, w.now+1), w.now+1<<(wheelBits*wheelLevels)-1)
	level := (63 - bits.LeadingZeros64(uint64(w.now^tick)|(wheelSlots-1))) / wheelBits
	if level >= wheelLevels {
		level = wheelLevels - 1
	}
	slot := tick >> (level * wheelBits) & (wheelSlots - 1)
	w.push(&w.slots[level][slot], c)
	w.used[level] |= 1 << slot
	c.timer.tick = tick
}

func (w *wheel) push(l *list, c *Conn) {
	c.timer.in, c.timer.prev, c.timer.next = l, nil, l.head
	if l.head != nil {
		l.head.timer.prev = c
	}
	l.head = c
	w.count++
}

func (w *wheel) empty() bool { return w.count == 0 }

// earliest finds the first occupied slot and the tick at which it comes round.
func (w *wheel) earliest() (*list, int64) {
	for level := range w.used {
		if w.used[level] == 0 {
			continue
		}
		shift := level * wheelBits
		here := int(w.now>>shift) & (wheelSlots - 1)
		ahead := bits.TrailingZeros64(bits.RotateLeft64(w.used[level], -here))
		slot := (here + ahead) & (wheelSlots - 1)
		tick := (w.now>>shift + int64(ahead)) << shift
		return &w.slots[level][slot], max(tick, w.now)
	}
	return nil, 0
}

// next is when run has something to do, or never.
func (w *wheel) next() Time {
	l, tick := w.earliest()
	if l == nil {
		return never
	}
	return Time(tick << wheelTick)
}

// run expires what is due at t.
func (w *wheel) run(l *Loop, t Time) {
	target := int64(t) >> wheelTick
	for {
		from, tick := w.earliest()
		if from == nil || tick > target {
			w.now = max(w.now, target)
			return
		}
		w.now = max(w.now, tick)
		for from.head != nil {
			c := from.head
			w.drop(c)
			w.push(&w.firing, c)
		}
		for w.firing.head != nil {
			c := w.firing.head
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
