package loadgen

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"medusa/poller/loop"
)

// plan is what a schedule can be asked, so that mutants of it can be tried: an
// iterator over its times, and what lies in a window.
type plan struct {
	times  func() func() loop.Time
	window func(from, to loop.Time) (uint64, string)
}

func planOf(s Schedule) plan {
	return plan{func() func() loop.Time { return s.Times().Next }, s.Window}
}

// windowOf is Window by other means.
func windowOf(list []loop.Time, from, to loop.Time) (uint64, string) {
	h := sha256.New()
	var n uint64
	for _, at := range list {
		if at >= from && at < to {
			n++
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], uint64(at-from))
			h.Write(b[:])
		}
	}
	return n, hex.EncodeToString(h.Sum(nil)[:16])
}

// rules says which rule a plan breaks. others are arrivals of an interleaved
// reader between any two of the first; cuts are where windows are cut, each a
// share of the time that n arrivals take.
func rules(s Schedule, p plan, n, others int, cuts [3]float64) string {
	one, other := p.times(), p.times()
	list := make([]loop.Time, n)
	for i := range list {
		list[i] = one()
		for range others {
			other()
		}
	}
	again := p.times()
	for i, at := range list {
		if got := again(); got != at {
			return fmt.Sprintf("arrival %d is at %d, and at %d read again", i, at, got)
		}
	}
	if !slices.IsSorted(list) || list[0] < 0 {
		return "times are not in order"
	}
	switch s.Arrivals {
	case Constant:
		for i, at := range list {
			if off := float64(at) - float64(i)*1e9/s.Rate; off > 1 || off < -1 {
				return fmt.Sprintf("arrival %d is %v ns off", i, off)
			}
			if i > 0 {
				if gap := float64(at - list[i-1]); math.Abs(gap-1e9/s.Rate) > 1 {
					return fmt.Sprintf("gap %d of %v ns", i, gap)
				}
			}
		}
	case Burst:
		for i, at := range list {
			if at != list[i-i%s.Burst] {
				return fmt.Sprintf("arrival %d is not at the time of its burst", i)
			}
		}
	case Traced:
		if !slices.Equal(list, s.Trace.Times[:n]) {
			return "a trace is not replayed"
		}
	}
	end := float64(list[n-1])
	at := []loop.Time{loop.Time(cuts[0] * end), loop.Time(cuts[1] * end), loop.Time(cuts[2] * end)}
	slices.Sort(at)
	var counts [3]uint64
	for i, w := range [3][2]loop.Time{{at[0], at[1]}, {at[1], at[2]}, {at[0], at[2]}} {
		count, hash := p.window(w[0], w[1])
		if wantCount, wantHash := windowOf(list, w[0], w[1]); count != wantCount || hash != wantHash {
			return fmt.Sprintf("window %d has %d arrivals and hash %s, want %d and %s", w, count, hash, wantCount, wantHash)
		}
		counts[i] = count
	}
	if counts[0]+counts[1] != counts[2] {
		return fmt.Sprintf("%d and %d arrivals in the parts of a window of %d", counts[0], counts[1], counts[2])
	}
	return ""
}

func drawn(t *rapid.T, kind string) (s Schedule, n, others int, cuts [3]float64) {
	s = anySchedule(kind).Draw(t, "schedule")
	n = rapid.IntRange(1, 800).Draw(t, "arrivals")
	if kind == Traced {
		gaps := rapid.SliceOfN(rapid.Int64Range(0, 1e8), n, n).Draw(t, "gaps")
		s.Rate, s.Trace = 0, &Trace{Times: make([]loop.Time, n)}
		var at loop.Time
		for i, g := range gaps {
			at += loop.Time(g)
			s.Trace.Times[i] = at
		}
	}
	others = rapid.IntRange(0, 3).Draw(t, "others")
	for i := range cuts {
		cuts[i] = rapid.Float64Range(0, 1).Draw(t, "cut")
	}
	return s, n, others, cuts
}

// Every kind of schedule, whatever its seed, rate and reader, keeps the rules.
func TestScheduleRules(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{Constant, Poisson, Burst, Traced} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				s, n, others, cuts := drawn(t, kind)
				if wrong := rules(s, planOf(s), n, others, cuts); wrong != "" {
					t.Fatal(wrong)
				}
			})
		})
	}
}

// Schedules as others have got them wrong keep not all of them.
func TestScheduleMutants(t *testing.T) {
	t.Parallel()
	mapped := func(s Schedule, f func(i int, at loop.Time) loop.Time) plan {
		p := planOf(s)
		p.times = func() func() loop.Time {
			next, i := s.Times().Next, -1
			return func() loop.Time { i++; return f(i, next()) }
		}
		return p
	}
	trace := aTrace(1000, 1e9)
	for _, m := range []struct {
		name, kind string
		mutant     func(Schedule) plan
	}{
		{"shares its source among readers", Poisson, func(s Schedule) plan {
			next := s.Times().Next
			return plan{func() func() loop.Time { return next }, s.Window}
		}},
		{"begins anew at the window", Poisson, func(s Schedule) plan {
			return plan{planOf(s).times, func(from, to loop.Time) (uint64, string) { return s.Window(0, to-from) }}
		}},
		{"has the window's end in it", Constant, func(s Schedule) plan {
			return plan{planOf(s).times, func(from, to loop.Time) (uint64, string) { return s.Window(from, to+1e6) }}
		}},
		{"adds up rounded gaps", Constant, func(s Schedule) plan {
			return mapped(s, func(i int, _ loop.Time) loop.Time { return loop.Time(i) * loop.Time(1e9/s.Rate) })
		}},
		{"tears bursts apart", Burst, func(s Schedule) plan {
			return mapped(s, func(i int, at loop.Time) loop.Time { return at + loop.Time(i%2) })
		}},
		{"goes back", Poisson, func(s Schedule) plan {
			return mapped(s, func(i int, at loop.Time) loop.Time { return at - at%1e7*loop.Time(i%2) })
		}},
		{"leaves out an arrival of a trace", Traced, func(s Schedule) plan {
			shorter := *s.Trace
			shorter.Times = slices.Delete(slices.Clone(s.Trace.Times), 5, 6)
			s.Trace = &shorter
			return planOf(s)
		}},
	} {
		s := Schedule{Arrivals: m.kind, Rate: 777, Burst: 8, Seed: 3}
		if m.kind == Traced {
			s.Rate, s.Trace = 0, trace
		}
		const n = 500
		cuts := [3]float64{0.2, 0.5, 0.9}
		if wrong := rules(s, planOf(s), n, 2, cuts); wrong != "" {
			t.Fatal(wrong)
		}
		if rules(s, m.mutant(s), n, 2, cuts) == "" {
			t.Errorf("a schedule that %s keeps the rules", m.name)
		}
	}
}

// After the end of a trace there is nothing, however often it is asked for.
func TestTraceEnds(t *testing.T) {
	t.Parallel()
	s := Schedule{Arrivals: Traced, Trace: &Trace{Times: []loop.Time{0, 7}}}
	times := s.Times()
	if got := []loop.Time{times.Next(), times.Next(), times.Next(), times.Next()}; !slices.Equal(got, []loop.Time{0, 7, Later, Later}) {
		t.Errorf("times %d", got)
	}
	if n, _ := s.Window(0, Later); n != 2 {
		t.Errorf("%d arrivals", n)
	}
}
