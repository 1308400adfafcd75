package loadgen

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"medusa/poller/loop"
)

func TestDivide(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		active, idle, n, holds int
		cpus                   []int
		want                   string // active+idle@CPUs of each
	}{
		{30, 270, 1, 1000, nil, "30+270@[]"},
		{30, 270, 0, 1000, nil, "30+270@[]"},
		{30, 270, 3, 1000, nil, "30+88@[] 0+91@[] 0+91@[]"},
		{30, 270, 3, 1000, []int{4, 5}, "15+89@[4] 15+90@[5] 0+91@[4 5]"},
		{31, 0, 3, 1000, []int{4, 5, 6, 7}, "11+0@[4] 10+0@[5] 10+0@[6]"},
		{31, 0, 3, 1000, nil, "31+0@[]"}, // nothing is left for others
		{1, 9, 4, 1000, []int{1, 2, 3}, "1+2@[1] 0+2@[1 2 3] 0+2@[1 2 3] 0+3@[1 2 3]"},
		{100, 1950, 0, 1000, []int{1}, "100+605@[1] 0+672@[1] 0+673@[1]"},
		{2500, 0, 0, 1000, nil, "834+0@[] 833+0@[] 833+0@[]"}, // more than one can have
		{1000, 1000, 2, 1000, []int{1}, "1000+0@[1] 0+1000@[1]"},
	} {
		s := Config{Spec: Default(), CPUs: c.cpus}
		s.Connections, s.Idle = c.active, c.idle
		loads, err := s.divide(c.n, c.holds)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		var got []string
		var rate float64
		for _, l := range loads {
			got = append(got, fmt.Sprintf("%d+%d@%v", l.Connections, l.Idle, l.CPUs))
			rate += l.FillRate
			if l.Connections+l.Idle > c.holds {
				t.Errorf("%+v: a process has %d", c, l.Connections+l.Idle)
			}
			if len(loads) > 1 && (l.Of != len(loads) || !l.Part || l.Connections == 0 && l.Pacing != Sleep) {
				t.Errorf("%+v: %+v", c, l)
			}
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%+v: %s", c, text)
		}
		if rate < 0.999*s.FillRate || rate > 1.001*s.FillRate {
			t.Errorf("%+v: filled at %v/s in all", c, rate)
		}
	}
	for _, c := range []struct {
		total, n int
		want     string
	}{
		{3000, 2, "3000 connections do not fit: under the descriptor limit 2 processes hold 1000 each"},
		{70_000, 0, "70000 connections need 70 processes"},
	} {
		s := Config{Spec: Default()}
		s.Connections, s.Idle = 10, c.total-10
		if _, err := s.divide(c.n, 1000); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// The parts of a schedule are the schedule.
func TestPartsOfASchedule(t *testing.T) {
	t.Parallel()
	trace := &Trace{}
	for i := range 700 {
		trace.Times = append(trace.Times, loop.Time(i*i))
	}
	for _, s := range []Schedule{
		{Arrivals: Poisson, Rate: 5000, Seed: 3},
		{Arrivals: Constant, Rate: 5000},
		{Arrivals: Burst, Rate: 5000, Burst: 7, Seed: 9},
		{Arrivals: Traced, Trace: trace},
	} {
		var whole []loop.Time
		for i, times := 0, s.Times(); i < 600; i++ {
			whole = append(whole, times.Next())
		}
		for _, of := range []int{2, 3, 7} {
			var union []loop.Time
			for part := range of {
				p := s
				p.Part, p.Of = part, of
				times := p.Times()
				for i := part; i < 600; i += of {
					union = append(union, times.Next())
				}
			}
			slices.Sort(union)
			if !slices.Equal(union, whole) {
				t.Errorf("%s in %d parts is another schedule", s.Arrivals, of)
			}
		}
	}
}

// An address to connect from has to be one of this machine.
func TestParseSources(t *testing.T) {
	want := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	if got, err := ParseSources([]string{"127.0.0.1"}); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for text, want := range map[string]string{"nowhere": "give IP addresses", "192.0.2.1": "give addresses of this machine"} {
		if _, err := ParseSources([]string{"127.0.0.1", text}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	loopback, other := netip.MustParseAddr("127.3.4.5"), netip.MustParseAddr("192.0.2.1")
	for _, c := range []struct {
		server      netip.Addr
		connections int
		keepAlive   bool
		ports, want int
	}{
		{loopback, 100, true, 28_232, 0},
		{loopback, 11_300, true, 28_232, 2},
		{loopback, 36_000, true, 28_232, 4},
		{loopback, 100, false, 28_232, 8},
		{loopback, 1 << 20, true, 1000, 250},
		{loopback, 36_000, true, 0, 0},
		{loopback, 36_000, true, 1, 0},
		{other, 36_000, true, 28_232, 0},
		{netip.IPv6Loopback(), 36_000, true, 28_232, 0},
	} {
		got := Sources(c.server, c.connections, c.keepAlive, c.ports)
		if len(got) != c.want || len(got) > 0 && (got[0] != netip.MustParseAddr("127.252.1.1") || len(slices.Compact(got)) != c.want) {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
