package loop

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"syscall"
	"time"
)

// SimConfig configures the backend "sim".
type SimConfig struct {
	// Seed decides the order of what happens at one time and where
	// deliveries are cut.
	Seed uint64
	// Latency is how long bytes, FIN, RST and a connect take one way.
	Latency time.Duration
	// MaxChunk, when over 0, cuts deliveries at random sizes from 1 to it.
	MaxChunk int
	// Window bounds the bytes in flight and unread in a direction; 0 means
	// 64 KiB.
	Window int
}

// sim is an engine without a system: connections in memory between the
// listeners and the dials of one loop, a clock that jumps from event to
// event, and an order of simultaneous events that comes from a seed. Calls
// cost no time. It is deterministic.
type sim struct {
	loop   *Loop
	cfg    SimConfig
	rand   *rand.Rand
	clock  Time
	events simEvents
	bound  map[netip.AddrPort]*Listener
	ports  uint16
}

// simEnd is one end of a connection in memory.
type simEnd struct {
	conn   *Conn // nil until accepted, and again after release
	peer   *simEnd
	addr   netip.AddrPort
	wire   [][]byte // sent by the peer, not yet here; nil stands for FIN
	inbox  []byte   // here, not yet read
	space  int      // what may still be sent to the peer
	fin    bool     // FIN is here, behind the inbox
	reset  bool     // RST is here
	closed bool     // this end was released
	busy   bool     // a visit is pending
}

// simEpoch is the wall clock's start.
var simEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func newSim(l *Loop) engine {
	e := &sim{loop: l, bound: map[netip.AddrPort]*Listener{}, ports: 49152}
	if l.cfg.Sim != nil {
		e.cfg = *l.cfg.Sim
	}
	if e.cfg.Window <= 0 {
		e.cfg.Window = 64 << 10
	}
	e.rand = rand.New(rand.NewPCG(e.cfg.Seed, 0x6d656475_7361))
	e.events.rand = e.rand
	return e
}

func (e *sim) pin() func()     { return func() {} }
func (e *sim) now() Time       { return e.clock }
func (e *sim) wall() time.Time { return simEpoch.Add(time.Duration(e.clock)) }
func (e *sim) wake()           {}
func (e *sim) hurry(Time)      {}
func (e *sim) counts(*Counts)  {}
func (e *sim) close() error    { return nil }

// after schedules f.
func (e *sim) after(d time.Duration, f func()) { e.events.push(e.clock.Add(d), f) }

// turn runs one event, or moves the clock to until if that comes first.
func (e *sim) turn(until Time) error {
	l := e.loop
	at, ok := e.events.first()
	switch {
	case ok && at <= max(until, e.clock):
		e.clock = max(e.clock, at)
		l.counts.Waits++
		l.counts.Events++
		e.events.pop()()
		return nil
	case until == never:
		return errQuiet
	default:
		e.clock = max(e.clock, until)
		return nil
	}
}

func (e *sim) port() uint16 {
	e.ports++
	if e.ports == 0 {
		e.ports = 49152
	}
	return e.ports
}

func (e *sim) listen(n *Listener) error {
	n.addr = n.options.Address
	if n.addr.Port() == 0 {
		n.addr = netip.AddrPortFrom(n.addr.Addr(), e.port())
	}
	if e.bound[n.addr] != nil {
		return fmt.Errorf("listen on %v: %w", n.addr, syscall.EADDRINUSE)
	}
	e.bound[n.addr] = n
	n.io = &simBacklog{}
	return nil
}

// simBacklog holds connections that were established and not yet accepted.
type simBacklog struct{ waiting []*simEnd }

func (e *sim) unlisten(n *Listener) {
	delete(e.bound, n.addr)
	for _, end := range n.io.(*simBacklog).waiting {
		e.hang(end, true)
	}
}

func (e *sim) pause(*Listener) {}

func (e *sim) resume(n *Listener) { e.after(0, func() { e.accept(n) }) }

func (e *sim) rebound(*Listener) {}

func (e *sim) pending(n *Listener) bool { return len(n.io.(*simBacklog).waiting) > 0 }

func (e *sim) shed(n *Listener) failure {
	if !e.pending(n) {
		return nobody
	}
	e.turnAway(n)
	return tryAgain
}

// turnAway refuses the client who has waited longest, as sockets do.
func (e *sim) turnAway(n *Listener) {
	b := n.io.(*simBacklog)
	end := b.waiting[0]
	b.waiting = b.waiting[1:]
	e.loop.counts.Shed++
	n.failures = 0
	e.loop.counts.BytesIn += uint64(len(end.inbox))
	e.loop.counts.BytesOut += uint64(len(n.options.Refusal))
	if len(n.options.Refusal) > 0 {
		e.send(end.peer, n.options.Refusal)
	}
	e.hang(end, false)
}

func (e *sim) accept(n *Listener) {
	b := n.io.(*simBacklog)
	for accepted := 0; len(b.waiting) > 0 && !n.stalled && !n.closed; accepted++ {
		if accepted == n.options.AcceptsPerTurn {
			e.resume(n)
			return
		}
		if !n.admits() {
			return
		}
		if errno := e.loop.injected(); errno != 0 {
			n.failed(errno)
			continue
		}
		switch admitted := n.place(); {
		case n.closed: // by the Handler of one who left
			return
		case !admitted:
			e.turnAway(n)
			continue
		}
		end := b.waiting[0]
		b.waiting = b.waiting[1:]
		end.conn = n.adopt(-1, end)
		end.conn.opened()
		e.visit(end)
	}
}

