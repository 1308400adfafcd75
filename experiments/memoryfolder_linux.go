package experiments

import (
	"os"

	"golang.org/x/sys/unix"
)

// sharedMemory is where Linux has a file system in memory (tmpfs(5), shm_open(3)).
const sharedMemory = "/dev/shm"

// memoryFolder is a folder in memory with room for so many bytes and as much
// again; "" where there is none, for the system's temporary folder.
func memoryFolder(bytes int64) string {
	var s unix.Statfs_t
	if unix.Statfs(sharedMemory, &s) != nil || s.Type != unix.TMPFS_MAGIC || int64(s.Bavail)*s.Bsize < 2*bytes || unix.Access(sharedMemory, unix.W_OK) != nil {
		return ""
	}
	return sharedMemory
}

// diskFolder is a folder for temporary files that is not in memory; "" where there
// is none.
func diskFolder() string {
	for _, dir := range []string{os.TempDir(), "/var/tmp"} {
		var s unix.Statfs_t
		if unix.Statfs(dir, &s) == nil && s.Type != unix.TMPFS_MAGIC && s.Type != unix.RAMFS_MAGIC && unix.Access(dir, unix.W_OK) == nil {
			return dir
		}
	}
	return ""
}
