package control

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Reserve is how many descriptors are kept out of UsableFDs: for the files
// that are being sent and what the runtime opens.
const Reserve = 8

// NoFile is the soft limit on descriptors, RLIMIT_NOFILE.
func NoFile() uint64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return uint64(limit.Cur)
}

// SetNoFile sets the soft and the hard limit on descriptors to n and verifies
// it. Nothing but a privileged process can raise the hard limit again.
func SetNoFile(n uint64) error {
	var had unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &had); err != nil {
		return fmt.Errorf("descriptor limit: %w", err)
	}
	want := had
	setLimit(&want.Cur, n)
	setLimit(&want.Max, n)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &want); err != nil {
		return fmt.Errorf("descriptor limit of %d: %w (the hard limit is %d; raise it with ulimit -Hn, or ask for less)", n, err, had.Max)
	}
	if got := NoFile(); got != n {
		return fmt.Errorf("descriptor limit of %d: the system set %d", n, got)
	}
	return nil
}

// setLimit sets a limit, whose type is signed on some systems.
func setLimit[T int64 | uint64](field *T, n uint64) { *field = T(n) }

// Usable is how many more connections fit under the descriptor limit.
func Usable(limit uint64, open int) int {
	if limit > 1<<30 {
		limit = 1 << 30
	}
	return max(0, int(limit)-open-Reserve)
}
