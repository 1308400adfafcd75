package doctor

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Limits adds what system calls tell of this process and of a folder: its
// limit of locked memory, its user, and where a run folder would be.
func Limits(f *Facts, folder string) {
	f.Privileged = os.Geteuid() == 0
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &l) == nil {
		f.MemLock = &Limit{Soft: uint64(l.Cur), Hard: uint64(l.Max)}
	}
	f.Disk = lookAtDisk(folder)
}

// lookAtDisk says what can be written into a folder that need not exist yet. It
// makes nothing.
func lookAtDisk(folder string) Disk {
	d := Disk{Folder: folder}
	at, err := filepath.Abs(folder)
	if err != nil {
		d.Err = err
		return d
	}
	for {
		info, err := os.Stat(at)
		if err == nil && !info.IsDir() {
			d.Err = fmt.Errorf("%s is a file, not a folder", at)
			return d
		}
		if err == nil {
			break
		}
		if at == filepath.Dir(at) || !os.IsNotExist(err) {
			d.Err = err
			return d
		}
		at = filepath.Dir(at)
	}
	d.Exists = at
	if err := unix.Access(at, unix.W_OK|unix.X_OK); err != nil {
		d.Err = fmt.Errorf("nothing can be written into %s: %w", at, err)
		return d
	}
	d.Free, d.Err = free(at)
	return d
}
