package control

// Sum is the snapshot of several processes of one machine that share a work.
// Counts, times and memory are sums; memory that they share, such as their
// program's text, is counted for each. What is of the whole machine is the
// latest process's. PIDs are those given.
func Sum(all []Snapshot, pids []int) Snapshot {
	s := Snapshot{Calls: map[string]uint64{}, PIDs: pids}
	for _, one := range all {
		latest := one.AtNs >= s.AtNs
		if latest && one.TCPMemoryBytes != nil {
			s.TCPMemoryBytes = one.TCPMemoryBytes
		}
		s.AtNs = max(s.AtNs, one.AtNs)
		s.CPUNs += one.CPUNs
		s.Requests += one.Requests
		s.Connections += one.Connections
		for call, n := range one.Calls {
			s.Calls[call] += n
		}
		s.Waits += one.Waits
		s.Events += one.Events
		s.BytesIn += one.BytesIn
		s.BytesOut += one.BytesOut
		s.Accepted += one.Accepted
		s.AcceptFailures += one.AcceptFailures
		s.ListenPauses += one.ListenPauses
		s.StaleEvents += one.StaleEvents
		s.Shed += one.Shed
		s.Reaped += one.Reaped
		s.ColdReads += one.ColdReads
		s.BufferBytes += one.BufferBytes
		s.RingWorkers += one.RingWorkers
		s.VoluntarySwitches += one.VoluntarySwitches
		s.InvoluntarySwitches += one.InvoluntarySwitches
		s.GCCycles += one.GCCycles
		if one.Full != nil {
			s.Full = s.Full.plus(one.Full, latest)
		}
	}
	return s
}

// plus adds up; f may be nil, and is not changed.
func (f *Full) plus(o *Full, latest bool) *Full {
	if f == nil {
		sum := *o
		return &sum
	}
	sum := *f
	sum.OpenFDs += o.OpenFDs
	sum.RSSBytes += o.RSSBytes
	sum.AnonBytes = known(f.AnonBytes, o.AnonBytes)
	sum.HeapBytes += o.HeapBytes
	sum.RunDelayNs = known(f.RunDelayNs, o.RunDelayNs)
	if latest {
		sum.Sockets, sum.SlabBytes, sum.UnusedBytes = o.Sockets, o.SlabBytes, o.UnusedBytes
	}
	return &sum
}

// known adds two numbers of which -1 stands for an unknown one.
func known(a, b int64) int64 {
	if a < 0 || b < 0 {
		return -1
	}
	return a + b
}
