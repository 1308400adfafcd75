package loop

import (
	"fmt"
	"net/netip"
	"time"

	"medusa/poller"
)

// ListenOptions say where and how to listen.
type ListenOptions struct {
	Address netip.AddrPort // port 0: the system chooses
	Backlog int            // 0: 4096; the system may cap it (somaxconn)
	// Congestion names a congestion control for the accepted connections
	// (tcp(7), TCP_CONGESTION); "" leaves the system's.
	Congestion string
	// ReusePort lets several processes of a user listen at the address, among
	// which the kernel spreads connections where SpreadsConnections is true:
	// SO_REUSEPORT (socket(7)); on FreeBSD SO_REUSEPORT_LB. All have to ask for it.
	ReusePort bool
	// First, with ReusePort, is for the first of these processes: it fails like
	// one without, if others listen at the address already.
	First   bool
	NoDelay bool // TCP_NODELAY on accepted connections
	// AcceptsPerTurn is how many connections the listener accepts in a turn, from
	// 1 (one for each time that somebody is reported) to MaxAcceptsPerTurn;
	// 0 means DefaultAcceptsPerTurn. With many it accepts until nobody waits. On
	// goroutines it changes nothing: a goroutine accepts one, lets others go
	// first, and accepts the next. On io_uring up to 16 it is also how many
	// accepts are in flight, which take one connection each.
	AcceptsPerTurn int
	// DeferAccept, over 0, keeps a connection in the kernel until its client
	// has sent something or about so long has passed (tcp(7),
	// TCP_DEFER_ACCEPT). Linux only: an error elsewhere.
	DeferAccept time.Duration
	// InlineUrgent leaves urgent data where it was sent in the stream: SO_OOBINLINE
	// (socket(7)). Without, the last byte of it is lost.
	InlineUrgent bool
	// Unbounded: connections take no place of Config.MaxConnections, and nobody is
	// refused for want of one. Who listens bounds them: it is for connections that
	// those who have a place need, as FTP's for data.
	Unbounded bool
	// Refusal is what a client gets that is refused because of Shed, before FIN;
	// nil for nothing. Nobody may modify it.
	Refusal []byte

	buffers Buffers // that accepted connections inherit
}

// DefaultAcceptsPerTurn and MaxAcceptsPerTurn bound ListenOptions.AcceptsPerTurn.
const (
	DefaultAcceptsPerTurn = 64
	MaxAcceptsPerTurn     = 1 << 16
)

// Listener accepts connections. Where it meets a limit (descriptors, memory,
// Config.MaxConnections) that Config.OnFull has no answer to, it pauses, and what
// comes waits in the backlog. It resumes when a connection ends, and, since others
// use descriptors too, after acceptRetry if it was the system's limit.
type Listener struct {
	loop    *Loop
	options ListenOptions
	accept  func(*Conn) Handler
	addr    netip.AddrPort
	token   poller.Token
	fd      int // -1 on sim
	io      any // the engine's part
	stalled bool
	closed  bool
	queued  bool // readiness over an edge backend: see readiness_edge.go
	retry   Timer
	// failures counts the accepts that failed one after the other.
	failures int
}

// Listen begins to accept connections. accept gives each its Handler. It may
// be called before Run.
func (l *Loop) Listen(o ListenOptions, accept func(*Conn) Handler) (*Listener, error) {
	if o.Backlog == 0 {
		o.Backlog = 4096
	}
	if o.AcceptsPerTurn == 0 {
		o.AcceptsPerTurn = DefaultAcceptsPerTurn
	}
	if o.AcceptsPerTurn < 1 || o.AcceptsPerTurn > MaxAcceptsPerTurn {
		return nil, fmt.Errorf("%d accepts in a turn: give a number from 1 to %d", o.AcceptsPerTurn, MaxAcceptsPerTurn)
	}
	if l.inherited {
		o.buffers = l.buffersOf[0]
	}
	n := &Listener{loop: l, options: o, accept: accept, fd: -1}
	l.table.addListener(n)
	if err := l.eng.listen(n); err != nil {
		l.table.remove(n.token)
		return nil, err
	}
	l.listeners = append(l.listeners, n)
	return n, nil
}

// Addr is the address listened on, its port filled in.
func (n *Listener) Addr() netip.AddrPort { return n.addr }

// Close stops listening. Connections go on.
func (n *Listener) Close() {
	l := n.loop
	if n.closed {
		return
	}
	n.closed = true
	n.retry.Stop()
	if n.stalled {
		l.stalled--
	}
	l.eng.unlisten(n)
	l.table.remove(n.token)
	for i, other := range l.listeners {
		if other == n {
			l.listeners = append(l.listeners[:i], l.listeners[i+1:]...)
			break
		}
	}
}

// stall pauses accepting because of a limit until a connection ends, or, if wait
// is not 0, has passed.
func (n *Listener) stall(wait time.Duration) {
	if n.stalled || n.closed {
		return
	}
	l := n.loop
	n.stalled = true
	l.stalled++
	l.counts.ListenPauses++
	l.eng.pause(n)
	if wait > 0 {
		n.retry = l.At(l.Now().Add(wait), n.proceed)
	}
}

// proceed resumes accepting.
func (n *Listener) proceed() {
	if !n.stalled || n.closed {
		return
	}
	n.stalled = false
	n.loop.stalled--
	n.retry.Stop()
	n.loop.eng.resume(n)
}

// unstall resumes the listeners that wait for a connection to end.
func (l *Loop) unstall() {
	if l.stalled == 0 || l.stopping {
		return
	}
	for _, n := range l.listeners {
		n.proceed()
	}
}