func (e *sim) dial(c *Conn, o DialOptions) error {
	source := o.Source
	if !source.IsValid() {
		source = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	near := &simEnd{conn: c, space: e.cfg.Window, addr: netip.AddrPortFrom(source, e.port())}
	far := &simEnd{peer: near, space: e.cfg.Window, addr: o.Address}
	near.peer = far
	c.io = near
	e.after(e.cfg.Latency, func() {
		n := e.bound[o.Address]
		if n == nil {
			e.after(e.cfg.Latency, func() {
				if near.conn != nil {
					c.fail(fmt.Errorf("connect: %w", syscall.ECONNREFUSED))
				}
			})
			return
		}
		b := n.io.(*simBacklog)
		b.waiting = append(b.waiting, far)
		e.accept(n)
		e.after(e.cfg.Latency, func() {
			if near.conn != nil && !c.gone() {
				c.opened()
				e.visit(near)
			}
		})
	})
	return nil
}

func (e *sim) socket(*Conn, func(int)) {}

func (e *sim) addresses(c *Conn) (local, remote addrPort) {
	end := c.io.(*simEnd)
	return end.addr, end.peer.addr
}

// visit lets an end read, now but not inside the present event.
func (e *sim) visit(end *simEnd) {
	if !end.busy {
		end.busy = true
		e.after(0, func() {
			end.busy = false
			e.read(end)
		})
	}
}

func (e *sim) chunk(n int) int {
	if e.cfg.MaxChunk > 0 {
		n = min(n, 1+e.rand.IntN(e.cfg.MaxChunk))
	}
	return n
}

// read delivers to an end what is there, if it wants it.
func (e *sim) read(end *simEnd) {
	c := end.conn
	if c == nil || c.gone() || c.state == stateConnecting || !c.wantsRead() {
		return
	}
	l := e.loop
	if len(end.inbox) == 0 {
		switch {
		case end.reset:
			c.fail(syscall.ECONNRESET)
		case end.fin:
			c.hangup()
		}
		return
	}
	l.counts.Calls[CallRead]++
	n := e.chunk(min(len(end.inbox), c.InSize()-len(c.rest), turnBytes))
	p := append(append([]byte(nil), c.rest...), end.inbox[:n]...)
	end.inbox = end.inbox[n:]
	l.counts.BytesIn += uint64(n)
	e.credit(end.peer, n)
	if c.state == stateLingering || c.closing {
		c.lingered(n)
	} else {
		c.deliver(p)
	}
	e.visit(end)
}

// credit lets an end send n bytes more, once the news has travelled.
func (e *sim) credit(end *simEnd, n int) {
	e.after(e.cfg.Latency, func() {
		end.space += n
		if c := end.conn; c != nil && !c.gone() {
			c.touch()
		}
	})
}

func (e *sim) update(c *Conn) {
	end := c.io.(*simEnd)
	for c.wantsWrite() {
		if c.allowance() <= 0 {
			e.after(0, c.touch)
			break
		}
		if end.reset {
			c.fail(syscall.EPIPE)
			return
		}
		s, err := c.out.fill(c)
		if err != nil {
			c.fail(err)
			return
		}
		if s == nil {
			break
		}
		if end.space == 0 {
			c.full()
			break
		}
		p := s.p
		if s.f != nil {
			p = make([]byte, s.sendable(c.OutSize()))
			n, err := s.f.ReadAt(p, s.off)
			if n == 0 {
				c.fail(fmt.Errorf("%w: %v", ErrShort, err))
				return
			}
			p = p[:n]
		}
		n := e.chunk(min(len(p), end.space, c.allowance()))
		end.space -= n
		e.loop.counts.Calls[CallWrite]++
		e.send(end.peer, append(make([]byte, 0, n), p[:n]...))
		c.sent(int64(n), e.clock)
		c.spent += int32(n)
	}
	c.trim()
	if c.wantsRead() && (len(end.inbox) > 0 || end.fin || end.reset) {
		e.visit(end)
	}
}

// send puts p, or FIN if p is nil, on the wire to an end.
func (e *sim) send(to *simEnd, p []byte) {
	to.wire = append(to.wire, p)
	e.after(e.cfg.Latency, func() {
		p := to.wire[0]
		to.wire = to.wire[1:]
		switch {
		case to.reset:
		case to.closed && p != nil:
			e.hang(to, true) // nobody is there: RST, as TCP does
		case p == nil:
			to.fin = true
		default:
			to.inbox = append(to.inbox, p...)
		}
		e.visit(to)
	})
}

func (e *sim) halfClose(c *Conn) { e.send(c.io.(*simEnd).peer, nil) }

// hang tells an end's peer that this end is gone.
func (e *sim) hang(end *simEnd, reset bool) {
	end.closed = true
	if !reset {
		e.send(end.peer, nil)
		return
	}
	e.after(e.cfg.Latency, func() {
		end.peer.reset = true
		if c := end.peer.conn; c != nil && !c.gone() {
			c.touch() // what it has queued cannot be sent: it may not read
		}
		e.visit(end.peer)
	})
}

func (e *sim) release(c *Conn, reset bool, done func()) {
	end := c.io.(*simEnd)
	end.conn = nil
	if !end.closed && !end.reset {
		// Closing with unread input resets, as on Linux.
		e.hang(end, reset || len(end.inbox) > 0)
	}
	done()
}
