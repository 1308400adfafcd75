package loop

import "medusa/poller"

// table gives connections and listeners their tokens. A slot's generation
// changes each time that it is given away, so that an event for a descriptor
// that was closed and whose number was reused in one batch finds nobody.
type table struct {
	slots []slot
	free  []uint32
	live  int // connections in the table
}

type slot struct {
	generation uint32
	conn       *Conn
	listener   *Listener
}

func (t *table) take() uint32 {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		return i
	}
	t.slots = append(t.slots, slot{generation: 1})
	return uint32(len(t.slots) - 1)
}

func (t *table) addConn(c *Conn) {
	i := t.take()
	t.slots[i].conn = c
	t.live++
	c.token = poller.MakeToken(i, t.slots[i].generation)
}

func (t *table) addListener(n *Listener) {
	i := t.take()
	t.slots[i].listener = n
	n.token = poller.MakeToken(i, t.slots[i].generation)
}

func (t *table) remove(token poller.Token) {
	s := &t.slots[token.Index()]
	if s.conn != nil {
		t.live--
	}
	*s = slot{generation: s.generation + 1}
	t.free = append(t.free, token.Index())
}

// find returns what a token was given to, or nil, nil if that has gone.
func (t *table) find(token poller.Token) (*Conn, *Listener) {
	if int(token.Index()) >= len(t.slots) {
		return nil, nil
	}
	s := &t.slots[token.Index()]
	if s.generation != token.Generation() {
		return nil, nil
	}
	return s.conn, s.listener
}
