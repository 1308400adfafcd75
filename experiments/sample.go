package experiments

import (
	"context"
	"os"
	"slices"
	"time"

	"medusa/experiments/doctor"
	"medusa/results"
)

// SampleFor is how long the machine is watched. What disturbs a trial of a
// second or two is seen in three.
const SampleFor = 3 * time.Second

// A build that is about to end gets two more chances before a run is refused.
const (
	sampleTries  = 3
	sampleAnyway = 500 * time.Millisecond // where it only serves the record
	sampleNames  = 3                      // processes that are named
	sampleLeast  = 0.005                  // of one CPU, to be named
)

// sampler looks at a machine in which this program does nothing.
type sampler struct {
	signals signals
	name    func(pid int) string // "" where it has ended
	say     func(format string, args ...any)
}

// sample looks for a time. nil where the system tells nothing, which takes no
// time.
func (s sampler) sample(ctx context.Context, d time.Duration) (*results.MachineSample, error) {
	self := []int{os.Getpid()}
	before := s.signals.Window(self)
	if before.IdleNs == nil && before.Steal == nil && before.PSI == nil {
		return nil, nil
	}
	if err := pause(ctx, d); err != nil {
		return nil, err
	}
	after := s.signals.Window(self)
	m := machinePart(before, after, trialReading{}, trialReading{})
	out := &results.MachineSample{
		DurationNs: after.WallNs - before.WallNs, CPUs: after.CPUs,
		StealShare: m.StealShare, PSISomeShare: m.PSISomeShare, ForeignShare: notIdle(before, after),
	}
	for pid, used := range others(before, after) {
		share := float64(used) / float64(out.DurationNs)
		if share >= sampleLeast {
			out.Busiest = append(out.Busiest, results.BusyProcess{PID: pid, CPUShare: share})
		}
	}
	slices.SortFunc(out.Busiest, func(a, b results.BusyProcess) int {
		if a.CPUShare != b.CPUShare && a.CPUShare > b.CPUShare {
			return -1
		} else if a.CPUShare != b.CPUShare {
			return 1
		}
		return a.PID - b.PID
	})
	out.Busiest = out.Busiest[:min(len(out.Busiest), sampleNames)]
	for i := range out.Busiest {
		out.Busiest[i].Name = s.name(out.Busiest[i].PID)
	}
	return out, nil
}

// notIdle is the share of all CPUs' time that was neither idle nor stolen nor
// this program's. While a trial runs that would bill others for what belongs
// to none (see othersGrown); while nothing runs there is nothing of the kind,
// and it has those, too, that came and went, and those outside of a container.
func notIdle(before, after windowReading) *float64 {
	// A container's runtime may make up a /proc/stat whose counters stay 0.
	if before.IdleNs == nil || *before.IdleNs == 0 {
		return nil
	}
	idle, okIdle := grown(before.IdleNs, after.IdleNs)
	ours, okOurs := grown(before.OursNs, after.OursNs)
	total := float64(after.WallNs-before.WallNs) * float64(after.CPUs)
	if !okIdle || !okOurs || total <= 0 {
		return nil
	}
	stolen, _ := grown(before.Steal, after.Steal)
	share := min(max((total-idle-stolen-ours)/total, 0), 1)
	return &share
}

// others is what each other process used, in nanoseconds; one that began
// meanwhile has used all that it has.
func others(before, after windowReading) map[int]int64 {
	out := map[int]int64{}
	for pid, is := range after.Others {
		was := before.Others[pid]
		if is < was { // another process by the same number
			was = 0
		}
		out[pid] = is - was
	}
	return out
}

// untilQuiet samples up to tries times, and stops at the first sample in which
// a run may begin.
func (s sampler) untilQuiet(ctx context.Context, d time.Duration, tries int) ([]results.MachineSample, error) {
	var out []results.MachineSample
	for i := range tries {
		m, err := s.sample(ctx, d)
		if err != nil || m == nil {
			return out, err
		}
		out = append(out, *m)
		if !doctor.Busy(m) {
			return out, nil
		}
		if i+1 < tries {
			who := doctor.Busiest(m)
			if who == "" {
				who = "what did it has ended, or cannot be seen from here"
			}
			s.say("the machine is busy (%s); looking again for %v\n", who, d)
		}
	}
	return out, nil
}
