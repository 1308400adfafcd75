package control

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Pin keeps the whole process on the given CPUs and sets GOMAXPROCS to their
// number. It is called first thing in a process. Pinning only one thread would
// leave the runtime's own threads to burn the CPU of whoever is measured there.
func Pin(cpus []int) error {
	if len(cpus) == 0 {
		return nil
	}
	var set unix.CPUSet
	for _, cpu := range cpus {
		if cpu < 0 || cpu >= len(set)*strconv.IntSize {
			return fmt.Errorf("CPU %d: there is no such CPU", cpu)
		}
		set.Set(cpu)
	}
	if err := pinThreads(&set); err != nil {
		return fmt.Errorf("pinning to CPUs %v: %w (allowed are %v)", cpus, err, CPUs())
	}
	var got unix.CPUSet
	if err := unix.SchedGetaffinity(0, &got); err != nil {
		return fmt.Errorf("pinning to CPUs %v: %w", cpus, err)
	}
	if got != set {
		return fmt.Errorf("pinning to CPUs %v: of these the system allows only %v", cpus, list(&got))
	}
	runtime.GOMAXPROCS(set.Count())
	return nil
}

// pinThreads sets the affinity of every thread. A thread inherits that of the
// one that starts it, so when a pass meets only threads that it has set before,
// all are set.
func pinThreads(set *unix.CPUSet) error {
	done := map[int]bool{}
	for {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		before := len(done)
		for _, entry := range threads {
			id, err := strconv.Atoi(entry.Name())
			if err != nil || done[id] {
				continue
			}
			if err := unix.SchedSetaffinity(id, set); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
			done[id] = true
		}
		if len(done) == before {
			return nil
		}
	}
}

// CPUs are the CPUs that the calling thread may run on: after Pin, those of
// the process. It is empty where that is unknown.
func CPUs() []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return []int{}
	}
	return list(&set)
}

func list(set *unix.CPUSet) []int {
	cpus := []int{}
	for cpu := range len(set) * strconv.IntSize {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}
