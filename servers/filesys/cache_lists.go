package filesys

// kind says which bounds an entry falls under, besides the number of all.
type kind uint8

const (
	known   kind = iota // a directory, or a file that is neither held nor open
	held                // a file's content
	opened              // an open file
	missing             // no file
	kinds
)

// relief is how many open files are given up when a descriptor is wanting: a
// path is opened element by element, so one is not enough.
const relief = 4

// list has the entries of a kind, the most recently used first.
type list struct {
	first, last *Entry
	n           int
}

func (l *list) push(e *Entry) {
	e.prev, e.next = nil, l.first
	if l.first != nil {
		l.first.prev = e
	} else {
		l.last = e
	}
	l.first = e
	l.n++
}

func (l *list) remove(e *Entry) {
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		l.first = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	} else {
		l.last = e.prev
	}
	e.prev, e.next = nil, nil
	l.n--
}

// touch makes e the most recently used.
func (c *Cache) touch(e *Entry) {
	c.uses++
	e.used = c.uses
	if l := &c.lists[e.kind]; l.first != e {
		l.remove(e)
		l.push(e)
	}
}

// keep adds e and evicts what is too much then: e itself if there is to be none
// of its kind.
func (c *Cache) keep(e *Entry) {
	o := &c.options
	if len(e.name) > maxCachedName {
		return
	}
	c.uses++
	e.used = c.uses
	e.refs++
	c.names[e.name] = e
	c.lists[e.kind].push(e)
	c.stats.Content += int64(len(e.Content))
	c.count()
	for c.lists[opened].n > o.Open {
		c.evict(c.lists[opened].last)
	}
	for c.lists[missing].n > max(o.Entries/4, 1) {
		c.evict(c.lists[missing].last)
	}
	for len(c.names) > o.Entries {
		c.evict(c.oldest())
	}
	for c.stats.Content > o.Content {
		c.evict(c.lists[held].last)
	}
}

// oldest is the least recently used entry of all.
func (c *Cache) oldest() *Entry {
	var oldest *Entry
	for i := range c.lists {
		if e := c.lists[i].last; e != nil && (oldest == nil || e.used < oldest.used) {
			oldest = e
		}
	}
	return oldest
}

// evict drops an entry for which there is no room.
func (c *Cache) evict(e *Entry) {
	c.stats.Evictions++
	c.drop(e)
}

// drop forgets an entry. Its users keep it.
func (c *Cache) drop(e *Entry) {
	delete(c.names, e.name)
	c.lists[e.kind].remove(e)
	c.stats.Content -= int64(len(e.Content))
	c.count()
	e.Release()
}

// relieve evicts a few open files that nobody uses and reports whether there
// were any.
func (c *Cache) relieve() bool {
	n := 0
	for e := c.lists[opened].last; e != nil && n < relief; {
		previous := e.prev
		if e.refs == 1 {
			c.evict(e)
			n++
		}
		e = previous
	}
	return n > 0
}

func (c *Cache) count() {
	c.stats.Entries, c.stats.Missing, c.stats.Open = len(c.names), c.lists[missing].n, c.lists[opened].n
}
