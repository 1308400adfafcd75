package control

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// OpenFDs counts the descriptors that the process has open; -1 where it
// cannot be told.
func OpenFDs() int {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return -1
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return -1
	}
	return len(names) - 1 // without the one that was opened here
}

// system fills in what Linux tells under /proc: proc(5).
func (f *Full) system() {
	if text, err := os.ReadFile("/proc/self/smaps_rollup"); err == nil {
		if kib, ok := number(text, "Rss:"); ok {
			f.RSSBytes = kib << 10
		}
		if kib, ok := number(text, "Anonymous:"); ok {
			f.AnonBytes = kib << 10
		}
	}
	f.RunDelayNs = runDelay()
	f.machine()
}

// machine fills in what is of the whole system.
func (f *Full) machine() {
	if text, err := os.ReadFile("/proc/net/sockstat"); err == nil {
		if n, ok := number(text, "TCP: inuse"); ok {
			f.Sockets = int(n)
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		if kib, ok := number(text, "Slab:"); ok {
			f.SlabBytes = kib << 10
		}
		for _, key := range []string{"MemFree:", "Buffers:", "Cached:"} {
			if kib, ok := number(text, key); ok {
				f.UnusedBytes += kib << 10
			}
		}
	}
}

// runDelay sums, over the threads, the time spent waiting for a CPU. The
// process's own schedstat is that of its first thread only.
func runDelay() int64 {
	files, err := filepath.Glob("/proc/self/task/*/schedstat")
	if err != nil || len(files) == 0 {
		return -1
	}
	var sum int64
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		fields := bytes.Fields(text)
		if len(fields) < 2 {
			return -1
		}
		n, err := strconv.ParseInt(string(fields[1]), 10, 64)
		if err != nil {
			return -1
		}
		sum += n
	}
	return sum
}

// number finds the number after a key at the beginning of a line.
func number(text []byte, key string) (int64, bool) {
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte(key))
		if !ok {
			continue
		}
		if fields := bytes.Fields(rest); len(fields) > 0 {
			n, err := strconv.ParseInt(string(fields[0]), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
