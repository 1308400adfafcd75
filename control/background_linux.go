package control

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Background lets every other process go first: each thread is scheduled as
// SCHED_IDLE (sched(7)), which anybody who is not gives the CPU up to at once.
// It needs no privilege. As with Pin, a thread inherits it.
func Background() error {
	idle := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}
	done := map[int]bool{}
	for {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		before := len(done)
		for _, entry := range threads {
			id, err := strconv.Atoi(entry.Name())
			if err != nil || done[id] {
				continue
			}
			if err := unix.SchedSetAttr(id, idle, 0); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("scheduling in the background (SCHED_IDLE): %w", err)
			}
			done[id] = true
		}
		if len(done) == before {
			return nil
		}
	}
}
