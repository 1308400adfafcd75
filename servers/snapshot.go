package servers

import (
	"os"

	"medusa/control"
)

// report takes a snapshot on the loop and sends it from here, so that a reader
// that is slow to take it does not keep the loop waiting. With settle the
// process settles first, which does keep it waiting.
func (s *server) report(full, settle bool) bool {
	taken := make(chan *control.Snapshot, 1)
	s.loop.Post(func() {
		if settle {
			control.Settle()
		}
		taken <- s.snapshot(full)
	})
	select {
	case <-s.stop:
		return false
	case snapshot := <-taken:
		if err := s.events.Send(control.Event{Event: "snapshot", Snapshot: snapshot}); err != nil {
			s.loop.Post(func() { s.fail(err) })
			return false
		}
		return true
	}
}

// snapshot reads everything at one moment, between two callbacks.
func (s *server) snapshot(full bool) *control.Snapshot {
	spare := s.spare != nil
	if full {
		s.yield()
	}
	snapshot := control.Take(full)
	if full {
		s.hold()
		if spare && snapshot.Full.OpenFDs >= 0 {
			snapshot.Full.OpenFDs++
		}
	}
	for _, service := range s.services {
		snapshot.Requests += service.Requests()
	}
	counts := s.loop.Counts()
	snapshot.Connections = counts.Open
	snapshot.Calls = counts.Calls.Map()
	snapshot.Waits, snapshot.Events = counts.Waits, counts.Events
	snapshot.BytesIn, snapshot.BytesOut = counts.BytesIn, counts.BytesOut
	snapshot.Accepted, snapshot.AcceptFailures = counts.Accepted, counts.AcceptFailures
	snapshot.ListenPauses, snapshot.StaleEvents = counts.ListenPauses, counts.StaleEvents
	snapshot.Shed, snapshot.Reaped = counts.Shed, counts.Reaped
	snapshot.ColdReads = counts.ColdReads
	snapshot.BufferBytes = counts.BufferBytes
	snapshot.RingWorkers = s.loop.Workers()
	return &snapshot
}

// hold takes a descriptor that yield gives up again. What a full snapshot reads
// has to be opened, also when connections have taken every other descriptor.
func (s *server) hold() {
	// Without one, a full snapshot lacks some of its parts at worst.
	s.spare, _ = os.Open(os.DevNull)
}

func (s *server) yield() {
	if s.spare != nil {
		_ = s.spare.Close() // nothing was written
		s.spare = nil
	}
}
