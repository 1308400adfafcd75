package experiments

import (
	"fmt"
	"slices"
)

// othersGrown is the CPU time that other processes used between two readings,
// in nanoseconds. ok is false if some of it may not be known: a process ended
// meanwhile, or one may have begun and ended. The system counts threads that begin
// like processes, but what they use is their process's: each that is found in a
// process that was there before explains one.
//
// What is not idle and not ours would be an upper bound that is always known,
// but it bills other programs for what belongs to none: falling asleep and
// waking. With one request at a time, a CPU does that for each, and it came to
// 3 to 4 % of the CPUs on a quiet machine.
func othersGrown(before, after windowReading) (ns float64, ok bool) {
	if before.Others == nil || after.Others == nil || before.Forks == nil || after.Forks == nil {
		return 0, false
	}
	for pid, was := range before.Others {
		if is, there := after.Others[pid]; !there || is < was {
			return 0, false
		}
	}
	// What is counted as begun: processes, with their threads, and threads that
	// processes of both readings have more, the trial's own among them.
	begun := 0
	for pid, threads := range after.Threads {
		if was, there := before.Threads[pid]; there {
			begun += max(threads-was, 0)
		}
	}
	for pid, is := range after.Others {
		was, there := before.Others[pid]
		if !there {
			begun += max(after.Threads[pid], 1)
		}
		if slices.Contains(after.Own, pid) {
			continue
		}
		ns += float64(is - was)
	}
	return ns, *after.Forks-*before.Forks <= uint64(begun)
}

// mostForeign names the other process that used the most CPU time between two
// readings, with its share of all CPUs: "sh (pid 4711) 24.1 %". "" where none
// used a tenth of a percent, or it is not known. Of processes that ended
// meanwhile nothing is known.
func mostForeign(before, after windowReading) string {
	const least = 0.001
	total := float64(after.WallNs-before.WallNs) * float64(after.CPUs)
	most, who := int64(0), 0
	for pid, is := range after.Others {
		if slices.Contains(after.Own, pid) {
			continue
		}
		// One that has begun meanwhile was at 0.
		if d := is - before.Others[pid]; d > most || d == most && d > 0 && pid < who {
			most, who = d, pid
		}
	}
	if share := float64(most) / total; total > 0 && share >= least && after.Name != nil {
		return fmt.Sprintf("%s (pid %d) %.1f %%", after.Name(who), who, 100*share)
	}
	return ""
}
