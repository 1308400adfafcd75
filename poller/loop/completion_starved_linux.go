package loop

// This file is who receives next when a group has no buffers.

// starve queues a connection whose receive found no buffer, and has ended
// (ENOBUFS). Its input waits in the kernel, whose window then holds the peer back.
func (e *completion) starve(c *Conn, k *flight) {
	if !c.gone() && !k.starved {
		k.starved = true
		e.hungry++
		e.starved[k.group] = append(e.starved[k.group], c.token)
	}
}

// waits says that a receive has to queue because others have waited longer for the
// buffers that there are. Whoever has just been served would else come before them
// for ever, as he asks again earlier.
func (e *completion) waits(k *flight) bool {
	owed := e.fed[k.group] + len(e.starved[k.group])
	if k.fed {
		k.fed = false
		e.fed[k.group] = max(e.fed[k.group]-1, 0)
	} else if owed > 0 && e.asked[k.group]+owed >= e.groups[k.group].Given() {
		return true
	}
	e.asked[k.group]++
	return false
}

// feed lets those who have waited longest receive again, at most as many as there
// are buffers, of which there are more from now on if there can be. All that were
// taken are back: a completion's buffer is given back when it is dispatched.
func (e *completion) feed() {
	for group := range e.starved {
		e.fed[group], e.asked[group] = 0, 0
		list := e.starved[group]
		if len(list) == 0 {
			continue
		}
		g := e.groups[group]
		g.Grow(g.Given())
		n := min(len(list), g.Given())
		for _, token := range list[:n] {
			c, _ := e.loop.table.find(token)
			if c == nil || c.gone() {
				continue
			}
			k := c.io.(*flight)
			k.starved, k.fed = false, true
			e.fed[group]++
			c.touch()
		}
		e.hungry -= n
		e.starved[group] = list[:copy(list, list[n:])]
	}
}
