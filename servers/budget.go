package servers

import (
	"medusa/control"
	"medusa/poller/loop"
)

// This file divides the descriptors of the process. What is open when the server is
// ready stays open; of the rest, clients have all but the reserve and what is
// promised. Both are for those who are connected, so that they can be served: files
// that are sent, and descriptors that the loop and a snapshot hold for a moment;
// connections to upstream servers, and FTP's data connections and their files.

// limit sets the limit on descriptors and reckons the reserve.
func (s *server) limit(where plan) error {
	if s.cfg.NoFile > 0 {
		if err := control.SetNoFile(s.cfg.NoFile); err != nil {
			return err
		}
	} else {
		control.RaiseNoFile()
	}
	s.reserve = s.cfg.ReserveFDs
	if s.reserve == 0 {
		s.reserve = reserveFor(control.NoFile(), len(where.services), 1+len(where.web.hosts))
	}
	return nil
}

// reserveFor is the reserve of a server with so many listeners and sites: each needs
// a descriptor at least, see openFiles.
func reserveFor(limit uint64, listeners, sites int) int {
	return control.ReserveOf(limit) + listeners - 1 + sites - 1
}

// bound tells the loop how many connections it may hold, and notes it for the ready
// line.
func (s *server) bound() {
	r := &s.ready
	r.NoFile = control.NoFile()
	if r.OpenFDs = control.OpenFDs(); r.OpenFDs < 0 && s.cfg.FDBase > 0 {
		r.OpenFDs = s.cfg.FDBase // at least; there was not even one to count them with
	}
	r.ReserveFDs = s.reserve
	r.UsableFDs = max(s.usable(r.OpenFDs)-s.promised, 0)
	if n := s.cfg.MaxConnections; n > 0 {
		r.UsableFDs = min(r.UsableFDs, n)
	}
	s.loop.SetMaxConnections(max(r.UsableFDs, 1)) // with 0 the server ends
}

// usable is how many connections of any kind fit beside so many open descriptors; open
// is -1 where that is not known.
func (s *server) usable(open int) int {
	limit := control.NoFile()
	if n := s.loop.MaxFD(); n > 0 { // numbers are given from the lowest
		limit = min(limit, uint64(n))
	}
	return control.UsableBeside(s.reserve, limit, max(open, 0))
}

// mostUpstream is how many connections a proxy may have where descriptors are
// plenty.
const mostUpstream = 256

// divide gives each of so many proxies its share of what is usable, and says how
// many connections that is: where there are few, as many as clients have.
func (s *server) divide(proxies int) int {
	if proxies == 0 {
		return 0
	}
	each := max(min(s.usable(control.OpenFDs())/(proxies+1), mostUpstream), 1)
	s.promised += proxies * each
	return each
}

// perTransfer is what a transfer needs beside its session: the data connection, or
// its listener before, and the file.
const perTransfer = 2

// sessions is how many FTP sessions there may be: as many as asked for, but of what
// is usable no more than half for them and their transfers.
func (s *server) sessions(most int) int {
	n := max(min(most, (s.usable(control.OpenFDs())-s.promised)/2/(1+perTransfer)), 1)
	s.promised += n * perTransfer
	return n
}

// looking is what of the reserve is left for the file that is being looked for, and
// for the directory it is looked for in.
const looking = 2

// openFiles is how many files each site's cache may keep open: what of the reserve
// nobody else needs.
func (s *server) openFiles(listeners int) int {
	sites := max(len(s.sites), 1)
	return min(max((s.reserve-loop.Overdraft(listeners)-looking)/sites, 1), mostOpenFiles)
}

// mostOpenFiles is what a cache keeps open where descriptors are plenty.
const mostOpenFiles = 256
