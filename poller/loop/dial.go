package loop

import (
	"net/netip"
	"time"
)

// DialOptions say where and how to connect.
type DialOptions struct {
	Address netip.AddrPort
	Source  netip.Addr // the local address; the zero Addr leaves it to the system
	// Timeout bounds the time to connect; 0 leaves it to the system. It
	// closes the connection with ETIMEDOUT.
	Timeout    time.Duration
	NoDelay    bool   // TCP_NODELAY
	Congestion string // TCP_CONGESTION; "" leaves the system's
	// ReceiveBuffer is SO_RCVBUF, in bytes, set before the connection is begun, so
	// that the peer is never offered more; Linux doubles it, for its own account,
	// and has a least (socket(7)). 0 leaves the system's.
	ReceiveBuffer int

	buffers Buffers
}

// Dial begins to connect. Either Opened or Closed of h follows, never during
// the call.
func (l *Loop) Dial(o DialOptions, h Handler) *Conn {
	c := &Conn{loop: l, handler: h, fd: -1, state: stateConnecting}
	c.timer.due = never
	l.table.addConn(c)
	c.furnish(o.Address.Addr)
	o.buffers = *c.kind()
	if err := l.eng.dial(c, o); err != nil {
		c.fail(err)
		return c
	}
	if o.Timeout > 0 {
		l.wheel.set(c, l.Now().Add(o.Timeout))
	}
	return c
}
