package ftpd

import (
	"net/netip"
	"time"

	"medusa/poller/loop"
)

// channel is a data connection of a session, from when the client said how it is
// to be made (PASV, EPSV, PORT, EPRT) until its transfer is over.
type channel struct {
	session  *session
	listener *loop.Listener // passive: until the client has come
	address  netip.AddrPort // active: of the client
	conn     *loop.Conn     // established, or being so
	open     bool           // established
	transfer *transfer      // nil before it has begun
	timer    loop.Timer     // until somebody has come
}

var _ loop.Handler = (*channel)(nil)

// prepare replaces the channel by a new one.
func (s *session) prepare(ch *channel) {
	s.abandon()
	ch.session = s
	s.channel = ch
}

// Opened: for a passive channel somebody has come. Only the client is let in, and
// nobody after him (RFC 2577 on port stealing).
func (ch *channel) Opened(c *loop.Conn) {
	if ch.session == nil || c != ch.conn && (ch.conn != nil || c.RemoteAddr().Addr().Unmap() != ch.session.peer) {
		c.Abort()
		return
	}
	ch.conn, ch.open = c, true
	ch.timer.Stop()
	ch.unlisten()
	if ch.transfer == nil {
		c.Pause() // what comes may be for a file that is not named yet
		return
	}
	ch.run()
}

// run begins to move the bytes of the transfer.
func (ch *channel) run() {
	s, t, c := ch.session, ch.transfer, ch.conn
	c.Assume(s.habit)
	c.SetDeadline(s.server.cfg.DataTimeout)
	c.Resume() // of one who sends nothing, the FIN is to be heard
	if t.sink != nil {
		if err := t.sink.begin(); err != nil {
			s.abandon()
			s.finish(fileError(err))
		}
		return
	}
	t.send(c)
	c.CloseWhenDone()
}

// wait is for who is to come, for so long.
func (ch *channel) wait(d time.Duration) {
	l := ch.session.server.loop
	ch.timer = l.At(l.Now().Add(d), func() {
		s := ch.session
		s.abandon()
		s.finish(425, "You did not connect to the data port.")
	})
}

func (ch *channel) Received(c *loop.Conn, p []byte) int {
	if c == ch.conn && ch.transfer != nil && ch.transfer.sink != nil {
		t := ch.transfer
		t.received += int64(len(p))
		if err := t.sink.write(p, ch.session.server); err != nil {
			s := ch.session
			s.abandon()
			s.finish(fileError(err))
		}
	}
	return len(p)
}

// Ended: an upload is complete (RFC 959 section 3.4.1).
func (ch *channel) Ended(c *loop.Conn) {
	switch s := ch.session; {
	case c != ch.conn || s == nil:
		c.Abort()
	case ch.transfer == nil:
		// What came before it waits for a command.
	case ch.transfer.sink != nil:
		err := ch.transfer.sink.finish(s.server)
		ch.leave()
		c.CloseWhenDone()
		if err != nil {
			s.finish(fileError(err))
			return
		}
		s.finish(226, ch.transfer.complete)
	}
}

func (ch *channel) Drained(*loop.Conn) {}

// Expired ends a transfer that stands still.
func (ch *channel) Expired(c *loop.Conn) {
	s, t := ch.session, ch.transfer
	if c != ch.conn || s == nil || t == nil {
		return
	}
	sent, _ := c.Handed()
	if moved := sent + t.received; moved != t.moved {
		t.moved = moved
		c.SetDeadline(s.server.cfg.DataTimeout)
		return
	}
	s.abandon()
	s.finish(426, "The data connection stood still for too long.")
}

func (ch *channel) Closed(c *loop.Conn, err error) {
	s, t := ch.session, ch.transfer
	if c != ch.conn || s == nil {
		return
	}
	open := ch.open
	if s.habit = c.Habit(); !open {
		s.habit = 0
	}
	ch.leave()
	switch kind := loop.Kind(err); {
	case t == nil:
	case !open:
		s.finish(425, "Cannot connect to your data port.")
	case err == nil && t.sink == nil:
		s.finish(226, t.complete)
	case t.sink == nil && (kind == "short" || kind == "other"):
		s.finish(451, "The file could not be read to its end.")
	default:
		s.finish(426, "The data connection broke.")
	}
}

// leave parts the channel from its session: nothing of it is heard any more.
func (ch *channel) leave() {
	if ch.session.channel == ch {
		ch.session.channel = nil
	}
	ch.timer.Stop()
	ch.unlisten()
	ch.session = nil
}

// close gives the channel up. Its session answers for the transfer.
func (ch *channel) close() {
	if ch.conn != nil {
		ch.conn.Abort()
	}
	ch.leave()
}

func (ch *channel) unlisten() {
	if ch.listener != nil {
		ch.listener.Close()
		ch.listener = nil
	}
}
