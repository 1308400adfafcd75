package control

import "testing"

func TestTCPMemory(t *testing.T) {
	t.Parallel()
	text := "sockets: used 181\nTCP: inuse 5 orphan 0 tw 2 alloc 8 mem 33\nUDP: inuse 1 mem 7\nRAW: inuse 0\n"
	if got := tcpMemoryOf([]byte(text), 4096); got == nil || *got != 33*4096 {
		t.Errorf("%v", got)
	}
	for _, text := range []string{"", "UDP: inuse 1 mem 7\n", "TCP: inuse 5\n", "TCP: mem\n", "TCP: mem x\n"} {
		if got := tcpMemoryOf([]byte(text), 4096); got != nil {
			t.Errorf("%q: %d", text, *got)
		}
	}
	if s := Take(false); s.TCPMemoryBytes == nil || *s.TCPMemoryBytes < 0 {
		t.Errorf("this system: %v", s.TCPMemoryBytes)
	}
	one, two := int64(1), int64(2)
	if s := Sum([]Snapshot{{AtNs: 2, TCPMemoryBytes: &two}, {AtNs: 1, TCPMemoryBytes: &one}, {AtNs: 3}}, nil); s.TCPMemoryBytes != &two {
		t.Errorf("of several processes: %v", s.TCPMemoryBytes)
	}
}
