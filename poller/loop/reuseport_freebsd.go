package loop

import "golang.org/x/sys/unix"

// reusePort is the option that spreads: SO_REUSEPORT gives all connections to one
// of the sockets here (setsockopt(2)).
const reusePort = unix.SO_REUSEPORT_LB

// SpreadsConnections says whether the kernel spreads connections among processes
// that listen with ListenOptions.ReusePort.
const SpreadsConnections = true
