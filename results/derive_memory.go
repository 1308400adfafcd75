package results

import "fmt"

// memoryConnections is the least number of connections that memory per
// connection is computed from: below it the pages that a process touches by
// chance outweigh what the connections need.
const memoryConnections = 100

// memory derives what the full snapshots say: descriptors, and memory with all
// connections open less memory with none.
func (d derivation) memory() {
	s := d.r.Server
	if s == nil {
		d.miss("the server said nothing", "usable_fds", "open_fds_peak", "server_rss_bytes_per_connection", "server_anon_bytes_per_connection",
			"server_settled_bytes", "server_rss_bytes", "kernel_slab_bytes", "load_settled_bytes", "machine_taken_bytes", "server_buffer_bytes")
		return
	}
	d.levels(s)
	switch {
	case s.Peer != nil:
		d.miss("the server is another program, which does not tell it", "server_buffer_bytes")
	case s.After == nil:
		d.miss("the server's snapshot at the window's end is missing", "server_buffer_bytes")
	default:
		d.put("server_buffer_bytes", float64(s.After.BufferBytes))
	}
	d.settled(s)
	d.put("usable_fds", float64(s.UsableFDs))
	if peak, ok := s.openFDsPeak(); ok {
		d.put("open_fds_peak", float64(peak))
	} else {
		d.miss("no snapshot has the server's open descriptors", "open_fds_peak")
	}
	memory := []string{"server_rss_bytes_per_connection", "server_anon_bytes_per_connection"}
	if s.Start == nil || s.Start.Full == nil || s.Filled == nil || s.Filled.Full == nil {
		d.miss("the server's full snapshots before and after the fill are missing", memory...)
		return
	}
	connections := s.Filled.Connections - s.Start.Connections
	if connections < memoryConnections {
		d.miss(fmt.Sprintf("%d connections were open, memory per connection needs %d", connections, memoryConnections), memory...)
		return
	}
	for i, m := range [][2]int64{{s.Start.Full.RSSBytes, s.Filled.Full.RSSBytes}, {s.Start.Full.AnonBytes, s.Filled.Full.AnonBytes}} {
		if m[0] < 0 || m[1] < 0 {
			d.miss("this system does not tell it", memory[i])
			continue
		}
		d.put(memory[i], float64(m[1]-m[0])/float64(connections))
	}
}

// levels derives memory with all connections open, not over connections: what
// a slope is computed from.
func (d derivation) levels(s *ServerPart) {
	const none = "this system does not tell it"
	switch {
	case s.Settled == nil || s.Settled.Full == nil:
		d.miss("this trial did not settle the server's memory", "server_settled_bytes")
	case s.Settled.Full.AnonBytes < 0:
		d.miss(none, "server_settled_bytes")
	default:
		d.put("server_settled_bytes", float64(s.Settled.Full.AnonBytes))
	}
	if s.Filled == nil || s.Filled.Full == nil {
		d.miss("the server's full snapshot after the fill is missing", "server_rss_bytes", "kernel_slab_bytes")
		return
	}
	d.put("server_rss_bytes", float64(s.Filled.Full.RSSBytes))
	if s.Start == nil || s.Start.Full == nil || s.Start.Full.SlabBytes <= 0 || s.Filled.Full.SlabBytes <= 0 {
		d.miss(none, "kernel_slab_bytes")
		return
	}
	d.put("kernel_slab_bytes", float64(s.Filled.Full.SlabBytes-s.Start.Full.SlabBytes))
}

// settled derives what only a trial that settled both processes tells: the
// memory at the connections' other ends, and what the machine has less of, which
// is a second opinion on the sum of the parts.
func (d derivation) settled(s *ServerPart) {
	const none, unsettled = "this system does not tell it", "this trial did not settle the load process's memory"
	switch load := d.r.LoadSettled; {
	case load == nil || load.Full == nil:
		d.miss(unsettled, "load_settled_bytes", "machine_taken_bytes")
		return
	case load.Full.AnonBytes < 0:
		d.miss(none, "load_settled_bytes")
	default:
		d.put("load_settled_bytes", float64(load.Full.AnonBytes))
	}
	if s.Start == nil || s.Start.Full == nil || s.Start.Full.UnusedBytes <= 0 || d.r.LoadSettled.Full.UnusedBytes <= 0 {
		d.miss(none, "machine_taken_bytes")
		return
	}
	d.put("machine_taken_bytes", float64(s.Start.Full.UnusedBytes-d.r.LoadSettled.Full.UnusedBytes))
}

// openFDsPeak returns the largest number of open descriptors that a snapshot
// saw. A cheap snapshot counts only connections; each is one descriptor more
// than the server had open without any.
func (s *ServerPart) openFDsPeak() (int, bool) {
	peak, ok := 0, false
	for _, snapshot := range []*Snapshot{s.Start, s.Filled, s.Settled, s.Before, s.After, s.End} {
		if snapshot == nil {
			continue
		}
		if snapshot.Full != nil && snapshot.Full.OpenFDs >= 0 {
			peak, ok = max(peak, snapshot.Full.OpenFDs), true
		} else if s.Start != nil && s.Start.Full != nil && s.Start.Full.OpenFDs >= 0 {
			peak = max(peak, s.Start.Full.OpenFDs+snapshot.Connections-s.Start.Connections)
		}
	}
	return peak, ok
}
