package faults

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A loop ends connections by FIN or RST. Who vanishes sends neither: a socket
// that is closed in repair mode (tcp(7), TCP_REPAIR; CAP_NET_ADMIN) is forgotten
// by the kernel without a word. What then comes for it is answered with RST, as
// by a machine that has started again: of one that is gone for good, the server
// would hear nothing at all.

// vanishTimeout bounds each step of a client that vanishes.
const vanishTimeout = time.Second

// cannotVanish says why TCP_REPAIR is not to be had; "" where it is.
func cannotVanish() string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "" // for want of a descriptor: a failure of the moment
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, 1); err != nil {
		return fmt.Sprintf("peers that vanish need TCP_REPAIR, which is refused here (%v): run as root, or with CAP_NET_ADMIN", err)
	}
	return ""
}

// vanishing is a client that vanishes. It blocks, so it does its work off the
// loop.
type vanishing struct {
	to      netip.AddrPort
	from    netip.Addr
	request []byte

	opened, answered bool
	in, out          int
}

// run connects, asks, reads the beginning of the reply and vanishes.
func (v *vanishing) run() error {
	to, family := sockaddr(v.to)
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	bound := unix.NsecToTimeval(int64(vanishTimeout))
	for _, option := range []int{unix.SO_SNDTIMEO, unix.SO_RCVTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, option, &bound); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if v.from.IsValid() {
		from, _ := sockaddr(netip.AddrPortFrom(v.from, 0))
		if err := unix.Bind(fd, from); err != nil {
			return os.NewSyscallError("bind", err)
		}
	}
	if err := connect(fd, to); err != nil {
		return os.NewSyscallError("connect", err)
	}
	v.opened = true
	if err := restarted(func() (err error) { v.out, err = unix.Write(fd, v.request); return }); err != nil {
		v.out = 0
		return os.NewSyscallError("write", err)
	}
	reply := make([]byte, 4096)
	if err := restarted(func() (err error) { v.in, err = unix.Read(fd, reply); return }); err != nil {
		v.in = 0
		return os.NewSyscallError("read", err)
	}
	if v.in == 0 {
		return os.NewSyscallError("read", unix.ECONNRESET) // the server has gone first
	}
	v.answered = true
	return os.NewSyscallError("setsockopt TCP_REPAIR", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, 1))
}

// connect connects a socket with a timeout for sending, which bounds connect as
// well (socket(7), SO_SNDTIMEO). A connect that a signal interrupted goes on.
func connect(fd int, to unix.Sockaddr) error {
	switch err := unix.Connect(fd, to); err {
	case unix.EINTR:
	case unix.EINPROGRESS:
		return unix.ETIMEDOUT
	default:
		return err
	}
	wait := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	if err := restarted(func() error { _, err := unix.Poll(wait, int(vanishTimeout/time.Millisecond)); return err }); err != nil {
		return err
	}
	if wait[0].Revents == 0 {
		return unix.ETIMEDOUT
	}
	if n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || n != 0 {
		return errors.Join(err, unix.Errno(n))
	}
	return nil
}

// restarted repeats a call that a signal interrupted, such as the one by which
// Go's runtime preempts.
func restarted(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

func sockaddr(a netip.AddrPort) (unix.Sockaddr, int) {
	if ip := a.Addr().Unmap(); ip.Is4() {
		return &unix.SockaddrInet4{Addr: ip.As4(), Port: int(a.Port())}, unix.AF_INET
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}, unix.AF_INET6
}
