package loop

import (
	"testing"

	"golang.org/x/sys/unix"
)

// The receive buffer is set before the connection is begun: later the window
// that the peer was offered first could be larger. Linux doubles it (socket(7)).
func TestDialReceiveBuffer(t *testing.T) {
	t.Parallel()
	var calls Calls
	for _, want := range []int{0, 8192} {
		fd, err := dialSocket(DialOptions{Address: addrOf(t), ReceiveBuffer: want}, &calls)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
		if err != nil || want > 0 && got != 2*want || want == 0 && got < 3*8192 {
			t.Errorf("asked for %d, it is %d (%v)", want, got, err)
		}
	}
}

// addrOf is where a socket listens.
func addrOf(t *testing.T) addrPort {
	t.Helper()
	fd, at, err := listenSocket(ListenOptions{Address: fromSockaddr(&unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), Backlog: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return at
}
