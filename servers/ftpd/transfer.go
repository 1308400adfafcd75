package ftpd

import (
	"fmt"
	"io"

	"medusa/poller/loop"
)

// transfer is what a data connection is for.
type transfer struct {
	verb, path string
	size       int64 // of what is sent, in bytes; -1 where it is not known
	complete   string

	// send queues what is sent. What it takes from source it sets to nil there.
	send   func(c *loop.Conn)
	source io.Closer
	sink   *upload // of what is received; nil when sending

	received int64
	moved    int64 // bytes, when Expired last looked
}

// discard closes what nobody has taken.
func (t *transfer) discard() {
	if t.source != nil {
		_ = t.source.Close() // nothing was written
		t.source = nil
	}
	if t.sink != nil {
		t.sink.close()
	}
}

// prepared says whether the client has said how to make the data connection, and
// answers if not.
func (s *session) prepared() bool {
	if s.channel == nil {
		s.reply(425, "Say PASV, EPSV, PORT or EPRT first.")
		return false
	}
	return true
}

// begin starts a transfer over the channel, which was prepared before (RFC 959
// section 5.4 has these replies).
func (s *session) begin(t *transfer) {
	s.restart = 0
	if !s.prepared() {
		t.discard()
		return
	}
	ch := s.channel
	if t.complete == "" {
		t.complete = "Transfer complete."
	}
	s.transfer, ch.transfer = t, t
	timeout := s.server.cfg.ConnectTimeout
	switch {
	case ch.open:
		s.reply(125, "Data connection is open; "+t.announcement())
		ch.run()
	case ch.listener != nil:
		s.reply(150, "Waiting for the data connection; "+t.announcement())
		ch.wait(timeout)
	default:
		s.reply(150, "Opening the data connection; "+t.announcement())
		ch.conn = s.server.loop.Dial(loop.DialOptions{
			Address: ch.address, Source: s.conn.LocalAddr().Addr().Unmap(), Timeout: timeout, NoDelay: true,
		}, ch)
	}
}

// announcement says what comes. STOU's has the form of RFC 1123 section 4.1.2.9.
func (t *transfer) announcement() string {
	switch {
	case t.verb == "STOU":
		return "FILE: " + t.path
	case t.size >= 0:
		return fmt.Sprintf("%s (%d bytes).", t.verb, t.size)
	}
	return t.verb + "."
}

// finish ends the transfer with its last reply.
func (s *session) finish(code int, text string) {
	t := s.transfer
	if t == nil {
		return
	}
	t.discard()
	s.transfer = nil
	s.server.transfers++
	s.reply(code, text)
	s.conn.SetDeadline(s.server.cfg.IdleTimeout)
	s.settle()
}

// abort is ABOR: the transfer that is under way ends with 426, and ABOR itself
// succeeds (RFC 959 section 4.1.3). A data connection without a transfer is closed
// too.
func (s *session) abort(string) {
	under := s.transfer != nil
	s.abandon()
	if under {
		quitting := s.quitting
		s.quitting = false // not before ABOR has its answer
		s.finish(426, "Transfer aborted.")
		s.quitting = quitting
	}
	s.reply(226, "Closing the data connection.")
	s.settle()
}
