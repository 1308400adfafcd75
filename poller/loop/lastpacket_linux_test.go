package loop

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLastPacket: the last bytes of a connection and its FIN share a packet, whether
// the peer has said that it sends no more or not.
func TestLastPacket(t *testing.T) {
	for _, ended := range []bool{false, true} {
		onEvery(t, Config{}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
			if l.Engine() == "sim" {
				l.Stop()
				return
			}
			answer := func(c *Conn) {
				c.Write([]byte("that "))
				c.WriteShared([]byte("is all"))
				c.CloseWhenDone()
			}
			asked := 0
			serve(func(*Conn) Handler {
				return &handler{
					received: func(c *Conn, p []byte) int {
						if asked += len(p); !ended {
							answer(c)
						}
						return len(p)
					},
					ended: answer,
				}
			})
			over := make(chan struct{})
			t.Cleanup(func() { <-over })
			go func() {
				defer close(over)
				defer l.Stop()
				fd := connectTo(t, at)
				defer unix.Close(fd)
				if _, err := unix.Write(fd, []byte("?")); err != nil {
					t.Error(err)
				}
				if ended {
					if err := unix.Shutdown(fd, unix.SHUT_WR); err != nil {
						t.Error(err)
					}
				}
				got, buf := "", make([]byte, 100)
				for {
					n, err := unix.Read(fd, buf)
					if err != nil {
						t.Error(err)
					}
					if n <= 0 {
						break
					}
					got += string(buf[:n])
				}
				if got != "that is all" {
					t.Errorf("received %q", got)
				}
				info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
				if err != nil {
					t.Error(err)
					return
				}
				// Beside it the answer to the SYN, and what acknowledges the request.
				if most := uint32(3); info.Segs_in > most {
					t.Errorf("%d segments came, %d of them with data: at most %d", info.Segs_in, info.Data_segs_in, most)
				}
			}()
		})
	}
}
