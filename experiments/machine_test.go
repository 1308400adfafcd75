package experiments

import (
	"math"
	"os"
	"runtime"
	"slices"
	"testing"
)

func ptr[T any](v T) *T { return &v }

func TestMachinePart(t *testing.T) {
	// A window of 1 s on two CPUs: 0.5 s idle, 0.1 s stolen, 1.2 s ours, so
	// 0.2 s were somebody else's.
	before := windowReading{WallNs: 5e9, CPUs: 2, IdleNs: ptr(int64(7e9)), Steal: ptr(int64(1e9)), OursNs: ptr(int64(3e9)), PSI: ptr(int64(1e9)), RunDelay: ptr(int64(2e8))}
	after := windowReading{WallNs: 6e9, CPUs: 2, IdleNs: ptr(int64(7.5e9)), Steal: ptr(int64(1.1e9)), OursNs: ptr(int64(4.2e9)), PSI: ptr(int64(1.25e9)), RunDelay: ptr(int64(2.6e8))}
	start := trialReading{Sockets: ptr(10), Overflows: ptr(uint64(3)), Drops: ptr(uint64(4)), Retrans: ptr(uint64(0))}
	end := trialReading{Sockets: ptr(12), Overflows: ptr(uint64(8)), Drops: ptr(uint64(10)), Retrans: ptr(uint64(2))}
	m := machinePart(before, after, start, end)
	near := func(name string, got *float64, want float64) {
		t.Helper()
		if got == nil || *got < want-1e-9 || *got > want+1e-9 {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	near("steal", m.StealShare, 0.05)
	near("foreign", m.ForeignShare, 0.1)
	near("pressure", m.PSISomeShare, 0.25)
	near("run delay", m.RunDelayShare, 0.06)
	if *m.SocketsBefore != 10 || *m.SocketsAfter != 12 || *m.ListenOverflows != 5 || *m.ListenDrops != 6 || *m.SynRetrans != 2 || len(m.Unknown) > 0 {
		t.Errorf("part %+v", m)
	}

	// What is not known is named, and is not zero.
	m = machinePart(windowReading{WallNs: 1, CPUs: 2}, windowReading{WallNs: 2, CPUs: 2}, trialReading{}, trialReading{})
	want := []string{"steal", "foreign CPU", "CPU pressure", "run delay", "sockets in use", "listen overflows", "listen drops", "SYN retransmissions"}
	if m.StealShare != nil || m.ForeignShare != nil || m.SocketsBefore != nil || m.ListenOverflows != nil || !slices.Equal(m.Unknown, want) {
		t.Errorf("part %+v", m)
	}

	// Rounding of ticks never makes a share negative.
	after.OursNs = ptr(int64(6e9))
	if m := machinePart(before, after, start, end); *m.ForeignShare != 0 {
		t.Errorf("foreign %v", *m.ForeignShare)
	}
}

// TestForeignCPU: what other processes used counts by their own clocks, where
// none of them can have been missed, and by what is not idle else.
func TestForeignCPU(t *testing.T) {
	reading := func(wall, idle int64, forks uint64, others map[int]int64) windowReading {
		return windowReading{WallNs: wall, CPUs: 1, IdleNs: &idle, Steal: ptr(int64(0)), OursNs: ptr(int64(0)), Forks: &forks, Others: others}
	}
	before := reading(0, 0, 10, map[int]int64{1: 5e7, 2: 1e7})
	for name, test := range map[string]struct {
		forks  uint64
		others map[int]int64
		want   float64
	}{
		"none":              {10, map[int]int64{1: 5e7, 2: 1e7}, 0},
		"some":              {10, map[int]int64{1: 6e7, 2: 3e7}, 0.03},
		"one began":         {11, map[int]int64{1: 5e7, 2: 1e7, 3: 2e7}, 0.02},
		"one ended":         {10, map[int]int64{1: 5e7}, 0.4},
		"one was replaced":  {10, map[int]int64{1: 5e7, 2: 1e6}, 0.4},
		"one came and went": {11, map[int]int64{1: 5e7, 2: 1e7}, 0.4},
		"not known":         {10, nil, 0.4},
	} {
		m := machinePart(before, reading(1e9, 6e8, test.forks, test.others), trialReading{}, trialReading{})
		if m.ForeignShare == nil || *m.ForeignShare < test.want-1e-9 || *m.ForeignShare > test.want+1e-9 {
			t.Errorf("%s: %v, want %v", name, *m.ForeignShare, test.want)
		}
	}
	// A thread is no process that came and went: the trial's own begin some, too.
	for name, test := range map[string]struct {
		forks         uint64
		before, after map[int]int
		want          float64
	}{
		"a thread of another":        {11, map[int]int{1: 2, 2: 1, 9: 5}, map[int]int{1: 3, 2: 1, 9: 5}, 0.01},
		"threads of the trial's":     {13, map[int]int{1: 2, 2: 1, 9: 5}, map[int]int{1: 2, 2: 1, 9: 8}, 0.01},
		"and one that has ended":     {13, map[int]int{1: 2, 2: 1, 9: 5}, map[int]int{1: 1, 2: 1, 9: 8}, 0.01},
		"and one that came and went": {14, map[int]int{1: 2, 2: 1, 9: 5}, map[int]int{1: 2, 2: 1, 9: 8}, 0.4},
		"threads not known before":   {11, nil, map[int]int{1: 3, 2: 1, 9: 8}, 0.4},
	} {
		before, after := before, reading(1e9, 6e8, test.forks, map[int]int64{1: 6e7, 2: 1e7})
		before.Threads, after.Threads = test.before, test.after
		m := machinePart(before, after, trialReading{}, trialReading{})
		if m.ForeignShare == nil || *m.ForeignShare < test.want-1e-9 || *m.ForeignShare > test.want+1e-9 {
			t.Errorf("%s: %v, want %v", name, *m.ForeignShare, test.want)
		}
	}
	// What the kernel's threads do for programs is told apart, and one of them that
	// ends hides no program; those that work for nobody are others.
	for name, test := range map[string]struct {
		forks    uint64
		others   map[int]int64
		want     float64
		deferred float64
	}{
		"busy":                      {10, map[int]int64{1: 6e7, 2: 9e7}, 0.01, 0.08},
		"ended":                     {10, map[int]int64{1: 6e7}, 0.01, 0},
		"one more began":            {11, map[int]int64{1: 6e7, 2: 1e7, 4: 3e7}, 0.01, 0.03},
		"a program came and went":   {11, map[int]int64{1: 6e7, 2: 9e7}, 0.32, 0.08},
		"a program ended meanwhile": {10, map[int]int64{2: 9e7}, 0.32, 0.08},
	} {
		before, after := before, reading(1e9, 6e8, test.forks, test.others)
		before.Deferred, after.Deferred = map[int]bool{2: true}, map[int]bool{2: true, 4: true}
		after.Name = func(int) string { return "sh" }
		m := machinePart(before, after, trialReading{}, trialReading{})
		if m.ForeignShare == nil || math.Abs(*m.ForeignShare-test.want) > 1e-9 || m.DeferredShare == nil || math.Abs(*m.DeferredShare-test.deferred) > 1e-9 {
			t.Errorf("%s: foreign %v, deferred %v; want %v and %v", name, *m.ForeignShare, *m.DeferredShare, test.want, test.deferred)
		}
		if _, ok := test.others[1]; ok && m.ForeignMost != "sh (pid 1) 1.0 %" {
			t.Errorf("%s: most foreign is %q", name, m.ForeignMost)
		}
	}
	for name, want := range map[string]bool{"ksoftirqd/0": true, "kworker/1:2-mm_percpu_wq": true, "rcu_preempt": true, "rcuop/1": true, "kswapd0": false, "kcompactd0": false, "kdamond.0": false, "jbd2/vda-8": false} {
		if defers(name) != want {
			t.Errorf("%s defers: %v", name, !want)
		}
	}
	// One that the trial's server began counts as begun, and is not foreign.
	after := reading(1e9, 6e8, 11, map[int]int64{1: 5e7, 2: 2e7, 3: 4e8})
	after.Own, after.Name = []int{3}, func(int) string { return "child" }
	m := machinePart(before, after, trialReading{}, trialReading{})
	if m.ForeignShare == nil || *m.ForeignShare < 0.01-1e-9 || *m.ForeignShare > 0.01+1e-9 || m.ForeignMost != "child (pid 2) 1.0 %" {
		t.Errorf("beside a child of its own: %v, most %q, want 0.01 of pid 2", *m.ForeignShare, m.ForeignMost)
	}
}

// A process that turns out to do the work of the trial's own is not foreign,
// and what it used before is not billed to the window.
func TestWindowClaims(t *testing.T) {
	before := windowReading{Others: map[int]int64{1: 5, 2: 40}, OursNs: ptr(int64(100))}
	if had := before.claim([]int{2, 9}); !slices.Equal(had, []int{2}) || *before.OursNs != 140 || len(before.Others) != 1 {
		t.Errorf("claimed %v: %+v, ours %d", had, before, *before.OursNs)
	}
	unknown := windowReading{}
	if had := unknown.claim([]int{2}); had != nil || unknown.OursNs != nil {
		t.Errorf("claimed %v of nothing known", had)
	}
}

func TestMachineFacts(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m := machineFacts(self, "v1", []BackendInfo{{"epoll", ""}, {"kqueue", "no"}})
	if m.OS != runtime.GOOS || m.Kernel == "" || len(m.BinarySHA256) != 64 || m.NoFileHard == 0 || m.Medusa != "v1" || m.Backends["kqueue"] != "no" || m.MemoryBytes == 0 {
		t.Errorf("machine %+v", m)
	}
	m = machineFacts("/no/such/file", "", nil)
	if !slices.Contains(m.Unknown, "binary_sha256") || m.Medusa == "" {
		t.Errorf("machine %+v", m)
	}
}

func TestThisHost(t *testing.T) {
	h := ThisHost(testHost().Backends)
	if len(h.CPUs) == 0 || h.NoFile == 0 || len(h.Backends) != 5 {
		t.Errorf("host %+v", h)
	}
	if got := h.here(); !slices.Equal(got, []string{"select", "poll", "epoll", "goroutines"}) {
		t.Errorf("here: %v", got)
	}
}
