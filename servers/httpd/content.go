package httpd

import "medusa/poller/loop"

// Content takes the content of a request, see Exchange.TakeContent.
type Content interface {
	// Content shows bytes of the content, without their transfer coding, and
	// returns how many it used. What it does not use is shown again after
	// Exchange.MoreContent, which is called later, not from here. p is valid
	// only during the call.
	Content(p []byte) (used int)
	// ContentEnd: the content has come completely, or there is none. It is
	// not called when the client does not send all of it: then Owner.Gone is.
	ContentEnd()
}

// drainLimit is how much content that nobody takes is read, in bytes, so that
// the connection can go on; of more it ends.
const drainLimit = 64 << 10

// content is the content of a request while it comes.
type content struct {
	taker   Content // nil: it is thrown away
	chunked chunked
	coded   bool  // chunked, else left counts
	held    bool  // the taker has not used all: it is shown no more for now
	unread  bool  // it was not read for some of the time since its rate was last looked at
	left    int64 // of a Content-Length
	total   int64 // so far
	limit   int64
	checked int64 // total when its rate was last looked at
}

// beginContent prepares for the content of the server's current request.
func (h *conn) beginContent(c *loop.Conn, taker Content) {
	s := h.server
	b := s.takeContent()
	*b = content{taker: taker, coded: s.request.Chunked, left: s.request.Length, limit: s.cfg.Limits.Content}
	if taker == nil {
		b.limit = min(b.limit, drainLimit)
	}
	h.body = b
	if s.cfg.HeadTimeout > 0 {
		c.SetDeadline(s.cfg.HeadTimeout)
	}
}

// readContent takes what p has of the content and returns how much that was.
// A status refuses the request.
func (h *conn) readContent(p []byte) (used, status int) {
	b := h.body
	for !b.held {
		n := len(p) - used
		if b.coded {
			skip, data, done, status := b.chunked.next(p[used:])
			used += skip
			if status != 0 {
				return used, status
			}
			if done {
				h.endContent()
				return used, 0
			}
			if n = data; n == 0 {
				return used, 0
			}
		} else {
			n = int(min(b.left, int64(n)))
		}
		if b.total+int64(n) > b.limit {
			return used, 413
		}
		took := n
		if b.taker != nil && n > 0 {
			took = b.taker.Content(p[used : used+n])
			if h.body != b { // it gave up
				return used, 0
			}
			if took < n {
				b.held, b.unread = true, true
			}
		}
		used += took
		b.total += int64(took)
		if b.coded {
			b.chunked.took(took)
			continue
		}
		if b.left -= int64(took); b.left == 0 {
			h.endContent()
		}
		break
	}
	return used, 0
}

func (h *conn) endContent() {
	taker := h.body.taker
	h.dropContent()
	if taker != nil {
		taker.ContentEnd()
	}
}

// dropContent forgets the content in hand.
func (h *conn) dropContent() {
	if h.body != nil {
		h.server.contents = append(h.server.contents, h.body)
		h.body = nil
	}
}

func (s *Server) takeContent() *content {
	if n := len(s.contents); n > 0 {
		b := s.contents[n-1]
		s.contents = s.contents[:n-1]
		return b
	}
	return new(content)
}
