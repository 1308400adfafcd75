package loop

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"medusa/poller/uring"
)

// This file is how input arrives on the completion engine.
//
// What completes is not always wanted: the Handler may have paused, or too much
// output be queued, or the connection has had its share of the turn, while the
// receive went on. Nothing of that is dropped, and nobody keeps a buffer of a
// group: such input is copied to the connection's backlog, shown later in its
// order, and followed by the FIN or the error that came behind it. As the receive
// is cancelled then, the backlog is bounded by what the kernel receives at once:
// 32 small buffers.
//
// A connection receives from groups of two sizes. Requests are small, and small
// buffers are touched again sooner; a connection that fills them goes over to those
// of its in size. There is a group for each size that some connection may want.

const (
	// smallBuffer is the size of buffers in class 0, in bytes.
	smallBuffer = 2 << 10
	// groupBuffers bounds the buffers of a group, and groupBytes their memory;
	// there are at least leastBuffers.
	groupBuffers = 4096
	groupBytes   = 64 << 20
	leastBuffers = 16
	// firstBuffers is how many are in circulation at first; when there are none
	// left their number is doubled.
	firstBuffers = 64
	// fullStreak receives that fill a small buffer, one after the other, put a
	// connection into class 1, and smallStreak that would have fitted into one
	// put it back.
	fullStreak  = 4
	smallStreak = 64
	// waryReceives is how many receives bring one buffer each, and then end, after
	// one that went on has brought what was not wanted: who pauses once pauses
	// again, as a proxy does whose client is slow.
	waryReceives = 16
	// mostBehind bounds a backlog, in bytes, should a receive not end that was
	// cancelled: the connection fails then.
	mostBehind = 16 << 20
)

// backlog is input that came and was not wanted yet.
type backlog struct {
	chunks []chunk
	size   int // bytes in them
}

// chunk is the part of one of the loop's buffers that is yet to be shown.
type chunk struct {
	buf      []byte
	from, to int
}

// openGroups makes the groups.
func (e *completion) openGroups() (err error) {
	if e.without&RingBufferGroups != 0 {
		return nil
	}
	var sizes []int
	for _, b := range e.loop.buffersOf {
		if !b.Owned {
			sizes = append(sizes, min(b.In, smallBuffer), b.In)
		}
	}
	slices.Sort(sizes)
	for _, size := range slices.Compact(sizes) {
		count := min(max(groupBytes/size, leastBuffers), e.most)
		g, err := e.ring.NewBuffers(uint16(sizeIndex(size)), count, size)
		if err != nil {
			return fmt.Errorf("%d buffers of %d bytes: %w", count, size, err)
		}
		g.Grow(min(firstBuffers, (count+1)/2))
		e.groups[sizeIndex(size)] = g
	}
	return nil
}

// publish shows the kernel the buffers that were given back.
func (e *completion) publish() {
	for _, g := range e.groups {
		if g != nil {
			g.Publish()
		}
	}
}

// receive begins to receive.
func (e *completion) receive(c *Conn, k *flight) {
	switch {
	case k.streak >= fullStreak:
		k.class, k.streak = 1, 0
	case k.streak <= -smallStreak:
		k.class, k.streak = 0, 0
	}
	size := c.InSize()
	if k.class == 0 {
		size = min(size, smallBuffer)
	}
	k.group = int8(sizeIndex(size))
	grouped := e.groups[k.group] != nil && !c.kind().Owned
	var own []byte
	if grouped {
		if e.waits(k) {
			e.starve(c, k)
			return
		}
	} else {
		var err error
		if own, err = e.own.of(c); err != nil {
			c.fail(err)
			return
		}
	}
	s := e.next()
	if grouped {
		s.RecvGroup(int(c.fd), uint16(k.group), e.goesOn(k))
	} else {
		s.Recv(int(c.fd), own)
	}
	s.UserData = recvData(k.group, c.token)
	k.receiving = true
	k.ops++
}

// goesOn says whether a receive shall complete again and again. Only one that
// finds nothing at first can be cancelled whenever it is to end: while there is more
// to receive, one that found something when it was submitted is tried again from
// the queue of the task, where a cancel does not look (io_req_task_queue after
// IO_APOLL_READY in io_uring/poll.c; ENOENT). So streams, and connections that do
// not want what comes, are received from a buffer at a time.
func (e *completion) goesOn(k *flight) bool {
	if k.wary > 0 {
		k.wary--
		return false
	}
	return k.drained && k.class == 0 && e.without&RingMultishot == 0
}

// notCancelled: a cancel has not found its operation. Either that is over, or it
// is about to be tried again.
func (e *completion) notCancelled(c *Conn, k *flight) {
	if !k.cancelling || !k.receiving {
		return
	}
	k.cancelling = false
	if !c.gone() {
		c.touch() // to cancel again, if that is still wanted
		return
	}
	// Whatever the peer goes on sending is refused from here on.
	e.loop.counts.Calls[CallClose]++
	_ = unix.Shutdown(int(c.fd), unix.SHUT_RDWR)
	e.cancelReceive(c, k)
}

// cancelReceive ends the receive; its last completion is still to come.
func (e *completion) cancelReceive(c *Conn, k *flight) {
	e.cancel(recvData(k.group, c.token), userData(opCancel, c.token))
	k.cancelling = true
}

