package experiments

import "golang.org/x/sys/unix"

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
