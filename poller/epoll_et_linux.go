// epoll-et: epoll with EPOLLET, so that a report is made when something happens
// and not again while it lasts.
//
// What it saves. In level mode epoll_wait puts what it reports back on the
// ready list and polls it once more next time to find it not ready
// (ep_send_events in fs/eventpoll.c); an edge is taken off and is done with.
// And as a report costs nothing until something changes, both directions are
// registered once: no epoll_ctl when output meets a full buffer and again when
// it is through, none to pause and to resume. What it costs. The caller must
// remember what was reported, and must find out by itself when that is over:
// by EAGAIN, or by a read that gets less than was asked. Each new registration
// is reported writable at once, one event per connection that says nothing.
// All of this is user code, and a mistake in it is not a spin but a connection
// that never wakes up again.
//
// Traps.
//   - A short read is the end of what there is, for a stream (epoll(7),
//     questions and answers), unless something stands behind it that makes no
//     edge of its own any more: FIN or an error that was reported together with
//     the data, or data behind an urgent mark, where recv stops
//     (tcp_recvmsg_locked in net/ipv4/tcp.c). So EPOLLRDHUP and EPOLLPRI are
//     asked for beside EPOLLIN, and these, EPOLLHUP and EPOLLERR are reported
//     as More: read until EAGAIN. Whatever comes after a report is an edge
//     again, so a short read after a report without them may be trusted.
//     Signals make no read short: tcp_recvmsg_locked looks at them only when
//     the queue is empty (a test pins it), or at an urgent mark, where it says
//     EAGAIN if one is pending: after More, one EAGAIN is not enough.
//   - EPOLLOUT comes only after a send that found the buffer full, because
//     only that leaves the mark (SOCK_NOSPACE) by which freed room is
//     announced. A send that was cut short has set it as well; a sendfile that
//     was cut short perhaps not: the file may have ended.
//   - Nothing is reported twice, so who stops early, because others want their
//     turn or because a buffer is full, must come back unasked. A caller that
//     reads until EAGAIN before it looks at others starves them behind one
//     fast sender.
//   - A report tells what is ready when it is taken, not what made it. Input
//     that was read meanwhile shows as EPOLLOUT alone.
//   - EPOLL_CTL_MOD re-arms: it polls at once and reports anew what is ready,
//     even where the mask does not change. Add after no interest does the same.
//   - One accept per report loses connections: reports are not counted.

package poller

import "golang.org/x/sys/unix"

// edgeMore are the events after which a short read is not the end.
const edgeMore = unix.EPOLLRDHUP | unix.EPOLLPRI | unix.EPOLLHUP | unix.EPOLLERR

// edgeAsked is what an edge-triggered registration asks for beside the
// directions wanted.
func edgeAsked(want Interest) uint32 {
	if want&Read == 0 {
		return unix.EPOLLET
	}
	return unix.EPOLLET | unix.EPOLLRDHUP | unix.EPOLLPRI
}

func init() {
	register("epoll-et", func() Backend {
		return epollBackend("epoll-et", Edge,
			"Linux; epoll that reports changes only: no system call to change interest, and the program remembers what is still ready.")
	})
}
