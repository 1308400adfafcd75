//go:build linux || dragonfly

package loop

import "golang.org/x/sys/unix"

const reusePort = unix.SO_REUSEPORT

// SpreadsConnections says whether the kernel spreads connections among processes
// that listen with ListenOptions.ReusePort: by a hash of both addresses (socket(7)),
// so about evenly, and without regard to how many each has.
const SpreadsConnections = true
