package loop

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// These are the calls of every request. None of them blocks, so they go
// through RawSyscall, without telling Go's scheduler: with Syscall the
// runtime's monitor thread wakes thousands of times a second and takes a tenth
// of the core that is being measured.

// vectorLength bounds the slices gathered into one send.
const vectorLength = 64

// rawRead receives; recvfrom goes straight to the socket, while read passes
// the layers of files first.
func rawRead(fd int, p []byte) (int, unix.Errno) {
	n, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), e
}

// rawSend sends without raising SIGPIPE. more says that a file or the FIN
// follows, which shall share the last packet.
func rawSend(fd int, p []byte, more bool) (int, unix.Errno) {
	n, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), sendFlags(more), 0, 0)
	return int(n), e
}

// rawSendVector sends the bytes of several slices, at most vectorLength.
func rawSendVector(fd int, v [][]byte, more bool) (int, unix.Errno) {
	var iov [vectorLength]unix.Iovec
	for i, p := range v {
		iov[i].Base = unsafe.SliceData(p)
		iov[i].SetLen(len(p))
	}
	m := unix.Msghdr{Iov: &iov[0]}
	m.SetIovlen(len(v))
	n, _, e := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&m)), sendFlags(more))
	return int(n), e
}

func sendFlags(more bool) uintptr {
	if more {
		return unix.MSG_NOSIGNAL | unix.MSG_DONTWAIT | unix.MSG_MORE
	}
	return unix.MSG_NOSIGNAL | unix.MSG_DONTWAIT
}

// rawSendFile sends n bytes of file from off. The file's own offset is not
// used. It returns 0 at the end of the file.
func rawSendFile(fd, file int, off int64, n int) (int, unix.Errno) {
	k, _, e := unix.RawSyscall6(unix.SYS_SENDFILE, uintptr(fd), uintptr(file), uintptr(unsafe.Pointer(&off)), uintptr(n), 0, 0)
	return int(k), e
}

// rawReadFile reads of a file from off. It returns 0 at the end of the file.
func rawReadFile(file int, p []byte, off int64) (int, unix.Errno) {
	k, _, e := unix.RawSyscall6(unix.SYS_PREAD64, uintptr(file), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), uintptr(off), 0, 0)
	return int(k), e
}

// rawAccept accepts a connection, non-blocking and closed on exec, without
// asking for the peer's address.
func rawAccept(fd int) (int, unix.Errno) {
	n, _, e := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	return int(n), e
}

// rawShutdown sends the FIN.
func rawShutdown(fd int) unix.Errno {
	_, _, e := unix.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0)
	return e
}

func rawClose(fd int) {
	_, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
}

func streamSocket(family int) (int, error) {
	return unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

func setCongestion(fd int, name string) error {
	if name == "" {
		return nil
	}
	return unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
}

func bindNoPort(fd int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
}
