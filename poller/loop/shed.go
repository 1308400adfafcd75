package loop

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// This file turns clients away, for every engine that has real sockets.

// drainCalls and drainBytes bound what is read from a client that is refused:
// what he has sent before he is.
const (
	drainCalls = 4
	drainBytes = 4 << 10
)

// turnAway refuses who was accepted as fd: he gets the listener's Refusal and FIN.
// What he has sent already is taken first, as closing with unread input resets the
// connection and may destroy what he has not read (RFC 9112 section 9.6). What
// comes after that is answered with a reset, behind the refusal.
func (l *Loop) turnAway(n *Listener, fd int) {
	l.counts.Shed++
	n.failures = 0
	if l.drain == nil {
		l.drain = make([]byte, drainBytes)
	}
	for range drainCalls {
		l.counts.Calls[CallRead]++
		k, errno := rawRead(fd, l.drain)
		if errno == 0 {
			l.counts.BytesIn += uint64(k)
		}
		if errno != 0 || k < len(l.drain) {
			break
		}
	}
	if len(n.options.Refusal) > 0 {
		l.counts.Calls[CallWrite]++
		// A new socket has room for it; one that is reset already takes nothing.
		if k, errno := rawSend(fd, n.options.Refusal, true); errno == 0 {
			l.counts.BytesOut += uint64(k)
		}
	}
	l.counts.Calls[CallClose] += 2
	_ = rawShutdown(fd) // ENOTCONN: he has gone
	rawClose(fd)
}

// openSpare takes the descriptor by which a client can be refused when there is no
// other.
func (l *Loop) openSpare() error {
	fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("descriptor to refuse clients with: %w", err)
	}
	l.spare = fd
	l.counts.Calls[CallSocket]++
	return nil
}

func (l *Loop) closeSpare() {
	if l.spare >= 0 {
		l.counts.Calls[CallClose]++
		rawClose(l.spare)
		l.spare = -1
	}
}

// shedSocket refuses the client who has waited longest on n, although there is no
// descriptor: with the spare one. It is stalled if that is not to be had.
func (l *Loop) shedSocket(n *Listener) failure {
	if l.spare < 0 && l.openSpare() != nil {
		return stalled
	}
	l.closeSpare()
	l.counts.Calls[CallAccept]++
	fd, errno := rawAccept(n.fd)
	if errno == 0 {
		l.turnAway(n, fd)
	}
	_ = l.openSpare() // if another has taken it, the next client finds out
	switch errno {
	case 0:
		return tryAgain
	case unix.EAGAIN:
		return nobody
	}
	return stalled
}

// someoneWaits says whether an accept of n would find somebody.
func (l *Loop) someoneWaits(n *Listener) bool {
	l.counts.Calls[CallAccept]++ // it is part of what accepting costs
	return someoneWaits(n.fd)
}

// someoneWaits says whether an accept on a listening socket would find somebody.
func someoneWaits(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	k, _ := unix.Poll(p, 0)
	return k > 0
}
