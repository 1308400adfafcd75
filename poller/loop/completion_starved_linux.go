package loop

// This file is who receives next when a group has no buffers.

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
