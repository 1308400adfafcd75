package faults

import "medusa/poller/loop"

// manner is how the clients of a kind behave.
type manner interface {
	opened(c *client)
	received(c *client)
	expired(c *client)
	ended(c *client)
}

// client is one connection of a fault: a loop.Handler.
type client struct {
	f        *Fault
	c        *loop.Conn
	opened   bool // established
	answered bool // something came
	left     bool // it decided to go
	sent     int  // bytes of the endless head
}

// Opened implements loop.Handler.
func (c *client) Opened(*loop.Conn) {
	f := c.f
	c.opened = true
	f.did.Opened++
	f.open++
	f.did.OpenMost = max(f.did.OpenMost, uint64(f.open))
	if f.ended {
		c.leave()
		return
	}
	f.kind.manner.opened(c)
}

// Received implements loop.Handler.
func (c *client) Received(_ *loop.Conn, p []byte) int {
	if !c.answered {
		c.answered = true
		c.f.did.Answered++
	}
	c.f.kind.manner.received(c)
	return len(p)
}

// Ended implements loop.Handler.
func (c *client) Ended(*loop.Conn) { c.f.kind.manner.ended(c) }

// Expired implements loop.Handler.
func (c *client) Expired(*loop.Conn) { c.f.kind.manner.expired(c) }

// Drained implements loop.Handler.
func (c *client) Drained(*loop.Conn) {}

// Closed implements loop.Handler.
func (c *client) Closed(_ *loop.Conn, err error) { c.f.lost(c, err) }

// ask sends all requests of a client.
func (c *client) ask() {
	c.f.did.Requests += uint64(c.f.kind.requests)
	c.c.WriteShared(c.f.request)
}

// leave goes as a process does that ends: by RST where input is unread.
func (c *client) leave() {
	c.left = true
	if c.f.kind.abort || !c.opened {
		c.c.Abort()
		return
	}
	c.c.CloseWhenDone()
}

// patient is what a client does that does nothing: whatever comes is thrown
// away, and when the server ends the connection it is over.
type patient struct{}

func (patient) opened(*client)   {}
func (patient) received(*client) {}
func (patient) expired(*client)  {}
func (patient) ended(c *client)  { c.c.CloseWhenDone() }

// silent connects and never says anything.
type silent struct{ patient }

// endless begins the head that dribbling sends; its last field goes on for ever.
const endless = "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "

// dribbling sends a head a byte at a time. The idea is that of Slowloris
// (R. Hansen, 2009): a thread or process that serves one client at a time is
// taken by each.
type dribbling struct{ patient }

func (dribbling) opened(c *client) { dribbling{}.expired(c) }

func (dribbling) expired(c *client) {
	b := byte('a')
	if c.sent < len(endless) {
		b = endless[c.sent]
	}
	c.sent++
	c.c.Write([]byte{b})
	c.c.SetDeadline(c.f.s.Every)
}

// leaving asks for much and resets the connection when it begins to come.
type leaving struct{ patient }

func (leaving) opened(c *client)   { c.ask() }
func (leaving) received(c *client) { c.leave() }

// asking asks and takes the reply; the server ends the connection if it was
// asked to, else the client stays.
type asking struct{ patient }

func (asking) opened(c *client) { c.ask() }

// deaf asks for much and never reads, so it does not see its connection end
// either.
type deaf struct{ patient }

func (deaf) opened(c *client) {
	c.c.Pause()
	c.ask()
}
