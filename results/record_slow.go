package results

import (
	"fmt"
	"slices"
)

// Slow mirrors loadgen.Slow: clients on slow lines beside the active connections.
type Slow struct {
	Connections   int               `json:"connections"`
	OpenAtEnd     int               `json:"open_at_end"`
	ReadRate      int64             `json:"read_rate_bytes_per_s"` // of each
	Bytes         uint64            `json:"bytes"`                 // in the window
	Rate          float64           `json:"rate_bytes_per_s"`      // of all, in the window
	Replies       uint64            `json:"replies"`               // in the window
	Errors        map[string]uint64 `json:"errors"`                // over the whole life
	AchievedShare float64           `json:"achieved_share"`
}

// slowColumns are what clients on slow lines did, and the memory they are about.
var slowColumns = []Column{
	{Name: "goodput_bytes_s", Unit: "bytes/s", Better: Higher,
		Meaning: "bytes of the replies to the window's requests, heads included, over its length; without what slow connections read"},
	{Name: "slow_open", Better: Higher,
		Meaning: "slow connections that were open and had begun to be answered when the drain had ended"},
	{Name: "slow_goodput_bytes_s", Unit: "bytes/s", Better: Higher,
		Meaning: "what all slow connections together read in the window, heads included, over its length"},
	{Name: "slow_achieved_share", Unit: "share", Better: Higher,
		Meaning: "slow_goodput_bytes_s over what their lines together could carry: under 1 the server or the generator was slower than the lines"},
	{Name: "slow_replies_per_s", Unit: "1/s", Better: Higher,
		Meaning: "replies to slow connections that ended in the window, well, over its length; the server's figures for each request have them among its requests"},
	{Name: "slow_errors", Better: Lower,
		Meaning: "replies to slow connections that were wrong, and slow connections that were lost, over the whole trial"},
	{Name: "tcp_memory_bytes", Unit: "bytes", Better: Lower,
		Meaning: "growth of the memory in TCP's buffers, of the whole machine, from before the load process began to the window's end: both ends of each loopback connection, so a small slow_receive_buffer_bytes leaves mostly the server's; the kernel tells it to within 1 MiB for each CPU"},
	{Name: "buffered_bytes_per_slow_connection", Unit: "bytes", Better: Lower,
		Meaning: "server_buffer_bytes and tcp_memory_bytes together over the slow connections: where what they have not read waits, with what the others have"},
}

// lineFactors are what a suite may set about the lines that clients have.
var lineFactors = []Column{
	{Name: "requests_per_connection", Kind: Factor, Meaning: "requests that a connection had before it was closed and another opened"},
	{Name: "read_rate_bytes_s", Kind: Factor, Unit: "bytes/s", Meaning: "rate at which each active connection was read"},
	{Name: "receive_buffer_bytes", Kind: Factor, Unit: "bytes", Meaning: "SO_RCVBUF of the generator's active and idle connections; Linux doubles it"},
	{Name: "slow_connections", Kind: Factor, Meaning: "connections beside the active ones that downloaded without end over a slow line"},
	{Name: "slow_rate_bytes_s", Kind: Factor, Unit: "bytes/s", Meaning: "rate at which each slow connection was read"},
	{Name: "slow_path", Kind: Factor, Text: true, Meaning: "what the slow connections downloaded"},
	{Name: "slow_receive_buffer_bytes", Kind: Factor, Unit: "bytes", Meaning: "SO_RCVBUF of the slow connections; Linux doubles it"},
}

// slow derives what lines carried, and TCP's memory.
func (d derivation) slow() {
	d.tcpMemory()
	if l := d.r.Load; l != nil && l.DurationNs > 0 && l.Peer == nil {
		d.put("goodput_bytes_s", float64(l.BytesReceived)/(float64(l.DurationNs)/1e9))
	} else {
		d.miss("the generator did not tell the bytes of its window", "goodput_bytes_s")
	}
	columns := []string{"buffered_bytes_per_slow_connection", "slow_open", "slow_goodput_bytes_s", "slow_achieved_share", "slow_replies_per_s", "slow_errors"}
	l := d.r.Load
	switch {
	case l == nil:
		d.miss("the generator reported nothing", columns...)
		return
	case l.Slow == nil:
		d.miss("the trial had no slow connections", columns...)
		return
	case l.DurationNs <= 0:
		d.miss("the window has no length", columns...)
		return
	}
	s := l.Slow
	d.put("slow_open", float64(s.OpenAtEnd))
	d.put("slow_goodput_bytes_s", s.Rate)
	d.put("slow_achieved_share", s.AchievedShare)
	d.put("slow_replies_per_s", float64(s.Replies)/(float64(l.DurationNs)/1e9))
	var failed uint64
	for _, n := range s.Errors {
		failed += n
	}
	d.put("slow_errors", float64(failed))
	server := d.r.Server
	switch {
	case server == nil || server.Peer != nil || server.Start == nil || server.After == nil || server.Start.TCPMemoryBytes == nil || server.After.TCPMemoryBytes == nil:
		d.miss("the server's buffers or TCP's memory are not known", "buffered_bytes_per_slow_connection")
	case s.Connections > 0:
		waiting := server.After.BufferBytes + *server.After.TCPMemoryBytes - *server.Start.TCPMemoryBytes
		d.put("buffered_bytes_per_slow_connection", float64(waiting)/float64(s.Connections))
	}
}

func (d derivation) tcpMemory() {
	const column = "tcp_memory_bytes"
	s := d.r.Server
	switch {
	case s == nil || s.Start == nil || s.After == nil:
		d.miss("the server's first snapshot or that at the window's end is missing", column)
	case s.Start.TCPMemoryBytes == nil || s.After.TCPMemoryBytes == nil:
		d.miss("this system does not tell it", column)
	default:
		d.put(column, float64(*s.After.TCPMemoryBytes-*s.Start.TCPMemoryBytes))
	}
}

// missingSlow says which slow connections were not there or not answered well: a
// cell of 1,000 that had 900 is another cell.
func missingSlow(s *Slow) (out []string) {
	if s == nil {
		return nil
	}
	if s.OpenAtEnd < s.Connections {
		out = append(out, fmt.Sprintf("of %d slow connections %d were open and answered at the end", s.Connections, s.OpenAtEnd))
	}
	var kinds []string
	for kind, n := range s.Errors {
		kinds = append(kinds, fmt.Sprintf("%d %s", n, kind))
	}
	if slices.Sort(kinds); len(kinds) > 0 {
		out = append(out, fmt.Sprintf("slow connections failed: %s", joinWords(kinds)))
	}
	return out
}
