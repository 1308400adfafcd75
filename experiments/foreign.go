package experiments

// othersGrown is the CPU time that other processes used between two readings,
// in nanoseconds. ok is false if some of it may not be known: a process ended
// meanwhile, or one may have begun and ended.
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
	begun := uint64(0)
	for pid, is := range after.Others {
		was, there := before.Others[pid]
		if !there {
			begun++
		}
		ns += float64(is - was)
	}
	return ns, *after.Forks-*before.Forks <= begun
}
