package loop

import (
	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

// ownBuffers are buffers of the in size that connections have for themselves, off
// the Go heap: what a receive needs where there are no groups.
type ownBuffers struct {
	taken map[*Conn][]byte
	spare [][]byte // that nobody has
	all   [][]byte
}

// of is the buffer of c, which gets one if it has none.
func (o *ownBuffers) of(c *Conn) ([]byte, error) {
	if p := o.taken[c]; p != nil {
		return p, nil
	}
	if o.taken == nil {
		o.taken = map[*Conn][]byte{}
	}
	if n := len(o.spare); n > 0 {
		o.taken[c], o.spare = o.spare[n-1], o.spare[:n-1]
		return o.taken[c], nil
	}
	p, err := uring.Memory(c.loop.cfg.In)
	if err != nil {
		return nil, err
	}
	o.all = append(o.all, p)
	o.taken[c] = p
	return p, nil
}

// give takes back what c has, into which nothing is received any more.
func (o *ownBuffers) give(c *Conn) {
	if p := o.taken[c]; p != nil {
		delete(o.taken, c)
		o.spare = append(o.spare, p)
	}
}

func (o *ownBuffers) unmap() {
	for _, p := range o.all {
		_ = unix.Munmap(p) // fails only for what was not mapped
	}
	*o = ownBuffers{}
}
