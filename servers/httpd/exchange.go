package httpd

import "medusa/poller/loop"

// Exchange is a request whose answer comes later. No further request of its
// connection is read until it is over: answered, and its content taken. It is
// used on the loop's goroutine only; after its end its methods do nothing.
type Exchange struct {
	server *Server
	h      *conn // nil when it is over or its connection has gone
	conn   *loop.Conn
	owner  Owner
	taker  Content

	as        how
	begun     bool // Handle has returned
	answered  bool
	streaming bool // Write may be called
	chunks    bool
	left      int64 // of the promised size; -1 without one
	entry     *Entry
}

// Owner is who promised the answer of an Exchange.
type Owner interface {
	// Drained: the client has taken all that Exchange.Write was given.
	Drained()
	// Gone: the Exchange ended before it was over, as the client's connection
	// failed or its content was refused. It is called at most once, and
	// nothing after it.
	Gone()
}

// Async promises the answer for later: what is in w is not sent. It is called
// during Handle.
func (w *Response) Async(owner Owner) *Exchange {
	w.drop()
	w.async = &Exchange{server: w.server, conn: w.conn, owner: owner}
	return w.async
}

// Loop is the loop that the exchange lives on.
func (x *Exchange) Loop() *loop.Loop { return x.server.loop }

// TakeContent makes c take the request's content, up to Limits.Content. The
// client is told to send it if it waits for that. It is called during Handle,
// after Async. Without it the content is thrown away.
func (x *Exchange) TakeContent(c Content) { x.taker = c }

// MoreContent shows the taker what it has not used, and what came after.
func (x *Exchange) MoreContent() {
	if x.h == nil || x.h.body == nil || !x.h.body.held {
		return
	}
	x.h.body.held = false
	x.conn.Resume()
}

// Answer calls fill at once with a response to fill in, and sends it. It may be
// called while another connection's request is handled, but not during the
// Handle that made x.
func (x *Exchange) Answer(fill func(w *Response)) {
	if w := x.begin(); w != nil {
		fill(w)
		x.send(w)
	}
}

// AnswerStream is Answer for a response whose body is given to Write. n is its
// size, or -1 if that is not known: it is chunked then, or to HTTP/1.0 sent
// until the connection closes.
func (x *Exchange) AnswerStream(n int64, fill func(w *Response)) {
	w := x.begin()
	if w == nil {
		return
	}
	fill(w)
	w.drop()
	w.size = n
	x.left = n
	x.streaming = true
	x.send(w)
}

// begin is nil if there is nobody to answer.
func (x *Exchange) begin() *Response {
	if !x.begun {
		panic("httpd: an Exchange was answered inside Handle")
	}
	if x.h == nil || x.answered {
		return nil
	}
	x.answered = true
	w := x.server.takeResponse()
	w.reset(x.server, x.h, x.conn)
	x.server.tick(x.server.loop.Now())
	return w
}

// send sends w, which begin returned.
func (x *Exchange) send(w *Response) {
	h, s := x.h, x.server
	x.as.closing = x.as.closing || s.draining
	size := w.size
	read := s.send(x.conn, w, &x.as, x.entry)
	s.responses = append(s.responses, w)
	x.chunks = x.streaming && size < 0 && x.as.minor > 0
	if x.as.bare {
		x.streaming, size = false, 0
	}
	s.flush()
	h.large = true
	h.queued(x.conn)
	switch {
	case x.entry == nil:
	case read:
		x.entry = nil
	case !x.streaming:
		x.entry.Bytes = size
		x.log()
	}
	h.proceed(x.conn)
}

// Write queues a copy of p as content of the response. What is beyond its
// promised size is dropped.
func (x *Exchange) Write(p []byte) {
	if x.h == nil || !x.streaming {
		return
	}
	if x.left >= 0 {
		p = p[:min(int64(len(p)), x.left)]
		x.left -= int64(len(p))
	}
	if len(p) == 0 {
		return
	}
	if x.entry != nil {
		x.entry.Bytes += int64(len(p))
	}
	if x.chunks {
		var size [chunkSizeMost]byte
		x.conn.Write(appendChunkSize(size[:0], len(p)))
	}
	x.conn.Write(p)
	if x.chunks {
		x.conn.Write(crlf)
	}
	x.h.large = true
	x.h.queued(x.conn)
}

// End says that Write was given everything. An answer that lacks some of its
// promised size closes the connection.
func (x *Exchange) End() {
	if x.h == nil || !x.streaming {
		return
	}
	if x.left > 0 {
		x.Abort()
		return
	}
	if x.chunks {
		x.conn.Write(lastChunk)
	}
	x.streaming = false
	x.log()
	x.h.proceed(x.conn)
}

// Queued is the output that the client has not taken, in bytes.
func (x *Exchange) Queued() int {
	if x.h == nil {
		return 0
	}
	return x.conn.Queued()
}

// full says that more is queued than the connection has room for.
func (x *Exchange) full() bool { return x.h != nil && x.conn.Queued() > x.conn.OutSize() }

// Abort resets the client's connection. Owner.Gone is called later.
func (x *Exchange) Abort() {
	if x.h != nil {
		x.conn.Abort()
	}
}

// over says whether nothing of the answer is to come.
func (x *Exchange) over() bool { return x.answered && !x.streaming }

func (x *Exchange) log() {
	if x.entry != nil {
		x.server.cfg.Log.Log(x.entry)
		x.entry = nil
	}
}

// drop ends the exchange of a connection that ends.
func (x *Exchange) drop() {
	x.h = nil
	if x.entry != nil && !x.answered {
		x.entry.Status = statusGone
	}
	x.log()
	x.owner.Gone()
}
