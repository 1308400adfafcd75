package experiments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"medusa/results"
)

// watchedMachine is a machine of two CPUs that is read again and again; busy
// says for each sample what share of one CPU process 7 used in it.
type watchedMachine struct {
	fakeSignals
	busy    []float64
	stolen  float64 // of one CPU
	now     windowReading
	reads   int
	unknown bool
}

const disk = 3 // a process that uses next to nothing

func (m *watchedMachine) Window(pids []int) windowReading {
	wall := time.Now().UnixNano()
	if m.unknown {
		return windowReading{WallNs: wall, CPUs: 2}
	}
	if m.reads == 0 {
		m.now = windowReading{WallNs: wall, CPUs: 2, IdleNs: ptr(int64(1)), Steal: ptr(int64(0)), OursNs: ptr(int64(0)), PSI: ptr(int64(0)),
			Forks: ptr(uint64(0)), Others: map[int]int64{7: 5e9, disk: 0, 9: 4e9}}
	} else {
		passed := float64(wall - m.now.WallNs)
		used := 0.0
		if m.reads%2 == 1 { // the end of a sample
			used = m.busy[min(m.reads/2, len(m.busy)-1)]
		}
		next := m.now
		next.WallNs = wall
		next.IdleNs = ptr(*m.now.IdleNs + int64(passed*(2-used-m.stolen)))
		next.Steal = ptr(*m.now.Steal + int64(passed*m.stolen))
		next.PSI = ptr(*m.now.PSI + int64(passed*0.01))
		next.Others = map[int]int64{7: m.now.Others[7] + int64(passed*used), disk: m.now.Others[disk] + int64(passed*0.004), 9: 1.5e9}
		m.now = next
	}
	m.reads++
	return m.now
}

func watch(m *watchedMachine) (sampler, *strings.Builder) {
	var said strings.Builder
	return sampler{
		signals: m,
		name:    func(pid int) string { return fmt.Sprintf("name%d", pid) },
		say:     func(format string, args ...any) { fmt.Fprintf(&said, format, args...) },
	}, &said
}

// TestSample: shares are of the time watched; who used much is named.
func TestSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := watch(&watchedMachine{busy: []float64{0.8}, stolen: 0.02})
		got, err := s.sample(t.Context(), SampleFor)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []struct {
			name string
			got  *float64
			want float64
		}{{"foreign", got.ForeignShare, 0.4}, {"steal", got.StealShare, 0.01}, {"pressure", got.PSISomeShare, 0.01}} {
			if v.got == nil || *v.got < v.want-1e-6 || *v.got > v.want+1e-6 {
				t.Errorf("%s: %v, want %v", v.name, v.got, v.want)
			}
		}
		// Number 9 is another process than before: it has used all that it has.
		want := []results.BusyProcess{{PID: 7, Name: "name7", CPUShare: 0.8}, {PID: 9, Name: "name9", CPUShare: 0.5}}
		if !slices.Equal(got.Busiest, want) || got.DurationNs != SampleFor.Nanoseconds() || got.CPUs != 2 {
			t.Errorf("sample %+v", got)
		}
	})
}

// TestSampleUnknown: a system that tells nothing is not waited for, and
// counters that never moved tell nothing.
func TestSampleUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s, _ := watch(&watchedMachine{unknown: true})
		if all, err := s.untilQuiet(t.Context(), SampleFor, 3); err != nil || len(all) > 0 || time.Since(began) > 0 {
			t.Errorf("%v, %v after %v", all, err, time.Since(began))
		}
	})
	if got := notIdle(windowReading{WallNs: 1, CPUs: 1, IdleNs: ptr(int64(0)), OursNs: ptr(int64(0))},
		windowReading{WallNs: 2, CPUs: 1, IdleNs: ptr(int64(0)), OursNs: ptr(int64(0))}); got != nil {
		t.Errorf("foreign %v of a machine that counts nothing", *got)
	}
}

// TestUntilQuiet: a machine that becomes quiet is waited for, one that does not
// is given up.
func TestUntilQuiet(t *testing.T) {
	for name, test := range map[string]struct {
		busy    []float64
		samples int
	}{
		"quiet":    {[]float64{0.09}, 1},
		"for once": {[]float64{0.9, 0.01}, 2},
		"for long": {[]float64{0.9, 0.5, 0.01}, 3},
		"always":   {[]float64{0.9}, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			s, said := watch(&watchedMachine{busy: test.busy})
			all, err := s.untilQuiet(t.Context(), SampleFor, sampleTries)
			if err != nil || len(all) != test.samples || time.Since(began) != time.Duration(test.samples)*SampleFor {
				t.Errorf("%s: %d samples in %v, %v", name, len(all), time.Since(began), err)
			}
			if n := strings.Count(said.String(), "name7, pid 7"); n != test.samples-1 {
				t.Errorf("%s: said %q", name, said)
			}
		})
	}
}

// TestSampleInterrupted: whoever ends the run does not wait.
func TestSampleInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s, _ := watch(&watchedMachine{busy: []float64{0.9}})
		if _, err := s.untilQuiet(ctx, SampleFor, sampleTries); !errors.Is(err, errInterrupted) {
			t.Errorf("%v", err)
		}
	})
}
