package loop

import (
	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

// ownBuffers are buffers of the in size that connections have for themselves, off
// the Go heap: what a receive needs where there are no groups, or where the
// connection is to own its buffers.
type ownBuffers struct {
	taken map[*Conn][]byte
	spare [bufferSizes][][]byte // that nobody has
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
	size := c.InSize()
	spare := &o.spare[sizeIndex(size)]
	var p []byte
	if n := len(*spare); n > 0 {
		p, *spare = (*spare)[n-1], (*spare)[:n-1]
	} else {
		var err error
		if p, err = uring.Memory(size); err != nil {
			return nil, err
		}
		o.all = append(o.all, p)
	}
	o.taken[c] = p
	c.loop.buffers.held += int64(size)
	return p, nil
}

// give takes back what c has, into which nothing is received any more.
func (o *ownBuffers) give(c *Conn) {
	if p := o.taken[c]; p != nil {
		delete(o.taken, c)
		c.loop.buffers.held -= int64(len(p))
		spare := &o.spare[sizeIndex(len(p))]
		*spare = append(*spare, p)
	}
}

func (o *ownBuffers) unmap() {
	for _, p := range o.all {
		_ = unix.Munmap(p) // fails only for what was not mapped
	}
	*o = ownBuffers{}
}
