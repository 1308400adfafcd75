package loadgen

import (
	"hash/crc32"
	"net/netip"

	"medusa/poller/loop"
)

// dataConn is the data connection of a transfer.
type dataConn struct {
	s       *session
	c       *loop.Conn // nil before the server has connected, of an active one
	line    *gate      // nil: it reads as fast as it can
	open    bool
	may     bool // the server has said that the transfer begins
	sending bool
	dropped bool // nobody waits for it
}

func sumOf(sum uint32, p []byte) uint32 { return crc32.Update(sum, castagnoli, p) }

// dial connects for a transfer.
func (s *session) dial(at netip.AddrPort) {
	d := &dataConn{s: s}
	s.data = d
	d.c = s.c.g.l.Dial(s.c.g.dataOptions(at, s.c.c.LocalAddr().Addr()), d)
}

// accept takes the connection that the server was told to make.
func (s *session) accept(c *loop.Conn) loop.Handler {
	if s.data == nil || s.data.c != nil || s.data.dropped || c.RemoteAddr().Addr().Unmap() != s.c.g.s.Address.Addr() {
		c.Abort()
		return &dataConn{s: s, dropped: true}
	}
	s.data.c = c
	return s.data
}

// Opened implements loop.Handler.
func (d *dataConn) Opened(c *loop.Conn) {
	if d.dropped {
		return
	}
	d.open = true
	d.line = newGate(d.s.c.g.s.lineRate(d.s.c.slot), c)
	d.send()
}

// begin: the server is ready for the transfer.
func (d *dataConn) begin(now loop.Time) {
	d.may = true
	if s := d.s; s.uploads() && s.c.first == Never {
		s.c.first = now
	}
	d.send()
}

func (s *session) uploads() bool { return s.c.g.ftp.transfer() == Store && !s.verifying }

// send begins to send what is stored.
func (d *dataConn) send() {
	s := d.s
	if !d.open || !d.may || d.sending || !s.uploads() {
		return
	}
	d.sending = true
	d.c.Push(&patternReader{e: s.c.g.ftp.pattern, at: s.from, left: s.size})
	d.c.CloseWhenDone()
}

// Received implements loop.Handler.
func (d *dataConn) Received(_ *loop.Conn, p []byte) int {
	s := d.s
	if d.dropped || s.uploads() {
		return len(p)
	}
	now := s.c.g.l.Now()
	open := d.line.open(now, p)
	s.took(open, now)
	d.line.shut(len(p), len(open))
	return len(open)
}

// Ended implements loop.Handler: everything has come.
func (d *dataConn) Ended(c *loop.Conn) {
	c.CloseWhenDone()
	if !d.s.uploads() {
		d.end(OK)
	}
}

// end notes the end of the data.
func (d *dataConn) end(k Kind) {
	s := d.s
	if d.dropped || s.dataOver || s.data != d {
		return
	}
	s.dataOver = true
	if s.kind == OK {
		s.kind = k
	}
	s.conclude(s.c.g.l.Now())
}

// Expired implements loop.Handler.
func (d *dataConn) Expired(c *loop.Conn) { c.Abort() }

// Drained implements loop.Handler.
func (d *dataConn) Drained(*loop.Conn) {}

// Closed implements loop.Handler.
func (d *dataConn) Closed(c *loop.Conn, err error) {
	if d.dropped || loop.Kind(err) == "stopped" {
		return
	}
	if d.s.uploads() {
		d.s.got, _ = c.Handed()
	}
	k := OK
	if err != nil {
		k = lossOf(err, d.open)
	} else if !d.s.uploads() {
		k = Reset
	}
	d.end(k)
}

// drop gives the data connection up.
func (d *dataConn) drop() {
	if d == nil || d.dropped {
		return
	}
	d.dropped = true
	if d.c != nil {
		d.c.Abort()
	}
}
