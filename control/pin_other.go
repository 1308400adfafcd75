//go:build !linux

package control

import (
	"fmt"
	"runtime"
)

// Pin keeps the whole process on the given CPUs, on systems that can do that.
func Pin(cpus []int) error {
	if len(cpus) == 0 {
		return nil
	}
	return fmt.Errorf("pinning to CPUs %v: not possible on %s; leave the CPU list out", cpus, runtime.GOOS)
}

// CPUs are the CPUs that the process may run on. It is empty where that is
// unknown.
func CPUs() []int { return []int{} }
