package httpd

import (
	"time"

	"medusa/poller/loop"
)

// contentRate is how much content must come within each HeadTimeout, in bytes.
const contentRate = 1 << 10

// longest is a duration that no deadline reaches.
const longest = time.Duration(1<<63 - 1)

// Opened begins the first idle time. One deadline is set here and renewed when
// it fires early, rather than set anew for each request.
func (h *conn) Opened(c *loop.Conn) {
	h.active = c.Loop().Now()
	if h.server.cfg.IdleTimeout > 0 {
		c.SetDeadline(h.server.cfg.IdleTimeout)
	}
}

// rest sets the deadline of an idle connection in the place of a head's or a
// content's, if it may be the earlier one.
func (h *conn) rest(c *loop.Conn) {
	if idle := h.server.cfg.IdleTimeout; idle > 0 && idle < h.server.cfg.HeadTimeout {
		c.SetDeadline(idle)
	}
}

// dismiss closes the connection of a client that was refused. Such a client
// has no claim to be waited for: where idle ones are never closed, it has the
// time of a head to take the answer, and after that must go on taking it.
func (h *conn) dismiss(c *loop.Conn) {
	h.refused = true
	c.SetDeadline(h.patience())
	h.close(c)
}

// patience is how long the client may do nothing; 0 or less is for ever.
func (h *conn) patience() time.Duration {
	cfg := &h.server.cfg
	if cfg.IdleTimeout <= 0 && h.refused {
		return cfg.HeadTimeout
	}
	return cfg.IdleTimeout
}

// Expired tells clients that were slow or silent from those that were active
// since the deadline was set.
func (h *conn) Expired(c *loop.Conn) {
	s := h.server
	now := s.loop.Now()
	s.tick(now)
	busy := c.Queued() > 0 || h.large || h.more // the last two up to Drained
	if sent, _ := c.Handed(); busy && sent != h.sent || !busy && h.waits() {
		// The client takes what it asked for, or waits for it.
		h.sent, h.active = sent, now
	}
	wait := longest
	if idle := h.patience(); idle > 0 {
		wait = idle - now.Sub(h.active)
	}
	if head := s.cfg.HeadTimeout; head > 0 && !h.closing {
		switch {
		case h.body != nil:
			unread := h.body.held || h.more || c.Queued() >= c.OutSize()/2
			if h.body.slow(unread) {
				h.refuseContent(c, 408)
				return
			}
			if !unread {
				wait = head // its pace is all that counts
			}
			wait = min(wait, head)
		case h.inHead:
			if c.Queued() == 0 {
				h.refuse(c, 408, false, nil)
				return
			}
			// The client may wait for the answers that are on their way.
			wait = min(wait, head)
		}
	}
	switch {
	case wait == longest:
	case wait > 0:
		c.SetDeadline(wait)
	case c.Queued() > 0:
		c.Abort() // it does not take what it asked for
	case h.owes():
		h.refuseContent(c, 408)
	default:
		h.close(c)
	}
}

// owes says whether the client has to send content next.
func (h *conn) owes() bool { return h.body != nil && !h.body.held }

// waits says whether the client has to wait for an answer.
func (h *conn) waits() bool { return h.exchange != nil && !h.owes() }

// slow says whether less content came than must come, since it was last asked.
// A client is not to blame for any of that time in which content was not read:
// as its taker did not want it, or the loop stopped reading because too much
// output is queued. unread says that it is not read now; when the loop resumes
// is its own affair, so unread may be true for longer than that.
func (b *content) slow(unread bool) bool {
	slow := !unread && !b.unread && b.total-b.checked < contentRate
	b.checked, b.unread = b.total, unread
	return slow
}

// queued notes that output was queued for the connection.
func (h *conn) queued(c *loop.Conn) {
	if h.body != nil && c.Queued() > c.OutSize() {
		h.body.unread = true
	}
}
