//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package loop

import (
	"os"

	"golang.org/x/sys/unix"
)

// The BSDs and macOS want system calls to go through their C library or by
// x/sys, so there is no raw way here; see rawio_linux.go for why Linux has
// one.

func errnoOf(err error) unix.Errno {
	if e, ok := err.(unix.Errno); ok {
		return e
	}
	if err != nil {
		return unix.EIO
	}
	return 0
}

func rawRead(fd int, p []byte) (int, unix.Errno) {
	n, err := unix.Read(fd, p)
	return n, errnoOf(err)
}

func rawSend(fd int, p []byte, _ bool) (int, unix.Errno) {
	n, err := unix.Write(fd, p)
	return n, errnoOf(err)
}

// vectorLength is how many slices are gathered into one send: one, as writev is
// not in x/sys for all of these systems.
const vectorLength = 1

func rawSendVector(fd int, v [][]byte, more bool) (int, unix.Errno) {
	return rawSend(fd, v[0], more)
}

// rawSendFile copies through memory: the sendfile of these systems differs
// from one to the next, and NetBSD and OpenBSD have none.
func rawSendFile(fd, file int, off int64, n int) (int, unix.Errno) {
	buf := make([]byte, min(n, 64<<10))
	k, err := unix.Pread(file, buf, off)
	if err != nil || k == 0 {
		return 0, errnoOf(err)
	}
	return rawSend(fd, buf[:k], false)
}

func rawReadFile(file int, p []byte, off int64) (int, unix.Errno) {
	n, err := unix.Pread(file, p, off)
	return n, errnoOf(err)
}

func rawAccept(fd int) (int, unix.Errno) {
	n, _, err := unix.Accept(fd)
	if err != nil {
		return -1, errnoOf(err)
	}
	if err := prepare(n); err != nil {
		unix.Close(n)
		return -1, errnoOf(err)
	}
	return n, 0
}

// rawShutdown sends the FIN.
func rawShutdown(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) }

func rawClose(fd int) { unix.Close(fd) }

func prepare(fd int) error {
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	return ignorePipeSignal(fd)
}

func streamSocket(family int) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, err
	}
	if err := prepare(fd); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// setCongestion knows only "": choosing one by TCP_CONGESTION is Linux's and
// FreeBSD's, and only Linux's is supported.
func setCongestion(_ int, name string) error {
	if name == "" {
		return nil
	}
	return os.NewSyscallError("TCP_CONGESTION", unix.ENOPROTOOPT)
}

// bindNoPort: a bound port is taken at bind here.
func bindNoPort(int) error { return nil }
