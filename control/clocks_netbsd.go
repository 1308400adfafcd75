package control

// x/sys lacks these two of NetBSD's <sys/time.h>.
const (
	clockMonotonic = 3          // CLOCK_MONOTONIC
	clockProcess   = 0x40000000 // CLOCK_PROCESS_CPUTIME_ID
)
