//go:build unix

package loop

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// This file is what connections have in the kernel: socket(7), tcp(7).

// setBuffers sets what b says of a socket's buffers. FreeBSD, Linux and macOS let
// accepted sockets inherit it.
func setBuffers(fd int, b Buffers, calls *Calls) error {
	for _, o := range []struct {
		size, option int
		name, most   string
	}{
		{b.Receive, unix.SO_RCVBUF, "SO_RCVBUF", "net.core.rmem_max"},
		{b.Send, unix.SO_SNDBUF, "SO_SNDBUF", "net.core.wmem_max"},
	} {
		if o.size == 0 {
			continue
		}
		calls[CallSocket] += 2
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, o.option, o.size); err != nil {
			return fmt.Errorf("%s of %d bytes: %w", o.name, o.size, os.NewSyscallError("setsockopt", err))
		}
		got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, o.option)
		if err != nil {
			return fmt.Errorf("%s: %w", o.name, os.NewSyscallError("getsockopt", err))
		}
		if got < o.size*kernelFactor {
			return fmt.Errorf("%s of %d bytes: the system allows %d at most (%s)", o.name, o.size, got/kernelFactor, o.most)
		}
	}
	if b.Auto {
		calls[CallSocket]++
		if err := setUnsent(fd, unsentOf(0)); err != nil {
			return fmt.Errorf("TCP_NOTSENT_LOWAT: %w", os.NewSyscallError("setsockopt", err))
		}
	}
	return nil
}

// setKernelBuffers gives an accepted connection those of its class.
func (c *Conn) setKernelBuffers() {
	l := c.loop
	l.eng.socket(c, func(fd int) {
		if err := setBuffers(fd, *c.kind(), &l.counts.Calls); err != nil {
			c.fail(err)
		}
	})
}

// boundUnsent bounds what waits unsent in the kernel, in bytes; 0 takes the bound
// away.
func (c *Conn) boundUnsent(bytes int) {
	l := c.loop
	l.eng.socket(c, func(fd int) {
		l.counts.Calls[CallSocket]++
		// A socket that was reset meanwhile says so when it is used.
		_ = setUnsent(fd, bytes)
	})
}
