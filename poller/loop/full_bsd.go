//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package loop

import (
	"errors"
	"syscall"
	"time"
)

// noNetwork is an error of Linux only.
const noNetwork = syscall.Errno(0)

// setDeferAccept: FreeBSD and NetBSD have accept filters instead, which are not
// supported.
func setDeferAccept(int, time.Duration) error {
	return errors.New("TCP_DEFER_ACCEPT is of Linux only")
}
