package loop

import (
	"net/netip"

	"medusa/poller"
)

// ListenOptions say where and how to listen.
type ListenOptions struct {
	Address netip.AddrPort // port 0: the system chooses
	Backlog int            // 0: 4096; the system may cap it (somaxconn)
	// Congestion names a congestion control for the accepted connections
	// (tcp(7), TCP_CONGESTION); "" leaves the system's.
	Congestion string
	ReusePort  bool // SO_REUSEPORT
	NoDelay    bool // TCP_NODELAY on accepted connections
	// SendBuffer and ReceiveBuffer are SO_SNDBUF and SO_RCVBUF in bytes; 0
	// leaves the kernel's own tuning on.
	SendBuffer, ReceiveBuffer int
}

// Listener accepts connections. Where it meets a limit (descriptors, memory,
// Config.MaxConnections) it pauses, and what comes waits in the backlog. It
// resumes when a connection ends, and, since others use descriptors too, after
// acceptRetry if it was the system's limit.
type Listener struct {
	loop    *Loop
	options ListenOptions
	accept  func(*Conn) Handler
	addr    netip.AddrPort
	token   poller.Token
	fd      int
	io      any // the engine's part
	stalled bool
	closed  bool
	queued  bool // readiness over an edge backend: see readiness_edge.go
	retry   Timer
}

// Listen begins to accept connections. accept gives each its Handler. It may
// be called before Run.
func (l *Loop) Listen(o ListenOptions, accept func(*Conn) Handler) (*Listener, error) {
	if o.Backlog == 0 {
		o.Backlog = 4096
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

// mayAccept says whether Config.MaxConnections allows one more.
func (l *Loop) mayAccept() bool {
	return l.cfg.MaxConnections == 0 || l.accepted < l.cfg.MaxConnections
}

// stall pauses accepting because of a limit, and, if retry, tries again after
// some time.
func (n *Listener) stall(retry bool) {
	if n.stalled || n.closed {
		return
	}
	l := n.loop
	n.stalled = true
	l.stalled++
	l.counts.ListenPauses++
	l.eng.pause(n)
	if retry {
		n.retry = l.At(l.Now().Add(acceptRetry), n.proceed)
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
