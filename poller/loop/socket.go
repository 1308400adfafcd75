package loop

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// This file makes sockets, for every engine that has real ones. What happens
// once a connection or less often is here, by x/sys; what happens once a
// request is in rawio_*.go.

// sockaddr converts an address and names its family.
func sockaddr(a netip.AddrPort) (unix.Sockaddr, int) {
	if ip := a.Addr().Unmap(); ip.Is4() {
		return &unix.SockaddrInet4{Addr: ip.As4(), Port: int(a.Port())}, unix.AF_INET
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}, unix.AF_INET6
}

func fromSockaddr(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// listenSocket opens a non-blocking listening socket. Options that accepted
// sockets inherit are set here, once (tcp(7); FreeBSD and Darwin inherit them
// as well).
func listenSocket(o ListenOptions) (fd int, bound netip.AddrPort, err error) {
	sa, family := sockaddr(o.Address)
	fd, err = streamSocket(family)
	if err != nil {
		return -1, bound, os.NewSyscallError("socket", err)
	}
	fail := func(call string, err error) (int, netip.AddrPort, error) {
		unix.Close(fd)
		return -1, netip.AddrPort{}, fmt.Errorf("listen on %v: %w", o.Address, os.NewSyscallError(call, err))
	}
	options := []struct {
		on         bool
		level, opt int
		value      int
		name       string
	}{
		{true, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1, "SO_REUSEADDR"},
		{o.ReusePort, unix.SOL_SOCKET, reusePort, 1, "SO_REUSEPORT"},
		{o.InlineUrgent, unix.SOL_SOCKET, unix.SO_OOBINLINE, 1, "SO_OOBINLINE"},
		{o.NoDelay, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1, "TCP_NODELAY"},
	}
	for _, s := range options {
		if s.on {
			if err := unix.SetsockoptInt(fd, s.level, s.opt, s.value); err != nil {
				return fail("setsockopt "+s.name, err)
			}
		}
	}
	if err := setBuffers(fd, o.buffers, new(Calls)); err != nil {
		unix.Close(fd)
		return -1, bound, fmt.Errorf("listen on %v: %w", o.Address, err)
	}
	if err := setCongestion(fd, o.Congestion); err != nil {
		return fail("setsockopt TCP_CONGESTION "+o.Congestion, err)
	}
	if o.DeferAccept > 0 {
		if err := setDeferAccept(fd, o.DeferAccept); err != nil {
			unix.Close(fd)
			return -1, bound, fmt.Errorf("listen on %v: %w", o.Address, err)
		}
	}
	if o.ReusePort && o.First && o.Address.Port() != 0 {
		if err := bindAlone(sa, family); err != nil {
			return fail("bind", err)
		}
	}
	if err := unix.Bind(fd, sa); err != nil {
		return fail("bind", err)
	}
	if err := unix.Listen(fd, o.Backlog); err != nil {
		return fail("listen", err)
	}
	got, err := unix.Getsockname(fd)
	if err != nil {
		return fail("getsockname", err)
	}
	return fd, fromSockaddr(got), nil
}

// bindAlone finds out whether an address can be had without SO_REUSEPORT. With
// it, a server started twice by mistake would share its clients with itself.
// Between this and the bind that counts there is a moment in which it could.
func bindAlone(sa unix.Sockaddr, family int) error {
	fd, err := streamSocket(family)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	return unix.Bind(fd, sa)
}

// dialSocket opens a non-blocking socket and begins to connect it.
func dialSocket(o DialOptions, calls *Calls) (fd int, err error) {
	sa, family := sockaddr(o.Address)
	calls[CallSocket]++
	fd, err = streamSocket(family)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if o.NoDelay {
		calls[CallSocket]++
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			unix.Close(fd)
			return -1, os.NewSyscallError("setsockopt TCP_NODELAY", err)
		}
	}
	if err := setCongestion(fd, o.Congestion); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("setsockopt TCP_CONGESTION "+o.Congestion, err)
	}
	if o.ReceiveBuffer > 0 {
		o.buffers.Receive = o.ReceiveBuffer
	}
	if err := setBuffers(fd, o.buffers, calls); err != nil {
		unix.Close(fd)
		return -1, err
	}
	if o.Source.IsValid() {
		calls[CallSocket] += 2
		if err := bindSource(fd, o.Source); err != nil {
			unix.Close(fd)
			return -1, fmt.Errorf("bind to %v: %w", o.Source, err)
		}
	}
	calls[CallConnect]++
	if err := unix.Connect(fd, sa); err != nil && err != unix.EINPROGRESS && err != unix.EINTR {
		unix.Close(fd)
		return -1, os.NewSyscallError("connect", err)
	}
	return fd, nil
}

// bindSource binds to an address and lets connect choose the port, so that a
// port can serve once for each destination (ip(7), IP_BIND_ADDRESS_NO_PORT).
func bindSource(fd int, source netip.Addr) error {
	if err := bindNoPort(fd); err != nil {
		return err
	}
	sa, _ := sockaddr(netip.AddrPortFrom(source, 0))
	return os.NewSyscallError("bind", unix.Bind(fd, sa))
}

// socketError takes the pending error of a socket (SO_ERROR).
func socketError(fd int) error {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	if n != 0 {
		return os.NewSyscallError("connect", unix.Errno(n))
	}
	return nil
}

// closeSocket closes a socket, by RST if reset (socket(7), SO_LINGER).
func closeSocket(fd int, reset bool) {
	if reset {
		// A socket that was never connected refuses this; closing suffices.
		_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	unix.Close(fd)
}

func socketAddresses(fd int) (local, remote netip.AddrPort) {
	if sa, err := unix.Getsockname(fd); err == nil {
		local = fromSockaddr(sa)
	}
	if sa, err := unix.Getpeername(fd); err == nil {
		remote = fromSockaddr(sa)
	}
	return local, remote
}
