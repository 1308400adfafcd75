package experiments

import (
	"os"
	"testing"
)

// The signals that a verdict needs are there on Linux, and grow.
func TestSignals(t *testing.T) {
	s := machineSignals()
	pids := []int{os.Getpid(), os.Getppid()}
	before := s.Window(pids)
	if got := speed(ThisHost(nil).probed(1)); len(got) == 0 || got[0] <= 0 {
		t.Errorf("speed %v", got)
	}
	after := s.Window(pids)
	if before.IdleNs == nil || before.Steal == nil || before.OursNs == nil {
		t.Fatalf("reading %+v", before)
	}
	if *after.OursNs <= *before.OursNs || after.WallNs <= before.WallNs || *after.IdleNs < *before.IdleNs {
		t.Errorf("from %+v to %+v", before, after)
	}
	if r := s.Trial(); r.Sockets == nil || r.Overflows == nil || r.Drops == nil || r.Retrans == nil {
		t.Errorf("reading %+v", r)
	}
	// Process numbers end below 2^22 (proc(5), pid_max).
	// A process that is elsewhere, or has ended, makes the sum unknown.
	if r := s.Window(nil); r.OursNs != nil {
		t.Error("CPU time without processes")
	}
	if r := s.Window([]int{1 << 22}); r.OursNs != nil {
		t.Error("CPU time of a process that is not")
	}
	if speed(nil) != nil {
		t.Error("speed of no CPU")
	}
}
