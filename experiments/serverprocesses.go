package experiments

import (
	"fmt"

	"medusa/poller/loop"
)

// serverProcesses is how many processes a trial's server has; 1 where a plan of
// an earlier version does not say.
func (v values) serverProcesses() int { return max(int(v.number("server_processes")), 1) }

// crowded returns why the server's processes cannot have so many connections; ""
// when they can. The kernel spreads them by a hash, so with few places to spare
// one process may be full before another.
func (v values) crowded(n int) string {
	limit, processes := int(v.number("nofile")), v.serverProcesses()
	if most := int(v.number("max_connections")); v.has("max_connections") && most < processes {
		return fmt.Sprintf("max_connections %d is divided among %d server processes, each of which needs one", most, processes)
	}
	if processes > 1 && !loop.SpreadsConnections {
		return fmt.Sprintf("this system does not spread connections among %d server processes", processes)
	}
	if most := int(v.number("max_connections")); v.has("max_connections") && !v.has("offered_share") && n > most {
		return fmt.Sprintf("%d connections, and max_connections is %d: to offer more than there are places for, give offered_share", n, most)
	}
	if v.has("offered_share") {
		n = processes // so many as there are places for
	}
	each, base := (n+processes-1)/processes+reserveFDs, int(v.number("fd_base"))
	switch {
	case base+each <= limit:
		return ""
	case base > 0:
		return fmt.Sprintf("%d connections above descriptor %d need %d descriptors in the server, its limit is %d", n, base, base+each, limit)
	case processes == 1:
		return fmt.Sprintf("%d connections need %d descriptors in the server, its limit is %d", n, each, limit)
	}
	return fmt.Sprintf("%d connections need %d descriptors in each of %d server processes, their limit is %d", n, each, processes, limit)
}
