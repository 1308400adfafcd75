package servers

import (
	"medusa/control"
	"medusa/poller/loop"
)

// This file divides the descriptors of the process. What is open when the server is
// ready stays open; of the rest, connections have all but the reserve, which is
// for what those who are connected need to be served: files that are sent, and
// descriptors that the loop and a snapshot hold for a moment.

// limit sets the limit on descriptors and reckons the reserve.
func (s *server) limit() error {
	if s.cfg.NoFile > 0 {
		if err := control.SetNoFile(s.cfg.NoFile); err != nil {
			return err
		}
	} else {
		control.RaiseNoFile()
	}
	s.reserve = s.cfg.ReserveFDs
	if s.reserve == 0 {
		s.reserve = control.ReserveOf(control.NoFile())
	}
	return nil
}

// bound tells the loop how many connections it may hold, and notes it for the ready
// line.
func (s *server) bound() {
	r := &s.ready
	r.NoFile = control.NoFile()
	r.OpenFDs = control.OpenFDs()
	r.ReserveFDs = s.reserve
	r.UsableFDs = control.UsableBeside(s.reserve, r.NoFile, max(r.OpenFDs, 0))
	if n := s.cfg.MaxConnections; n > 0 {
		r.UsableFDs = min(r.UsableFDs, n)
	}
	s.loop.SetMaxConnections(max(r.UsableFDs, 1)) // with 0 the server ends
}

// openFiles is how many files each site's cache may keep open: what of the reserve
// nobody else needs. One descriptor is left for the file that is being looked
// for, and one for the directory it is looked for in.
func (s *server) openFiles() int {
	const looking = 2
	sites := max(len(s.sites), 1)
	return min(max((s.reserve-loop.Overdraft-looking)/sites, 1), mostOpenFiles)
}

// mostOpenFiles is what a cache keeps open where descriptors are plenty.
const mostOpenFiles = 256
