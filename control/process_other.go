//go:build !linux

package control

import "golang.org/x/sys/unix"

// OpenFDs counts the descriptors that the process has open, by asking for each
// below the limit, or below 65536: not every system lists them.
func OpenFDs() int {
	open := 0
	for fd := range int(min(NoFile(), 1<<16)) {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			open++
		}
	}
	return open
}

// system fills in the largest resident size so far, which getrusage(2) tells
// everywhere; the rest is unknown.
func (f *Full) system() {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err == nil {
		f.RSSBytes = int64(usage.Maxrss) * maxrssUnit
	}
}