// received takes a completion of a receive.
func (e *completion) received(c *Conn, k *flight, q *uring.CQE) {
	if !q.More() {
		k.receiving, k.cancelling = false, false
		k.ops--
		c.touch() // to receive again, if that is wanted
	}
	if k.more = q.More() && q.NonEmpty(); k.more {
		k.seen = uint8(e.loop.counts.Turns)
		e.leave(c, k)
	}
	id, provided := q.Buffer()
	switch errno := q.Err(); {
	case q.Res > 0:
		n := int(q.Res)
		k.drained = !q.NonEmpty()
		if provided {
			e.input(c, k, e.groups[k.group].Bytes(id, n))
			e.fit(c, k, n)
		} else {
			e.input(c, k, e.own.taken[c][:n])
		}
	case q.Res == 0:
		e.ended(c, k, 0)
	case errno == unix.ENOBUFS:
		e.starve(c, k)
	case errno != unix.ECANCELED && errno != unix.EINTR && errno != unix.EAGAIN:
		e.ended(c, k, errno)
	}
	if provided {
		e.groups[k.group].Give(id)
	}
	if c.gone() {
		e.finalize(c, k)
	}
}

// doubt begins a receive anew that has not gone on although the socket has more.
// A multishot receive tries again by itself then, at once. But at an urgent mark
// the try fails if a signal happens to be pending (tcp_recvmsg_locked in
// net/ipv4/tcp.c), and no event makes another: what stands behind the mark would
// wait for whatever comes next.
func (e *completion) doubt(c *Conn, k *flight) {
	switch {
	case !k.more || !k.receiving || k.cancelling:
		k.more = false
	case k.seen == uint8(e.loop.counts.Turns):
		e.leave(c, k)
	default:
		k.more = false
		e.cancelReceive(c, k)
	}
}

// fit chooses the class by what receives bring. To change it the receive begins
// anew.
func (e *completion) fit(c *Conn, k *flight, n int) {
	switch {
	case c.InSize() <= smallBuffer:
		return
	case k.class == 0 && n == smallBuffer:
		k.streak++
	case k.class == 1 && n <= smallBuffer:
		k.streak--
	default:
		k.streak = 0
	}
	if (k.streak == fullStreak || k.streak == -smallStreak) && k.receiving && !k.cancelling && !c.gone() {
		e.cancelReceive(c, k)
	}
}

// input shows what was received, or keeps it for later.
func (e *completion) input(c *Conn, k *flight, p []byte) {
	switch {
	case c.gone():
		return
	case c.closing || c.state == stateLingering:
		e.forget(k)
		e.loop.counts.BytesIn += uint64(len(p))
		c.lingered(len(p))
		return
	}
	if k.behind == nil {
		p = e.show(c, k, p)
	}
	if len(p) > 0 {
		e.keep(c, k, p)
	}
}

// show gives the Handler as much of p as it wants and the turn allows, and returns
// the rest.
func (e *completion) show(c *Conn, k *flight, p []byte) []byte {
	l := e.loop
	if turn := uint8(l.counts.Turns); k.turn != turn {
		k.turn, k.got = turn, 0
	}
	for len(p) > 0 && c.wantsRead() && c.failure == nil && k.got < turnBytes {
		n := min(len(p), c.InSize()-len(c.rest), turnBytes-int(k.got))
		k.got += int32(n)
		l.counts.BytesIn += uint64(n)
		if c.rest != nil {
			at := len(c.rest)
			c.rest = c.rest[:at+n]
			copy(c.rest[at:], p)
			c.deliver(c.rest)
		} else {
			c.deliver(p[:n])
		}
		p = p[n:]
	}
	return p
}

// keep copies p to the backlog.
func (e *completion) keep(c *Conn, k *flight, p []byte) {
	if c.failure != nil || c.gone() {
		return
	}
	l := e.loop
	if k.behind == nil {
		k.behind = &backlog{}
	}
	b := k.behind
	b.size += len(p)
	for len(p) > 0 {
		n := len(b.chunks)
		if n == 0 || b.chunks[n-1].to == c.InSize() {
			b.chunks = append(b.chunks, chunk{buf: l.buffers.take(c.InSize())})
			n++
		}
		last := &b.chunks[n-1]
		taken := copy(last.buf[last.to:], p)
		last.to += taken
		p = p[taken:]
	}
	if !c.wantsRead() || b.size >= turnBytes {
		k.wary = waryReceives
		if k.receiving && !k.cancelling {
			e.cancelReceive(c, k)
		}
		if b.size > mostBehind {
			c.fail(ErrInputFull)
		}
	}
	if c.wantsRead() {
		e.leave(c, k)
	}
}

// catchUp shows what was kept, in its order, and then what came behind it.
func (e *completion) catchUp(c *Conn, k *flight) {
	b := k.behind
	for b != nil && len(b.chunks) > 0 {
		first := &b.chunks[0]
		left := len(e.show(c, k, first.buf[first.from:first.to]))
		b.size -= first.to - first.from - left
		if first.from = first.to - left; left > 0 {
			break
		}
		e.loop.buffers.give(first.buf)
		b.chunks = slices.Delete(b.chunks, 0, 1)
	}
	if b != nil && len(b.chunks) > 0 {
		if c.wantsRead() {
			e.leave(c, k)
		}
		return
	}
	k.behind = nil
	if k.over {
		e.ended(c, k, k.end)
	}
}

// ended: a FIN has come, or an error instead of it. It is told when what came
// before has been shown, and an error when somebody reads, as on the readiness
// engine.
func (e *completion) ended(c *Conn, k *flight, errno unix.Errno) {
	switch {
	case c.gone():
	case c.closing || c.state == stateLingering, k.behind == nil && errno == 0, k.behind == nil && c.wantsRead():
		k.over = false
		if errno != 0 {
			c.fail(errno)
		} else {
			c.hangup()
		}
	default:
		k.over, k.end = true, errno
	}
}

// forget drops the backlog.
func (e *completion) forget(k *flight) {
	if k.behind == nil {
		return
	}
	for _, kept := range k.behind.chunks {
		e.loop.buffers.give(kept.buf)
	}
	k.behind = nil
}
