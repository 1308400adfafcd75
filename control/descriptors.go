package control

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Reserve is how many descriptors are kept out of UsableFDs at least: for the
// files that are being sent and what the runtime opens. MaxReserve is how many
// at most where nobody asks for more.
const (
	Reserve    = 8
	MaxReserve = 256
)

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

// RaiseNoFile sets the soft limit on descriptors to the hard one. Go's runtime
// does so silently for most programs; where the system refuses it (macOS has
// another limit below an infinite one) the soft limit stays as it is.
func RaiseNoFile() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil && limit.Cur < limit.Max {
		limit.Cur = limit.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	}
}

// Usable is how many more connections fit under the descriptor limit with the
// smallest reserve.
func Usable(limit uint64, open int) int { return UsableBeside(Reserve, limit, open) }

// UsableBeside is how many more connections fit under the descriptor limit beside
// so many descriptors in reserve.
func UsableBeside(reserve int, limit uint64, open int) int {
	if limit > 1<<30 {
		limit = 1 << 30
	}
	return max(0, int(limit)-open-reserve)
}

// ReserveOf is the reserve of a server under a descriptor limit: a 64th of it, from
// Reserve to MaxReserve.
func ReserveOf(limit uint64) int {
	return int(min(max(limit/64, Reserve), MaxReserve))
}
