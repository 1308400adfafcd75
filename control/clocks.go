//go:build !netbsd

package control

import "golang.org/x/sys/unix"

const (
	clockMonotonic = unix.CLOCK_MONOTONIC
	clockProcess   = unix.CLOCK_PROCESS_CPUTIME_ID
)
