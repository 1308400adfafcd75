package loop

import (
	"fmt"
	"syscall"
)

// OnFull says what becomes of who comes when there is no place: when as many
// connections are open as Config.MaxConnections allows, or the process has no
// descriptor left.
type OnFull uint8

const (
	// Pause leaves who comes in the kernel's backlog until a place comes free.
	Pause OnFull = iota
	// Shed accepts who comes, sends ListenOptions.Refusal, and closes. No
	// Handler hears of it; Counts.Shed does.
	Shed
	// Reap closes the connection that has been idle for longest, in the order
	// of last activity, to make a place. Only a Handler that is an Idler can
	// be idle; where nobody is, it is Pause. Counts.Reaped counts.
	Reap
)

var onFullNames = [...]string{Pause: "pause", Shed: "shed", Reap: "reap"}

// String is the name that ParseOnFull takes.
func (f OnFull) String() string {
	if int(f) < len(onFullNames) {
		return onFullNames[f]
	}
	return fmt.Sprintf("OnFull(%d)", uint8(f))
}

// ParseOnFull reads "pause", "shed" or "reap"; "" is Pause.
func ParseOnFull(name string) (OnFull, error) {
	for f, n := range onFullNames {
		if name == n {
			return OnFull(f), nil
		}
	}
	if name == "" {
		return Pause, nil
	}
	return Pause, fmt.Errorf(`on-full %q: give "pause", "shed" or "reap"`, name)
}

// Overdraft is how many descriptors a loop with so many listeners may hold for a
// moment beyond those of Config.MaxConnections connections: those that leave for
// somebody else (see leavingMost), or who was accepted and is about to be refused,
// and on each listener one who was accepted and has no place yet.
func Overdraft(listeners int) int { return leavingMost + listeners }

// SetMaxConnections changes Config.MaxConnections: n of 0 is no bound of the
// loop's own. Who is connected stays, also if there are more of them.
func (l *Loop) SetMaxConnections(n int) {
	l.cfg.MaxConnections = max(n, 0)
	l.unstall()
	for _, listener := range l.listeners {
		l.eng.rebound(listener)
	}
}

// mayAccept says whether there is a place for one more connection. One that was
// reaped has given up its place already.
func (l *Loop) mayAccept() bool { return l.cfg.MaxConnections == 0 || l.places() > 0 }

// places is how many more connections Config.MaxConnections allows, if it is not 0.
func (l *Loop) places() int { return l.cfg.MaxConnections - l.accepted + len(l.leaving) }

// admits says whether to accept now. If not, the listener waits: it has stalled,
// or nobody comes. Engines that hold who was accepted until there is a place
// may accept nevertheless while it has not stalled.
func (n *Listener) admits() bool {
	l := n.loop
	if n.options.Unbounded || l.mayAccept() {
		return true
	}
	switch l.cfg.OnFull {
	case Shed:
		return true
	case Reap:
		if l.reapable() {
			return true
		}
		if l.eng.pending(n) { // or there is nothing to try again for
			n.stall(l.order.retry())
		}
		return false
	}
	n.stall(0)
	return false
}

// place says whether there is a place for who has been accepted, after it has made
// one if the policy is to reap.
func (n *Listener) place() bool {
	l := n.loop
	if n.options.Unbounded || l.mayAccept() {
		return true
	}
	return l.cfg.OnFull == Reap && l.reapable() && l.reap()
}

// failure is what follows from an accept that failed.
type failure uint8

const (
	tryAgain failure = iota // at once
	nobody                  // waits: the next who comes is the next to accept
	stalled                 // the listener has stalled
)

// failuresInRow bounds the accepts that fail one after the other before the
// listener stalls. An error that is the client's goes with him, and the next
// accept is for the next client; one that does not go would be a spin.
const failuresInRow = 16

// failed takes note of an accept that failed with errno, which is not EAGAIN, and
// says what follows.
//
// accept(2) of Linux: "passes already-pending network errors on the new socket as
// an error code from accept()", to be treated "like EAGAIN by retrying"; POSIX has
// ECONNABORTED for a client that has gone. EMFILE and ENFILE mean that there is
// no descriptor, ENOBUFS and ENOMEM no memory, "not the end of the queue": who
// came still waits, and a poller reports him for ever. On Linux the first two
// come before anybody is looked for (__sys_accept4 takes a descriptor first),
// so that they do not say that somebody waits.
func (n *Listener) failed(errno syscall.Errno) failure {
	l := n.loop
	if errno == syscall.EINTR {
		return tryAgain
	}
	if errno != syscall.ECONNABORTED {
		l.counts.AcceptFailures++
	}
	wait := acceptRetry
	switch {
	case clientsError(errno):
		if n.failures++; n.failures < failuresInRow {
			return tryAgain
		}
	case errno == syscall.EMFILE || errno == syscall.ENFILE:
		switch l.cfg.OnFull {
		case Shed:
			if said := l.eng.shed(n); said != stalled {
				return said
			}
		case Reap:
			if !l.eng.pending(n) {
				return nobody
			}
			if l.reapNow() {
				return tryAgain
			}
			wait = l.order.retry()
		}
	}
	// To try again at once would be a spin, whatever else it is.
	n.failures = 0
	n.stall(wait)
	return stalled
}

// clientsError says whether errno is about one client, who has gone with it.
func clientsError(errno syscall.Errno) bool {
	switch errno {
	case syscall.ECONNABORTED, syscall.EPROTO, syscall.EPERM, syscall.ENETDOWN, syscall.ENOPROTOOPT,
		syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.EOPNOTSUPP, syscall.ENETUNREACH:
		return true // EPERM: a firewall's rules
	}
	return errno == noNetwork
}

// injected is the error that a test wants instead of an accept; 0 for none.
func (l *Loop) injected() syscall.Errno {
	if l.acceptError == nil {
		return 0
	}
	return l.acceptError()
}
