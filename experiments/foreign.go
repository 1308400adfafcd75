package experiments

import (
	"fmt"
	"slices"
	"strings"
)

// defers reports whether a thread of the kernel does what programs left to it:
// softirqs that were too many to be handled at once (ksoftirqd), callbacks of RCU,
// by which closed sockets are freed, and work queues. A server that opens and
// closes a connection for each request keeps them busy for 2 to 3 % of two CPUs on
// a machine on which nothing else runs, so they are no sign of another program;
// one that is there shows by its own time. Threads that work for nobody, such as
// those that reclaim or compact memory, count as others.
func defers(name string) bool {
	for _, prefix := range []string{"ksoftirqd/", "rcu", "kworker/"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// deferredGrown is the CPU time that the kernel's threads of that kind used
// between two readings, in nanoseconds, as far as they lived in both or began.
func deferredGrown(before, after windowReading) (ns float64) {
	for pid, is := range after.Others {
		if after.Deferred[pid] {
			ns += float64(max(is-before.Others[pid], 0))
		}
	}
	return ns
}

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
		if is, there := after.Others[pid]; (!there || is < was) && !before.Deferred[pid] {
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
		if slices.Contains(after.Own, pid) || after.Deferred[pid] {
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
		if slices.Contains(after.Own, pid) || after.Deferred[pid] {
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
