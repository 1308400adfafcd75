package control

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Tree takes snapshots of all processes below this one: a server of another
// program, with what it started. Below a subreaper (prctl(2),
// PR_SET_CHILD_SUBREAPER) that includes those whose parents have ended.
type Tree struct {
	switches map[int][2]int64 // voluntary and not, as last seen, by process; kept when it has ended
}

// Below lists the processes below this one, parents before their children.
func (t *Tree) Below() []int { return below(processes(), false) }

// below lists them; those too that have ended and that nobody has waited for, if
// asked: their CPU time is in no sum but their own.
func below(all map[int]stat, ended bool) []int {
	children := map[int][]int{}
	for pid, p := range all {
		if ended || p.state != 'Z' {
			children[p.parent] = append(children[p.parent], pid)
		}
	}
	found := []int{os.Getpid()}
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found[1:]
}

// Take is the snapshot of the processes below this one. Its times and memory
// are sums over them. Its CPU time has that of processes that have ended,
// after their parents waited for them; those that this process did not wait
// for itself in ticks of 10 ms. Of memory that processes share each has its
// share: Pss and Pss_Anon of proc(5). Connections, with full only, are those
// that the kernel has at the address, whoever has accepted them.
func (t *Tree) Take(full bool, at netip.AddrPort) Snapshot {
	var s Snapshot
	all := processes()
	pids := below(all, false)
	if full {
		s.Full = t.full(pids)
		s.Connections = established(at)
	}
	// A process that somebody waits for meanwhile is missed by both sums, so
	// both are made again.
	for range takeTries {
		var whole bool
		if s.CPUNs, s.AtNs, whole = cpuTime(all); whole {
			break
		}
		all = processes()
		pids = below(all, false)
	}
	if t.switches == nil {
		t.switches = map[int][2]int64{}
	}
	for _, pid := range pids {
		if n, ok := switches(pid); ok {
			t.switches[pid] = n
		}
	}
	for _, n := range t.switches {
		s.VoluntarySwitches += n[0]
		s.InvoluntarySwitches += n[1]
	}
	s.PIDs = pids
	return s
}

// takeTries is how often a snapshot's CPU time is summed at most.
const takeTries = 4

// cpuTime sums the CPU time of all processes below this one, and of those that
// have ended. whole is false if one of them was waited for meanwhile.
func cpuTime(all map[int]stat) (cpu, at int64, whole bool) {
	pids := below(all, true)
	for _, pid := range pids {
		cpu += all[pid].ended
	}
	var ended unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &ended); err == nil {
		cpu += ended.Utime.Nano() + ended.Stime.Nano()
	}
	// Nothing but clocks from here to the stamp.
	whole = true
	for _, pid := range pids {
		ns := clock(processClock(pid))
		whole = whole && ns > 0 // even a process that has just begun has used some
		cpu += ns
	}
	return cpu, Monotonic(), whole
}

// processClock names the CPU clock of another process: clock_getcpuclockid(3).
func processClock(pid int) int32 { return int32(^pid<<3 | 2) }

// stat is a part of /proc/PID/stat.
type stat struct {
	parent int
	state  byte
	ended  int64 // CPU time of its children that it waited for, in nanoseconds
}

// tick is what times in /proc/PID/stat are counted in: USER_HZ, 100 on all that
// Go runs on.
const tick = 1e9 / 100

// processes reads all of /proc.
func processes() map[int]stat {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil
	}
	out := map[int]stat{}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue // it has ended
		}
		if p, ok := parseStat(text); ok {
			out[pid] = p
		}
	}
	return out
}

// parseStat reads a line of /proc/PID/stat. The program's name, in brackets,
// may hold anything.
func parseStat(text []byte) (stat, bool) {
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return stat{}, false
	}
	f := strings.Fields(string(text[end+1:])) // from field 3 on
	if len(f) < 15 {
		return stat{}, false
	}
	parent, errParent := strconv.Atoi(f[1])
	user, errUser := strconv.ParseInt(f[13], 10, 64)
	system, errSystem := strconv.ParseInt(f[14], 10, 64)
	return stat{parent, f[0][0], (user + system) * tick}, errParent == nil && errUser == nil && errSystem == nil
}

// switches sums the context switches of a process's threads.
func switches(pid int) (n [2]int64, ok bool) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		return n, false
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		voluntary, okV := number(text, "voluntary_ctxt_switches:")
		involuntary, okI := number(text, "nonvoluntary_ctxt_switches:")
		if okV && okI {
			n[0], n[1], ok = n[0]+voluntary, n[1]+involuntary, true
		}
	}
	return n, ok
}

func (t *Tree) full(pids []int) *Full {
	f := &Full{AnonBytes: -1, RunDelayNs: -1, Sockets: -1, SlabBytes: -1}
	f.machine()
	var anon int64
	known := len(pids) > 0
	for _, pid := range pids {
		if fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)); err == nil {
			f.OpenFDs += len(fds)
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue // it has ended, or is another user's
		}
		if kib, ok := number(text, "Pss:"); ok {
			f.RSSBytes += kib << 10
		}
		kib, ok := number(text, "Pss_Anon:")
		anon, known = anon+kib<<10, known && ok
	}
	if known {
		f.AnonBytes = anon
	}
	return f
}

// established counts the TCP connections at a local address that a server has
// to do with: established, or closed by the client only (proc(5), net/tcp).
func established(at netip.AddrPort) int {
	name := "/proc/net/tcp"
	if at.Addr().Is6() {
		name = "/proc/net/tcp6"
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return 0
	}
	return countConnections(text, at)
}

func countConnections(text []byte, at netip.AddrPort) int {
	local := hexAddress(at)
	n := 0
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) > 3 && string(f[1]) == local && slices.Contains([]string{"01", "08"}, string(f[3])) {
			n++
		}
	}
	return n
}

// hexAddress writes an address as /proc/net/tcp does: words of 32 bits in the
// machine's order of bytes, little-endian on all that this runs on.
func hexAddress(at netip.AddrPort) string {
	var b strings.Builder
	raw := at.Addr().AsSlice()
	for ; len(raw) >= 4; raw = raw[4:] {
		fmt.Fprintf(&b, "%02X%02X%02X%02X", raw[3], raw[2], raw[1], raw[0])
	}
	fmt.Fprintf(&b, ":%04X", at.Port())
	return b.String()
}
