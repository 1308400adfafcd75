package doctor

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// free is the room for this user on the disk of a folder, in bytes (statfs(2)).
func free(folder string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, fmt.Errorf("statfs %s: %w", folder, err)
	}
	return uint64(max(s.F_bavail, 0)) * uint64(s.F_bsize), nil
}
