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

// waits says that a receive has to queue because others have waited longer for the
// buffers that there are. Whoever has just been served would else come before them
// for ever, as he asks again earlier.
func (e *completion) waits(k *flight) bool {
	owed := e.fed[k.class] + len(e.starved[k.class])
	if k.fed {
		k.fed = false
		e.fed[k.class] = max(e.fed[k.class]-1, 0)
	} else if owed > 0 && e.asked[k.class]+owed >= e.groups[k.class].Given() {
		return true
	}
	e.asked[k.class]++
	return false
}

// feed lets those who have waited longest receive again, at most as many as there
// are buffers, of which there are more from now on if there can be. All that were
// taken are back: a completion's buffer is given back when it is dispatched.
func (e *completion) feed() {
	for class := range e.starved {
		e.fed[class], e.asked[class] = 0, 0
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
			k.starved, k.fed = false, true
			e.fed[class]++
			c.touch()
		}
		e.starved[class] = list[:copy(list, list[n:])]
	}
}
