package httpd

// passage is one request on its way through a Proxy: what the client's
// connection needs of it. It is free again when the answer and the request's
// content are over, or the client has gone.
type passage struct {
	proxy    *Proxy
	exchange *Exchange
	up       *upstream // nil when nothing more comes of it
	head     []byte    // of the request, kept as it may have to be sent again
	again    bool      // it may be
	bare     bool      // the request is HEAD
	content  bool      // of the request is still to come
	chunks   bool      // it is sent in chunks
	begun    bool      // the answer
}

// passage returns one that is not in use.
func (p *Proxy) passage() *passage {
	if n := len(p.free); n > 0 {
		t := p.free[n-1]
		p.free = p.free[:n-1]
		return t
	}
	return &passage{proxy: p}
}

// release makes t free. Nothing holds it then: not its exchange, which is
// over, nor an upstream connection.
func (t *passage) release() {
	p := t.proxy
	*t = passage{proxy: p, head: t.head[:0]}
	p.free = append(p.free, t)
}

// start sends the request's head, over u or, if that is nil, over a connection
// of its own.
func (t *passage) start(u *upstream) {
	if u == nil {
		u = t.proxy.dial()
	}
	t.up, u.passage = u, t
	u.got = false
	u.conn.Write(t.head)
}

// Content passes on as much of the request's content as fits.
func (t *passage) Content(p []byte) (used int) {
	u := t.up
	if u == nil {
		return len(p) // nobody wants it any more
	}
	c := u.conn
	n := min(len(p), c.OutSize()-c.Queued())
	if n <= 0 {
		return 0 // until Drained
	}
	if t.chunks {
		t.proxy.size = appendChunkSize(t.proxy.size[:0], n)
		c.Write(t.proxy.size)
	}
	c.Write(p[:n])
	if t.chunks {
		c.Write(crlf)
	}
	return n
}

// ContentEnd ends the request.
func (t *passage) ContentEnd() {
	t.content = false
	switch {
	case t.up == nil:
		t.release() // the answer is over
	case t.chunks:
		t.up.conn.Write(lastChunk)
	default:
		t.up.waits() // the last bytes may have left already
	}
}

// Drained: the client has taken what there was of the answer.
func (t *passage) Drained() {
	if u := t.up; u != nil && u.paused {
		u.paused = false
		u.conn.Resume()
	}
}

// Gone: nobody waits for the answer any more, so the upstream server need not
// make it.
func (t *passage) Gone() {
	if u := t.up; u != nil {
		u.passage = nil
		u.conn.Abort()
	}
	t.release()
}

// fail answers with an error, if the answer has not begun.
func (t *passage) fail(status int) {
	if t.begun {
		t.exchange.Abort()
		return // Gone follows
	}
	t.exchange.Answer(func(w *Response) { w.Error(status) })
	t.over()
}

// over: the answer has ended, and the upstream connection is no longer ours.
func (t *passage) over() {
	if t.content {
		// The rest of it is thrown away, up to the server's limit, for the
		// connection to go on.
		t.exchange.MoreContent()
		return
	}
	t.release()
}
