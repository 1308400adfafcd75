//go:build darwin || netbsd || openbsd

package loop

import "golang.org/x/sys/unix"

const reusePort = unix.SO_REUSEPORT

// SpreadsConnections says whether the kernel spreads connections among processes
// that listen with ListenOptions.ReusePort: here all go to one of them.
const SpreadsConnections = false
