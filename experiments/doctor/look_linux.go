package doctor

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// Look adds what is read below root (proc(5), sysfs(5), cgroups(7)) to the
// facts; root is "/", or a tree made for a test. self is this process, which is
// not among the others.
func Look(f *Facts, root string, self int) {
	t := tree{root}
	f.Loopback = true
	f.Siblings = t.siblings(f.CPUs)
	f.Turbo = t.turbo()
	f.Clocks = strings.Fields(t.line("sys/devices/system/clocksource/clocksource0/available_clocksource"))
	if n, ok := t.numbers("proc/sys/fs/file-nr"); ok {
		f.FilesOpen = &n[0]
	}
	f.HugePages = chosen(t.line("sys/kernel/mm/transparent_hugepage/enabled"))
	count, okCount := t.numbers("proc/sys/net/netfilter/nf_conntrack_count")
	most, okMost := t.numbers("proc/sys/net/netfilter/nf_conntrack_max")
	if okCount && okMost {
		f.Conntrack = &Conntrack{Count: count[0], Max: most[0]}
	}
	f.Container = t.container()
	f.Others = t.medusas(self)
	if quota, ok := t.quota(self); ok {
		f.Quota = &quota
	}
	proc, err := procfs.NewFS(t.path("proc"))
	if err != nil {
		return
	}
	if load, err := proc.LoadAvg(); err == nil {
		f.Load1 = &load.Load1
	}
	if st, err := proc.NetSockstat(); err == nil {
		for _, p := range st.Protocols {
			if p.Protocol == "TCP" {
				f.Sockets, f.TimeWait = &p.InUse, p.TW
			}
		}
	}
	if m, err := proc.Meminfo(); err == nil && m.MemAvailableBytes != nil {
		available := *m.MemAvailableBytes
		if room, ok := t.memoryRoom(self); ok {
			available = min(available, room)
		}
		f.MemoryAvailable = &available
	}
}

// tree reads files below a folder.
type tree struct{ root string }

func (t tree) path(name string) string { return filepath.Join(t.root, name) }

// line is the first line of a file without blanks around it; "" when it cannot
// be read.
func (t tree) line(name string) string {
	b, err := os.ReadFile(t.path(name))
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line)
}

// numbers reads a line of numbers, at least one.
func (t tree) numbers(name string) ([]uint64, bool) {
	var out []uint64
	for _, word := range strings.Fields(t.line(name)) {
		n, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			return nil, false
		}
		out = append(out, n)
	}
	return out, len(out) > 0
}

func (t tree) exists(name string) bool {
	_, err := os.Stat(t.path(name))
	return err == nil
}

// siblings reads which CPUs are threads of one core.
func (t tree) siblings(cpus []int) map[int][]int {
	out := map[int][]int{}
	for _, cpu := range cpus {
		if l := cpuList(t.line("sys/devices/system/cpu/cpu" + strconv.Itoa(cpu) + "/topology/thread_siblings_list")); len(l) > 0 {
			out[cpu] = l
		}
	}
	return out
}

// cpuList reads a list such as "0-2,5" (cpuset(7), list format); nil when it is
// none.
func cpuList(text string) []int {
	var out []int
	for _, part := range strings.Split(text, ",") {
		low, high, ranged := strings.Cut(part, "-")
		if !ranged {
			high = low
		}
		from, errFrom := strconv.Atoi(low)
		to, errTo := strconv.Atoi(high)
		if errFrom != nil || errTo != nil || to-from > 1<<12 {
			return nil
		}
		for cpu := from; cpu <= to; cpu++ {
			out = append(out, cpu)
		}
	}
	return out
}

// turbo reads the switch of either driver of the clock frequency.
func (t tree) turbo() *Turbo {
	for _, s := range []struct{ file, on, off string }{
		{"sys/devices/system/cpu/intel_pstate/no_turbo", "0", "1"},
		{"sys/devices/system/cpu/cpufreq/boost", "1", "0"},
	} {
		if v := t.line(s.file); v != "" {
			return &Turbo{On: v == s.on, Remedy: "echo " + s.off + " | sudo tee /" + s.file}
		}
	}
	return nil
}

// chosen is the word in brackets: "always [madvise] never".
func chosen(line string) string {
	_, rest, ok := strings.Cut(line, "[")
	word, _, _ := strings.Cut(rest, "]")
	if !ok {
		return ""
	}
	return word
}

