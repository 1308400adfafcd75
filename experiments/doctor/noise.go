package doctor

import (
	"fmt"
	"strings"
	"time"

	"medusa/results"
)

// The bounds of a sample. Above `warn` a trial in this state would be noisy;
// above `stop` it must not begin.
//
// Other programs: a trial is noisy above 2 % of all CPUs' time
// (results.QuietForeign). A sample of some seconds is too short to refuse for
// less than a tenth of one CPU, which on a machine of two is 5 %.
//
// Steal: trials are noisy above 0.5 %, and nothing but waiting helps.
//
// Pressure (PSI, "some": the share of time in which a task waited for a CPU):
// while nothing is measured it is what others cause. Above 2 points trials
// wait, too; at a tenth, a CPU is contended.
const (
	stopForeignCPU = 0.10 // of one CPU
	warnPressure   = 0.02
	stopPressure   = 0.10
	busyLoad       = 0.5 // of CPUs: a load average from which on something ran within the last minute

	oldCertificate = 30 * 24 * time.Hour
)

// ForeignMost is what other programs may use during a sample before a run is
// refused, of all CPUs' time.
func ForeignMost(cpus int) float64 {
	return max(results.QuietForeign, stopForeignCPU/float64(max(cpus, 1)))
}

// sampled runs a judge on a share of the sample.
func sampled(f *Facts, of func(*results.MachineSample) *float64, judge func(share float64) answer) answer {
	if f.Sample == nil {
		return answer{omit: true}
	}
	share := of(f.Sample)
	if share == nil {
		return answer{}
	}
	return judge(*share)
}

// otherPrograms judges what others used.
func otherPrograms(f *Facts, _ []Needs) answer {
	return sampled(f, func(s *results.MachineSample) *float64 { return s.ForeignShare }, func(share float64) answer {
		s := f.Sample
		found := fmt.Sprintf("%s of all CPUs over %s", percent(share), seconds(s.DurationNs))
		remedy := "wait until they have ended (top shows who)"
		if len(s.Busiest) > 0 {
			found += " (" + Busiest(s) + ")"
			remedy = fmt.Sprintf("wait until they have ended (top -p %d), or end them (kill %[1]d)", s.Busiest[0].PID)
		}
		most := ForeignMost(s.CPUs)
		switch {
		case share > most:
			return stop(found, fmt.Sprintf("%s are allowed: trials beside them would be noisy", percent(most)), remedy).byNoise()
		case share > results.QuietForeign:
			return warning(found, fmt.Sprintf("trials with more than %s are noisy, and are repeated", percent(results.QuietForeign)), remedy).byNoise()
		}
		return fine(found)
	})
}

// Busiest names the processes that used most.
func Busiest(s *results.MachineSample) string {
	var names []string
	for _, p := range s.Busiest {
		name := p.Name
		if name == "" {
			name = "one that ended"
		}
		names = append(names, fmt.Sprintf("%s, pid %d: %s of a CPU", name, p.PID, percent(p.CPUShare)))
	}
	return strings.Join(names, "; ")
}

func steal(f *Facts, _ []Needs) answer {
	return sampled(f, func(s *results.MachineSample) *float64 { return s.StealShare }, func(share float64) answer {
		if share > results.QuietSteal {
			return stop(percent(share)+" of all CPUs", fmt.Sprintf("the hypervisor gives them to others; trials are noisy above %s", percent(results.QuietSteal)),
				"wait, or a machine whose CPUs are not shared").byNoise()
		}
		return fine(percent(share))
	})
}

func pressure(f *Facts, _ []Needs) answer {
	return sampled(f, func(s *results.MachineSample) *float64 { return s.PSISomeShare }, func(share float64) answer {
		found := percent(share) + " of the time a task waited for a CPU"
		switch {
		case share > stopPressure:
			return stop(found, "CPUs are contended: trials would wait for them, too", "wait; top shows who").byNoise()
		case share > warnPressure:
			return warning(found, "trials may wait for a CPU, too", "wait; top shows who").byNoise()
		}
		return fine(found)
	})
}

// Busy says whether a run must not begin in the state that a sample shows.
func Busy(s *results.MachineSample) bool {
	f := &Facts{Sample: s}
	for _, check := range []func(*Facts, []Needs) answer{otherPrograms, steal, pressure} {
		if check(f, nil).level == results.CheckupStop {
			return true
		}
	}
	return false
}

// loadAverage looks back beyond a sample.
func loadAverage(f *Facts, _ []Needs) answer {
	if f.Load1 == nil {
		return answer{}
	}
	found := fmt.Sprintf("%.2f over a minute", *f.Load1)
	if *f.Load1 > busyLoad*float64(max(f.Machine.CPUs, 1)) {
		return note(found, "something ran within the last minute, and may run again", "uptime, and wait until it is under 0.5").byNoise()
	}
	return fine(found)
}

// drivers are the commands of medusa that put a load on the machine by
// themselves.
var drivers = []string{"run", "rerun", "calibrate", "bench", "dispatch", "load"}

// medusas looks for other runs: two at once measure each other, and both see a
// quiet machine while neither has begun.
func medusas(f *Facts, _ []Needs) answer {
	if f.Machine.OS != "linux" {
		return answer{}
	}
	if len(f.Others) == 0 {
		return fine("none")
	}
	first, driving := f.Others[0], false
	for _, p := range f.Others {
		words := strings.Fields(p.Command)
		for _, d := range drivers {
			if !driving && len(words) > 1 && words[1] == d {
				first, driving = p, true
			}
		}
	}
	found := fmt.Sprintf("pid %d (%s)", first.PID, short(first.Command))
	if more := len(f.Others) - 1; more > 0 {
		found += fmt.Sprintf(", and %d more", more)
	}
	if driving {
		return stop(found, "two measurements at once disturb each other", fmt.Sprintf("wait for it, or kill -INT %d", first.PID)).byNoise()
	}
	return warning(found, "it uses a CPU of the trials when it is asked", fmt.Sprintf("kill %d", first.PID)).byNoise()
}

// short cuts a command line to what fits beside other things.
func short(command string) string {
	const most = 60
	if r := []rune(command); len(r) > most {
		return string(r[:most]) + "..."
	}
	return command
}

func seconds(ns int64) string { return fmt.Sprintf("%.1f s", float64(ns)/1e9) }

// age writes a time span in one unit.
func age(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d min", int(d.Minutes()))
}
