package truthd

import (
	"bytes"
	"container/heap"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"medusa/control"
)

// Reply is what every request is answered with.
const Reply = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!"

const (
	backlog = 4096
	// inBytes bounds a request's head.
	inBytes = 4096
	// logRoom is how many requests the log has room for before it has to grow.
	logRoom = 1 << 19
)

// Server is a truth server. It is one busy thread: Run returns when Stop was
// called.
type Server struct {
	plan    *Plan
	listen  int
	address netip.AddrPort
	stopped atomic.Bool
	open    atomic.Int64

	fds   []unix.PollFd // the listener's, then one of each of conns
	conns []*conn
	lost  bool // some of conns are gone
	due   replies
	log   []Entry
	pause Pauses
	in    [inBytes]byte
	reply []byte
}

// conn is a connection.
type conn struct {
	fd      int
	port    uint16
	ordinal int64
	rest    []byte // the beginning of a request
	gone    bool
}

// Listen opens a server on an IPv4 address; port 0 asks for any.
func Listen(address netip.AddrPort, s Spec) (*Server, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if !address.Addr().Is4() {
		return nil, fmt.Errorf("listen on %v: a truth server has an IPv4 address", address)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	unix.CloseOnExec(fd)
	v := &Server{plan: NewPlan(s), listen: fd, log: make([]Entry, logRoom), reply: []byte(Reply)}
	for i := range v.log {
		v.log[i].Port = 1 // touched now: no page fault later
	}
	v.log = v.log[:0]
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"setsockopt SO_REUSEADDR", func() error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) }},
		{"bind", func() error {
			return unix.Bind(fd, &unix.SockaddrInet4{Addr: address.Addr().As4(), Port: int(address.Port())})
		}},
		{"listen", func() error { return unix.Listen(fd, backlog) }},
		{"fcntl O_NONBLOCK", func() error { return unix.SetNonblock(fd, true) }},
		{"getsockname", func() error {
			sa, err := unix.Getsockname(fd)
			if in4, ok := sa.(*unix.SockaddrInet4); ok {
				v.address = netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), uint16(in4.Port))
			}
			return err
		}},
	} {
		if err := step.do(); err != nil {
			unix.Close(fd)
			return nil, fmt.Errorf("listen on %v: %w", address, os.NewSyscallError(step.name, err))
		}
	}
	v.fds = append(v.fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	return v, nil
}

// Address is where the server listens.
func (v *Server) Address() netip.AddrPort { return v.address }

// Open is how many connections are open. Any goroutine may call it.
func (v *Server) Open() int { return int(v.open.Load()) }

// Stop makes Run return. Any goroutine may call it.
func (v *Server) Stop() { v.stopped.Store(true) }

// Log is what the server knows of every request that it has read, in the order
// in which it read them. It may be called when Run has returned.
func (v *Server) Log() []Entry { return v.log }

// Pauses is how long the server was away, over the life of Run.
func (v *Server) Pauses() *Pauses { return &v.pause }

// Run serves until Stop, then closes everything. What was due then is not
// answered any more.
func (v *Server) Run() error {
	defer v.close()
	v.pause.begin(control.Monotonic)
	now := v.pause.from
	for !v.stopped.Load() {
		answered := v.answerDue(now)
		v.sweep()
		worked, err := v.turn()
		if err != nil {
			return err
		}
		now = control.Monotonic()
		v.pause.add(now, worked || answered)
	}
	return nil
}

// answerDue answers what is due, and says whether anything was: a pass with
// work is no pause.
func (v *Server) answerDue(now int64) (answered bool) {
	for len(v.due) > 0 && v.due[0].due <= now {
		v.answer(heap.Pop(&v.due).(reply), now)
		now = control.Monotonic()
		answered = true
	}
	return answered
}

// turn reads what is there, and says whether anything was.
func (v *Server) turn() (worked bool, err error) {
	n, err := unix.Poll(v.fds, 0)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return false, os.NewSyscallError("poll", err)
	}
	if n <= 0 {
		return false, nil
	}
	for i, c := range v.conns {
		if v.fds[1+i].Revents != 0 {
			v.read(c)
		}
	}
	v.sweep()
	if v.fds[0].Revents != 0 {
		return true, v.accept()
	}
	return true, nil
}

// accept takes every connection that waits.
func (v *Server) accept() error {
	for {
		fd, from, err := unix.Accept(v.listen)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.ECONNABORTED), errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("accept", err)
		}
		unix.CloseOnExec(fd)
		c := &conn{fd: fd}
		if in4, ok := from.(*unix.SockaddrInet4); ok {
			c.port = uint16(in4.Port)
		}
		if err := errors.Join(unix.SetNonblock(fd, true), unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)); err != nil {
			unix.Close(fd)
			return fmt.Errorf("a connection of port %d: %w", c.port, err)
		}
		v.conns = append(v.conns, c)
		v.fds = append(v.fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		v.open.Add(1)
	}
}

var headEnd = []byte("\r\n\r\n")

// read takes what one read returns. Every request in it arrived when that
// returned.
func (v *Server) read(c *conn) {
	n, err := unix.Read(c.fd, v.in[:])
	now := control.Monotonic()
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return
	case err != nil || n == 0 || len(c.rest)+n > inBytes:
		v.lose(c)
		return
	}
	c.rest = append(c.rest, v.in[:n]...)
	for {
		i := bytes.Index(c.rest, headEnd)
		if i < 0 {
			return
		}
		c.rest = c.rest[:copy(c.rest, c.rest[i+len(headEnd):])]
		v.take(c, now)
	}
}

// take takes one request.
func (v *Server) take(c *conn, now int64) {
	due, work, fate := v.plan.Decide(now, c.ordinal == 0)
	v.log = append(v.log, Entry{Port: c.port, Ordinal: c.ordinal, Arrival: now, Work: work, Fate: fate})
	c.ordinal++
	switch r := (reply{due, len(v.log), c, len(v.log) - 1}); {
	case fate == Mute:
	case due <= now && len(v.due) == 0:
		v.answer(r, now)
	default:
		heap.Push(&v.due, r)
	}
}

// answer writes a reply, or resets the connection if that is the request's
// fate. A connection that cannot take a reply at once is reset too: a truth that
// lies half in a buffer is none.
func (v *Server) answer(r reply, now int64) {
	e := &v.log[r.entry]
	if r.c.gone {
		return
	}
	if e.Fate == Aborted {
		_ = unix.SetsockoptLinger(r.c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		e.Reply = now
		v.lose(r.c)
		return
	}
	before := control.Monotonic()
	n, err := unix.Write(r.c.fd, v.reply)
	if err != nil || n != len(v.reply) {
		v.lose(r.c)
		return
	}
	e.Reply, e.Sent = before, control.Monotonic()
}

// lose gives a connection up. It is closed by sweep, when nobody goes through
// the list.
func (v *Server) lose(c *conn) { c.gone, v.lost = true, true }

func (v *Server) sweep() {
	if !v.lost {
		return
	}
	v.lost = false
	for i := len(v.conns) - 1; i >= 0; i-- {
		if v.conns[i].gone {
			v.drop(i)
		}
	}
}

// drop closes the i-th connection.
func (v *Server) drop(i int) {
	unix.Close(v.conns[i].fd)
	last := len(v.conns) - 1
	v.conns[i] = v.conns[last]
	v.conns = v.conns[:last]
	v.fds[1+i] = v.fds[1+last]
	v.fds = v.fds[:1+last]
	v.open.Add(-1)
}

func (v *Server) close() {
	for len(v.conns) > 0 {
		v.drop(len(v.conns) - 1)
	}
	unix.Close(v.listen)
}
