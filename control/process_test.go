package control

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

func TestTake(t *testing.T) {
	runtime.GC()
	before := Take(true)
	for start := Monotonic(); Monotonic()-start < int64(20*time.Millisecond); {
	}
	runtime.GC()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ballast := make([]byte, 32<<20)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	after := Take(true)
	if spent := after.AtNs - before.AtNs; spent < int64(20*time.Millisecond) {
		t.Errorf("%d ns passed", spent)
	}
	if after.CPUNs <= before.CPUNs {
		t.Errorf("CPU time from %d to %d", before.CPUNs, after.CPUNs)
	}
	if after.GCCycles <= before.GCCycles {
		t.Errorf("collections from %d to %d", before.GCCycles, after.GCCycles)
	}
	if after.Full.OpenFDs != before.Full.OpenFDs+1 {
		t.Errorf("descriptors from %d to %d", before.Full.OpenFDs, after.Full.OpenFDs)
	}
	if after.Full.HeapBytes < before.Full.HeapBytes+uint64(len(ballast))/2 {
		t.Errorf("heap from %d to %d", before.Full.HeapBytes, after.Full.HeapBytes)
	}
	if after.Full.RSSBytes < int64(len(ballast)) {
		t.Errorf("resident: %d", after.Full.RSSBytes)
	}
	if runtime.GOOS == "linux" && (after.Full.AnonBytes < int64(len(ballast)) || after.Full.RunDelayNs < 0 || after.Full.Sockets < 0) {
		t.Errorf("full: %+v", after.Full)
	}
	if Take(false).Full != nil {
		t.Error("the cheap snapshot has the expensive part")
	}
	runtime.KeepAlive(ballast)
}

// TestSettle: what is garbage is not in the memory of a settled process, what
// is live is.
func TestSettle(t *testing.T) {
	const size = 64 << 20
	live, garbage := filled(size), filled(size)
	before := Take(true)
	runtime.KeepAlive(garbage)
	garbage = nil
	Settle()
	after := Take(true)
	if freed := int64(before.Full.HeapBytes) - int64(after.Full.HeapBytes); freed < size-size/16 {
		t.Errorf("the heap went from %d to %d", before.Full.HeapBytes, after.Full.HeapBytes)
	}
	if runtime.GOOS == "linux" {
		if freed := before.Full.AnonBytes - after.Full.AnonBytes; freed < size-size/16 {
			t.Errorf("anonymous memory went from %d to %d", before.Full.AnonBytes, after.Full.AnonBytes)
		}
		if after.Full.AnonBytes < size || after.Full.SlabBytes <= 0 || after.Full.UnusedBytes <= 0 {
			t.Errorf("settled: %+v", after.Full)
		}
	}
	runtime.KeepAlive(live)
}

// filled returns memory of which every page is there.
func filled(size int) []byte {
	b := make([]byte, size)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	return b
}

func TestUsable(t *testing.T) {
	for _, test := range []struct {
		limit uint64
		open  int
		want  int
	}{{64, 6, 64 - 6 - Reserve}, {8, 6, 0}, {1 << 63, 0, 1<<30 - Reserve}} {
		if got := Usable(test.limit, test.open); got != test.want {
			t.Errorf("%d, %d: %d, want %d", test.limit, test.open, got, test.want)
		}
	}
}

// TestPin leaves the affinity as it found it.
func TestPin(t *testing.T) {
	all := CPUs()
	if len(all) == 0 {
		if err := Pin([]int{0}); err == nil {
			t.Error("no error where pinning is not possible")
		}
		t.Skip("SKIPPED: this system cannot pin")
	}
	procs := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(procs)
	if err := Pin(nil); err != nil || fmt.Sprint(CPUs()) != fmt.Sprint(all) {
		t.Errorf("nothing to pin: %v, %v", err, CPUs())
	}
	if err := Pin(all[:1]); err != nil {
		t.Fatal(err)
	}
	// Goroutines on any of the threads, and on new ones.
	seen := make(chan string, 32)
	for range cap(seen) {
		go func() {
			runtime.LockOSThread() // it ends with its thread
			seen <- fmt.Sprint(CPUs())
		}()
	}
	for range cap(seen) {
		if got, want := <-seen, fmt.Sprint(all[:1]); got != want {
			t.Errorf("a thread runs on %s, want %s", got, want)
		}
	}
	if got := runtime.GOMAXPROCS(0); got != 1 {
		t.Errorf("GOMAXPROCS is %d", got)
	}
	if err := Pin(all); err != nil || fmt.Sprint(CPUs()) != fmt.Sprint(all) {
		t.Errorf("back: %v, %v", err, CPUs())
	}
	for _, bad := range [][]int{{-1}, {1 << 20}, {all[0], 1023}} {
		if err := Pin(bad); err == nil {
			t.Errorf("%v: no error; on %v now", bad, CPUs())
			if err := Pin(all); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := Pin(all); err != nil {
		t.Fatal(err)
	}
}

func TestSetNoFile(t *testing.T) {
	had := NoFile()
	if err := SetNoFile(1 << 62); err == nil {
		t.Errorf("a limit of 2^62 was set: %d", NoFile())
	} else if NoFile() != had {
		t.Errorf("after %v the limit is %d, not %d", err, NoFile(), had)
	}
}
