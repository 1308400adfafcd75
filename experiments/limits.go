package experiments

import "golang.org/x/sys/unix"

// noFileHard returns the hard limit of descriptors (getrlimit(2)); systems
// write "no limit" in several ways, all of them above a million.
func noFileHard() uint64 {
	_, hard := noFileLimits()
	return hard
}

func noFileLimits() (soft, hard uint64) {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return 1024, 1024
	}
	return uint64(l.Cur), uint64(l.Max)
}
