package loop

import "errors"

// Handler is one end of a connection. A channel (HTTP, FTP, chat, ...) is a
// Handler. It never blocks and sees no descriptor. All callbacks, timers and
// posted functions of a Loop are mutually exclusive on every engine, so
// Handlers of one Loop share state without locks. No method of a Conn or Loop
// ever calls a Handler: what a method causes is delivered later in the turn.
//
// While a connection is paused only Drained, Expired and Closed (after a
// failed write) are called.
type Handler interface {
	// Opened: the connection is established.
	Opened(c *Conn)
	// Received shows input and returns how much of it was used. The rest is
	// kept and shown again, joined with more, when more has come or after
	// Resume. When p has reached the in size (Config.In) some of it must be
	// used or the connection paused, closed or aborted: otherwise it is
	// aborted with ErrInputFull. p is valid only during the call.
	Received(c *Conn, p []byte) (used int)
	// Ended: the peer's FIN, after all input was shown. Output may go on.
	// The connection stays until CloseWhenDone or Abort.
	Ended(c *Conn)
	// Expired: the deadline passed. It is off until set again.
	Expired(c *Conn)
	// Drained: all queued output has been handed to the kernel.
	Drained(c *Conn)
	// Closed is the last call, exactly once, and the only one for a Dial that
	// failed. err is nil after an orderly end; see Kind for classes.
	Closed(c *Conn, err error)
}

var (
	// ErrLater is returned by a reader given to Push that has nothing now.
	// The connection asks again after Continue.
	ErrLater = errors.New("loop: nothing to read yet")
	// ErrInputFull closes a connection whose Handler used nothing of a full
	// input buffer.
	ErrInputFull = errors.New("loop: input buffer full and nothing used")
	// ErrAborted closes a connection after Abort.
	ErrAborted = errors.New("loop: aborted")
	// ErrStopped closes the connections that are open when a Loop stops.
	ErrStopped = errors.New("loop: stopped")
	// ErrShort closes a connection whose file or producer ended before it
	// delivered what was promised.
	ErrShort = errors.New("loop: source ended early")
)
