package doctor

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// free is the room for this user on the disk of a folder, in bytes
// (statvfs(2)).
func free(folder string) (uint64, error) {
	var s unix.Statvfs_t
	if err := unix.Statvfs(folder, &s); err != nil {
		return 0, fmt.Errorf("statvfs %s: %w", folder, err)
	}
	return s.Bavail * s.Frsize, nil
}
