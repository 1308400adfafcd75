package calibrate

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"medusa/experiments/truthd"
	"medusa/results"
)

// onCPU runs f on a thread of its own that is tied to a CPU.
func onCPU(cpu int, f func() error) error {
	done := make(chan error, 1)
	go func() {
		// Never unlocked: the thread with the narrow mask ends with the
		// goroutine.
		runtime.LockOSThread()
		var set unix.CPUSet
		set.Set(cpu)
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			done <- fmt.Errorf("tying a thread to CPU %d: %w", cpu, err)
			return
		}
		done <- f()
	}()
	return <-done
}

// MeasureFloor measures the wake floor between two CPUs (eventfd(2)).
//
// While it measures, the collector is off: it would wait for a thread that the
// kernel holds until the other one, which the collector has stopped, wakes it.
// (The other goroutines need places beside those two for the same reason.)
func MeasureFloor(a, b int) (f results.WakeFloor, err error) {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	block, err := roundTrips(a, b, 0, blockRounds, blockGap)
	if err != nil {
		return f, err
	}
	poll, err := roundTrips(a, b, unix.EFD_NONBLOCK, pollRounds, 0)
	return results.WakeFloor{Block: floorOf(block), Poll: floorOf(poll)}, err
}

// roundTrips makes rounds between CPU a, which measures, and CPU b.
func roundTrips(a, b, flags, rounds int, gap time.Duration) (out []int64, err error) {
	var fds [2]int
	for i := range fds {
		if fds[i], err = unix.Eventfd(0, unix.EFD_CLOEXEC|flags); err != nil {
			return nil, os.NewSyscallError("eventfd", err)
		}
		defer unix.Close(fds[i])
	}
	if err := onCPU(a, func() error { return nil }); err != nil {
		return nil, err // before anybody waits for it
	}
	// Both threads are in their places before the first round: in it they wait
	// for each other without end.
	tied, answered := make(chan struct{}), make(chan error, 1)
	go func() {
		answered <- onCPU(b, func() error {
			close(tied)
			for range rounds {
				if err := take(fds[0]); err != nil {
					return err
				}
				if err := give(fds[1]); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	out = make([]int64, rounds)
	measure := func() error {
		select {
		case <-tied:
		case err := <-answered:
			return err
		}
		pause := unix.NsecToTimespec(int64(gap))
		start := time.Now()
		for i := range out {
			if gap > 0 {
				unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&pause)), 0, 0)
			}
			before := time.Since(start)
			if err := give(fds[0]); err != nil {
				return err
			}
			if err := take(fds[1]); err != nil {
				return err
			}
			out[i] = int64(time.Since(start) - before)
		}
		return <-answered
	}
	if err := onCPU(a, measure); err != nil {
		return nil, err
	}
	return out, nil
}

// give and take go to the kernel directly: around a wrapped call Go's scheduler
// may take the thread's place away, which is not the floor's fault.

func give(fd int) error {
	one := [8]byte{}
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&one)), 8)
	if errno != 0 {
		return os.NewSyscallError("write", errno)
	}
	return nil
}

// take waits until there is something: in the kernel, or by asking again where
// the descriptor does not block.
func take(fd int) error {
	var count [8]byte
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&count)), 8)
		switch errno {
		case 0:
			return nil
		case unix.EAGAIN, unix.EINTR:
		default:
			return os.NewSyscallError("read", errno)
		}
	}
}

// bareLoop reads the clock on a CPU for d. The collector is off: its workers
// would take that CPU, and would count as the machine.
func bareLoop(cpu int, d time.Duration) (p *truthd.Pauses, err error) {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	err = onCPU(cpu, func() error {
		start := time.Now()
		p = truthd.Watch(func() int64 { return int64(time.Since(start)) }, int64(d))
		return nil
	})
	return p, err
}