// container looks for what container runtimes leave. It is a hint: a runtime
// may leave nothing.
func (t tree) container() string {
	for _, file := range []string{".dockerenv", "run/.containerenv"} {
		if t.exists(file) {
			return "there is /" + file
		}
	}
	b, err := os.ReadFile(t.path("proc/1/cgroup"))
	if err != nil {
		return ""
	}
	for _, word := range []string{"docker", "kubepods", "containerd", "lxc", "libpod"} {
		if strings.Contains(string(b), word) {
			return "the control group of process 1 names " + word
		}
	}
	return ""
}

// medusas are the other processes that run this program. Zombies have no
// arguments, and are none.
func (t tree) medusas(self int) []Process {
	entries, err := os.ReadDir(t.path("proc"))
	if err != nil {
		return nil
	}
	var out []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == self {
			continue
		}
		b, err := os.ReadFile(t.path(filepath.Join("proc", e.Name(), "cmdline")))
		if err != nil {
			continue
		}
		args := strings.Split(strings.TrimRight(string(b), "\x00"), "\x00")
		if filepath.Base(args[0]) == "medusa" {
			out = append(out, Process{PID: pid, Command: strings.Join(args, " ")})
		}
	}
	slices.SortFunc(out, func(a, b Process) int { return a.PID - b.PID })
	return out
}

// groups are the folders of a controller that hold this process, from its own
// to the root, of version 2 and of version 1. In a container the path that the
// kernel tells may be of the host, and not be there.
func (t tree) groups(self int, controller string) (v2, v1 []string) {
	b, err := os.ReadFile(t.path(filepath.Join("proc", strconv.Itoa(self), "cgroup")))
	if err != nil {
		return nil, nil
	}
	for line := range strings.Lines(string(b)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		switch {
		case parts[0] == "0" && parts[1] == "":
			v2 = upwards("sys/fs/cgroup", parts[2])
		case slices.Contains(strings.Split(parts[1], ","), controller):
			v1 = upwards(filepath.Join("sys/fs/cgroup", controller), parts[2])
		}
	}
	return v2, v1
}

func upwards(top, path string) []string {
	var out []string
	for path = filepath.Clean("/" + path); ; path = filepath.Dir(path) {
		out = append(out, filepath.Join(top, path))
		if path == "/" {
			return out
		}
	}
}

// quota is how many CPUs' time this process may use: the least of what its
// groups allow; +Inf where none bounds it.
func (t tree) quota(self int) (cpus float64, known bool) {
	v2, v1 := t.groups(self, "cpu")
	cpus = math.Inf(1)
	for _, g := range v2 {
		// "max 100000" or "150000 100000", in microseconds.
		f := strings.Fields(t.line(filepath.Join(g, "cpu.max")))
		if len(f) != 2 {
			continue
		}
		known = true
		quota, err := strconv.ParseFloat(f[0], 64)
		period, errPeriod := strconv.ParseFloat(f[1], 64)
		if err == nil && errPeriod == nil && period > 0 {
			cpus = min(cpus, quota/period)
		}
	}
	for _, g := range v1 {
		quota, err := strconv.ParseFloat(t.line(filepath.Join(g, "cpu.cfs_quota_us")), 64)
		period, errPeriod := strconv.ParseFloat(t.line(filepath.Join(g, "cpu.cfs_period_us")), 64)
		if err != nil || errPeriod != nil {
			continue
		}
		known = true
		if quota > 0 && period > 0 { // -1: no bound
			cpus = min(cpus, quota/period)
		}
	}
	return cpus, known || t.exists("sys/fs/cgroup/cgroup.controllers")
}

// memoryRoom is how much more memory this process's groups allow, in bytes.
func (t tree) memoryRoom(self int) (room uint64, known bool) {
	v2, v1 := t.groups(self, "memory")
	room = math.MaxUint64
	for _, names := range []struct {
		groups     []string
		most, used string
	}{{v2, "memory.max", "memory.current"}, {v1, "memory.limit_in_bytes", "memory.usage_in_bytes"}} {
		for _, g := range names.groups {
			most, okMost := t.numbers(filepath.Join(g, names.most)) // "max" is no number
			used, okUsed := t.numbers(filepath.Join(g, names.used))
			if okMost && okUsed {
				room, known = min(room, most[0]-min(used[0], most[0])), true
			}
		}
	}
	return room, known
}
