package loop

import (
	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

// This file is where the buffers of receives come from when there are none.

// starve queues a connection whose receive found no buffer, and has ended
// (ENOBUFS). Its input waits in the kernel, whose window then holds the peer back.
func (e *completion) starve(c *Conn, k *flight) {
	if !c.gone() && !k.starved {
		k.starved = true
		e.starved[k.class] = append(e.starved[k.class], c.token)
	}
}

// feed lets those who have waited longest receive again, at most as many as there
// are buffers, of which there are more from now on if there can be. All that were
// taken are back: a completion's buffer is given back when it is dispatched.
func (e *completion) feed() {
	for class := range e.starved {
		list := e.starved[class]
		if len(list) == 0 {
			continue
		}
		g := e.groups[class]
		g.Grow(g.Given())
		n := min(len(list), g.Given())
		for _, token := range list[:n] {
			c, _ := e.loop.table.find(token)
			if c == nil || c.gone() {
				continue
			}
			k := c.io.(*flight)
			k.starved = false
			c.touch()
		}
		e.starved[class] = list[:copy(list, list[n:])]
	}
}

// ownBuffer is a buffer of the in size for a connection alone, off the Go heap:
// what an engine without groups needs for each.
func (e *completion) ownBuffer(c *Conn) []byte {
	if n := len(e.spare); n > 0 {
		p := e.spare[n-1]
		e.spare = e.spare[:n-1]
		return p
	}
	p, err := uring.Memory(e.loop.cfg.In)
	if err != nil {
		c.fail(err)
		return nil
	}
	e.owned = append(e.owned, p)
	return p
}

// disown takes a connection's own buffer back, which nothing uses any more.
func (e *completion) disown(k *flight) {
	if k.own != nil {
		e.spare = append(e.spare, k.own)
		k.own = nil
	}
}

func (e *completion) unmapOwned() {
	for _, p := range e.owned {
		_ = unix.Munmap(p) // fails only for what was not mapped
	}
	e.owned, e.spare = nil, nil
}
