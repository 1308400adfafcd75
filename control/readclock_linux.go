package control

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// clock reads a clock in nanoseconds; 0 where it cannot be read. It calls through
// RawSyscall: who reads the clock in a loop, as a server that burns does, would
// otherwise keep sysmon awake, which takes a tenth of the same CPU.
func clock(id int32) int64 {
	var t unix.Timespec
	if _, _, errno := unix.RawSyscall(unix.SYS_CLOCK_GETTIME, uintptr(id), uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		return 0
	}
	return t.Nano()
}
