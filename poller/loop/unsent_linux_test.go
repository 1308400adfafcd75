package loop

import (
	"testing"

	"golang.org/x/sys/unix"
)

// checkUnsent: a socket of auto has its bound from the beginning, others the
// system's.
func checkUnsent(t *testing.T, fd int, auto bool) {
	t.Helper()
	got, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT)
	if err != nil || auto != (got == AutoLeast) {
		t.Errorf("TCP_NOTSENT_LOWAT is %d (%v); auto: %t", got, err, auto)
	}
}
