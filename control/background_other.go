//go:build !linux

package control

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Background lets other processes go first: nice 19 (setpriority(2)), which on
// these systems is of the whole process. It needs no privilege.
func Background() error {
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 19); err != nil {
		return fmt.Errorf("scheduling in the background (nice 19): %w", err)
	}
	return nil
}
