package faults

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"medusa/poller/loop"
)

// openCold opens a file and drops it from the page cache, to see that this can be
// done.
func openCold(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = evict(f)
	}
	if err == nil && (info.Size() == 0 || loop.InPageCache(f, 0, info.Size())) {
		err = fmt.Errorf("%s stays in the page cache: it is empty, written to, mapped, or on a file system in memory; give a file on a disk", name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// evict drops a file from the page cache (posix_fadvise(2), POSIX_FADV_DONTNEED):
// what is not dirty and not in use.
func evict(f *os.File) error {
	return os.NewSyscallError("fadvise", unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
}
