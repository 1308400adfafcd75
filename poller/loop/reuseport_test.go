package loop

import (
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// Several may listen at an address if all ask for it, but for a first one.
func TestReusePort(t *testing.T) {
	anywhere := netip.MustParseAddrPort("127.0.0.1:0")
	shared := ListenOptions{Address: anywhere, ReusePort: true, Backlog: 1}
	first := shared
	first.First = true
	alone := ListenOptions{Address: anywhere, Backlog: 1}
	for _, c := range []struct {
		name      string
		had, asks ListenOptions
		err       error
	}{
		{"shared", first, shared, nil},
		{"first where others are", shared, first, unix.EADDRINUSE},
		{"shared where one is alone", alone, shared, unix.EADDRINUSE},
		{"alone where others share", shared, alone, unix.EADDRINUSE},
	} {
		t.Run(c.name, func(t *testing.T) {
			fd, at, err := listenSocket(c.had)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			c.asks.Address = at
			other, _, err := listenSocket(c.asks)
			if err == nil {
				unix.Close(other)
			}
			if !errors.Is(err, c.err) {
				t.Errorf("%v, want %v", err, c.err)
			}
		})
	} // A first one leaves the address free if it is.
	fd, at, err := listenSocket(first)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	first.Address = at
	if fd, _, err = listenSocket(first); err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
}
